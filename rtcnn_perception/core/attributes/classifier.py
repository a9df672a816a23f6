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

"""Classify the attributes of the faces in an image, each by the model that has a head for it."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.arrays import Probabilities
from rtcnn_perception.core.attributes.card import AttributeCard
from rtcnn_perception.core.attributes.model import AttributeModel
from rtcnn_perception.core.geometry.crops import Crop
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.core.geometry.crops import cut_crops
from rtcnn_perception.core.geometry.landmarks import FaceRegion
from rtcnn_perception.core.models.card import CARD_NAME
from rtcnn_perception.core.models.card import card_path
from rtcnn_perception.core.models.card import kind_of
from rtcnn_perception.core.models.precision import AUTO
from rtcnn_perception.core.results import AttributeInfo
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.paths import is_file
from rtcnn_perception.paths import with_home

DEFAULT_ATTRIBUTES = ('emotion', 'gender')
"""The attributes that are classified by default, in order."""

DEFAULT_MODEL = 'attributes'
"""The folder of the model that classifies what has no model of its own."""

BOX_ALONE = CropGeometry(margin=0.0)
"""The crop of a face where no attribute is classified."""


@dataclass(frozen=True, slots=True)
class Classification:
    """
    What was predicted for N faces.

    ``crops`` are the N crops of the first model; ``probabilities`` are (N, C) by attribute.
    ``others`` are what the models predict besides the attributes that were asked for: it costs
    nothing more, and is in ``probabilities`` too.
    """

    crops: tuple[Crop, ...]
    probabilities: Mapping[str, Probabilities]
    others: tuple[AttributeInfo, ...] = ()


class Classifier(Protocol):
    """Classifies faces."""

    @property
    def attributes(self) -> tuple[AttributeInfo, ...]:
        """Return what is classified, in order."""
        ...

    def classify(self, image: ImageBGR, regions: Sequence[FaceRegion]) -> Classification:
        """Return the crops and the probabilities of each face."""
        ...


class AttributeClassifier:
    """
    Classifies attributes, each by a model of its own or several by one.

    Several threads may use it at once.
    """

    def __init__(self, models: Mapping[str, AttributeModel]) -> None:
        """
        Take the model for each attribute, in the order in which attributes are reported.

        :raises ModelError: if a model has no head for the attribute it is given for
        """
        self._models = dict(models)
        self.attributes = tuple(
            AttributeInfo(name, model.card.head(name).labels, model.card.tag)
            for name, model in self._models.items()
        )
        """What is classified, in order."""
        others = {
            head.attribute: model
            for model in self._models.values()
            for head in model.card.heads
            if head.attribute not in self._models
        }
        self._others = tuple(
            AttributeInfo(name, model.card.head(name).labels, model.card.tag)
            for name, model in others.items()
        )
        self._models_by_head = {**self._models, **others}

    @property
    def labels(self) -> Mapping[str, tuple[str, ...]]:
        """The classes of all that is predicted, asked for or not."""
        return {each.name: each.labels for each in (*self.attributes, *self._others)}

    @property
    def precision_notes(self) -> tuple[str, ...]:
        """Which graph runs and why, for the log, of each model that has several."""
        notes = {model.card.tag: model.precision_note for model in self._models.values()}
        return tuple(f'{tag}: {note}' for tag, note in notes.items() if note)

    @classmethod
    def load(
        cls,
        paths: Mapping[str, Path],
        threads: int = 1,
        allow_spinning: bool = False,
        precision: str = AUTO,
    ) -> AttributeClassifier:
        """
        Load the models; one that is named for several attributes is loaded and run once.

        :param paths: folder, graph or card, by attribute
        :param precision: which graph of each, one of ``precision.PRECISIONS``
        :raises ModelError: as of ``AttributeModel.load``, or if a model lacks its attribute
        """
        loaded: dict[Path, AttributeModel] = {}
        models = {}
        for name, path in paths.items():
            card = card_path(path).resolve()
            if card not in loaded:
                loaded[card] = AttributeModel.load(path, threads, allow_spinning, precision)
            models[name] = loaded[card]
        return cls(models)

    def classify(self, image: ImageBGR, regions: Sequence[FaceRegion]) -> Classification:
        """
        Classify faces of an image: one run of each model, and one cut of each kind of crop.

        :param regions: N faces in pixels of the image; N = 0 runs nothing
        :raises ModelError: if a network returns what are no probabilities
        """
        crops: dict[CropGeometry, tuple[Crop, ...]] = {}
        batches: dict[tuple[object, ...], NDArray[np.uint8]] = {}
        predicted: dict[int, Mapping[str, Probabilities]] = {}
        for model in self._models.values():
            if id(model) in predicted:
                continue
            card = model.card
            if card.crop not in crops:
                crops[card.crop] = tuple(card.crop.crop(region) for region in regions)
            kind = (card.crop, card.input_size_hw, card.channels)
            if kind not in batches:
                batches[kind] = cut_crops(
                    image, crops[card.crop], card.input_size_hw, card.channels
                )
            predicted[id(model)] = model.predict(batches[kind])
        first = next(iter(crops.values()), None)
        return Classification(
            crops=tuple(map(BOX_ALONE.crop, regions)) if first is None else first,
            probabilities={
                name: predicted[id(model)][name] for name, model in self._models_by_head.items()
            },
            others=self._others,
        )


def model_paths(
    attributes: Sequence[str], configured: Mapping[str, str], folders: Sequence[Path]
) -> dict[str, Path]:
    """
    Return which model classifies each attribute.

    :param attributes: their names, in order
    :param configured: the path of a model by attribute; empty or absent for the default, which is
        what ``default_model`` finds
    :param folders: folders of models, the first one first
    :raises ConfigurationError: if no model or several models classify an attribute
    :raises ModelError: if a card in the folders cannot be read
    """
    return {
        name: with_home(configured[name]) if configured.get(name) else default_model(name, folders)
        for name in attributes
    }


def default_model(attribute: str, folders: Sequence[Path]) -> Path:
    """
    Return the model that classifies an attribute where none is configured.

    It is the one in a folder of the attribute's name, or else the one in the folder
    ``DEFAULT_MODEL``, if it has a head for it, or else the only one with a head for it.

    :param folders: folders of models, the first one first
    :raises ConfigurationError: if there is none, or are several
    :raises ModelError: if a card in the folders cannot be read
    """
    for folder in folders:
        own, shared = folder / attribute, folder / DEFAULT_MODEL
        if is_file(own / CARD_NAME):
            return own
        if is_file(shared / CARD_NAME) and attribute in AttributeCard.load(shared).names:
            return shared
    having: list[Path] = []
    known: list[str] = []
    for card in (path for folder in folders for path in sorted(folder.glob(f'*/{CARD_NAME}'))):
        if kind_of(card) == AttributeCard.KIND:
            names = AttributeCard.load(card).names
            known += [name for name in names if name not in known]
            having += [card.parent] * (attribute in names)
    if len(having) == 1:
        return having[0]
    places = ' or '.join(map(str, folders))
    if having:
        found = ', '.join(map(str, having))
        raise ConfigurationError(
            f'expected one model that classifies {attribute}, got {found}; name one by the '
            f'parameter {attribute}.model_path'
        )
    raise ConfigurationError(
        f'expected a model that classifies {attribute} in {places}, got models for '
        f'{", ".join(known) or "nothing"}; train and export one, name its folder {attribute}, or '
        f'name it by the parameter {attribute}.model_path'
    )
