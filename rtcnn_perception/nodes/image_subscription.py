"""A subscription to images that receives from whoever publishes them."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

from rclpy.clock import Clock
from rclpy.clock import ClockType
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

LOOKING_PERIOD = 0.1
"""Seconds between looks for the first publisher."""


class ImageSubscription:
    """
    Listen to a topic, matching what its publishers offer as they come and go.

    Where the profile depends on the publishers it listens from the moment that there is one: to
    change a profile is to listen anew, and to miss an image meanwhile.

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
        package = message_type.__module__.partition('.')[0]
        self._type_name = f'{package}/msg/{message_type.__name__}'
        self._choose = QOS[qos]
        self._callback = callback
        self._clock = clock
        self._alone_since: float | None = clock()
        self._has_warned = False
        self._subscription: Subscription | None = None
        self._profile: QoSProfile | None = None
        self._looking = node.create_timer(
            LOOKING_PERIOD, self.check, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )
        self.check()

    @property
    def topic(self) -> str:
        """Name of the topic after remapping."""
        return str(self._topic)

    @property
    def qos(self) -> QoSProfile | None:
        """What is asked of the publishers now; None before there is one to ask."""
        return self._profile

    def close(self) -> None:
        """Stop listening."""
        self._node.destroy_timer(self._looking)
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)

    def check(self) -> None:
        """Match the publishers there are now, and warn once where there is none for long."""
        publishers = [
            each
            for each in self._node.get_publishers_info_by_topic(self._topic)
            if each.topic_type == self._type_name
        ]
        if publishers:
            self._alone_since, self._has_warned = None, False
        else:
            self._miss_publisher()
        profile = self._choose(publishers)
        if profile is not None and profile != self._profile:
            self._listen(profile)

    def findings(self) -> Iterator[Finding]:
        """Say that nobody publishes: an error once that is so for long."""
        if self._alone_since is not None:
            is_long = self._clock() - self._alone_since >= PATIENCE
            yield Finding(ERROR if is_long else WARN, f'nobody publishes {self.topic}')

    def _listen(self, profile: QoSProfile) -> None:
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
        self._profile = profile
        self._subscription = self._node.create_subscription(
            self._message_type, self._topic, self._callback, profile
        )
        self._looking.cancel()
        self._node.get_logger().info(
            f'listening to {self.topic}: {profile.reliability.name}, {profile.durability.name}'
        )

    def _miss_publisher(self) -> None:
        now = self._clock()
        if self._alone_since is None:
            self._alone_since = now
        if self._has_warned or now - self._alone_since < PATIENCE:
            return
        self._has_warned = True
        others = topics_of_type(self._node.get_topic_names_and_types(), self._type_name)
        there_are = ', '.join(name for name in others if name != self.topic) or 'none'
        self._node.get_logger().warning(
            f'nobody publishes {self.topic}; topics of type {self._type_name} are: {there_are}'
        )
