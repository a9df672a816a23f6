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

"""Boxes in the image plane: clipping, intersection over union, non-maximum suppression."""

from __future__ import annotations

from dataclasses import dataclass
import math

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import BoxesXYXY


@dataclass(frozen=True, slots=True)
class BoundingBox:
    """
    An axis-aligned box in pixels, half-open, with sub-pixel corners.

    :raises ValueError: if a corner is not finite or the box has no area
    """

    x0: float
    y0: float
    x1: float
    y1: float

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, self.as_tuple())):
            raise ValueError(f'a box needs finite corners, got {self.as_tuple()}')
        if self.x1 <= self.x0 or self.y1 <= self.y0:
            raise ValueError(f'a box needs x0 < x1 and y0 < y1, got {self.as_tuple()}')

    @classmethod
    def from_xywh(cls, x: float, y: float, width: float, height: float) -> BoundingBox:
        """Make a box from its top left corner and its size, in pixels."""
        return cls(float(x), float(y), float(x + width), float(y + height))

    @property
    def width(self) -> float:
        """Width in pixels, above 0."""
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        """Height in pixels, above 0."""
        return self.y1 - self.y0

    @property
    def area(self) -> float:
        """Area in square pixels, above 0."""
        return self.width * self.height

    @property
    def center(self) -> tuple[float, float]:
        """Centre x, y in pixels."""
        return (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2

    def as_tuple(self) -> tuple[float, float, float, float]:
        """Return x0, y0, x1, y1 in pixels."""
        return self.x0, self.y0, self.x1, self.y1

    def whole_pixels(self) -> tuple[int, int, int, int]:
        """Return the corners x0, y0, x1, y1 rounded, at least one pixel apart."""
        x0, y0 = round(self.x0), round(self.y0)
        return x0, y0, max(round(self.x1), x0 + 1), max(round(self.y1), y0 + 1)

    def clip_to(self, width: int, height: int) -> BoundingBox | None:
        """Return the part inside an image of this size in pixels, or None where there is none."""
        x0, y0 = max(self.x0, 0.0), max(self.y0, 0.0)
        x1, y1 = min(self.x1, float(width)), min(self.y1, float(height))
        if x1 <= x0 or y1 <= y0:
            return None
        return BoundingBox(x0, y0, x1, y1)


def boxes_to_array(boxes: tuple[BoundingBox, ...]) -> BoxesXYXY:
    """Stack boxes into (N, 4) float64, also for N = 0."""
    return np.array([box.as_tuple() for box in boxes], dtype=np.float64).reshape(-1, 4)


def iou_matrix(first: BoxesXYXY, second: BoxesXYXY) -> NDArray[np.float64]:
    """
    Return the intersection over union of every pair of boxes.

    :param first: (N, 4) corners x0, y0, x1, y1
    :param second: (M, 4) likewise
    :returns: (N, M) float64 in [0, 1]
    """
    corner_low = np.maximum(first[:, None, :2], second[None, :, :2])
    corner_high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    overlap = np.prod(np.clip(corner_high - corner_low, 0.0, None), axis=2)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (first, second)]
    union = areas[0][:, None] + areas[1][None, :] - overlap
    iou: NDArray[np.float64] = np.divide(
        overlap, union, out=np.zeros_like(overlap), where=union > 0
    )
    return iou


def overlap_share(box: BoxesXYXY, others: BoxesXYXY) -> NDArray[np.float64]:
    """
    Return the share of a box's area that lies in another.

    :param box: (N, 4) corners, or (1, 4) for one box and each of the others
    :param others: (N, 4) corners, or (1, 4) for each box and one other
    :returns: (N,) in [0, 1]
    """
    low = np.maximum(box[:, :2], others[:, :2])
    high = np.minimum(box[:, 2:], others[:, 2:])
    overlap = np.clip(high - low, 0.0, None).prod(axis=1)
    share: NDArray[np.float64] = overlap / (box[:, 2:] - box[:, :2]).prod(axis=1)
    return share


def non_maximum_suppression(boxes: BoxesXYXY, max_iou: float) -> NDArray[np.intp]:
    """
    Keep the best box, then the best of those that overlap none of the kept ones by too much.

    Each kept box is compared with all that remain at once, so that no matrix of all pairs is held.

    :param boxes: (N, 4) corners, best first
    :param max_iou: intersection over union up to which two boxes are two faces
    :returns: indices of the kept boxes, best first
    """
    low_x, low_y, high_x, high_y = boxes.T
    areas = (high_x - low_x) * (high_y - low_y)
    kept = []
    remaining = np.arange(len(boxes))
    while remaining.size:
        best, remaining = remaining[0], remaining[1:]
        kept.append(best)
        width = np.minimum(high_x[remaining], high_x[best])
        width -= np.maximum(low_x[remaining], low_x[best])
        height = np.minimum(high_y[remaining], high_y[best])
        height -= np.maximum(low_y[remaining], low_y[best])
        overlap = np.maximum(width, 0.0) * np.maximum(height, 0.0)
        union = areas[remaining] + areas[best] - overlap
        remaining = remaining[overlap <= max_iou * union]
    return np.array(kept, dtype=np.intp)
