"""The picture with the faces drawn in, for whoever wants to see it."""

from __future__ import annotations

from collections.abc import Callable

from rclpy.node import Node
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.pipeline import Frame
from rtcnn_perception.nodes.conversions.images import compressed_to_msg
from rtcnn_perception.nodes.conversions.images import header_of
from rtcnn_perception.nodes.conversions.images import image_to_msg
from rtcnn_perception.nodes.qos import IMAGES_OFFERED
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image


class AnnotatedPublisher:
    """Publishes ``faces/image_annotated``, raw and as JPEG; draws only where somebody listens."""

    def __init__(self, node: Node) -> None:
        """Make the publishers."""
        topic = 'faces/image_annotated'
        self._raw = node.create_publisher(Image, topic, IMAGES_OFFERED)
        self._compressed = node.create_publisher(
            CompressedImage, f'{topic}/compressed', IMAGES_OFFERED
        )

    def publish(self, frame: Frame, draw: Callable[[], ImageBGR], jpeg_quality: int) -> None:
        """
        Publish one picture, unless nobody listens.

        :param frame: whose header it has
        :param draw: makes the picture
        :param jpeg_quality: 1 to 100
        """
        wants_raw = self._raw.get_subscription_count() > 0
        wants_compressed = self._compressed.get_subscription_count() > 0
        if not wants_raw and not wants_compressed:
            return
        picture, header = draw(), header_of(frame)
        if wants_raw:
            self._raw.publish(image_to_msg(picture, header))
        if wants_compressed:
            self._compressed.publish(compressed_to_msg(picture, header, jpeg_quality))
