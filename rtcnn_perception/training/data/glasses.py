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
Glasses drawn on faces.

Few faces of the data wear glasses, so that a network takes frames for something else, such as
make-up. Drawn on some faces of every class, they mean nothing.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import ImageGray

ENLARGED = 4
"""Frames are thinner than a pixel of a small crop: they are drawn enlarged, and averaged."""

LEAST_DISTANCE = 6.0
"""Distance between the eyes [px] from which on glasses are drawn."""

DARK_SHARE, SUNGLASSES_SHARE, RIMLESS_SHARE, TEMPLES_SHARE = 0.85, 0.15, 0.15, 0.7
"""Of all glasses: with a dark frame, dark lenses, no lower rim, and with temples to be seen."""


def draw_glasses(
    crop: ImageGray, eyes: NDArray[np.float32], rng: np.random.Generator
) -> ImageGray:
    """
    Return a copy of a crop whose face wears glasses of a random kind.

    Round or angular, with frames of 0.03 to 0.13 of the distance between the eyes.

    :param crop: (h, w) uint8
    :param eyes: (2, 2) x and y [px] of both eyes, the left one of the picture first
    :returns: the same size; unchanged where the eyes are less than ``LEAST_DISTANCE`` apart
    """
    across = (eyes[1] - eyes[0]).astype(np.float64)
    distance = float(np.hypot(*across))
    if distance < LEAST_DISTANCE:
        return crop
    lenses, frame = _masks(crop.shape[:2], eyes.astype(np.float64), across / distance, rng)
    is_dark, is_sunglasses = rng.random(2) < (DARK_SHARE, SUNGLASSES_SHARE)
    tint = rng.uniform(0.55, 0.97) if is_sunglasses else rng.uniform(0.0, 0.2)
    ink = rng.uniform(0.0, 110.0) if is_dark else rng.uniform(150.0, 255.0)
    pixels = crop + (rng.uniform(0.0, 80.0) - crop) * (lenses * tint)
    pixels += (ink - pixels) * (frame * rng.uniform(0.6, 1.0))
    return np.asarray(np.rint(pixels), np.uint8)


def _masks(
    size_hw: tuple[int, int],
    eyes: NDArray[np.float64],
    right: NDArray[np.float64],
    rng: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how much of each pixel lenses and frame cover: (h, w) in [0, 1] each."""
    distance = float(np.hypot(*(eyes[1] - eyes[0])))
    down = np.array([-right[1], right[0]])
    radius = rng.uniform(0.28, 0.47) * distance
    radii = radius, radius * rng.uniform(0.6, 1.1)
    line = max(1, round(rng.uniform(0.03, 0.13) * distance * ENLARGED))
    lenses, frame = (np.zeros([side * ENLARGED for side in size_hw], np.uint8) for _ in range(2))
    is_rimless = rng.random() < RIMLESS_SHARE
    corners = _corners(is_angular=rng.random() < 1 / 3) * radii
    centers = eyes + down * rng.uniform(-0.06, 0.1) * distance
    for center in centers:
        outline = _enlarged(center + corners @ np.stack([right, down]))
        cv2.fillPoly(lenses, [outline], 255, cv2.LINE_AA)
        # The first half of the corners is the upper rim.
        rim = outline[: len(outline) // 2 + 1] if is_rimless else outline
        cv2.polylines(frame, [rim], not is_rimless, 255, line, cv2.LINE_AA)
    bridge = centers - down * radii[1] * rng.uniform(0.0, 0.5)
    inner = bridge + np.outer((1, -1), right) * radius
    cv2.polylines(frame, [_enlarged(inner)], False, 255, line, cv2.LINE_AA)
    if rng.random() < TEMPLES_SHARE:
        outer = bridge - np.outer((1, -1), right) * radius
        ends = outer - np.outer((1, -1), right) * rng.uniform(0.3, 1.2) * distance
        cv2.polylines(frame, list(_enlarged(np.stack([outer, ends], 1))), False, 255, line)
    return _averaged(lenses), _averaged(frame)


def _corners(*, is_angular: bool) -> NDArray[np.float64]:
    """Return the outline of a lens (n, 2) about 0 with radius 1, the upper half first."""
    if is_angular:
        return np.array([[-1.0, -1.0], [1.0, -1.0], [0.85, 1.0], [-0.85, 1.0]])
    angles = np.linspace(np.pi, 3 * np.pi, 32, endpoint=False)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _averaged(mask: NDArray[np.uint8]) -> NDArray[np.float64]:
    height, width = (side // ENLARGED for side in mask.shape)
    shrunk = cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(shrunk, np.float64) / 255.0


def _enlarged(points: NDArray[np.float64]) -> NDArray[np.int32]:
    return np.rint((points + 0.5) * ENLARGED - 0.5).astype(np.int32)
