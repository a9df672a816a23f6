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

"""
A node that turns a mobile base to the nearest face: it reads frames face_<id>, and sends cmd_vel.

Run the nodes with -p "outputs:=['poses']", or have that in a parameter file. The camera is taken
to look where the base drives, so that its own frame will do; where it looks elsewhere, let tf2_ros
transform face_<id> to the base. On a pan-tilt head, send the angle to its controller.
"""

from collections.abc import Iterable
import math
import signal

from geometry_msgs.msg import TransformStamped
from geometry_msgs.msg import Twist
import rclpy
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from tf2_msgs.msg import TFMessage

GAIN = 1.0
"""Turning speed in 1/s: rad/s for each radian beside the middle."""

FASTEST = 0.6
"""In rad/s."""

DEAD_ZONE = math.radians(3)
"""So near to the middle it stands still."""

PATIENCE = 0.5
"""Seconds without a face after which it stands still."""


def turning_speed(faces: Iterable[TransformStamped]) -> float:
    """Return the speed in rad/s towards the nearest face, positive to the left."""
    places = [face.transform.translation for face in faces]
    nearest = min(places, key=lambda place: math.hypot(place.x, place.y, place.z))
    angle = -math.atan2(nearest.x, nearest.z)  # x is to the right, z forward
    if abs(angle) < DEAD_ZONE:
        return 0.0
    return min(max(GAIN * angle, -FASTEST), FASTEST)


class Turner(Node):
    """Turns to where the nearest face is, and stands still without one."""

    def __init__(self) -> None:
        super().__init__('turner')
        self._speed = self.create_publisher(Twist, 'cmd_vel', 1)
        self.create_subscription(TFMessage, '/tf', self._on_transforms, 10)
        self._patience = self.create_timer(PATIENCE, self.stand_still)

    def _on_transforms(self, msg: TFMessage) -> None:
        faces = [each for each in msg.transforms if each.child_frame_id.startswith('face_')]
        if faces:  # others publish on /tf as well
            self._patience.reset()
            self._turn(turning_speed(faces))

    def stand_still(self) -> None:
        """Publish that the robot is not to turn."""
        self._turn(0.0)

    def _turn(self, speed: float) -> None:
        command = Twist()
        command.angular.z = speed
        self._speed.publish(command)


if __name__ == '__main__':
    # Without rclpy's own handlers the context outlives Ctrl-C, and the robot can still be stopped.
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    turner = Turner()
    try:
        rclpy.spin(turner)
    except KeyboardInterrupt:
        turner.stand_still()
