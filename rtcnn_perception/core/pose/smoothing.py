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
Smooth the pose of one head over time.

A fixed average either leaves the noise of a head that rests or lags behind one that moves. Here
the weight of a new picture grows with the speed, as in Casiez, Roussel and Vogel, "1 Euro filter",
CHI 2012, in a form that states the lag: at a constant speed it stays below a limit, however fast.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
import math
from typing import Final

import numpy as np
from rtcnn_perception.core.arrays import Position
from rtcnn_perception.core.arrays import Rotation
from rtcnn_perception.core.pose.head_pose import HeadPose
from rtcnn_perception.core.pose.rotations import quaternion_of
from rtcnn_perception.core.pose.rotations import rotation_of
from rtcnn_perception.core.pose.rotations import turn_between
from rtcnn_perception.core.pose.rotations import turned_by

DISTANCE_LAG: Final = 0.05
"""Longest lag of the distance at a constant speed, as a part of it; heads differ by more."""

BEARING_LAG: Final = 0.005
"""The same for the direction, as a tangent: three pixels of a camera of 600."""

ROTATION_LAG: Final = 0.1
"""The same for the rotation, in radians: 6 degrees."""

SPEED_TIME: Final = 0.2
"""Seconds over which a speed is averaged."""

LONGEST_HELD: Final = 1.0
"""Seconds for which the pose of a head that is not seen is held."""

HELD_SPEED: Final = 1.0
"""Metres per second by which the standard deviation of a held position grows: a walk."""

HELD_TURN: Final = 1.0
"""Radians per second, likewise for the rotation."""


class PoseTrack:
    """The smoothed pose of one head, and the time of its last picture, in seconds."""

    __slots__ = ('_bearing', '_distance', '_turn', 'pose', 'time')

    def __init__(self, pose: HeadPose, time: float) -> None:
        """Start with a pose as it is."""
        x, y, z = pose.position.tolist()
        self._bearing = _Mean((x / z, y / z), BEARING_LAG)
        self._distance = _Mean((math.log(z),), DISTANCE_LAG)
        self._turn = None if pose.rotation is None else _TurnMean(pose.rotation)
        self.pose = pose
        self.time = time

    def update(
        self, pose: HeadPose, time: float, time_constant: float
    ) -> tuple[Position, Rotation | None]:
        """
        Take the pose of a new picture; ``pose`` is to be set to what becomes of it.

        :param time_constant: seconds of the average of a head that rests, 0 for none
        :returns: position and rotation, smoothed
        """
        passed, self.time = time - self.time, time
        # Apart, as a picture shows a direction to a pixel, and a distance to some per cent.
        x, y, z = pose.position.tolist()
        bearing = self._bearing.update((x / z, y / z), passed, time_constant)
        distance = self._distance.update((math.log(z),), passed, time_constant)
        z = math.exp(distance[0])
        rotation = pose.rotation
        if rotation is None:
            self._turn = None
        elif self._turn is None:
            self._turn = _TurnMean(rotation)
        else:
            rotation = self._turn.update(rotation, passed, time_constant)
        return np.array((bearing[0] * z, bearing[1] * z, z)), rotation

    def held(self, time: float) -> HeadPose | None:
        """
        Return the last pose for a head that is not seen, None once that is too long ago.

        Its covariance grows with the time.
        """
        passed, pose = time - self.time, self.pose
        if passed > LONGEST_HELD:
            return None
        growth = np.full(6, (HELD_SPEED * passed) ** 2)
        growth[3:] = 0.0 if pose.rotation is None else (HELD_TURN * passed) ** 2
        return replace(pose, covariance=pose.covariance + np.diag(growth))


class _Mean:
    """Numbers that are averaged by a weight which grows with their speed."""

    __slots__ = ('_lag', '_last', '_speed', '_value')

    def __init__(self, value: tuple[float, ...], lag: float) -> None:
        self._value = self._last = value
        self._speed: tuple[float, ...] = (0.0,) * len(value)
        self._lag = lag

    def update(
        self, value: tuple[float, ...], passed: float, time_constant: float
    ) -> tuple[float, ...]:
        change = [now - before for now, before in zip(value, self._last, strict=True)]
        self._speed = _speed(self._speed, change, passed)
        self._last = value
        weight = _weight(self._speed, passed, time_constant, self._lag)
        pairs = zip(self._value, value, strict=True)
        self._value = tuple(before + weight * (now - before) for before, now in pairs)
        return self._value


class _TurnMean:
    """The same for a rotation."""

    __slots__ = ('_last', '_speed', '_value')

    def __init__(self, rotation: Rotation) -> None:
        self._value = self._last = quaternion_of(rotation)
        self._speed: tuple[float, ...] = (0.0, 0.0, 0.0)

    def update(self, rotation: Rotation, passed: float, time_constant: float) -> Rotation:
        value = quaternion_of(rotation)
        self._speed = _speed(self._speed, turn_between(self._last, value), passed)
        self._last = value
        weight = _weight(self._speed, passed, time_constant, ROTATION_LAG)
        self._value = turned_by(self._value, turn_between(self._value, value), weight)
        return rotation_of(self._value)


def _speed(before: tuple[float, ...], change: Sequence[float], passed: float) -> tuple[float, ...]:
    """Return the averaged speed; it stays where no time has passed."""
    if passed == 0.0:
        return before
    weight = -math.expm1(-passed / SPEED_TIME)
    pairs = zip(before, change, strict=True)
    return tuple(speed + weight * (each / passed - speed) for speed, each in pairs)


def _weight(speed: tuple[float, ...], passed: float, time_constant: float, lag: float) -> float:
    """
    Return the weight of a new value.

    A mean of rate r lags by speed / r behind a constant speed; with r of 1 / time_constant +
    speed / lag that is below ``lag``.
    """
    if time_constant == 0.0:
        return 1.0
    return -math.expm1(-passed * (1.0 / time_constant + math.hypot(*speed) / lag))
