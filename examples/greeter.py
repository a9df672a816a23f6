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

"""A node that reads faces/attributes, and logs the faces that look happy in each frame."""

from contextlib import suppress

import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rtcnn_perception.consumer import faces_of
from rtcnn_perception.msg import FaceAttributes


class Greeter(Node):
    """Logs who looks happy."""

    def __init__(self) -> None:
        super().__init__('greeter')
        self.create_subscription(FaceAttributes, 'faces/attributes', self._on_faces, 10)

    def _on_faces(self, msg: FaceAttributes) -> None:
        for face in faces_of(msg):
            # Wait for a good view before acting; the quality of a coasted face is 0.
            if face.msg.quality <= 0.5 or 'emotion' not in face:
                continue
            if face['emotion'].label == 'happy':
                self.get_logger().info(f'face {face.msg.track_id} looks happy')


if __name__ == '__main__':
    rclpy.init()
    with suppress(KeyboardInterrupt, ExternalShutdownException):
        rclpy.spin(Greeter())
