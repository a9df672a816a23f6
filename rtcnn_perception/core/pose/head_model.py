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
The head that poses are estimated with: five points of a face, and its height.

A picture alone shows no size, so that the distance is as right as the head is of this size. The
axes are those of REP-155: x out of the face, y to its left, z to the top of the head; the origin
is the sellion, the deepest point of the nose between the eyes.

Sources, all for adults:

- Pupils 63 mm apart (standard deviation 4): Dodgson, "Variation and extrema of human
  interpupillary distance", Proc. SPIE 5291, 2004.
- Width of the mouth, heights of nose tip and mouth below the sellion: means over women and men of
  Farkas, "Anthropometry of the Head and Face", Raven, 1994 (cheilion to cheilion 50 and 55 mm,
  nasion to subnasale 51 and 55, nasion to stomion 69 and 77), and of the survey in Zhuang and
  Bradtmiller, "Head-and-face anthropometric survey of U.S. respirator users", J. Occup. Environ.
  Hyg. 2(11), 2005.
- What lies before or behind the sellion, with the head upright as it looks straight ahead: between
  two published shapes, MediaPipe's canonical face and the face of MPIIGaze (Zhang et al., CVPR
  2015), whose eyes lie 18 and 16 mm behind it, nose tips 22 and 20 mm before it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.geometry.landmarks import FIVE_POINTS

PUPIL_DISTANCE: Final = 0.063
"""Metres."""

SIZE_STD: Final = 0.07
"""Standard deviation of the size of heads, as a part of it: 4 mm of 63."""

_POINTS_MM: Final = {
    'right_eye': (-16.5, -31.5, -5.0),
    'left_eye': (-16.5, 31.5, -5.0),
    'nose': (22.0, 0.0, -42.0),
    'right_mouth_corner': (-11.0, -26.0, -73.0),
    'left_mouth_corner': (-11.0, 26.0, -73.0),
}

FACE_HEIGHT_MM: Final = 184.0
"""
Height of what detectors box, from forehead to chin.

Median over 1,239 frontal faces of 40 pixels and more in the photographs of detection/train, by the
size that their landmarks have; the standard deviation is 5 %.
"""


def head_points(pupil_distance: float) -> NDArray[np.float64]:
    """
    Return the points of the head in the order of ``FIVE_POINTS``, (5, 3) float64 [m].

    :param pupil_distance: [m]; the head is scaled with it
    """
    return np.array([_POINTS_MM[name] for name in FIVE_POINTS]) * _scale(pupil_distance)


def face_height(pupil_distance: float) -> float:
    """Return the height of a face's box [m]."""
    return FACE_HEIGHT_MM * _scale(pupil_distance)


def _scale(pupil_distance: float) -> float:
    return pupil_distance / PUPIL_DISTANCE * 1e-3
