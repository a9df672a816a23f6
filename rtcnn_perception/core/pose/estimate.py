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

"""The pose of each head in one picture, from its landmarks or else from its box."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
import math
from typing import Final
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import Covariance
from rtcnn_perception.core.arrays import Landmarks
from rtcnn_perception.core.arrays import Position
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.landmarks import FaceRegion
from rtcnn_perception.core.geometry.landmarks import FIVE_POINTS
from rtcnn_perception.core.pose.head_model import face_height
from rtcnn_perception.core.pose.head_model import head_points
from rtcnn_perception.core.pose.head_model import SIZE_STD
from rtcnn_perception.core.pose.head_pose import HeadPose
from rtcnn_perception.core.pose.intrinsics import Intrinsics
from rtcnn_perception.core.pose.solve import LEAST_SPREAD
from rtcnn_perception.core.pose.solve import Solution
from rtcnn_perception.core.pose.solve import solve_pose

LANDMARK_NOISE: Final = 0.015
"""Standard deviation of a landmark, as a part of the size of the landmarks' box."""

PIXEL_NOISE: Final = 0.7
"""The same in pixels, for faces so small that this is more."""

SHAPE_STD: Final = math.radians(4.0)
"""Standard deviation of the rotation, as heads differ from the one of the model."""

BOX_STD: Final = 0.1
"""Standard deviation of a distance by the height of a box, as a part of it, besides heads' own."""

BOX_CENTER_STD: Final = 0.1
"""How far the sellion lies from where it is taken to be in a box, in heights of the face."""

SELLION_AT: Final = 0.35
"""Where the sellion lies in the height of a box, from the top: median over the same faces."""

_SHAPE: Final = np.diag([0.0, 0.0, 0.0, *[SHAPE_STD * SHAPE_STD] * 3])


class Estimate(NamedTuple):
    """The pose of a head in a picture, and the solution that it rests on; None with a box."""

    pose: HeadPose
    solution: Solution | None


class PoseEstimator:
    """
    Estimates the poses of heads in single pictures.

    :param pupil_distance: [m], of the heads that are seen
    """

    def __init__(self, pupil_distance: float) -> None:
        self.pupil_distance = pupil_distance
        self._points = head_points(pupil_distance)
        self._height = face_height(pupil_distance)

    def estimate(
        self,
        regions: Sequence[FaceRegion],
        camera: Intrinsics,
        before: Sequence[Solution | None] = (),
    ) -> list[Estimate | None]:
        """
        Return the pose of each face.

        Without the five landmarks, or where they are those of no head, a pose has no rotation,
        and its position rests on the box.

        :param regions: the faces of a picture
        :param camera: of the picture
        :param before: for each face its solution in the picture before, near which the new one is
            found in half the time; or none at all
        :returns: for each face its pose; None where the camera does not say where it points to
        """
        chosen = [_five_points(region) for region in regions]
        pixels = [
            _pixels_of_box(region.box) if points is None else points
            for region, points in zip(regions, chosen, strict=True)
        ]
        if not pixels:
            return []
        directions = camera.directions(np.concatenate(pixels))
        focal = math.sqrt(camera.focal_xy[0] * camera.focal_xy[1])
        found: list[Estimate | None] = []
        begin = 0
        starts = before or (None,) * len(regions)
        for region, points, start in zip(regions, chosen, starts, strict=True):
            end = begin + (3 if points is None else 5)
            own = directions[begin:end]
            begin = end
            if points is not None:
                solution = solve_pose(own, self._points, start)
                if solution is not None:
                    found.append(Estimate(_pose_of(solution, focal), solution))
                    continue
                own = camera.directions(_pixels_of_box(region.box))
            pose = self._by_box(own)
            found.append(None if pose is None else Estimate(pose, None))
        return found

    def _by_box(self, directions: NDArray[np.float64]) -> HeadPose | None:
        """Return the pose of a head whose box has these ends and this sellion, (3, 2)."""
        if not np.isfinite(directions).all():
            return None
        rays = np.ones((3, 3))
        rays[:, :2] = directions
        rays /= np.linalg.norm(rays, axis=1, keepdims=True)
        half_chord = float(np.linalg.norm(rays[0] - rays[1])) / 2.0
        if half_chord < LEAST_SPREAD:
            return None
        tangent = half_chord / math.sqrt(1.0 - half_chord * half_chord)
        position = rays[2] * (self._height / 2.0 / tangent)
        covariance = np.zeros((6, 6))
        covariance[:3, :3] = along(position, math.hypot(BOX_STD, SIZE_STD))
        covariance[range(3), range(3)] += (BOX_CENTER_STD * self._height) ** 2
        return HeadPose(position, None, covariance)


def along(position: Position, std: float) -> Covariance:
    """Return the covariance (3, 3) of a position whose distance has a relative deviation."""
    return np.asarray(position[:, np.newaxis] * position * (std * std))


def _pose_of(solution: Solution, focal: float) -> HeadPose:
    noise = math.hypot(LANDMARK_NOISE * solution.size, PIXEL_NOISE / focal)
    covariance = solution.spread * (noise * noise) + _SHAPE
    covariance[:3, :3] += along(solution.position, SIZE_STD)
    return HeadPose(solution.position, solution.rotation, covariance)


def _five_points(region: FaceRegion) -> Landmarks | None:
    """Return the landmarks (5, 2) in the order of ``FIVE_POINTS``, None without them."""
    if region.landmarks is None:
        return None
    if region.landmark_names == FIVE_POINTS:
        return region.landmarks
    indices = _indices(region.landmark_names)
    return None if indices is None else region.landmarks[list(indices)]


@lru_cache(maxsize=16)
def _indices(names: tuple[str, ...]) -> tuple[int, ...] | None:
    if not set(FIVE_POINTS) <= set(names):
        return None
    return tuple(names.index(name) for name in FIVE_POINTS)


def _pixels_of_box(box: BoundingBox) -> NDArray[np.float64]:
    """
    Return both ends of a face and its sellion, (3, 2) pixels.

    Faces are higher than wide; a wider box is that of a head on its side, whose top is unknown.
    """
    x, y = box.center
    if box.width > box.height:
        return np.array([[box.x0, y], [box.x1, y], [x, y]])
    return np.array([[x, box.y0], [x, box.y1], [x, box.y0 + SELLION_AT * box.height]])
