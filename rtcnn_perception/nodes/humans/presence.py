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

"""The outputs events and who: ``faces/events`` and ``faces/who``."""

from __future__ import annotations

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy
from rclpy.qos import HistoryPolicy
from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy
from rclpy.service import Service
from rtcnn_perception.core.presence.changes import Change
from rtcnn_perception.core.presence.presence import Presence
from rtcnn_perception.core.results import FrameResult
from rtcnn_perception.msg import FaceEvent
from rtcnn_perception.nodes.conversions.presence import event_to_msg
from rtcnn_perception.nodes.conversions.presence import fill_who
from rtcnn_perception.nodes.conversions.presence import seconds_of
from rtcnn_perception.nodes.humans.output import Output
from rtcnn_perception.nodes.parameters.humans import HumansParameters
from rtcnn_perception.srv import Who

EVENTS = QoSProfile(
    history=HistoryPolicy.KEEP_LAST,
    depth=50,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)
"""A subscriber that comes late gets the last events too."""


class PresenceOutput(Output):
    """Publishes events, and answers who is there now."""

    def __init__(self, node: Node, parameters: HumansParameters) -> None:
        super().__init__(node, parameters)
        self._presence = Presence(parameters.presence)
        self._events = None
        self._service: Service | None = None
        if 'events' in parameters.outputs:
            self._events = self._publish_on(FaceEvent, 'faces/events', EVENTS)
        if 'who' in parameters.outputs:
            self._service = node.create_service(Who, 'faces/who', self._on_who)

    def publish(self, result: FrameResult) -> None:
        self._publish_changes(self._presence.update(result), result)

    def apply(self, parameters: HumansParameters) -> None:
        super().apply(parameters)
        self._presence.config = parameters.presence

    def clear(self) -> None:
        last, _ = self._presence.people()
        if last is not None:
            self._publish_changes(self._presence.clear(), last)

    def close(self) -> None:
        if self._service is not None:
            self._node.destroy_service(self._service)
            self._service = None
        super().close()

    def _publish_changes(self, changes: tuple[Change, ...], result: FrameResult) -> None:
        if self._events is not None:
            for change in changes:
                self._events.publish(event_to_msg(change, result.frame))

    def _on_who(self, request: Who.Request, response: Who.Response) -> Who.Response:
        return fill_who(response, *self._presence.people(seconds_of(request)))


make = PresenceOutput
