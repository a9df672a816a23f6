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

"""Subscriptions to images: they match the publishers, count what is lost, and watch the rate."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

from rclpy.clock import Clock
from rclpy.clock import ClockType
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy
from rclpy.subscription import Subscription
from rclpy.utilities import get_rmw_implementation_identifier
from rtcnn_perception.core.statistics import DeliveryMeter
from rtcnn_perception.nodes.diagnostics import ERROR
from rtcnn_perception.nodes.diagnostics import Finding
from rtcnn_perception.nodes.diagnostics import WARN
from rtcnn_perception.nodes.qos import LOW_RATE
from rtcnn_perception.nodes.qos import QOS
from rtcnn_perception.nodes.subscriptions.topic import Topic
from rtcnn_perception.one_line import bounded
from rtcnn_perception.shared_memory import advice_against_loss

PATIENCE = 5.0
"""Seconds without a publisher before a warning."""

DISCOVERY_PERIOD = 0.1
"""Seconds between checks for the first publisher."""

CHECK_PERIOD = 1.0
"""Seconds between checks once there was one, or none for long."""

LOST_SHARE = 0.05
"""Share of lost images that is worth a warning: a few are lost where a camera starts or pauses."""

BUSY = (
    'the nodes get too little of the processor, or differ in their settings of DDS (docs/ros.md)'
)
"""What may be done about images of another node of this package, which has the same profile."""


class ImageSubscription:
    """
    Subscribe to a topic, matching what its publishers offer as they come and go.

    Where the profile depends on the publishers, it subscribes once there is one: changing a
    profile means a new subscription, and images that are lost meanwhile.

    :param node: the subscriber
    :param message_type: of images, or of what belongs to each of them
    :param topic: as the node names it, before remapping
    :param callback: called with each message
    :param qos: a key of QOS
    :param clock: seconds of a clock that does not jump
    :param is_optional: whether it may be without a publisher: then none is missed
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
        is_optional: bool = False,
    ) -> None:
        self._node = node
        self._message_type = message_type
        self._topic = Topic(node, message_type, topic, clock)
        self._choose = QOS[qos]
        self._callback = callback
        self._clock = clock
        self._unpublished_since: float | None = clock()
        self._has_warned = is_optional
        self._is_optional = is_optional
        self._subscription: Subscription | None = None
        self._profile: QoSProfile | None = None
        self._received = 0
        self._delivery = DeliveryMeter()
        self._on_message = self._topic.noted(self._on_image, self._delivery.restart)
        self._timer = node.create_timer(
            DISCOVERY_PERIOD, self.check, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )
        try:
            self.check()
        except Exception:
            self.close()  # the caller has no object to close
            raise

    @property
    def topic(self) -> str:
        """Name of the topic after remapping."""
        return self._topic.name

    @property
    def qos(self) -> QoSProfile | None:
        """Return the present profile; None before there is a publisher."""
        return self._profile

    @property
    def lost(self) -> int | None:
        """Return the number of images that never came; None where it is not known."""
        return self._topic.losses.lost

    @property
    def silent_for(self) -> float:
        """Seconds since the last image, or since the subscription."""
        return self._topic.silent_for

    def why_silent(self) -> str:
        """Return why no image comes, as the end of a sentence."""
        why = self._topic.why_silent(self._profile)
        may_lose_all = (
            self._profile is not None
            and self._profile.reliability is ReliabilityPolicy.BEST_EFFORT
            and not self._topic.is_own
            and self._topic.publishers()
        )
        return f'{why}; or all images are lost: {self._advice()}' if may_lose_all else why

    def close(self) -> None:
        """Unsubscribe."""
        self._node.destroy_timer(self._timer)
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)

    def check(self) -> None:
        """Match the present publishers, and warn once if there is none for long."""
        publishers = self._topic.publishers()
        if publishers:
            self._unpublished_since, self._has_warned = None, self._is_optional
            if self._topic.losses.note_publishers(publishers):
                self._delivery.restart()
        else:
            self._warn_without_publisher()
        profile = self._choose(publishers)
        if profile is not None and profile != self._profile:
            self._subscribe(profile)

    def findings(self, expected_rate: float | None = None) -> Iterator[Finding]:
        """
        Yield that there is no publisher, that images are lost, or that they come rarely.

        To be called about once a second, as it measures the rate between its calls.

        :param expected_rate: in Hz; 0 for the best at which the present publishers were steady,
            None where the rate does not matter
        """
        if self._unpublished_since is not None:
            is_long = self._clock() - self._unpublished_since >= PATIENCE
            if not self._is_optional:
                yield Finding(ERROR if is_long else WARN, f'no publisher of {self.topic}')
            return
        came = self._delivery.sample(self._clock(), self._received, self.lost or 0)
        if came is None:
            return
        advice = self._advice()
        wanted = self._delivery.best_rate if expected_rate == 0.0 else expected_rate or 0.0
        rates = f'{came.rate:.1f} Hz'
        if came.lost > LOST_SHARE * (came.received + came.lost):
            rates += f' of {came.sent_rate:.1f} Hz'
            yield Finding(WARN, f'{rates} come from {self.topic}, the others are lost: {advice}')
        elif came.rate < LOW_RATE * wanted:
            rates += f' come from {self.topic}, {wanted:.1f} Hz are expected'
            is_known = self.lost is not None
            why = 'it is published no faster' if is_known else f'where they are lost: {advice}'
            yield Finding(WARN, f'{rates}: {why}')

    def _advice(self) -> str:
        """Return what to do about images that are lost."""
        if self._topic.is_own:
            return BUSY
        return advice_against_loss(get_rmw_implementation_identifier())

    def _on_image(self, msg: object) -> None:
        self._received += 1
        self._callback(msg)

    def _subscribe(self, profile: QoSProfile) -> None:
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
            self._subscription, self._profile = None, None
        self._subscription = self._node.create_subscription(
            self._message_type, self.topic, self._on_message, profile
        )
        self._profile = profile  # once it is so: what fails is tried again
        self._check_seldom()
        self._node.get_logger().info(
            f'subscribed to {self.topic}: {profile.reliability.name}, {profile.durability.name}'
        )

    def _warn_without_publisher(self) -> None:
        now = self._clock()
        if self._unpublished_since is None:
            self._unpublished_since = now
        if now - self._unpublished_since < PATIENCE:
            return
        self._check_seldom()
        if self._has_warned:
            return
        self._has_warned = True
        self._node.get_logger().warning(
            bounded(f'no publisher of {self.topic}; {self._topic.where_else()}')
        )

    def _check_seldom(self) -> None:
        self._timer.timer_period_ns = round(CHECK_PERIOD * 1e9)
