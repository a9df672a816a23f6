"""Pictures of what the networks look at, for whoever wants to see them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rclpy.node import Node
from rtcnn_perception.core.models.card import card_path
from rtcnn_perception.core.pipeline import JudgedFace
from rtcnn_perception.core.pipeline import JudgedFrame
from rtcnn_perception.core.saliency.explanation import explain_faces
from rtcnn_perception.core.saliency.explanation import mosaic_row
from rtcnn_perception.core.saliency.model import SaliencyModel
from rtcnn_perception.core.saliency.overlay import lay_over
from rtcnn_perception.core.saliency.overlay import sheet
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.nodes.conversions.images import header_of
from rtcnn_perception.nodes.conversions.images import image_to_msg
from rtcnn_perception.nodes.parameters.tables import ClassifierGroup
from rtcnn_perception.nodes.parameters.tables import SaliencyGroup
from rtcnn_perception.nodes.qos import IMAGES_OFFERED
from sensor_msgs.msg import Image


class SaliencyPublisher:
    """
    Publishes ``faces/saliency`` and ``faces/saliency/mosaic``; works only where somebody listens.

    The graphs are loaded when somebody listens for the first time, as most robots never ask.
    """

    def __init__(self, node: Node) -> None:
        """Make the publishers."""
        topic = 'faces/saliency'
        self._overlay = node.create_publisher(Image, topic, IMAGES_OFFERED)
        self._mosaic = node.create_publisher(Image, f'{topic}/mosaic', IMAGES_OFFERED)
        self._paths: Mapping[str, Path] = {}
        self._running = ClassifierGroup()
        self._models: Mapping[str, SaliencyModel] | None = None
        self._failure = ''

    def prepare(self, paths: Mapping[str, Path], running: ClassifierGroup) -> None:
        """Remember where the models of the attributes are, and how networks are run."""
        self.release()
        self._paths, self._running = paths, running

    def release(self) -> None:
        """Let go of what was loaded."""
        self._paths, self._models, self._failure = {}, None, ''

    def publish(self, judged: JudgedFrame, wanted: SaliencyGroup) -> None:
        """
        Publish the pictures of one frame, unless nobody listens.

        :raises PerceptionError: if a model has no such graph, or the graph cannot be used
        """
        wants_overlay = self._overlay.get_subscription_count() > 0
        wants_mosaic = self._mosaic.get_subscription_count() > 0
        if not wants_overlay and not wants_mosaic:
            return
        frame = judged.faces_in_frame.frame
        faces = sorted(judged.faces, key=_size, reverse=True)[: wanted.max_faces]
        loaded = self._loaded()
        models = {n: m for n, m in loaded.items() if wanted.task in ('both', n)}
        is_known = any(_knows(model, name, wanted.target) for name, model in models.items())
        explained = explain_faces(
            models,
            frame.image,
            tuple(face.track.place for face in faces),
            target=wanted.target if is_known else 'top',
            method=wanted.method,
        )
        header = header_of(frame)
        if wants_overlay:
            maps = [face[0].placed for face in explained if face]  # two would hide each other
            picture = lay_over(frame.image, maps, wanted.strength, wanted.color_map)
            self._overlay.publish(image_to_msg(picture, header))
        if wants_mosaic:
            rows = [
                mosaic_row(frame.image, maps, f'#{face.track.track_id}', wanted.color_map)
                for face, maps in zip(faces, explained, strict=True)
            ]
            self._mosaic.publish(image_to_msg(sheet(rows), header))

    def _loaded(self) -> Mapping[str, SaliencyModel]:
        """Return the models, loaded once; what cannot be loaded fails alike each time."""
        # An error is raised anew: each time one is raised it takes hold of the frame at hand.
        if self._failure:
            raise ModelError(self._failure)
        if self._models is None:
            try:
                self._models = load_models(self._paths, self._running)
            except ModelError as error:
                self._failure = str(error)
                raise
        return self._models


def load_models(paths: Mapping[str, Path], running: ClassifierGroup) -> dict[str, SaliencyModel]:
    """Load the graph of each attribute; one that serves both is loaded once."""
    loaded: dict[Path, SaliencyModel] = {}
    models = {}
    for attribute, path in paths.items():
        card = card_path(path).resolve()
        if card not in loaded:
            loaded[card] = SaliencyModel.load(path, running.threads, running.allow_spinning)
        models[attribute] = loaded[card]
    return models


def _size(face: JudgedFace) -> float:
    return face.track.box.area


def _knows(model: SaliencyModel, attribute: str, target: str) -> bool:
    return target in ('top', 'class_maps') or target in model.spec.head(attribute).labels
