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

"""How directly a head points at the camera, and whether that is looking at it."""

from __future__ import annotations

from dataclasses import dataclass
import math
from typing import Final

from rtcnn_perception.core.arrays import Position
from rtcnn_perception.core.arrays import Rotation
from rtcnn_perception.exceptions import ConfigurationError

NO_LOOK: Final = 60.0
"""
Degrees beside the camera from which on the score is 0.

Heads turn further than eyes: those of people who look at something point within some 20 degrees
of it.
"""


@dataclass(frozen=True, slots=True)
class LookingConfig:
    """
    When a head looks at the camera: two angles in degrees, so that the state does not flicker.

    :raises ConfigurationError: if an angle is out of range, or the second below the first
    """

    begin: float = 20.0
    end: float = 30.0

    def __post_init__(self) -> None:
        if not 0.0 < self.begin <= self.end <= 180.0:
            raise ConfigurationError(
                'expected angles of looking above 0, the end no smaller than the begin and at '
                f'most 180 degrees, got {self.begin:g} and {self.end:g}'
            )


def angle_to_camera(position: Position, rotation: Rotation) -> float:
    """Return the angle in degrees between where a head points and the way to the camera."""
    away = -position
    cosine = float(rotation[:, 0] @ away) / math.sqrt(float(away @ away))
    return math.degrees(math.acos(min(max(cosine, -1.0), 1.0)))


def looking_score(angle: float) -> float:
    """Return 1 for an angle of 0 degrees, 0.5 for 30, and 0 from 60 on, by a cosine between."""
    return 0.5 + 0.5 * math.cos(math.pi * min(angle, NO_LOOK) / NO_LOOK)


def is_looking(angle: float, before: bool, config: LookingConfig) -> bool:
    """Return the state after a picture; ``before`` is the one of the picture before."""
    return angle < (config.end if before else config.begin)
