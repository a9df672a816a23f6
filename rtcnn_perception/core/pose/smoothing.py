"""
Smooth the pose of one head over time.

A fixed average either leaves the noise of a head that rests or lags behind one that moves. Here
the weight of a new picture grows with the speed, as in Casiez, Roussel and Vogel, "1 Euro filter",
CHI 2012, in a form that states the lag: at a constant speed it stays below a limit, however fast.
"""

from __future__ import annotations

from dataclasses import replace
import math
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import Position
from rtcnn_perception.core.arrays import Rotation
from rtcnn_perception.core.pose.head_pose import HeadPose
from rtcnn_perception.core.pose.rotations import rotation_by
from rtcnn_perception.core.pose.rotations import vector_of

DISTANCE_LAG: Final = 0.05
"""Longest lag of the distance at a constant speed, as a part of it; heads differ by more."""

BEARING_LAG: Final = 0.005
"""The same for the direction, as a tangent: three pixels of a camera of 600."""

ROTATION_LAG: Final = 0.1
"""The same for the rotation, in radians: 6 degrees."""

SPEED_TIME: Final = 0.2
"""Seconds over which a speed is averaged."""

MOST_GAP: Final = 1.0
"""Seconds without a pose after which a head starts anew."""

NOMINAL_STEP: Final = 1 / 30
"""Seconds that are assumed to have passed where the stamps stand still."""

HELD_SPEED: Final = 1.0
"""Metres per second by which the standard deviation of a held position grows: a walk."""

HELD_TURN: Final = 1.0
"""Radians per second, likewise for the rotation."""


class PoseTrack:
    """The smoothed pose of one head, and the time in seconds of its last picture."""

    __slots__ = ('_bearing', '_distance', '_rotation', 'pose', 'time')

    def __init__(self, pose: HeadPose, time: float) -> None:
        """Start with a pose as it is."""
        bearing, distance = _split(pose.position)
        self._bearing = _Mean(bearing, BEARING_LAG)
        self._distance = _Mean(distance, DISTANCE_LAG)
        self._rotation = None if pose.rotation is None else _TurnMean(pose.rotation)
        self.pose = pose
        self.time = time

    def is_continued(self, time: float) -> bool:
        """Return whether a picture of that time is the next one, and not a start anew."""
        return 0.0 <= time - self.time <= MOST_GAP

    def update(self, pose: HeadPose, time: float, time_constant: float) -> None:
        """
        Take the pose of a new picture.

        :param time_constant: seconds of the average of a head that rests, 0 for none
        """
        passed = time - self.time or NOMINAL_STEP
        bearing, distance = _split(pose.position)
        x, y = self._bearing.update(bearing, passed, time_constant).tolist()
        z = math.exp(float(self._distance.update(distance, passed, time_constant)[0]))
        rotation = None
        if pose.rotation is None:
            self._rotation = None
        elif self._rotation is None:
            self._rotation, rotation = _TurnMean(pose.rotation), pose.rotation
        else:
            rotation = self._rotation.update(pose.rotation, passed, time_constant)
        self.pose = replace(pose, position=np.array([x * z, y * z, z]), rotation=rotation)
        self.time = time

    def held(self, time: float) -> HeadPose | None:
        """
        Return the last pose for a head that is not seen, None once that is too long ago.

        Its covariance grows with the time.
        """
        if not self.is_continued(time):
            return None
        passed, pose = time - self.time, self.pose
        growth = np.full(6, (HELD_SPEED * passed) ** 2)
        growth[3:] = 0.0 if pose.rotation is None else (HELD_TURN * passed) ** 2
        return replace(pose, covariance=pose.covariance + np.diag(growth))


class _Mean:
    """A vector that is averaged by a weight which grows with its speed."""

    __slots__ = ('_lag', '_last', '_speed', '_value')

    def __init__(self, value: NDArray[np.float64], lag: float) -> None:
        self._value = self._last = value
        self._speed = np.zeros_like(value)
        self._lag = lag

    def update(
        self, value: NDArray[np.float64], passed: float, time_constant: float
    ) -> NDArray[np.float64]:
        self._speed = _faster(self._speed, (value - self._last) / passed, passed)
        self._last = value
        weight = _weight(self._speed, passed, time_constant, self._lag)
        self._value = self._value + weight * (value - self._value)
        return self._value


class _TurnMean:
    """The same for a rotation."""

    __slots__ = ('_last', '_speed', '_value')

    def __init__(self, value: Rotation) -> None:
        self._value = self._last = value
        self._speed = np.zeros(3)

    def update(self, value: Rotation, passed: float, time_constant: float) -> Rotation:
        turned = vector_of(value @ self._last.T)
        self._speed = _faster(self._speed, turned / passed, passed)
        self._last = value
        weight = _weight(self._speed, passed, time_constant, ROTATION_LAG)
        self._value = rotation_by(weight * vector_of(value @ self._value.T)) @ self._value
        return self._value


def _faster(
    before: NDArray[np.float64], speed: NDArray[np.float64], passed: float
) -> NDArray[np.float64]:
    """Return the averaged speed."""
    return np.asarray(before - math.expm1(-passed / SPEED_TIME) * (speed - before))


def _weight(speed: NDArray[np.float64], passed: float, time_constant: float, lag: float) -> float:
    """
    Return the weight of a new value.

    A mean of rate r lags by speed / r behind a constant speed; with r of 1 / time_constant +
    speed / lag that is below ``lag``.
    """
    if time_constant == 0.0:
        return 1.0
    rate = 1.0 / time_constant + math.sqrt(float(speed @ speed)) / lag
    return -math.expm1(-passed * rate)


def _split(position: Position) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """
    Return the direction, and the logarithm of the depth.

    Apart, as a picture shows the first to a pixel and the second to some per cent.
    """
    x, y, z = position.tolist()
    return np.array([x / z, y / z]), np.array([math.log(z)])
