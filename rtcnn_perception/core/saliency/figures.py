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

"""Figures of saliency maps: every class of a face, the mean over many faces, sanity checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import Image
from rtcnn_perception.core.saliency.model import Maps
from rtcnn_perception.core.saliency.model import SaliencyModel
from rtcnn_perception.core.saliency.names import TOP
from rtcnn_perception.core.saliency.overlay import heat_of
from rtcnn_perception.core.saliency.overlay import paint
from rtcnn_perception.core.saliency.overlay import Tile
from rtcnn_perception.core.saliency.overlay import TILE_PX

SIZE = (TILE_PX, TILE_PX)


def class_tiles(
    model: SaliencyModel,
    attribute: str,
    face: NDArray[np.uint8],
    *,
    method: str,
    color_map: str,
) -> list[Tile]:
    """
    Return the crop of a face, and the map of each class with its probability.

    :param face: (C, h, w) uint8 as ``cut_crops`` returns them
    """
    labels = model.card.head(attribute).labels
    faces = np.repeat(face[None], len(labels), axis=0)
    explained = model.explain(faces, attribute, range(len(labels)), method)
    shares = explained.probabilities[attribute][0]
    tiles = [Tile(face_picture(face, model.card.channels), attribute)]
    for label, share, values in zip(labels, shares, explained.maps, strict=True):
        tiles.append(Tile(paint(heat_of(values), color_map, SIZE), f'{label} {share:.0%}'))
    return tiles


def face_picture(face: NDArray[np.uint8], channels: str) -> Image:
    """Return network input as a picture, gray or BGR."""
    if channels == 'gray':
        return np.ascontiguousarray(face[0])
    picture = np.moveaxis(face, 0, 2)
    return np.ascontiguousarray(picture if channels == 'bgr' else picture[..., ::-1])


@dataclass(frozen=True, slots=True)
class MeanMap:
    """The mean of many faces of one class, and of their maps, all with equal weight."""

    label: str
    faces: int
    face: NDArray[np.float32]
    values: Maps

    @property
    def caption(self) -> str:
        """Label and number of faces."""
        return f'{self.label} ({self.faces:,})'


def mean_map(
    model: SaliencyModel,
    attribute: str,
    faces: NDArray[np.uint8],
    label: str,
    *,
    method: str,
    batch: int = 32,
) -> MeanMap:
    """
    Average the maps of a class over faces.

    :param faces: (N, C, h, w) uint8 with N above 0
    :param label: the class whose score the maps are of
    :raises ValueError: if there are no faces
    """
    if len(faces) == 0:
        raise ValueError(f'a mean needs faces, there are none of {label}')
    target = model.target(attribute, label)
    total = np.zeros(0, dtype=np.float64)
    for first in range(0, len(faces), batch):
        part = faces[first : first + batch]
        maps = model.explain(part, attribute, (target,) * len(part), method).maps
        shares = np.abs(maps).astype(np.float64)
        sums = shares.sum(axis=(1, 2), keepdims=True)
        shares = np.divide(shares, sums, out=np.zeros_like(shares), where=sums > 0)
        total = shares.sum(axis=0) + (total if total.size else 0.0)
    mean_face = faces.mean(axis=(0, 1)).astype(np.float32)
    return MeanMap(label, len(faces), mean_face, (total / len(faces)).astype(np.float32))


def mean_tiles(means: Sequence[MeanMap], color_map: str) -> list[list[Tile]]:
    """
    Return a row of mean faces, one of their maps, and one of what each map has above the mean.

    The maps of all classes have much in common, such as the eyes. The last row shows where the map
    of a class is above the mean of all.
    """
    if not means:
        return []
    common = np.mean([mean.values for mean in means], axis=0)
    rows: list[list[Tile]] = [[], [], []]
    for mean in means:
        rows[0].append(Tile(np.rint(mean.face).astype(np.uint8), mean.caption))
        rows[1].append(Tile(paint(heat_of(mean.values), color_map, SIZE), 'map'))
        above = np.maximum(mean.values - common, 0.0).astype(np.float32)
        rows[2].append(Tile(paint(heat_of(above), color_map, SIZE), 'above the mean'))
    return rows


def rank_correlation(first: Maps, second: Maps) -> float:
    """
    Return Spearman's rank correlation of the magnitudes of two maps; 0 where one is flat.

    Source: Adebayo and others: Sanity Checks for Saliency Maps, 2018, section 3.1.
    """
    from scipy.stats import spearmanr  # noqa: PLC0415 - half a second, for this check alone

    magnitudes = [np.abs(values).ravel() for values in (first, second)]
    if any(np.ptp(each) == 0 for each in magnitudes):
        return 0.0
    return float(spearmanr(*magnitudes)[0])


def sanity_tiles(
    models: Sequence[tuple[str, SaliencyModel]],
    attribute: str,
    face: NDArray[np.uint8],
    *,
    method: str,
    color_map: str,
) -> list[Tile]:
    """
    Return the map of a face by a trained network and by ones with more and more random weights.

    :param models: caption and network, the trained one first
    """
    tiles = [Tile(face_picture(face, models[0][1].card.channels), method)]
    trained: Maps | None = None
    # All show the trained network's top class: their own would differ.
    probabilities = models[0][1].explain(face[None], attribute, (TOP,), method).probabilities
    target = int(probabilities[attribute][0].argmax())
    for name, model in models:
        (values,) = model.explain(face[None], attribute, (target,), method).maps
        caption = name
        if trained is None:
            trained = values
        else:
            caption = f'{name} {rank_correlation(trained, values):.2f}'
        tiles.append(Tile(paint(heat_of(values), color_map, SIZE), caption))
    return tiles
