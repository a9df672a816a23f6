# Copyright 2026 The rtcnn_perception authors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""A node that greets who looks at the robot, once until they leave: it reads faces/events."""

from contextlib import suppress

import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rtcnn_perception.msg import FaceEvent


class LookingGreeter(Node):
    """Greets each face once."""

    def __init__(self) -> None:
        super().__init__('looking_greeter')
        self._greeted: set[int] = set()
        # Volatile, as is the default here: what happened before this node began is left out.
        self.create_subscription(FaceEvent, 'faces/events', self._on_event, QoSProfile(depth=50))

    def _on_event(self, event: FaceEvent) -> None:
        if event.type == FaceEvent.STARTED_LOOKING and event.track_id not in self._greeted:
            self._greeted.add(event.track_id)
            self.get_logger().info(f'hello, face {event.track_id}')
        elif event.type == FaceEvent.LEFT:
            self._greeted.discard(event.track_id)


if __name__ == '__main__':
    rclpy.init()
    with suppress(KeyboardInterrupt, ExternalShutdownException):
        rclpy.spin(LookingGreeter())
