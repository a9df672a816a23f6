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

"""A topic that a node subscribes to: who publishes it, and why nothing comes."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy
from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy
from rclpy.topic_endpoint_info import TopicEndpointInfo
from rtcnn_perception.nodes.subscriptions.losses import HAS_MESSAGE_INFO
from rtcnn_perception.nodes.subscriptions.losses import LossCounter

IMAGE, COMPRESSED = 'sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage'

ADVICE = {
    (COMPRESSED, IMAGE): ': set image_transport to compressed, and remap to its base topic',
    (IMAGE, COMPRESSED): ': set image_transport to raw',
}
"""What to do, by the type that is there and the one that is wanted."""

OWN_IMAGES = ('faces/image', 'faces/image_annotated', 'faces/saliency', 'faces/saliency/mosaic')
"""Images that the nodes of this package publish; those below, such as compressed ones, too."""


class Topic:
    """
    Messages of one type on one topic, as a subscriber receives them.

    :param node: the subscriber
    :param message_type: such as Image
    :param name: as the node names it, before remapping
    :param clock: seconds of a clock that does not jump
    :ivar losses: of the messages, where the subscriber counts them
    """

    def __init__(
        self, node: Node, message_type: type[Any], name: str, clock: Callable[[], float]
    ) -> None:
        self._node = node
        self._clock = clock
        self._last = clock()
        self.losses = LossCounter(self.publishers)
        package = message_type.__module__.partition('.')[0]
        self.type_name = f'{package}/msg/{message_type.__name__}'
        self.name = str(node.resolve_topic_name(name))
        self.is_own = name in OWN_IMAGES

    def tick(self) -> None:
        """Note that a message came."""
        self._last = self._clock()

    def noted(
        self, callback: Callable[[Any], None], on_others: Callable[[], None] = lambda: None
    ) -> Callable[..., None]:
        """
        Return a callback of a subscription that notes each message, and what is lost.

        :param on_others: called before a message by which other publishers than before are found
        """

        def on_message(msg: object) -> None:
            self.tick()
            callback(msg)

        def on_numbered(msg: object, info: Mapping[str, Any]) -> None:
            if self.losses.count(info):
                on_others()
            on_message(msg)

        return on_numbered if HAS_MESSAGE_INFO else on_message

    @property
    def silent_for(self) -> float:
        """Seconds since the last message, or since the subscription."""
        return self._clock() - self._last

    def publishers(self) -> list[TopicEndpointInfo]:
        """Return the publishers of the type."""
        return [
            each
            for each in self._node.get_publishers_info_by_topic(self.name)
            if each.topic_type == self.type_name
        ]

    def why_silent(self, profile: QoSProfile | None) -> str:
        """
        Return why no message comes to a subscription, as the end of a sentence.

        :param profile: of the subscription; None where it waits for a publisher
        """
        publishers = self.publishers()
        if not publishers:
            all_types = {
                each.topic_type for each in self._node.get_publishers_info_by_topic(self.name)
            }
            found = min(all_types - {self.type_name}, default='')
            if not found:
                return f'no publisher of {self.name}'
            advice = ADVICE.get((found, self.type_name), '')
            return f'{self.name} has messages of {found}, no {self.type_name}{advice}'
        if profile is not None and not any(offers(each, profile) for each in publishers):
            return (
                f'no publisher of {self.name} offers {profile.reliability.name}, '
                f'{profile.durability.name}, as this node requests'
            )
        return (
            f'the publisher of {self.name} sends nothing: it is inactive, hangs, was killed, or '
            'uses a transport that this process does not have (docs/ros.md)'
        )

    def where_else(self) -> str:
        """Return where such messages are to be had, for one who subscribes to the wrong topic."""
        if self.is_own:
            return 'it comes from the camera node of this package, in the same namespace'
        others = topics_of_type(self._node.get_topic_names_and_types(), self.type_name)
        own = {str(self._node.resolve_topic_name(each)) for each in OWN_IMAGES}
        ends = tuple(f'/{each}' for each in OWN_IMAGES)
        found = [
            name
            for name in others
            if not name.removesuffix('/compressed').endswith(ends)
            and name not in {self.name, *own}
            and self._node.count_publishers(name)
        ]
        return f'topics of type {self.type_name} are: {", ".join(found) or "none"}'


def offers(publisher: TopicEndpointInfo, profile: QoSProfile) -> bool:
    """Return whether a publisher offers at least what a subscription requests."""
    offered = publisher.qos_profile
    is_unreliable = offered.reliability == ReliabilityPolicy.BEST_EFFORT
    is_volatile = offered.durability == DurabilityPolicy.VOLATILE
    wants_reliable = profile.reliability == ReliabilityPolicy.RELIABLE
    wants_last = profile.durability == DurabilityPolicy.TRANSIENT_LOCAL
    return not (wants_reliable and is_unreliable) and not (wants_last and is_volatile)


def topics_of_type(topics: Iterable[tuple[str, Sequence[str]]], type_name: str) -> tuple[str, ...]:
    """Return the sorted names of the topics that have a type, such as sensor_msgs/msg/Image."""
    return tuple(sorted(name for name, types in topics if type_name in types))
