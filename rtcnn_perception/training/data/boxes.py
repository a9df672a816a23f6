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

"""What boxes and landmarks of data may be, whatever reader they come from."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.training.data.faces import DataError

OUTSIDE = 1.5
"""Times its own side a box may reach beyond its picture: annotations of faces do at the border."""

LARGEST = 4.0
"""Longer sides of the picture that a box may have: of a larger one a face shows no part."""

FARTHEST = 2.0
"""Longer sides of the box between its middle and a landmark, at most."""


def check_box(where: str, box: NDArray[Any], width: int, height: int) -> None:
    """
    Refuse a box that no face has in a picture of such a size, or at its border.

    :param where: what names the picture, for the error
    :param box: (4,) x0, y0, x1, y1 in pixels
    :raises DataError: saying what came, and what was expected
    """
    x0, y0, x1, y1 = box.tolist()
    reach_x, reach_y = OUTSIDE * (x1 - x0), OUTSIDE * (y1 - y0)
    is_near = (
        all(map(math.isfinite, (x0, y0, x1, y1)))
        and -reach_x <= x0 < x1 <= width + reach_x
        and -reach_y <= y0 < y1 <= height + reach_y
        and x0 < width
        and y0 < height
        and x1 > 0
        and y1 > 0
    )
    if not is_near or max(x1 - x0, y1 - y0) > LARGEST * max(width, height):
        raise DataError(
            f'{where} is {width}x{height} pixels, the box {box.tolist()} is not in it; expected '
            'x0, y0, x1, y1 with x0 < x1 and y0 < y1, in pixels'
        )


def check_landmarks(where: str, points: NDArray[Any], box: NDArray[Any]) -> None:
    """
    Refuse landmarks far from their box; unknown ones, NaN, are not.

    :param points: (K, 2) in pixels
    :raises DataError: saying what came
    """
    longer = float((box[2:] - box[:2]).max())
    away = np.abs(points - (box[:2] + box[2:]) / 2)
    if (away > FARTHEST * longer).any():
        raise DataError(
            f'{where} has landmarks {points.tolist()} far from their box {box.tolist()}'
        )


def check_pixels(source: Path, boxes: NDArray[Any]) -> None:
    """Raise a DataError where boxes (N, 4) are shares of a picture: no edge lies beyond 1."""
    if len(boxes) and boxes.max() <= 1.0:
        raise DataError(f'{source}: all boxes end at 1 or before; expected pixels, and no shares')
