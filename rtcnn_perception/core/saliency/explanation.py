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

"""Saliency maps of the faces in an image, for each attribute."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
import math
from pathlib import Path

import numpy as np
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.geometry.crops import cut_crop
from rtcnn_perception.core.geometry.crops import cut_crops
from rtcnn_perception.core.geometry.landmarks import FaceRegion
from rtcnn_perception.core.models.card import card_path
from rtcnn_perception.core.saliency.model import SaliencyModel
from rtcnn_perception.core.saliency.model import TARGET_NAMES
from rtcnn_perception.core.saliency.names import CLASS_MAPS
from rtcnn_perception.core.saliency.names import METHODS
from rtcnn_perception.core.saliency.names import TOP
from rtcnn_perception.core.saliency.overlay import heat_of
from rtcnn_perception.core.saliency.overlay import paint
from rtcnn_perception.core.saliency.overlay import PlacedMap
from rtcnn_perception.core.saliency.overlay import Tile
from rtcnn_perception.core.saliency.overlay import TILE_PX

ANY_CLASS = 'class maps'
"""The caption where the gradient is of the largest class map of each place."""


@dataclass(frozen=True, slots=True)
class ExplainedFace:
    """
    The map of one attribute of a face.

    ``label`` is the class whose score the map is of, and ``confidence`` its probability in this
    frame, NaN where it is of no single class.
    """

    attribute: str
    label: str
    confidence: float
    placed: PlacedMap

    @property
    def caption(self) -> str:
        """Label and confidence."""
        share = '' if math.isnan(self.confidence) else f' {self.confidence:.0%}'
        return f'{self.label}{share}'


def load_saliency_models(
    paths: Mapping[str, Path], threads: int = 1, allow_spinning: bool = False
) -> dict[str, SaliencyModel]:
    """
    Load the saliency graph of each attribute; one of several attributes is loaded once.

    :param paths: folder, graph or card of the model, by attribute
    :raises ModelError: if a model has no such graph, or it cannot be used
    """
    loaded: dict[Path, SaliencyModel] = {}
    models = {}
    for attribute, path in paths.items():
        card = card_path(path).resolve()
        if card not in loaded:
            loaded[card] = SaliencyModel.load(path, threads, allow_spinning)
        models[attribute] = loaded[card]
    return models


def has_target(models: Mapping[str, SaliencyModel], target: str) -> bool:
    """Return whether a target exists: 'top', 'class_maps', or a class of one of the attributes."""
    return target in TARGET_NAMES or any(
        target in model.card.head(name).labels for name, model in models.items()
    )


def overlay_map(explained: Sequence[ExplainedFace], target: str) -> PlacedMap:
    """
    Return the map of a face that is laid over the picture: one, as two would cover each other.

    It is the first of the target's class, of any attribute, and else the first of all.

    :param explained: what :func:`explain_faces` returns of one face, at least one
    """
    of_class = [face.placed for face in explained if face.label == target]
    return (of_class or [explained[0].placed])[0]


def explain_faces(
    models: Mapping[str, SaliencyModel],
    image: ImageBGR,
    regions: Sequence[FaceRegion],
    *,
    target: str = 'top',
    method: str = METHODS[0],
) -> tuple[tuple[ExplainedFace, ...], ...]:
    """
    Map which pixels led to the classes of each face: one run for each attribute, over all faces.

    :param models: by attribute
    :param regions: N faces in pixels of the image; N = 0 runs nothing
    :param target: 'top', 'class_maps' or a class; an attribute without that class shows its top
    :param method: one of ``METHODS``
    :returns: N times an explanation for each attribute
    :raises ConfigurationError: if no attribute has the target, or there is no such method
    :raises ModelError: if a network fails
    """
    is_known = has_target(models, target)
    by_attribute = []
    for attribute, model in models.items():
        card = model.card
        labels = card.head(attribute).labels
        is_own = target in TARGET_NAMES or target in labels
        number = model.target(attribute, target) if is_own or not is_known else TOP
        crops = [card.crop.crop(region) for region in regions]
        faces = cut_crops(image, crops, card.input_size_hw, card.channels)
        explained = model.explain(faces, attribute, [number] * len(regions), method)
        column = []
        for row, crop in enumerate(crops):
            rows = explained.probabilities[attribute][row]
            index = int(np.argmax(rows)) if number == TOP else number
            placed = PlacedMap(crop, explained.maps[row])
            if number == CLASS_MAPS:
                face = ExplainedFace(attribute, ANY_CLASS, math.nan, placed)
            else:
                face = ExplainedFace(attribute, labels[index], float(rows[index]), placed)
            column.append(face)
        by_attribute.append(column)
    return tuple(tuple(column[row] for column in by_attribute) for row in range(len(regions)))


def mosaic_row(
    image: ImageBGR, explained: tuple[ExplainedFace, ...], name: str, color_map: str
) -> list[Tile]:
    """Return a face's crop and beside it the map of each attribute; empty without attributes."""
    if not explained:
        return []
    size = (TILE_PX, TILE_PX)
    tiles = [Tile(cut_crop(image, explained[0].placed.crop, size), name)]
    for face in explained:
        heat = heat_of(face.placed.values)
        tiles.append(Tile(paint(heat, color_map, size), face.caption))
    return tiles
