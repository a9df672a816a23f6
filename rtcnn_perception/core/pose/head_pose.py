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

"""The pose of a head: what the estimation gives, and what everything after it reads."""

from __future__ import annotations

from dataclasses import dataclass
import math

import numpy as np
from rtcnn_perception.core.arrays import Covariance
from rtcnn_perception.core.arrays import Position
from rtcnn_perception.core.arrays import Rotation

FACING = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, -1.0], [-1.0, 0.0, 0.0]])
"""Rotation of a head that faces the camera plane: x against the optical axis, z up."""


@dataclass(frozen=True, slots=True)
class HeadPose:
    """
    A head in the optical frame of the camera (REP-103: x right, y down, z forward).

    :param position: of the sellion, between the eyes; (3,) float64 [m]
    :param rotation: (3, 3) float64, whose columns are the head's axes as in REP-155: x out of the
        face, y to its left, z to the top of the head; None where there are no landmarks
    :param covariance: (6, 6) float64 of position [m] and rotation about the three axes of the
        optical frame [rad]; its rows of rotation are 0 without one
    :param looking: how directly the head points at the camera, in [0, 1]; 0 without a rotation
    :param is_looking: the same as a state, with hysteresis
    :param implausible_reason: why it can be no head, by its depth; empty if it can
    """

    position: Position
    rotation: Rotation | None
    covariance: Covariance
    looking: float = 0.0
    is_looking: bool = False
    implausible_reason: str = ''

    @property
    def distance(self) -> float:
        """From the camera to the sellion [m]."""
        return math.hypot(*self.position.tolist())

    @property
    def angles(self) -> tuple[float, float, float] | None:
        """
        Yaw, pitch and roll in degrees, from a head that faces the camera plane.

        About the head's own axes by the right-hand rule, in this order: yaw is positive where the
        head turns to its own left, pitch where the nose goes down, roll where it leans to its own
        right shoulder. None without a rotation.
        """
        if self.rotation is None:
            return None
        turned = FACING.T @ self.rotation
        yaw = math.atan2(turned[1, 0], turned[0, 0])
        pitch = math.asin(min(max(-turned[2, 0], -1.0), 1.0))
        roll = math.atan2(turned[2, 1], turned[2, 2])
        return math.degrees(yaw), math.degrees(pitch), math.degrees(roll)
