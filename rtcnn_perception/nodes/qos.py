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

"""Quality of service: profiles of publishers, and subscriptions to images that match them."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from rclpy.clock import Clock
from rclpy.clock import ClockType
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy
from rclpy.qos import HistoryPolicy
from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy
from rclpy.subscription import Subscription
from rclpy.topic_endpoint_info import TopicEndpointInfo
from rtcnn_perception.nodes.diagnostics import ERROR
from rtcnn_perception.nodes.diagnostics import Finding
from rtcnn_perception.nodes.diagnostics import WARN
from rtcnn_perception.nodes.log_text import bounded

IMAGE_DEPTH = 5
"""
Images that wait for a callback, 5 as in the sensor data profile.

It only has to bridge a pause of the process: callbacks pass the newest image on at once, and
older ones are dropped and counted there.
"""

PATIENCE = 5.0
"""Seconds without a publisher before a warning."""

HAS_MESSAGE_INFO = hasattr(Subscription, 'CallbackType')
"""Whether rclpy passes the number of a message to a callback; that of Humble does not."""

DISCOVERY_PERIOD = 0.1
"""Seconds between checks for the first publisher."""

RESULTS = QoSProfile(
    history=HistoryPolicy.KEEP_LAST, depth=10, reliability=ReliabilityPolicy.RELIABLE
)
"""For small messages that must not be lost: rois, attributes, diagnostics."""

IMAGES_OFFERED = QoSProfile(
    history=HistoryPolicy.KEEP_LAST, depth=2, reliability=ReliabilityPolicy.RELIABLE
)
"""
For published images: reliable, which a best-effort subscription receives as well.

Only the last are kept, so that a slow subscriber blocks no other.
"""


def image_profile(
    reliability: ReliabilityPolicy, durability: DurabilityPolicy = DurabilityPolicy.VOLATILE
) -> QoSProfile:
    """Return the profile of a subscription to images."""
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=IMAGE_DEPTH,
        reliability=reliability,
        durability=durability,
    )


def match(publishers: Sequence[TopicEndpointInfo]) -> QoSProfile | None:
    """
    Return the profile that receives from all of these publishers, None where there are none yet.

    A reliable subscription receives nothing from a best-effort publisher, and a transient-local
    one nothing from a volatile publisher: the lowest level offered is requested, and no lower one,
    so that images of a reliable camera are not lost.
    """
    if not publishers:
        return None
    offered = [publisher.qos_profile for publisher in publishers]
    is_reliable = all(profile.reliability == ReliabilityPolicy.RELIABLE for profile in offered)
    is_latched = all(profile.durability == DurabilityPolicy.TRANSIENT_LOCAL for profile in offered)
    return image_profile(
        ReliabilityPolicy.RELIABLE if is_reliable else ReliabilityPolicy.BEST_EFFORT,
        DurabilityPolicy.TRANSIENT_LOCAL if is_latched else DurabilityPolicy.VOLATILE,
    )


QOS: Mapping[str, Callable[[Sequence[TopicEndpointInfo]], QoSProfile | None]] = {
    'auto': match,
    'sensor_data': lambda _publishers: image_profile(ReliabilityPolicy.BEST_EFFORT),
    'reliable': lambda _publishers: image_profile(ReliabilityPolicy.RELIABLE),
}
"""How a subscription's profile follows from the publishers, by the value of ``qos``."""


def topics_of_type(topics: Iterable[tuple[str, Sequence[str]]], type_name: str) -> tuple[str, ...]:
    """Return the sorted names of the topics that have a type, such as sensor_msgs/msg/Image."""
    return tuple(sorted(name for name, types in topics if type_name in types))


class ImageSubscription:
    """
    Subscribe to a topic, matching what its publishers offer as they come and go.

    Where the profile depends on the publishers, it subscribes once there is one: changing a
    profile means a new subscription, and images that are lost meanwhile.

    Images that were published and never came are counted by the gaps between their numbers: the
    event for lost messages leaves out what a queue that is full replaces, which is the most of it.

    :param node: the subscriber
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
        self._unpublished_since: float | None = clock()
        self._has_warned = False
        self._subscription: Subscription | None = None
        self._profile: QoSProfile | None = None
        self._last_number: int | None = None
        self._lost = 0
        self._is_numbered = HAS_MESSAGE_INFO
        self._timer = node.create_timer(
            DISCOVERY_PERIOD, self.check, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )
        self.check()

    @property
    def topic(self) -> str:
        """Name of the topic after remapping."""
        return str(self._topic)

    @property
    def qos(self) -> QoSProfile | None:
        """Return the present profile; None before there is a publisher."""
        return self._profile

    @property
    def lost(self) -> int | None:
        """
        Return the number of images between the first and the last received that never came.

        None where rclpy or the middleware does not number them. While there are several
        publishers, whose numbers cannot be separated, none are counted.
        """
        return self._lost if self._is_numbered else None

    def close(self) -> None:
        """Unsubscribe."""
        self._node.destroy_timer(self._timer)
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)

    def check(self) -> None:
        """Match the present publishers, and warn once if there is none for long."""
        publishers = self._publishers()
        if publishers:
            self._unpublished_since, self._has_warned = None, False
        else:
            self._warn_without_publisher()
        profile = self._choose(publishers)
        if profile is not None and profile != self._profile:
            self._subscribe(profile)

    def findings(self) -> Iterator[Finding]:
        """Yield that there is no publisher: an error after some time."""
        if self._unpublished_since is not None:
            is_long = self._clock() - self._unpublished_since >= PATIENCE
            yield Finding(ERROR if is_long else WARN, f'no publisher of {self.topic}')

    def _publishers(self) -> list[TopicEndpointInfo]:
        return [
            each
            for each in self._node.get_publishers_info_by_topic(self._topic)
            if each.topic_type == self._type_name
        ]

    def _on_message(self, msg: object, info: Mapping[str, Any]) -> None:
        number = info['publication_sequence_number']
        if number is None:
            self._is_numbered = False
        else:
            self._count_lost(number)
        self._callback(msg)

    def _count_lost(self, number: int) -> None:
        """Count what is missing before an image; a publisher that restarted begins at 1 again."""
        last, self._last_number = self._last_number, number
        if last is not None and number > last + 1 and len(self._publishers()) == 1:
            self._lost += number - last - 1

    def _subscribe(self, profile: QoSProfile) -> None:
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
        self._profile = profile
        self._subscription = self._node.create_subscription(
            self._message_type,
            self._topic,
            self._on_message if HAS_MESSAGE_INFO else self._callback,
            profile,
        )
        self._timer.cancel()
        self._node.get_logger().info(
            f'subscribed to {self.topic}: {profile.reliability.name}, {profile.durability.name}'
        )

    def _warn_without_publisher(self) -> None:
        now = self._clock()
        if self._unpublished_since is None:
            self._unpublished_since = now
        if self._has_warned or now - self._unpublished_since < PATIENCE:
            return
        self._has_warned = True
        others = topics_of_type(self._node.get_topic_names_and_types(), self._type_name)
        found = ', '.join(name for name in others if name != self.topic) or 'none'
        self._node.get_logger().warning(
            bounded(f'no publisher of {self.topic}; topics of type {self._type_name} are: {found}')
        )
