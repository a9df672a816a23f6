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
Position and rotation of known points from the directions in which they are seen.

SQPnP finds the global optimum of an algebraic error without a start (Terzakis and Lourakis, "A
consistently fast and globally optimal solution to the Perspective-n-Point problem", ECCV 2020).
Gauss-Newton steps from there, or from where a head was in the picture before, minimise the error
in the picture and give the covariance.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
import math
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import Covariance
from rtcnn_perception.core.arrays import Position
from rtcnn_perception.core.arrays import Rotation
from rtcnn_perception.core.pose.head_pose import FACING
from rtcnn_perception.core.pose.rotations import rotation_by

MOST_ERROR: Final = 0.15
"""
Root mean square of the distances between the points and those of the head, in sizes of the face.

Landmarks of faces have 0.02 to 0.06; above are points that are mixed up or mirrored.
"""

DOUBTFUL_ERROR: Final = 0.06
"""The same from which on a solution near the one before is compared with that of SQPnP."""

LEAST_SPREAD: Final = 1e-4
"""Tangent: a face that appears smaller, 100 m away, has landmarks of no use."""

MOST_STEPS: Final = 8
SMALL_STEP: Final = 0.02
"""Radians, and parts of the distance: the error that is left after such a step is its square."""

_UNIT: Final = np.eye(3)
_NO_TURN: Final = np.zeros(3)
_POSITION_FIRST: Final = np.ix_([3, 4, 5, 0, 1, 2], [3, 4, 5, 0, 1, 2])


@dataclass(frozen=True, slots=True)
class Solution:
    """
    Where points are.

    :param position: of their origin, (3,) [m]
    :param rotation: (3, 3) from their axes to those of the optical frame
    :param spread: (6, 6) covariance of position [m] and rotation about the optical frame's axes
        [rad], for directions whose tangents have a standard deviation of 1
    :param size: of the face, as a tangent
    :param error: root mean square of the distances in the picture, in sizes of the face
    """

    position: Position
    rotation: Rotation
    spread: Covariance
    size: float
    error: float


def solve_pose(
    directions: NDArray[np.float64], points: NDArray[np.float64], before: Solution | None = None
) -> Solution | None:
    """
    Find position and rotation of a head.

    :param directions: (5, 2) float64, x / z and y / z of each point
    :param points: (5, 3) float64, the points in the head's axes [m]
    :param before: of the same head in the picture before
    :returns: None where the directions are those of no head before the camera that shows its face
    """
    xs, ys = directions.T.tolist()
    size = max(max(xs) - min(xs), max(ys) - min(ys))
    if not size > LEAST_SPREAD or not math.isfinite(sum(xs) + sum(ys)):
        return None
    near = None
    if before is not None:
        near = _refined(directions, points, before.rotation, before.position, size)
        if near is not None and near.error < DOUBTFUL_ERROR:
            return near
    for rotation, position in _starts(directions, points, size):
        solution = _refined(directions, points, rotation, position, size)
        if solution is not None:
            return near if near is not None and near.error < solution.error else solution
    return near


def _starts(
    directions: NDArray[np.float64], points: NDArray[np.float64], size: float
) -> Iterator[tuple[Rotation, Position]]:
    """Yield rotations and positions to refine: SQPnP's, and a head that faces the camera."""
    try:
        found, turn, place = cv2.solvePnP(
            points, directions, _UNIT, None, flags=cv2.SOLVEPNP_SQPNP
        )
    except cv2.error:  # it asserts that points have a shape
        found = False
    if found:
        yield rotation_by(np.array(turn[:, 0], np.float64)), np.array(place[:, 0], np.float64)
    distance = float(np.ptp(points, axis=0).max()) / size
    x, y = directions.mean(axis=0).tolist()
    yield FACING, np.array([x, y, 1.0]) * distance


def _refined(
    directions: NDArray[np.float64],
    points: NDArray[np.float64],
    rotation: Rotation,
    position: Position,
    size: float,
) -> Solution | None:
    """Return the solution nearby, None where it is that of no visible face."""
    seen = directions.ravel()
    for _ in range(MOST_STEPS):
        arms = points @ rotation.T
        depth = float(position[2])
        if not depth + float(arms[:, 2].min()) > 0.0:
            return None
        # Of points that are turned already, derivatives by a rotation are those about the axes.
        shown, jacobian = cv2.projectPoints(arms, _NO_TURN, position, _UNIT, None)
        rows = jacobian[:, :6]
        error = shown.ravel() - seen
        is_regular, spread = cv2.invert(rows.T @ rows)
        if not is_regular:
            return None
        step = spread @ (rows.T @ error)
        rotation = rotation_by(-step[:3]) @ rotation
        position = position - step[3:]
        error = error - rows @ step  # what is left of it, to first order
        a, b, c, x, y, z = map(abs, step.tolist())
        if max(a, b, c) < SMALL_STEP and max(x, y, z) < SMALL_STEP * depth:
            break
    if not position[2] > 0.0:
        return None
    rms = math.sqrt(float(error @ error) / len(points)) / size
    is_hidden = float(rotation[:, 0] @ position) >= 0.0  # it shows the back of the head
    if is_hidden or not rms <= MOST_ERROR:
        return None
    return Solution(position, rotation, np.asarray(spread)[_POSITION_FIRST], size, rms)
