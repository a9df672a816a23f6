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

"""How a camera maps directions to pixels: focal length, principal point and distortion."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
import math
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.exceptions import PerceptionError

Points = NDArray[np.float64]
"""(N, 2) float64: pixels, or x / z and y / z of directions."""

LENGTHS: Final = {
    'plumb_bob': (0, 4, 5),
    'rational_polynomial': (8, 12, 14),
    'equidistant': (4,),
}
"""The models of distortion, and how many coefficients each may have."""

LEAST_FOV, MOST_FOV = 1.0, 170.0
"""Degrees of a horizontal field of view that a camera can have without distortion."""

SAME_ASPECT: Final = 0.01
"""Ratios of width and height that differ by less are those of the same picture, scaled."""

FARTHEST: Final = math.tan(math.radians(80.0))
"""Tangent of the angle from the optical axis beyond which no direction is computed."""

_EXACT: Final = 1e-3
# Of an undistorted direction that is distorted again: half a pixel of a camera of 500.

_ITERATIONS: Final = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 40, 1e-9)
_NO_TURN: Final = np.zeros(3)
_UNIT: Final = np.eye(3)


@dataclass(frozen=True)
class Intrinsics:
    """
    A camera.

    :param size_wh: width and height of its images in pixels
    :param focal_xy: focal lengths in pixels
    :param center_xy: the principal point in pixels, where pixel 0 covers [0, 1): 0.5 more than in
        OpenCV and ROS
    :param model: of the distortion, a key of ``LENGTHS``
    :param distortion: its coefficients as OpenCV orders them; none for a camera without
    :raises PerceptionError: if no camera can be like this
    """

    size_wh: tuple[int, int]
    focal_xy: tuple[float, float]
    center_xy: tuple[float, float]
    model: str = 'plumb_bob'
    distortion: tuple[float, ...] = ()
    _reach: float = field(init=False, repr=False, compare=False)  # of the distortion, as a tangent
    _coefficients: NDArray[np.float64] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check all, and find how far the distortion can be undone."""
        numbers = (*self.focal_xy, *self.center_xy, *self.distortion)
        if not all(map(math.isfinite, numbers)):
            raise PerceptionError('a camera needs finite intrinsics, got NaN or infinity')
        if min(self.size_wh) < 1:
            width, height = self.size_wh
            raise PerceptionError(f'a camera needs a size, got {width}x{height}')
        if min(self.focal_xy) <= 0.0:
            raise PerceptionError(
                f'a camera needs focal lengths above 0, got {self.focal_xy[0]:g} and '
                f'{self.focal_xy[1]:g}: it is not calibrated'
            )
        if not LEAST_FOV <= self.plain_fov <= MOST_FOV:
            raise PerceptionError(
                f'a focal length of {self.focal_xy[0]:g} pixels at a width of {self.size_wh[0]} '
                f'is that of no camera: expected a field of view of {LEAST_FOV:g} to '
                f'{MOST_FOV:g} degrees'
            )
        if not self._beside() < FARTHEST:
            raise PerceptionError(
                f'a principal point of {self.center_xy[0]:g}, {self.center_xy[1]:g} is that of no '
                f'camera with an image of {self.size_wh[0]}x{self.size_wh[1]}'
            )
        lengths = LENGTHS.get(self.model)
        if lengths is None:
            raise PerceptionError(
                f'unknown distortion model {self.model!r}; known are {", ".join(LENGTHS)}'
            )
        if len(self.distortion) not in lengths:
            expected = ', '.join(map(str, lengths))
            raise PerceptionError(
                f'{self.model} has {expected} coefficients, got {len(self.distortion)}'
            )
        object.__setattr__(self, '_coefficients', np.array(self.distortion, np.float64))
        object.__setattr__(self, '_reach', self._find_reach())

    @classmethod
    def from_fov(cls, size_wh: tuple[int, int], degrees: float) -> Intrinsics:
        """Return a camera without distortion of a horizontal field of view, centred."""
        width, height = size_wh
        focal = width / 2.0 / math.tan(math.radians(degrees) / 2.0)
        return cls(size_wh, (focal, focal), (width / 2.0, height / 2.0))

    @property
    def plain_fov(self) -> float:
        """Horizontal field of view in degrees, if there were no distortion."""
        return 2.0 * math.degrees(math.atan2(self.size_wh[0] / 2.0, self.focal_xy[0]))

    def _beside(self) -> float:
        """Return how far the image lies beside the optical axis, as a tangent."""
        axes = zip(self.center_xy, self.size_wh, self.focal_xy, strict=True)
        return max(max(-at, at - size, 0.0) / focal for at, size, focal in axes)

    def scaled_to(self, size_wh: tuple[int, int]) -> Intrinsics:
        """
        Return the same camera for its images scaled to another size.

        :raises PerceptionError: if that size is another part of the picture
        """
        if size_wh == self.size_wh:
            return self
        (width, height), (own_width, own_height) = size_wh, self.size_wh
        x, y = width / own_width, height / own_height
        if abs(x / y - 1.0) > SAME_ASPECT:
            raise PerceptionError(
                f'expected intrinsics of an image of {width}x{height}, or of one of the same '
                f'shape, got those of {own_width}x{own_height}'
            )
        focal, center = self.focal_xy, self.center_xy
        return replace(
            self,
            size_wh=size_wh,
            focal_xy=(focal[0] * x, focal[1] * y),
            center_xy=(center[0] * x, center[1] * y),
        )

    def directions(self, pixels: Points) -> Points:
        """
        Return where pixels point to, as x / z and y / z in the optical frame.

        :param pixels: (N, 2) float64
        :returns: (N, 2) float64; NaN for a pixel that lies beyond what the distortion reaches, or
            80 degrees and more from the optical axis
        """
        found = (pixels - self.center_xy) / self.focal_xy
        if self._coefficients.any():
            distorted = found
            found = self._undistorted(distorted)
            wrong = np.abs(self._distorted(found) - distorted).max(axis=1) > _EXACT
            found[wrong] = np.nan
        radii = np.hypot(found[:, 0], found[:, 1])
        is_known = radii < min(self._reach, FARTHEST)  # false for NaN
        if not is_known.all():
            found = np.where(is_known[:, np.newaxis], found, np.nan)
        return found

    def pixels(self, directions: Points) -> Points:
        """Return where directions, as x / z and y / z, lie in the image, (N, 2) pixels."""
        shown = self._distorted(directions) if self._coefficients.any() else directions
        return np.asarray(shown * self.focal_xy + self.center_xy)

    def _undistorted(self, points: Points) -> Points:
        shaped = np.ascontiguousarray(points, np.float64).reshape(-1, 1, 2)
        if self.model == 'equidistant':
            found = cv2.fisheye.undistortPoints(shaped, _UNIT, self._coefficients)
        else:
            found = cv2.undistortPointsIter(
                shaped, _UNIT, self._coefficients, _UNIT, _UNIT, _ITERATIONS
            )
        return np.array(found, np.float64).reshape(-1, 2)

    def _distorted(self, points: Points) -> Points:
        known = np.where(np.isfinite(points), points, 0.0)
        if self.model == 'equidistant':
            shaped = np.ascontiguousarray(known).reshape(-1, 1, 2)
            found = cv2.fisheye.distortPoints(shaped, _UNIT, self._coefficients)
        else:
            ahead = np.ones((len(known), 3))
            ahead[:, :2] = known
            found, _ = cv2.projectPoints(ahead, _NO_TURN, _NO_TURN, _UNIT, self._coefficients)
        return np.where(np.isfinite(points), found.reshape(-1, 2), np.nan)

    def _find_reach(self) -> float:
        """
        Return up to which tangent the distortion keeps the order of radii.

        Beyond it the polynomial turns back, and two directions have the same pixel.
        """
        if not self._coefficients.any():
            return math.inf
        radii = np.linspace(0.0, FARTHEST, 1000)
        shown = self._distorted(np.stack([radii, np.zeros_like(radii)], axis=1))[:, 0]
        turns = np.flatnonzero(np.diff(shown) <= 0.0)
        return float(radii[turns[0]]) if turns.size else math.inf
