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
Move a photograph and its annotations to the pixels of a scene: scale, rotate, mirror, cut.

A scene is (H, W, 3) uint8, BGR, with the annotations moved to its pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
import math

import cv2
import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.training.data.photographs import Photograph

MIRRORED = (1, 0, 2, 4, 3)
"""The source of each landmark in a mirrored picture: left and right change places."""

TRUST = ((0.0, 0.6, 0.7, 0.8, 1.0), (0.5, 0.6, 0.75, 0.95, 1.0))
"""
How likely a teacher's annotation of a score is a face, linear between these points.

Source: the comparison with people's boxes in the description of the data: 66 % of annotations from
0.6 to 0.7, 80 to 87 % from 0.7 to 0.8, 97 % above.
"""

STEP = math.sqrt(0.5)
"""From one kept size of a photograph to the next smaller one."""

STEPS = 6
"""Sizes kept below the full one: down to an eighth."""

Sizes = list[ImageBGR]
"""A photograph in full, and ever smaller by ``STEP``, each averaged over areas."""


@dataclass(frozen=True)
class Scene:
    """A picture and its annotations: as a :class:`Photograph`, with how certain each face is."""

    image: ImageBGR
    boxes: NDArray[np.float32]
    weights: NDArray[np.float32]
    landmarks: NDArray[np.float32]
    ignored: NDArray[np.float32]


def in_sizes(image: ImageBGR) -> Sizes:
    """Return a photograph in every size that scenes are cut from, so that none is made twice."""
    sizes = [image]
    for step in range(1, STEPS + 1):
        size = [max(1, round(side * STEP**step)) for side in image.shape[1::-1]]
        shrunk = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        sizes.append(np.asarray(shrunk, np.uint8))
    return sizes


def size_for(sizes: Sizes, scale: float) -> ImageBGR:
    """Return the smallest size that ``scale`` of the full one does not enlarge."""
    step = int(math.log(scale) / math.log(STEP) + 1e-6) if scale < 1 else 0
    return sizes[min(step, len(sizes) - 1)]


def transformed(
    photograph: Photograph,
    sizes: Sizes,
    size_hw: tuple[int, int],
    *,
    scale: float,
    angle: float,
    flip: bool,
    focus: NDArray[np.float64],
    place: NDArray[np.float64],
    too_small: float,
    background: ImageBGR,
    stretch: float = 1.0,
) -> Scene:
    """
    Scale, rotate and mirror a photograph about a point, and cut out the scene.

    A rotated face keeps the size of its box. A face of which less than half is inside, or that is
    too small, is ignored. Ignored regions end at the edges of the scene, as another may lie beyond
    them.

    :param sizes: of the photograph, as :func:`in_sizes` returns them, or the full one alone
    :param scale: pixels of the scene for one of the photograph
    :param angle: in radians, clockwise in the image
    :param background: of the size of the scene, shown where the photograph does not reach
    :param stretch: width by height of what is square in the photograph
    :param focus: x, y in the photograph that come to lie at ``place`` in the scene
    """
    height, width = size_hw
    cos, sin, sign = math.cos(angle), math.sin(angle), -1.0 if flip else 1.0
    sides = scale * np.array([math.sqrt(stretch), 1 / math.sqrt(stretch)])
    turn = np.array([[sign * cos, -sin], [sign * sin, cos]]) * sides
    shift = place - turn @ focus
    image = size_for(sizes, scale)  # linear interpolation alone would skip pixels
    if scale * photograph.width < 0.6 * image.shape[1]:
        full = (photograph.width, photograph.height)
        smaller = np.maximum(1, np.round(sides * full)).astype(int).tolist()
        image = np.asarray(cv2.resize(image, smaller, interpolation=cv2.INTER_AREA), np.uint8)
    step = turn * (np.array([photograph.width, photograph.height]) / image.shape[1::-1])
    # OpenCV's pixels have their centres at whole numbers, annotations are from edge to edge.
    matrix = np.column_stack([step, shift + step.sum(1) / 2 - 0.5])
    warped = cv2.warpAffine(
        image,
        matrix,
        (width, height),
        dst=background.copy(),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_TRANSPARENT,
    )
    boxes = _moved(photograph.boxes, turn, shift, sides)
    landmarks = photograph.landmarks @ turn.T.astype(np.float32) + shift.astype(np.float32)
    if flip:
        landmarks = landmarks[:, MIRRORED]
    edges = np.array([width, height, width, height], np.float32)
    clipped = np.clip(boxes, 0, edges)
    visible = (clipped[:, 2:] - clipped[:, :2]).prod(1) / (boxes[:, 2:] - boxes[:, :2]).prod(1)
    is_fit = (boxes[:, 3] - boxes[:, 1] >= too_small) & (visible >= 0.5)
    ignored = np.clip(_moved(photograph.ignored, turn, shift, sides), 0, edges)
    ignored = np.concatenate([ignored, clipped[~is_fit]])
    weights = np.interp(photograph.scores, *TRUST).astype(np.float32)
    return Scene(
        np.asarray(warped, np.uint8),
        boxes[is_fit],
        weights[is_fit],
        landmarks[is_fit].astype(np.float32),
        ignored[(ignored[:, :2] < ignored[:, 2:]).all(1)],
    )


def _moved(
    boxes: NDArray[np.float32],
    turn: NDArray[np.float64],
    shift: NDArray[np.float64],
    sides: NDArray[np.float64],
) -> NDArray[np.float32]:
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2 @ turn.T + shift
    half = (boxes[:, 2:] - boxes[:, :2]) / 2 * sides
    return np.concatenate([middle - half, middle + half], axis=1).astype(np.float32)
