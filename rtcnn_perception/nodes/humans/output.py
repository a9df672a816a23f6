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

"""What every output of the humans node is."""

from __future__ import annotations

from abc import ABC
from abc import abstractmethod
from typing import Any

from rclpy.event_handler import PublisherEventCallbacks
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import HistoryPolicy
from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy
from rtcnn_perception.core.results import FrameResult
from rtcnn_perception.nodes.parameters.humans import HumansParameters

NEWEST = QoSProfile(
    history=HistoryPolicy.KEEP_LAST, depth=1, reliability=ReliabilityPolicy.RELIABLE
)
"""For what each frame replaces."""


class Output(ABC):
    """
    One form in which faces are published, made when the node is configured.

    ``publish`` is called in the thread of the node's worker, the others never at the same time.
    """

    def __init__(self, node: Node, parameters: HumansParameters) -> None:
        """Make what is there without a face."""
        self._node = node
        self._parameters = parameters
        self._publishers: list[Publisher] = []

    @property
    def publishers(self) -> tuple[Publisher, ...]:
        """Return those that last until ``close``."""
        return tuple(self._publishers)

    @property
    def wants_image(self) -> bool:
        """Whether what needs the image itself has a subscriber; any thread may ask."""
        return False

    @abstractmethod
    def publish(self, result: FrameResult) -> None:
        """
        Publish the faces of a frame to whoever subscribes.

        Its image is there where one of the outputs wants it, unless it was lost.
        """

    def apply(self, parameters: HumansParameters) -> None:
        """Take changed parameters; this alone is called at any time."""
        self._parameters = parameters

    def clear(self) -> None:  # noqa: B027 - an output without a memory has nothing to do
        """Let all faces leave: no further frame comes."""

    def close(self) -> None:
        """Destroy the publishers."""
        while self._publishers:
            self._node.destroy_publisher(self._publishers.pop())

    def _publish_on(self, message_type: type[Any], topic: str, qos: QoSProfile) -> Publisher:
        """Make a publisher that lasts until ``close``."""
        self._publishers.append(make_publisher(self._node, message_type, topic, qos))
        return self._publishers[-1]


def make_publisher(
    node: Node, message_type: type[Any], topic: str, qos: QoSProfile = NEWEST
) -> Publisher:
    """
    Make a publisher from any thread.

    It has no handlers of events: these are entities of the node, which the executor's thread goes
    through meanwhile.
    """
    callbacks = PublisherEventCallbacks(use_default_callbacks=False)
    return node.create_publisher(message_type, topic, qos, event_callbacks=callbacks)
