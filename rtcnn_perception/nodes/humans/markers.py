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

"""The output markers: ``faces/markers`` for rviz."""

from __future__ import annotations

from rclpy.node import Node
from rtcnn_perception.core.results import FrameResult
from rtcnn_perception.nodes.conversions.images import header_of
from rtcnn_perception.nodes.conversions.markers import all_gone_marker
from rtcnn_perception.nodes.conversions.markers import face_markers
from rtcnn_perception.nodes.conversions.markers import gone_markers
from rtcnn_perception.nodes.conversions.spatial import posed_faces
from rtcnn_perception.nodes.humans.output import Output
from rtcnn_perception.nodes.parameters.humans import HumansParameters
from rtcnn_perception.nodes.qos import RESULTS
from visualization_msgs.msg import MarkerArray


class MarkersOutput(Output):
    """
    Publishes the markers of the heads that have a pose, and deletes those of others.

    A first subscriber gets rid of what it may still show from before.
    """

    def __init__(self, node: Node, parameters: HumansParameters) -> None:
        super().__init__(node, parameters)
        self._markers = self._publish_on(MarkerArray, 'faces/markers', RESULTS)
        self._is_subscribed = False
        self._shown: set[int] = set()

    def publish(self, result: FrameResult) -> None:
        was_subscribed = self._is_subscribed
        self._is_subscribed = self._markers.get_subscription_count() > 0
        if not self._is_subscribed:
            self._shown = set()
            return
        header, prefix = header_of(result.frame), self._parameters.id_prefix
        markers = [] if was_subscribed else [all_gone_marker(header)]
        before, self._shown = self._shown, set()
        for face, pose in posed_faces(result, with_coasted=True):
            self._shown.add(face.track_id)
            name = self._parameters.id_of(face.track_id)
            texts = [name, *result.texts(face)]
            markers += face_markers(face, pose, header, prefix, texts)
        for track_id in before - self._shown:
            markers += gone_markers(track_id, header, prefix)
        self._markers.publish(MarkerArray(markers=markers))

    def clear(self) -> None:
        self._is_subscribed, self._shown = False, set()


make = MarkersOutput
