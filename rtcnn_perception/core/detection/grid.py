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
The anchor points of a detector's outputs, and how an output row is decoded to a box.

The input is covered by a grid of each stride in turn, row by row, with an anchor point in the
middle of each cell. A box is given relative to its anchor point in strides, its size as a
logarithm, so that the encoding does not depend on the scale. Overlapping boxes are thinned out by
``geometry.boxes.non_maximum_suppression``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import BoxesXYXY


@dataclass(frozen=True, slots=True)
class AnchorGrid:
    """
    Anchor points in the order of the outputs.

    :ivar points: (N, 2) x, y in pixels of the input
    :ivar strides: (N, 1) distance of neighbouring anchor points in pixels
    """

    points: NDArray[np.float64]
    strides: NDArray[np.float64]

    @classmethod
    def covering(cls, size_hw: tuple[int, int], strides: Sequence[int]) -> AnchorGrid:
        """
        Lay out the anchor points of an input.

        :param size_hw: height and width of the input, multiples of every stride
        :param strides: in the order of the outputs
        """
        points, sides = [], []
        for stride in strides:
            rows, columns = np.indices((size_hw[0] // stride, size_hw[1] // stride))
            points.append((np.stack([columns.ravel(), rows.ravel()], axis=1) + 0.5) * stride)
            sides.append(np.full((rows.size, 1), stride, dtype=np.float64))
        return cls(np.concatenate(points), np.concatenate(sides))

    def __len__(self) -> int:
        return len(self.strides)

    def decode_boxes(self, chosen: NDArray[np.intp], rows: NDArray[np.float32]) -> BoxesXYXY:
        """
        Decode boxes; NaN and infinity stay what they are.

        :param chosen: (K,) indices of anchor points
        :param rows: (K, 4) offset of the centre and logarithm of the size, in strides
        """
        strides = self.strides[chosen]
        with np.errstate(over='ignore', invalid='ignore'):
            middle = self.points[chosen] + rows[:, :2] * strides
            half = np.exp(rows[:, 2:], dtype=np.float64) * strides / 2
            return np.concatenate([middle - half, middle + half], axis=1)

    def decode_landmarks(
        self, chosen: NDArray[np.intp], rows: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """
        Decode landmarks.

        :param chosen: (K,) indices of anchor points
        :param rows: (K, 10) offsets x and y of five points, in strides
        :returns: (K, 5, 2) in pixels of the input
        """
        offsets = rows.reshape(-1, 5, 2) * self.strides[chosen, :, None]
        return self.points[chosen, None] + offsets
