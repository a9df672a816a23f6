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

"""Rotations as matrices, quaternions and rotation vectors, in plain float arithmetic."""

from __future__ import annotations

import math

import numpy as np
from rtcnn_perception.core.arrays import Position
from rtcnn_perception.core.arrays import Rotation

Quaternion = tuple[float, float, float, float]
"""x, y, z and w of a unit quaternion, as geometry_msgs orders them."""


def quaternion_of(rotation: Rotation) -> Quaternion:
    """
    Return the quaternion of a rotation, with w of 0 or above.

    Source: Shepperd, "Quaternion from rotation matrix", J. Guidance and Control 1(3), 1978: the
    largest of the four is found first, so that no small one divides.
    """
    (m00, m01, m02), (m10, m11, m12), (m20, m21, m22) = rotation.tolist()
    trace = m00 + m11 + m22
    largest = max(trace, m00, m11, m22)
    if largest == trace:
        x, y, z, w = m21 - m12, m02 - m20, m10 - m01, 1.0 + trace
    elif largest == m00:
        x, y, z, w = 1.0 + m00 - m11 - m22, m01 + m10, m02 + m20, m21 - m12
    elif largest == m11:
        x, y, z, w = m01 + m10, 1.0 + m11 - m00 - m22, m12 + m21, m02 - m20
    else:
        x, y, z, w = m02 + m20, m12 + m21, 1.0 + m22 - m00 - m11, m10 - m01
    scale = math.copysign(1.0 / math.sqrt(x * x + y * y + z * z + w * w), w)
    return x * scale, y * scale, z * scale, w * scale


def rotation_of(quaternion: Quaternion) -> Rotation:
    """Return the rotation of a quaternion, which is made a unit one; it must not be 0."""
    x, y, z, w = quaternion
    length = math.sqrt(x * x + y * y + z * z + w * w)
    x, y, z, w = x / length, y / length, z / length, w / length
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def rotation_by(vector: Position) -> Rotation:
    """Return the rotation about the direction of a vector (3,), by its length in radians."""
    return rotation_of(_quaternion_by(*vector.tolist()))


def turn_between(before: Quaternion, after: Quaternion) -> tuple[float, float, float]:
    """Return axis and angle from one rotation to another as a vector, at most pi radians long."""
    x, y, z, w = _product(after, (-before[0], -before[1], -before[2], before[3]))
    if w < 0.0:
        x, y, z, w = -x, -y, -z, -w
    sine = math.sqrt(x * x + y * y + z * z)
    scale = 2.0 * math.atan2(sine, w) / sine if sine > 0.0 else 2.0
    return x * scale, y * scale, z * scale


def turned_by(
    quaternion: Quaternion, turn: tuple[float, float, float], share: float
) -> Quaternion:
    """Return a rotation followed by a share of a turn, as ``turn_between`` gives it."""
    return _product(_quaternion_by(*(share * each for each in turn)), quaternion)


def _quaternion_by(x: float, y: float, z: float) -> Quaternion:
    half = math.sqrt(x * x + y * y + z * z) / 2.0
    scale = math.sin(half) / (2.0 * half) if half > 0.0 else 0.5
    return x * scale, y * scale, z * scale, math.cos(half)


def _product(first: Quaternion, second: Quaternion) -> Quaternion:
    ax, ay, az, aw = first
    bx, by, bz, bw = second
    return (
        aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx,
        aw * bz + ax * by - ay * bx + az * bw,
        aw * bw - ax * bx - ay * by - az * bz,
    )
