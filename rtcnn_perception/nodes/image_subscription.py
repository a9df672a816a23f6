"""A subscription to images that receives from whoever publishes them."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.subscription import Subscription
from rtcnn_perception.nodes.diagnostics import ERROR
from rtcnn_perception.nodes.diagnostics import Finding
from rtcnn_perception.nodes.diagnostics import WARN
from rtcnn_perception.nodes.qos import QOS
from rtcnn_perception.nodes.qos import topics_of_type

PATIENCE = 5.0
"""Seconds without a publisher after which that is worth a warning."""


class ImageSubscription:
    """
    Listen to a topic, matching what its publishers offer as they come and go.

    It listens best effort until there is a publisher, which hears any of them from the start.

    :param node: whose subscription it is
    :param message_type: Image or CompressedImage
    :param topic: as the node names it, before remapping
    :param callback: called with each message
    :param qos: a key of QOS
    :param clock: seconds of a clock that does not jump
    """

    def __init__(
        self,
        node: Node,
        message_type: type[Any],
        topic: str,
        callback: Callable[[Any], None],
        *,
        qos: str,
        clock: Callable[[], float],
    ) -> None:
        self._node = node
        self._message_type = message_type
        self._topic = node.resolve_topic_name(topic)
        self._choose = QOS[qos]
        self._callback = callback
        self._clock = clock
        self._alone_since: float | None = clock()
        self._has_warned = False
        self._profile = self._choose(node.get_publishers_info_by_topic(self._topic))
        self._subscription = self._subscribe()

    @property
    def topic(self) -> str:
        """Name of the topic after remapping."""
        return str(self._topic)

    @property
    def qos(self) -> QoSProfile:
        """What is asked of the publishers now."""
        return self._profile

    def close(self) -> None:
        """Stop listening."""
        self._node.destroy_subscription(self._subscription)

    def check(self) -> None:
        """Match the publishers there are now, and warn once where there is none for long."""
        publishers = self._node.get_publishers_info_by_topic(self._topic)
        if not publishers:
            self._miss_publisher()
            return
        self._alone_since, self._has_warned = None, False
        profile = self._choose(publishers)
        if profile != self._profile:
            self._profile = profile
            self._node.destroy_subscription(self._subscription)
            self._subscription = self._subscribe()
            self._node.get_logger().info(
                f'listening to {self.topic}: {profile.reliability.name}, {profile.durability.name}'
            )

    def findings(self) -> Iterator[Finding]:
        """Say that nobody publishes: an error once that is so for long."""
        if self._alone_since is not None:
            is_long = self._clock() - self._alone_since >= PATIENCE
            yield Finding(ERROR if is_long else WARN, f'nobody publishes {self.topic}')

    def _subscribe(self) -> Subscription:
        return self._node.create_subscription(
            self._message_type, self._topic, self._callback, self._profile
        )

    def _miss_publisher(self) -> None:
        now = self._clock()
        if self._alone_since is None:
            self._alone_since = now
        if self._has_warned or now - self._alone_since < PATIENCE:
            return
        self._has_warned = True
        package = self._message_type.__module__.partition('.')[0]
        type_name = f'{package}/msg/{self._message_type.__name__}'
        others = topics_of_type(self._node.get_topic_names_and_types(), type_name)
        there_are = ', '.join(name for name in others if name != self.topic) or 'none'
        self._node.get_logger().warning(
            f'nobody publishes {self.topic}; topics of type {type_name} are: {there_are}'
        )
