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
A wide image at several scales, so that near faces are found in it as well as far ones.

A network knows faces of the sizes it was trained with. Of an image wider than ``WIDEST`` a second
level has half the width, and so on; each level answers for the faces that it shows best.
Source: Rowley, Baluja, Kanade: Neural Network-Based Face Detection, 1998, section 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import BoxesXYXY
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.detection.base import shrink_to_width
from rtcnn_perception.core.geometry.boxes import non_maximum_suppression

WIDEST: Final = 512
"""
Pixels up to which one level shows every face.

Up to there a second level brings nothing on held-out photographs. At 560 pixels it brings 1.7
points of the average precision of faces of 40 pixels and over, at 640 3.3 points.
"""

LARGEST: Final = 240.0
"""Longer side, in its pixels, of the largest face of a level before the last."""

SMALLEST: Final = 40.0
"""Longer side, in its pixels, of the smallest face of a level after the first."""


class Level(NamedTuple):
    """An image at one scale, and (2,) factors x, y from its pixels to those of the first level."""

    image: ImageBGR
    scale: NDArray[np.float64]


class Candidates(NamedTuple):
    """(K,) scores, best first, (K, 4) boxes and (K, 5, 2) landmarks in pixels of one image."""

    scores: NDArray[np.float32]
    boxes: BoxesXYXY
    landmarks: NDArray[np.float64]

    def take(self, chosen: NDArray[np.intp] | NDArray[np.bool_]) -> Candidates:
        """Return some of them, by their places or a mask."""
        return Candidates(self.scores[chosen], self.boxes[chosen], self.landmarks[chosen])

    def scaled(self, scale: NDArray[np.float64]) -> Candidates:
        """Return them in pixels that are (2,) factors x, y smaller."""
        boxes = (self.boxes.reshape(-1, 2, 2) * scale).reshape(-1, 4)
        return Candidates(self.scores, boxes, self.landmarks * scale)


def levels_of(image: ImageBGR) -> list[Level]:
    """Return the levels of an image, itself first and alone up to ``WIDEST``."""
    levels = [Level(image, np.ones(2))]
    while levels[-1].image.shape[1] > WIDEST:
        wider = levels[-1]
        half, scale = shrink_to_width(wider.image, wider.image.shape[1] // 2)
        levels.append(Level(half, wider.scale * scale))
    return levels


def merge_levels(
    levels: Sequence[Level], found: Sequence[Candidates], nms_iou: float
) -> Candidates:
    """
    Return what was found on all levels, each face once, in pixels of the first.

    :param found: on each level, in its own pixels
    :param nms_iou: above which two boxes are the same face
    """
    if len(levels) == 1:
        return found[0]
    kept = []
    for index, (level, candidates) in enumerate(zip(levels, found, strict=True)):
        sides = (candidates.boxes[:, 2:] - candidates.boxes[:, :2]).max(axis=1, initial=0.0)
        least = SMALLEST if index else 0.0
        most = LARGEST if index < len(levels) - 1 else np.inf
        kept.append(candidates.take((least <= sides) & (sides <= most)).scaled(level.scale))
    every = Candidates(*(np.concatenate(parts) for parts in zip(*kept, strict=True)))
    ordered = every.take(np.argsort(-every.scores, kind='stable'))
    return ordered.take(non_maximum_suppression(ordered.boxes, nms_iou))
