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

"""Assign detections to tracks."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import BoxesXYXY
from rtcnn_perception.core.geometry.boxes import iou_matrix
from scipy.optimize import linear_sum_assignment

GATE_SIGMAS: Final = 4.0
"""A detection further from the prediction than so many standard deviations is another face."""

GATE_SIZES: Final = 3.0
"""And so is one that is further than so many face sizes, however unsure the prediction is."""

GATE_IOU: Final = 0.3
"""A detection that overlaps the prediction by more is the same face, whatever the filter says."""

FORBIDDEN: Final = 1e6
"""A cost above any that can come up inside the gates; finite, since SciPy wants it so."""


def assign(
    expected: NDArray[np.float64], boxes: BoxesXYXY, *, must_overlap: bool = False
) -> list[tuple[int, int]]:
    """
    Pair tracks and detections, as many as the gates allow, at the least cost together.

    :param expected: (tracks, 6), a row as :meth:`FaceMotion.measurement` gives it
    :param boxes: (detections, 4) corners in pixels
    :param must_overlap: whether only overlap is a gate, and not how unsure the prediction is
    :returns: pairs of a track's and a detection's index
    """
    if not len(expected) or not len(boxes):
        return []
    cost = assignment_cost(expected, boxes, must_overlap=must_overlap)
    rows, columns = linear_sum_assignment(cost)
    chosen = cost[rows, columns] < FORBIDDEN
    return list(zip(rows[chosen].tolist(), columns[chosen].tolist(), strict=True))


def assignment_cost(
    expected: NDArray[np.float64], boxes: BoxesXYXY, *, must_overlap: bool = False
) -> NDArray[np.float64]:
    """
    Return how unlikely each detection is for each track.

    The logarithm of the variances belongs to it: without it a track whose place is uncertain,
    and for which anything is likely, takes the detections of those with a certain one. Among
    people who cross that makes many times as many errors (benchmarks/crossing_faces.py).

    :param expected: (tracks, 6), a row as :meth:`FaceMotion.measurement` gives it
    :param boxes: (detections, 4) corners in pixels
    :param must_overlap: as for :func:`assign`
    :returns: (tracks, detections) negative log likelihood of centre and size, without the terms
        that all have in common; :data:`FORBIDDEN` where the detection is outside the gates
    """
    found = np.hstack([(boxes[:, :2] + boxes[:, 2:]) / 2, np.log(boxes[:, 2:] - boxes[:, :2])])
    squared = (expected[:, None, :4] - found[None]) ** 2  # (tracks, detections, 4)
    variance = expected[:, None, 4:]  # (tracks, 1, 2)
    distance = squared[:, :, :2].sum(axis=2)
    center = distance / variance[:, :, 0]
    size = squared[:, :, 2:].sum(axis=2) / variance[:, :, 1]

    half = np.exp(expected[:, 2:4]) / 2
    predicted = np.hstack([expected[:, :2] - half, expected[:, :2] + half])
    reach = GATE_SIZES**2 * 4 * half.prod(axis=1)[:, None]
    is_near = (np.maximum(center, size) < GATE_SIGMAS**2) & (distance < reach)
    is_over = iou_matrix(predicted, boxes) > GATE_IOU
    is_allowed = is_over if must_overlap else is_near | is_over
    unlikely = (center + size) / 2 + np.log(variance).sum(axis=2)
    cost: NDArray[np.float64] = np.where(is_allowed, unlikely, FORBIDDEN)
    return cost
