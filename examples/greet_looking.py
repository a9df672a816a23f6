"""A node that greets who looks at the robot, once until they leave: it reads faces/events."""

from contextlib import suppress

import rclpy
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rtcnn_perception.msg import FaceEvent


class LookingGreeter(Node):
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
    with suppress(KeyboardInterrupt):
        rclpy.spin(LookingGreeter())
