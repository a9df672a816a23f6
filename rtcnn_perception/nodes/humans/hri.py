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

"""
The output hri: the topics of faces of ROS4HRI (REP-155), below ``/humans/faces``.

A consumer learns from ``tracked`` which faces there are, and drops those that are missing. So it
comes with every frame, and the topics of faces exist while it has a subscriber.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
import re
from typing import Any
from typing import Final

from hri_msgs.msg import Expression
from hri_msgs.msg import FacialLandmarks
from hri_msgs.msg import IdsList
from hri_msgs.msg import NormalizedRegionOfInterest2D
from hri_msgs.msg import SoftBiometrics
from rclpy.node import Node
from rclpy.publisher import Publisher
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.geometry.portraits import aligned_crop
from rtcnn_perception.core.geometry.portraits import padded_crop
from rtcnn_perception.core.results import Face
from rtcnn_perception.core.results import FrameResult
from rtcnn_perception.nodes.conversions.hri import biometrics_to_msg
from rtcnn_perception.nodes.conversions.hri import expression_to_msg
from rtcnn_perception.nodes.conversions.hri import has_biometrics
from rtcnn_perception.nodes.conversions.hri import has_expression
from rtcnn_perception.nodes.conversions.hri import landmarks_to_msg
from rtcnn_perception.nodes.conversions.hri import roi_to_msg
from rtcnn_perception.nodes.conversions.images import header_of
from rtcnn_perception.nodes.conversions.images import image_to_msg
from rtcnn_perception.nodes.humans.output import make_publisher
from rtcnn_perception.nodes.humans.output import NEWEST
from rtcnn_perception.nodes.humans.output import Output
from rtcnn_perception.nodes.parameters.humans import HumansParameters
from sensor_msgs.msg import Image

ROOT: Final = '/humans/faces'
"""Absolute, as REP-155 demands."""

ROI: Final = re.compile(rf'{ROOT}/([^/]+)/roi')

Convert = Callable[[Face, FrameResult], Any]
Cut = Callable[[Face, FrameResult], ImageBGR | None]


class FaceTopics:
    """The topics of one face."""

    def __init__(
        self, node: Node, name: str, result: FrameResult, size_hw: tuple[int, int]
    ) -> None:
        """
        Make those of what is found and classified; ``result`` says what that is.

        Where one of them cannot be made, as where a policy forbids it, none is left.
        """
        self._node = node
        self._size_hw = size_hw
        self._messages: list[tuple[Publisher, Convert]] = []
        self._images: list[tuple[Publisher, Cut]] = []
        try:
            self._make(name, result)
        except Exception:
            self.close()
            raise

    def _make(self, name: str, result: FrameResult) -> None:
        self._add(name, 'roi', NormalizedRegionOfInterest2D, roi_to_msg)
        if result.landmark_names:
            self._add(name, 'landmarks', FacialLandmarks, landmarks_to_msg)
        if has_expression(result.attributes):
            self._add(name, 'expression', Expression, expression_to_msg)
        if has_biometrics(result.attributes):
            self._add(name, 'softbiometrics', SoftBiometrics, biometrics_to_msg)
        self._add_image(name, 'cropped', self._cropped)
        if result.landmark_names:
            self._add_image(name, 'aligned', self._aligned)

    @property
    def wants_image(self) -> bool:
        """Whether a crop has a subscriber."""
        return any(publisher.get_subscription_count() for publisher, _ in self._images)

    def publish(self, face: Face, result: FrameResult) -> None:
        """
        Publish what has a subscriber, and can be known in this frame.

        Of a face that is not found now nothing is: another person may be in its predicted box.
        """
        if face.is_coasted:
            return
        for publisher, convert in self._messages:
            if publisher.get_subscription_count() and (msg := convert(face, result)) is not None:
                publisher.publish(msg)
        if not result.frame.has_image:
            return
        for publisher, cut in self._images:
            if publisher.get_subscription_count() and (crop := cut(face, result)) is not None:
                publisher.publish(image_to_msg(crop, header_of(result.frame)))

    def close(self) -> None:
        """Destroy the publishers."""
        for publisher, _ in (*self._messages, *self._images):
            self._node.destroy_publisher(publisher)

    def _add(self, name: str, topic: str, message_type: type[Any], convert: Convert) -> None:
        publisher = make_publisher(self._node, message_type, f'{ROOT}/{name}/{topic}')
        self._messages.append((publisher, convert))

    def _add_image(self, name: str, topic: str, cut: Cut) -> None:
        publisher = make_publisher(self._node, Image, f'{ROOT}/{name}/{topic}')
        self._images.append((publisher, cut))

    def _cropped(self, face: Face, result: FrameResult) -> ImageBGR | None:
        return padded_crop(result.frame.image, face.box, self._size_hw)

    def _aligned(self, face: Face, result: FrameResult) -> ImageBGR | None:
        return aligned_crop(result.frame.image, result.region(face), self._size_hw)


class HriOutput(Output):
    """Publishes ``tracked`` and the topics of the faces that are there."""

    def __init__(self, node: Node, parameters: HumansParameters) -> None:
        super().__init__(node, parameters)
        self._size_hw = (parameters.hri.height, parameters.hri.width)
        self._tracked = self._publish_on(IdsList, f'{ROOT}/tracked', NEWEST)
        self._faces: dict[int, FaceTopics] = {}
        self._refused: set[int] = set()
        self._content: object = None
        self._last: FrameResult | None = None
        self._wants_image = False

    @property
    def wants_image(self) -> bool:
        return self._wants_image

    def publish(self, result: FrameResult) -> None:
        if not self._tracked.get_subscription_count():
            self._keep(())
            self._last, self._wants_image = None, False
            return
        content = (result.landmark_names, result.attributes)
        is_same = content == self._content
        self._content = content
        # Where something else is classified, faces get other topics.
        self._keep(face.track_id for face in result.faces if is_same)
        errors = []
        for face in result.faces:
            try:
                self._publish_face(face, result)
            except Exception as error:  # noqa: BLE001, PERF203 - the others are published all the same
                errors.append(error)
        self._wants_image = any(topics.wants_image for topics in self._faces.values())
        self._last = FrameResult(result.frame.without_image())
        self._publish_ids(result)
        if errors:
            raise errors[0]

    def _publish_face(self, face: Face, result: FrameResult) -> None:
        topics = self._faces.get(face.track_id)
        if topics is None:
            if face.track_id in self._refused:
                return
            name = self._parameters.id_of(face.track_id)
            self._refused.add(face.track_id)  # unless it is made: once is enough to try
            topics = FaceTopics(self._node, name, result, self._size_hw)
            self._refused.discard(face.track_id)
            self._faces[face.track_id] = topics
        topics.publish(face, result)

    def clear(self) -> None:
        self._keep(())
        self._wants_image = False
        if self._last is not None:
            self._publish_ids(self._last)
            self._last = None

    def close(self) -> None:
        self._keep(())
        super().close()

    def _keep(self, track_ids: Iterable[int]) -> None:
        """Destroy the topics of all faces but these."""
        kept = set(track_ids)
        self._refused &= kept
        for track_id in self._faces.keys() - kept:
            self._faces.pop(track_id).close()

    def _publish_ids(self, result: FrameResult) -> None:
        own = [self._parameters.id_of(track_id) for track_id in self._faces]
        ids = [*own, *self._ids_of_others(own)]
        self._tracked.publish(IdsList(header=header_of(result.frame), ids=ids))

    def _ids_of_others(self, own: list[str]) -> list[str]:
        """
        Return the faces of other publishers of ``tracked``, such as that of a second camera.

        A consumer drops what one message does not list, whoever sent it: so each lists all. A face
        is there while its required topic is published.
        """
        tracked = f'{ROOT}/tracked'
        if self._node.count_publishers(tracked) < 2:
            return []
        topics = [name for name, _ in self._node.get_topic_names_and_types()]
        matches = [match for match in map(ROI.fullmatch, topics) if match is not None]
        return [
            match[1]
            for match in matches
            if match[1] not in own and self._node.count_publishers(match[0])
        ]


make = HriOutput
