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

"""Publishers of pictures, which are drawn only while there is a subscriber."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rclpy.node import Node
from rtcnn_perception.core.drawing.annotate import annotate
from rtcnn_perception.core.results import FrameResult
from rtcnn_perception.core.saliency.explanation import explain_faces
from rtcnn_perception.core.saliency.explanation import has_target
from rtcnn_perception.core.saliency.explanation import load_saliency_models
from rtcnn_perception.core.saliency.explanation import mosaic_row
from rtcnn_perception.core.saliency.explanation import overlay_map
from rtcnn_perception.core.saliency.model import SaliencyModel
from rtcnn_perception.core.saliency.overlay import blend
from rtcnn_perception.core.saliency.overlay import sheet
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.nodes.conversions.images import compressed_to_msg
from rtcnn_perception.nodes.conversions.images import header_of
from rtcnn_perception.nodes.conversions.images import image_to_msg
from rtcnn_perception.nodes.parameters.classifier import ALL
from rtcnn_perception.nodes.parameters.classifier import AnnotationGroup
from rtcnn_perception.nodes.parameters.classifier import ClassifierGroup
from rtcnn_perception.nodes.parameters.classifier import SaliencyGroup
from rtcnn_perception.nodes.qos import IMAGES_OFFERED
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image


class AnnotatedPublisher:
    """Publishes ``faces/image_annotated``, raw and as JPEG."""

    def __init__(self, node: Node) -> None:
        topic = 'faces/image_annotated'
        self._raw = node.create_publisher(Image, topic, IMAGES_OFFERED)
        self._compressed = node.create_publisher(
            CompressedImage, f'{topic}/compressed', IMAGES_OFFERED
        )

    def publish(self, result: FrameResult, parameters: AnnotationGroup) -> None:
        """Draw and publish one picture, unless there is no subscriber."""
        wants_raw = self._raw.get_subscription_count() > 0
        wants_compressed = self._compressed.get_subscription_count() > 0
        if not wants_raw and not wants_compressed:
            return
        picture = annotate(result, bars=parameters.bars, poses=parameters.poses)
        header = header_of(result.frame)
        if wants_raw:
            self._raw.publish(image_to_msg(picture, header))
        if wants_compressed:
            self._compressed.publish(compressed_to_msg(picture, header, parameters.jpeg_quality))


class SaliencyPublisher:
    """
    Publishes ``faces/saliency`` and ``faces/saliency/mosaic``.

    The graphs are loaded for the first subscriber, as most robots have none.
    """

    def __init__(self, node: Node) -> None:
        topic = 'faces/saliency'
        self._overlay = node.create_publisher(Image, topic, IMAGES_OFFERED)
        self._mosaic = node.create_publisher(Image, f'{topic}/mosaic', IMAGES_OFFERED)
        self._paths: Mapping[str, Path] = {}
        self._session = ClassifierGroup()
        self._models: Mapping[str, SaliencyModel] | None = None
        self._failure = ''

    def prepare(self, paths: Mapping[str, Path], session: ClassifierGroup) -> None:
        """Remember the models of the attributes, and how networks run."""
        self.release()
        self._paths, self._session = paths, session

    def release(self) -> None:
        """Release what was loaded."""
        self._paths, self._models, self._failure = {}, None, ''

    def publish(self, result: FrameResult, parameters: SaliencyGroup) -> None:
        """
        Publish the pictures of one frame, unless there is no subscriber.

        :raises PerceptionError: if a model has no saliency graph, or the graph cannot be used
        """
        wants_overlay = self._overlay.get_subscription_count() > 0
        wants_mosaic = self._mosaic.get_subscription_count() > 0
        if not wants_overlay and not wants_mosaic:
            return
        image = result.frame.image
        found = (face for face in result.faces if not face.is_coasted)
        faces = sorted(found, key=lambda face: -face.box.area)[: parameters.max_faces]
        models = {
            name: model
            for name, model in self._load().items()
            if parameters.attribute in (ALL, name)
        }
        explained = explain_faces(
            models,
            image,
            tuple(map(result.region, faces)),
            target=parameters.target if has_target(models, parameters.target) else 'top',
            method=parameters.method,
        )
        header = header_of(result.frame)
        if wants_overlay:
            maps = [overlay_map(face, parameters.target) for face in explained if face]
            picture = blend(image, maps, parameters.strength, parameters.color_map)
            self._overlay.publish(image_to_msg(picture, header))
        if wants_mosaic:
            rows = [
                mosaic_row(image, maps, f'#{face.track_id}', parameters.color_map)
                for face, maps in zip(faces, explained, strict=True)
            ]
            self._mosaic.publish(image_to_msg(sheet(rows), header))

    def _load(self) -> Mapping[str, SaliencyModel]:
        """Return the models, loaded once; one that cannot be loaded fails alike each time."""
        # A new error each time: one that is raised again keeps hold of the first frame.
        if self._failure:
            raise ModelError(self._failure)
        if self._models is None:
            try:
                self._models = load_saliency_models(
                    self._paths, self._session.threads, self._session.allow_spinning
                )
            except ModelError as error:
                self._failure = str(error)
                raise
        return self._models
