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
What depth says about a face: how far it is, and whether it can be a head at all.

Depth is z of the optical frame, as in REP-118.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace
import math
from typing import Final
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.pose.depth_image import DepthImage
from rtcnn_perception.core.pose.estimate import along
from rtcnn_perception.core.pose.estimate import BOX_STD
from rtcnn_perception.core.pose.head_model import SIZE_STD
from rtcnn_perception.core.pose.head_pose import HeadPose

INNER: Final = 0.7
"""Share of a face's box, each way, whose depth is read: no background, and little hair."""

SAMPLES: Final = 24
"""It is read at so many places across and down."""

MIDDLE: Final = slice(3, 21)
"""Those of them, each way, whose median is the depth of the face: half of its box."""

CELLS: Final = 6
"""Their means in so many cells each way show the relief, with less noise."""

LEAST_VALID: Final = 0.3
"""Share of places with depth below which nothing is said."""

SURFACE_STD: Final = 0.015
"""
Metres between the sellion and the median surface of a face's middle, and what sensors err near by.

Of MediaPipe's canonical face the surface lies 4 mm behind it from the front, 13 mm before it at a
yaw of 40 degrees, and from 10 before to 18 behind it at a pitch of 25.
"""

LEAST_PUPILS, MOST_PUPILS = 0.040, 0.080
"""
Metres between pupils, from children of five years to all adults but a few.

Source: Dodgson, "Variation and extrema of human interpupillary distance", Proc. SPIE 5291, 2004.
"""

FLAT_BELOW: Final = 0.0025
"""
Metres: the deviation of a face from a plane below which it is a picture.

Of the surface of heads it is 6 to 9 mm, also turned by 40 degrees.
"""

FLAT_WITHIN: Final = 2.0
"""Metres; farther away, cameras that smooth their depth show heads flat as well."""

FLAT_PIXELS: Final = 30.0
"""Pixels of width from which on a face is large enough for its relief."""


DOUBT_TIME: Final = 0.3
"""Seconds over which is averaged whether a face can be a head."""

KEPT_TIME: Final = 2.0
"""Seconds for which what depth said of a face holds where it says nothing more."""


class DepthReading(NamedTuple):
    """
    What one depth image says about a face.

    ``ratio`` is that of its distance by depth to the one by its size; ``reason`` is why it can be
    no head, empty if it can.
    """

    ratio: float
    reason: str


@dataclass(frozen=True, slots=True)
class DepthHistory:
    """
    What depth said about a face over time, so that holes and noise of one image decide nothing.

    ``share`` is an average of 1 for each image in which it can be no head, and 0 for the others;
    ``reason`` is the last one. ``ratio`` is the last one, which holds where depth is missing, as a
    head does not change its size; None where none is known. ``silent_s`` is the time since then.
    """

    share: float = 0.0
    reason: str = ''
    ratio: float | None = None
    silent_s: float = 0.0

    @classmethod
    def after(
        cls, before: DepthHistory | None, reading: DepthReading | None, passed: float
    ) -> DepthHistory:
        """
        Return what is known after an image.

        :param before: None for a new face
        :param reading: None where depth says nothing
        :param passed: seconds since the image before
        """
        if reading is None:
            silent_s = 0.0 if before is None else before.silent_s + passed
            if before is None or silent_s > KEPT_TIME:
                return cls()
            return replace(before, silent_s=silent_s)
        target = 1.0 if reading.reason else 0.0
        if before is None:
            return cls(target, reading.reason, reading.ratio)
        weight = -math.expm1(-passed / DOUBT_TIME)
        share = before.share + weight * (target - before.share)
        return cls(share, reading.reason or before.reason, reading.ratio)

    @property
    def implausible_reason(self) -> str:
        """Why it is implausible, empty if it is not."""
        return self.reason if self.share > 0.5 else ''


def reading_of(
    pose: HeadPose, box: BoundingBox, depth: DepthImage, pupil_distance: float
) -> DepthReading | None:
    """
    Return what a depth image says about a face; None where it says nothing.

    :param pose: by its size alone
    :param box: of the face in pixels
    :param pupil_distance: [m] of the head that the pose was estimated with
    """
    metres = depth.read(_inside(box, INNER), SAMPLES)
    near = _median(metres[MIDDLE, MIDDLE])
    if near is None:
        return None
    ratio = near / float(pose.position[2])
    reason = _why_flat(box, metres, near) or _why_no_size(pose, ratio, pupil_distance)
    return DepthReading(ratio, reason)


