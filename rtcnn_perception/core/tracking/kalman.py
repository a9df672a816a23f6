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
How a face moves: a Kalman filter for its centre and its size.

Each coordinate follows an integrated Ornstein-Uhlenbeck process: the velocity is kept, but fades
with a time constant, because people turn back. Over a time that is short against it, this is the
model of constant velocity; over a longer one the uncertainty of the prediction grows without the
prediction running away. The discrete form holds for any time step and is that of Li and Jilkov,
"Survey of Maneuvering Target Tracking, Part I: Dynamic Models", IEEE Trans. AES 39(4), 2003, for
Singer's model, with the velocity in place of the acceleration.

The two coordinates of the centre share one covariance, since they start alike and are always
measured together, and so do the two logarithms of width and height. All of it is plain float
arithmetic, as the matrices are two by two and NumPy's calls alone would cost more.
"""

from __future__ import annotations

from dataclasses import dataclass
import math
from typing import Final

from rtcnn_perception.core.geometry.boxes import BoundingBox

CENTER_SPEED_STD: Final = 3.0
"""
Face sizes per second. The size is the geometric mean of width and height, some 0.2 m, and people
walk at 1.4 m/s when they do: 7 across the picture, and 0 towards the camera.
"""

CENTER_SPEED_TIME: Final = 1.0
"""Seconds after which 37 % of a velocity are left: two steps of a walk."""

SIZE_SPEED_STD: Final = 0.3
"""Logarithm of the size per second: who walks up to a camera grows by 0.3 at 5 m, 0.5 at 3 m."""

SIZE_SPEED_TIME: Final = 0.5
"""Seconds; short, so that the box of an undetected face neither grows nor vanishes."""

CENTER_NOISE: Final = 0.03
"""
Face sizes: how far a detector's box jumps between frames. Over five clips it is 0.002 to 0.008
for rtcnn, 0.003 to 0.009 for YuNet and 0.006 to 0.026 for Haar (benchmarks/box_noise.py); the
constant is for the worst of them, since a filter that trusts boxes too much loses faces
(benchmarks/crossing_faces.py), and one that trusts them too little hardly does.
"""

SIZE_NOISE: Final = 0.05
"""
The same for the logarithm of width and height: 0.006 to 0.025, 0.005 to 0.017 and 0.009 to 0.058.
"""


@dataclass(frozen=True, slots=True)
class Step:
    """What a time step does to one coordinate; velocity variances are for a standard of 1."""

    keep: float  # share of the velocity that is left
    reach: float  # seconds for which the velocity counts
    noise_position: float  # s^2
    noise_cross: float  # s
    noise_velocity: float  # 1

    @classmethod
    def over(cls, seconds: float, time_constant: float) -> Step:
        """
        Compute the step.

        :param seconds: 0 and above
        :param time_constant: of the velocity, in seconds, above 0
        """
        ratio = seconds / time_constant
        keep = math.exp(-ratio)
        lost = -math.expm1(-ratio)
        # Close to 0 the terms cancel, and rounding may leave them below it.
        spread = max(2.0 * ratio - 2.0 * lost - lost * lost, 0.0)
        return cls(
            keep=keep,
            reach=time_constant * lost,
            noise_position=time_constant * time_constant * spread,
            noise_cross=time_constant * lost * lost,
            noise_velocity=lost * (1.0 + keep),
        )


@dataclass(frozen=True, slots=True)
class FaceStep:
    """A time step for centre and size."""

    center: Step
    size: Step

    @classmethod
    def over(cls, seconds: float) -> FaceStep:
        """Compute the step for a time of 0 seconds and above."""
        return cls(
            center=Step.over(seconds, CENTER_SPEED_TIME), size=Step.over(seconds, SIZE_SPEED_TIME)
        )


class _Pair:
    """Two coordinates with velocities and the covariance that each of them has."""

    __slots__ = ('cross', 'first', 'first_speed', 'position', 'second', 'second_speed', 'velocity')

    def __init__(self, first: float, second: float, noise: float, speed: float) -> None:
        self.first = first
        self.second = second
        self.position = noise * noise
        self.halt(speed)

    def halt(self, speed: float) -> None:
        """Forget the velocity; ``speed`` is its standard deviation from now on."""
        self.first_speed = 0.0
        self.second_speed = 0.0
        self.cross = 0.0
        self.velocity = speed * speed

    def predict(self, step: Step, speed: float) -> None:
        self.first += step.reach * self.first_speed
        self.second += step.reach * self.second_speed
        self.first_speed *= step.keep
        self.second_speed *= step.keep
        drive = speed * speed
        self.position += (
            step.reach * (2.0 * self.cross + step.reach * self.velocity)
            + drive * step.noise_position
        )
        self.cross = (
            step.keep * (self.cross + step.reach * self.velocity) + drive * step.noise_cross
        )
        self.velocity = step.keep * step.keep * self.velocity + drive * step.noise_velocity

    def correct(self, first: float, second: float, noise: float) -> None:
        total = self.position + noise * noise
        gain = self.position / total
        speed_gain = self.cross / total
        self.first_speed += speed_gain * (first - self.first)
        self.second_speed += speed_gain * (second - self.second)
        self.first += gain * (first - self.first)
        self.second += gain * (second - self.second)
        self.velocity -= speed_gain * self.cross
        self.cross *= 1.0 - gain
        self.position *= 1.0 - gain


class FaceMotion:
    """Where a face is, how it moves, and how sure that is."""

    __slots__ = ('_center', '_size')

    def __init__(self, box: BoundingBox) -> None:
        """Start at a box, at rest for all that is known."""
        scale = _scale(box)
        self._center = _Pair(*box.center, CENTER_NOISE * scale, CENTER_SPEED_STD * scale)
        self._size = _Pair(math.log(box.width), math.log(box.height), SIZE_NOISE, SIZE_SPEED_STD)

    @property
    def scale(self) -> float:
        """Geometric mean of width and height in pixels."""
        return math.exp((self._size.first + self._size.second) / 2)

    @property
    def box(self) -> BoundingBox:
        """Return the box in pixels."""
        half_width = math.exp(self._size.first) / 2
        half_height = math.exp(self._size.second) / 2
        x, y = self._center.first, self._center.second
        return BoundingBox(x - half_width, y - half_height, x + half_width, y + half_height)

    @property
    def velocity(self) -> tuple[float, float]:
        """Velocity of the centre in pixels per second."""
        return self._center.first_speed, self._center.second_speed

    def measurement(self) -> tuple[float, float, float, float, float, float]:
        """
        Return the predicted measurement.

        :returns: centre x and y in pixels, logarithms of width and height, and the variance of
            each of the first two (pixels squared) and the last two
        """
        noise = CENTER_NOISE * self.scale
        return (
            self._center.first,
            self._center.second,
            self._size.first,
            self._size.second,
            self._center.position + noise * noise,
            self._size.position + SIZE_NOISE * SIZE_NOISE,
        )

    def predict(self, step: FaceStep) -> None:
        """Predict over a time step."""
        self._center.predict(step.center, CENTER_SPEED_STD * self.scale)
        self._size.predict(step.size, SIZE_SPEED_STD)

    def correct(self, box: BoundingBox) -> None:
        """Correct by a detection."""
        self._size.correct(math.log(box.width), math.log(box.height), SIZE_NOISE)
        self._center.correct(*box.center, CENTER_NOISE * _scale(box))

    def halt(self) -> None:
        """Reset the velocity, where it is unknown how much time has passed."""
        self._center.halt(CENTER_SPEED_STD * self.scale)
        self._size.halt(SIZE_SPEED_STD)


def _scale(box: BoundingBox) -> float:
    return math.sqrt(box.width * box.height)
