"""What the networks make of the faces in an image."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.arrays import Probabilities
from rtcnn_perception.core.attributes.model import FaceModel
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.core.geometry.face_crops import cut_faces
from rtcnn_perception.core.geometry.landmarks import FacePlace
from rtcnn_perception.core.labels import ATTRIBUTES
from rtcnn_perception.core.models.card import card_path

__all__ = ['AttributeClassifier', 'FaceModel']


class AttributeClassifier:
    """
    Judges emotion and gender, each by a model of its own or both by one.

    An attribute without a model is turned off. Several threads may use it at once.
    """

    def __init__(self, models: Mapping[str, FaceModel]) -> None:
        """
        Take the model for each attribute that is turned on.

        :raises ModelError: if a model does not judge the attribute it is given for
        """
        self._models = {name: models[name] for name in ATTRIBUTES if name in models}
        heads = {name: model.spec.head(name) for name, model in self._models.items()}
        self.labels: Mapping[str, tuple[str, ...]] = {
            name: head.labels for name, head in heads.items()
        }
        """The classes in order, by attribute; none for an attribute that is turned off."""
        self.model_tags: Mapping[str, str] = {
            name: model.spec.tag for name, model in self._models.items()
        }
        """Name and short sha256 of the model, by attribute; likewise."""

    @classmethod
    def load(
        cls,
        emotion_model: Path | None,
        gender_model: Path | None,
        threads: int = 1,
        allow_spinning: bool = False,
    ) -> AttributeClassifier:
        """
        Load the models; the same one named twice is loaded once.

        :param emotion_model: folder, model or card; None turns the attribute off
        :param gender_model: likewise
        :raises ModelError: as of ``FaceModel.load``, or if a model does not judge its attribute
        """
        loaded: dict[Path, FaceModel] = {}
        models = {}
        for attribute, path in (('emotion', emotion_model), ('gender', gender_model)):
            if path is None:
                continue
            card = card_path(path).resolve()
            if card not in loaded:
                loaded[card] = FaceModel.load(path, threads, allow_spinning)
            models[attribute] = loaded[card]
        return cls(models)

    def classify(self, image: ImageBGR, places: Sequence[FacePlace]) -> dict[str, Probabilities]:
        """
        Judge faces of an image: one run for each model, and one cut for each kind of crop.

        :param places: N faces in pixels of the image; N = 0 runs nothing
        :returns: (N, C) probabilities by attribute, for those that are turned on
        :raises ModelError: if a network gives what are no probabilities
        """
        cut: dict[tuple[object, ...], NDArray[np.uint8]] = {}
        judged: dict[int, dict[str, Probabilities]] = {}
        for model in self._models.values():
            if id(model) in judged:
                continue
            spec = model.spec
            kind = (spec.crop, spec.input_size_hw, spec.channels)
            if kind not in cut:
                cut[kind] = cut_faces(image, places, spec)
            judged[id(model)] = model.judge(cut[kind])
        return {name: judged[id(model)][name] for name, model in self._models.items()}

    def crop_of(self, place: FacePlace) -> BoundingBox:
        """
        Return the square that the first attribute turned on is judged by, emotion before gender.

        It may reach beyond the image, and is turned about its centre where the crop is. Where all
        are turned off it is the square about the box.
        """
        for model in self._models.values():
            crop = model.spec.crop
            return crop.square_about(place.box, crop.roll_for(place.landmarks))
        return CropGeometry(margin=0.0).square_about(place.box)