def with_ratio(pose: HeadPose, ratio: float) -> HeadPose:
    """Return a pose by its size moved along its ray, by as much as depth allows to be wrong."""
    position = pose.position * ratio
    square = float(position @ position)
    # What the distance had to do with the rotation is gone with its deviation.
    across = np.eye(6)
    across[:3, :3] -= position[:, np.newaxis] * position / square
    across[:3, :3] *= ratio
    covariance = across @ pose.covariance @ across.T
    covariance[:3, :3] += along(position, SURFACE_STD / math.sqrt(square))
    return replace(pose, position=position, covariance=covariance)


def _inside(box: BoundingBox, share: float) -> BoundingBox:
    """Return the middle of a box, a share of its width and height."""
    x, y = box.center
    width, height = share * box.width, share * box.height
    return BoundingBox.from_xywh(x - width / 2.0, y - height / 2.0, width, height)


def _median(metres: NDArray[np.float64]) -> float | None:
    ordered = np.sort(metres, axis=None)  # NaN comes last
    valid = metres.size - int(np.count_nonzero(np.isnan(ordered)))
    return None if valid < LEAST_VALID * metres.size else float(ordered[valid // 2])


def _why_no_size(pose: HeadPose, ratio: float, pupil_distance: float) -> str:
    """Return why a head that appears as large at that depth can be none."""
    pupils = pupil_distance * ratio
    margin = 2.0 * _size_noise(pose)
    if pupils * (1.0 + margin) >= LEAST_PUPILS and pupils * (1.0 - margin) <= MOST_PUPILS:
        return ''
    return (
        f'at its depth it has a size of {1e3 * pupils:.0f} mm from pupil to pupil, heads have '
        f'{1e3 * LEAST_PUPILS:.0f} to {1e3 * MOST_PUPILS:.0f}'
    )


def _size_noise(pose: HeadPose) -> float:
    """Return how far the estimated size may be wrong, as a part of it, besides heads' own."""
    if pose.rotation is None:
        return BOX_STD
    square = float(pose.position @ pose.position)
    relative = float(pose.position @ pose.covariance[:3, :3] @ pose.position) / (square * square)
    return math.sqrt(max(relative - SIZE_STD * SIZE_STD, 0.0))


def _why_flat(box: BoundingBox, metres: NDArray[np.float64], near: float) -> str:
    """Return that a face is flat, if it is near and large enough to show its relief."""
    if near > FLAT_WITHIN or min(box.width, box.height) < FLAT_PIXELS:
        return ''
    relief = relief_of(metres)
    if relief is None or relief >= FLAT_BELOW:
        return ''
    return f'flat in depth: {1e3 * relief:.1f} mm from a plane, a face has 6 and more'


def relief_of(metres: NDArray[np.float64]) -> float | None:
    """
    Return how far a surface deviates from a plane.

    1 / z of a plane is linear in the pixels, however it is inclined.

    :param metres: (N, N) depth at places of a grid, NaN where there is none; N a multiple of CELLS
    :returns: standard deviation [m], None where too much depth is missing
    """
    step = metres.shape[0] // CELLS
    inverse = (1.0 / metres).reshape(CELLS, step, CELLS, step)
    values = inverse.mean(axis=(1, 3)).ravel()
    if math.isfinite(float(values.sum())):
        rest = _BESIDE_PLANE @ values
    else:
        cells = inverse.swapaxes(1, 2).reshape(CELLS * CELLS, -1)
        is_known = np.isfinite(cells)
        counts = is_known.sum(axis=1)
        used = counts * 2 >= cells.shape[1]
        if used.sum() < 0.6 * used.size:
            return None
        values = np.where(is_known, cells, 0.0).sum(axis=1)[used] / counts[used]
        plane = _PLANE[used]
        rest = values - plane @ np.linalg.lstsq(plane, values, rcond=None)[0]
    mean = float(values.mean())
    return math.sqrt(float(rest @ rest) / len(rest)) / (mean * mean)


_AXIS: Final = np.linspace(-1.0, 1.0, CELLS)
_PLANE: Final = np.stack(
    [np.repeat(_AXIS, CELLS), np.tile(_AXIS, CELLS), np.ones(CELLS * CELLS)], axis=1
)
_BESIDE_PLANE: Final = np.eye(CELLS * CELLS) - _PLANE @ np.linalg.pinv(_PLANE)
"""Times values of all cells: what of them no plane explains."""
