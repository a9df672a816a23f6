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

"""A depth image that is registered: its pixels are those of the colour image."""

from __future__ import annotations

from dataclasses import dataclass
import math
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.exceptions import ImageFormatError

NEAREST, FARTHEST = 0.1, 20.0
"""Metres; depth beyond is that of no sensor's working range, or of none at all."""

UNIT_PLACES: Final = 24
"""So many places across and down are looked at for the unit of an image."""


@dataclass(frozen=True)
class DepthImage:
    """
    A depth image, held as it came.

    :param values: (H, W) uint16 or float32, 0 or NaN where there is no depth
    :param unit: metres of a value of 1
    :param inverse: A and B where values are quantised, and depth is A / (value - B) metres
    :raises ImageFormatError: if it is not two-dimensional
    """

    values: NDArray[np.uint16] | NDArray[np.float32]
    unit: float = 1.0
    inverse: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or not self.values.size:
            raise ImageFormatError(f'a depth image has rows and columns, got {self.values.shape}')

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.values.shape[1], self.values.shape[0]

    def check_unit(self) -> None:
        """
        Refuse an image whose every depth lies where no sensor has one.

        :raises ImageFormatError: if so; an image of holes alone is not refused
        """
        height, width = self.values.shape
        some = self.values[:: max(height // UNIT_PLACES, 1), :: max(width // UNIT_PLACES, 1)]
        given = some[(some > 0.0) & (some < math.inf)].astype(np.float64)
        metres = self._metres(given)
        if not given.size or ((metres >= NEAREST) & (metres <= FARTHEST)).any():
            return
        raise ImageFormatError(
            f'expected depth of {NEAREST:g} to {FARTHEST:g} m, in millimetres (16UC1) or metres '
            f'(32FC1), got {float(np.median(metres)):g} m: is it in another unit?'
        )

    def _metres(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.inverse is None:
            return values * self.unit
        factor, offset = self.inverse
        return np.where(values > 0.0, factor / np.maximum(values - offset, 1e-9), np.nan)

    def read(self, box: BoundingBox, places: int) -> NDArray[np.float64]:
        """
        Return the depth at places spread over a box, (places, places) metres.

        It is NaN where there is none, and outside the image.
        """
        steps = (np.arange(places) + 0.5) / places
        columns = np.floor(box.x0 + steps * box.width).astype(int)
        rows = np.floor(box.y0 + steps * box.height).astype(int)
        width, height = self.size_wh
        inside_rows, inside_columns = rows.clip(0, height - 1), columns.clip(0, width - 1)
        found = self.values[inside_rows[:, np.newaxis], inside_columns].astype(np.float64)
        metres = self._metres(found)
        metres[~((metres >= NEAREST) & (metres <= FARTHEST))] = np.nan
        metres[rows != inside_rows] = np.nan
        metres[:, columns != inside_columns] = np.nan
        return metres
