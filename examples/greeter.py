"""A node that reads faces/attributes, and logs the faces that look happy in each frame."""

from contextlib import suppress

import rclpy
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
            if face.msg.quality > 0.5 and face['emotion'].label == 'happy':
                self.get_logger().info(f'face {face.msg.track_id} looks happy')


if __name__ == '__main__':
    rclpy.init()
    with suppress(KeyboardInterrupt):
        rclpy.spin(Greeter())
