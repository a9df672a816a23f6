"""
Position and rotation of known points from the directions in which they are seen.

SQPnP finds the global optimum of an algebraic error without a start (Terzakis and Lourakis, "A
consistently fast and globally optimal solution to the Perspective-n-Point problem", ECCV 2020);
Gauss-Newton steps from there minimise the error in the picture, and give the covariance.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from typing import NamedTuple

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

LEAST_SPREAD: Final = 1e-4
"""Tangent: a face that appears smaller, 100 m away, has landmarks of no use."""

STEPS: Final = 2
"""Gauss-Newton steps from SQPnP's solution: a third changes the angles by less than 0.01."""

RESCUE_STEPS: Final = 10
"""The same from a head that faces the camera, where SQPnP finds none."""

_UNIT: Final = np.eye(3)


@dataclass(frozen=True, slots=True)
class Solution:
    """
    Where points are.

    :param position: of their origin, (3,) [m]
    :param rotation: (3, 3) from their axes to those of the optical frame
    :param spread: (6, 6) covariance of position [m] and rotation about the optical frame's axes
        [rad], for directions whose tangents have a standard deviation of 1
    """

    position: Position
    rotation: Rotation
    spread: Covariance


class _Start(NamedTuple):
    """A rotation and a position to refine, and in how many steps."""

    rotation: Rotation
    position: Position
    steps: int


def solve_pose(directions: NDArray[np.float64], points: NDArray[np.float64]) -> Solution | None:
    """
    Find position and rotation of a head.

    :param directions: (5, 2) float64, x / z and y / z of each point
    :param points: (5, 3) float64, the points in the head's axes [m]
    :returns: None where the directions are those of no head before the camera that shows its face
    """
    size = float(np.ptp(directions, axis=0).max())
    if not size > LEAST_SPREAD:  # NaN too
        return None
    for start in _starts(directions, points, size):
        solution = _refined(directions, points, start, MOST_ERROR * size)
        if solution is not None:
            return solution
    return None


def _starts(
    directions: NDArray[np.float64], points: NDArray[np.float64], size: float
) -> Iterator[_Start]:
    found, turn, place = cv2.solvePnP(points, directions, _UNIT, None, flags=cv2.SOLVEPNP_SQPNP)
    if found:
        yield _Start(rotation_by(turn[:, 0]), place[:, 0], STEPS)
    distance = float(np.ptp(points, axis=0).max()) / size
    x, y = directions.mean(axis=0).tolist()
    yield _Start(FACING, np.array([x, y, 1.0]) * distance, RESCUE_STEPS)


def _refined(
    directions: NDArray[np.float64],
    points: NDArray[np.float64],
    start: _Start,
    most_error: float,
) -> Solution | None:
    """Return the solution nearby, None where it is that of no visible face."""
    rotation, position, steps = start
    jacobian = np.zeros((len(points), 2, 6))
    rows = jacobian.reshape(-1, 6)
    for left in range(steps, -1, -1):
        arms = points @ rotation.T
        seen = arms + position
        depths = seen[:, 2:]
        if not depths.min() > 0.0:
            return None
        shown = seen[:, :2] / depths
        error = (shown - directions).ravel()
        _derive(jacobian, arms, shown, depths[:, 0])
        normal = rows.T @ rows
        try:
            spread = np.linalg.inv(normal)
        except np.linalg.LinAlgError:
            return None
        if left:
            step = spread @ (rows.T @ error)
            position = position - step[:3]
            rotation = rotation_by(-step[3:]) @ rotation
    is_hidden = float(rotation[:, 0] @ position) >= 0.0  # it shows the back of the head
    if is_hidden or not float(error @ error) <= len(points) * most_error * most_error:
        return None
    return Solution(position, rotation, spread)


def _derive(
    jacobian: NDArray[np.float64],
    arms: NDArray[np.float64],
    shown: NDArray[np.float64],
    depths: NDArray[np.float64],
) -> None:
    """
    Write the derivatives of the directions by position and rotation.

    :param jacobian: (5, 2, 6) float64 to write to, whose entries of x by y and y by x are 0
    :param arms: (5, 3), from the origin of the points to each, in the optical frame
    :param shown: (5, 2), their directions
    :param depths: (5,)
    """
    inverse = 1.0 / depths
    x, y, z = (arms * inverse[:, np.newaxis]).T
    u, v = shown.T
    jacobian[:, 0, 0] = jacobian[:, 1, 1] = inverse
    jacobian[:, :, 2] = -shown * inverse[:, np.newaxis]
    jacobian[:, 0, 3] = -u * y
    jacobian[:, 0, 4] = z + u * x
    jacobian[:, 0, 5] = -y
    jacobian[:, 1, 3] = -z - v * y
    jacobian[:, 1, 4] = v * x
    jacobian[:, 1, 5] = x
