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

"""The motion of a face is filtered: predicted over any time, and corrected by detections."""

from __future__ import annotations

import math

import numpy as np
import pytest
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.tracking.kalman import CENTER_NOISE
from rtcnn_perception.core.tracking.kalman import CENTER_SPEED_STD
from rtcnn_perception.core.tracking.kalman import CENTER_SPEED_TIME
from rtcnn_perception.core.tracking.kalman import FaceMotion
from rtcnn_perception.core.tracking.kalman import FaceStep
from rtcnn_perception.core.tracking.kalman import SIZE_NOISE
from rtcnn_perception.core.tracking.kalman import Step

BOX = BoundingBox(100.0, 100.0, 180.0, 200.0)
SIZE = math.sqrt(80.0 * 100.0)


def moving(speed=300.0, frames=30):
    """Follow a face that goes right for a second, at a speed in pixels per second."""
    motion = FaceMotion(BOX)
    for frame in range(1, frames + 1):
        motion.predict(FaceStep.over(1 / 30))
        shift = speed * frame / 30
        motion.correct(BoundingBox(100 + shift, 100, 180 + shift, 200))
    return motion


def test_no_time_changes_nothing():
    assert Step.over(0.0, 0.7) == Step(1.0, 0.0, 0.0, 0.0, 0.0)
    motion = moving()
    before = motion.measurement(), motion.velocity
    motion.predict(FaceStep.over(0.0))
    assert (motion.measurement(), motion.velocity) == before


@pytest.mark.parametrize('seconds', [1e-9, 1e-6, 1e-3, 0.03, 1.0, 100.0])
def test_the_noise_of_a_step_is_a_covariance(seconds):
    step = Step.over(seconds, 0.7)
    assert step.noise_position >= 0.0
    assert step.noise_velocity > 0.0
    noise = np.array(
        [
            [step.noise_position, step.noise_cross],
            [step.noise_cross, step.noise_velocity],
        ]
    )
    assert np.linalg.eigvalsh(noise).min() >= -1e-12 * noise.max()


def test_the_noise_of_a_step_is_that_of_the_process_it_stands_for():
    # By Euler's method: v loses v dt / T, and gains sqrt(2 dt / T) of unit noise per step.
    rng = np.random.default_rng(0)
    seconds, time_constant, steps, runs = 0.8, 0.5, 400, 20_000
    dt = seconds / steps
    position, velocity = np.zeros(runs), np.zeros(runs)
    for _ in range(steps):
        position += velocity * dt
        velocity += -velocity * dt / time_constant
        velocity += rng.normal(0.0, math.sqrt(2 * dt / time_constant), runs)
    step = Step.over(seconds, time_constant)
    expected = [
        [step.noise_position, step.noise_cross],
        [step.noise_cross, step.noise_velocity],
    ]
    # 20,000 runs know a variance to 1 %; 5 % are five standard deviations.
    np.testing.assert_allclose(np.cov(position, velocity), expected, rtol=0.05)


def test_many_small_steps_are_one_large_step():
    once, often = moving(), moving()
    once.predict(FaceStep.over(0.5))
    for _ in range(50):
        often.predict(FaceStep.over(0.01))
    np.testing.assert_allclose(once.measurement(), often.measurement(), rtol=1e-9)
    np.testing.assert_allclose(once.velocity, often.velocity, rtol=1e-9)


def test_a_face_starts_at_its_box_and_at_rest():
    motion = FaceMotion(BOX)
    np.testing.assert_allclose(motion.box.as_tuple(), BOX.as_tuple())
    assert motion.scale == pytest.approx(SIZE)
    motion.predict(FaceStep.over(1.0))
    np.testing.assert_allclose(motion.box.as_tuple(), BOX.as_tuple())


def test_a_new_face_is_as_certain_as_a_detection():
    center_x, center_y, *log_size, center, size = FaceMotion(BOX).measurement()
    assert (center_x, center_y) == BOX.center
    assert log_size == [math.log(80), math.log(100)]
    # The detection it started from and the one to come are off by the same noise.
    assert center == pytest.approx(2 * (CENTER_NOISE * SIZE) ** 2)
    assert size == pytest.approx(2 * SIZE_NOISE**2)


def test_a_face_that_moves_evenly_is_filtered_and_predicted():
    motion = moving(speed=300.0)
    assert motion.velocity == pytest.approx((300.0, 0.0), rel=0.05, abs=1.0)
    assert motion.box.center == pytest.approx((440.0, 150.0), abs=3.0)
    motion.predict(FaceStep.over(0.1))
    assert motion.box.center == pytest.approx((470.0, 150.0), abs=4.0)


def test_a_prediction_comes_to_rest_within_the_time_of_the_velocity():
    motion = moving(speed=300.0)
    start = motion.box.center[0]
    motion.predict(FaceStep.over(60.0))
    assert motion.box.center[0] - start == pytest.approx(300.0 * CENTER_SPEED_TIME, rel=0.05)
    assert motion.velocity == pytest.approx((0.0, 0.0), abs=1e-6)


def test_uncertainty_grows_with_time_and_shrinks_with_a_detection():
    motion = moving(speed=0.0)
    variances = [motion.measurement()[4]]
    for _ in range(20):
        motion.predict(FaceStep.over(0.1))
        variances.append(motion.measurement()[4])
    assert (np.diff(variances) > 0).all()
    motion.correct(BOX)
    assert motion.measurement()[4] < variances[1]


def test_noise_about_a_place_is_smoothed():
    rng = np.random.default_rng(1)
    motion = FaceMotion(BOX)
    found, filtered = [], []
    for _ in range(300):
        motion.predict(FaceStep.over(1 / 30))
        x, y = rng.normal(0.0, CENTER_NOISE * SIZE, 2)
        motion.correct(BoundingBox(100 + x, 100 + y, 180 + x, 200 + y))
        found.append(140 + x)
        filtered.append(motion.box.center[0])
    assert np.std(filtered[20:]) < 0.9 * np.std(found[20:])
    assert np.mean(filtered) == pytest.approx(140.0, abs=0.5)


def test_a_face_has_a_size_whatever_the_detections():
    motion = FaceMotion(BOX)
    for box in (BoundingBox(0, 0, 0.01, 0.01), BoundingBox(0, 0, 1e4, 1e4), BOX):
        motion.predict(FaceStep.over(0.5))
        motion.correct(box)
        motion.predict(FaceStep.over(10.0))
        assert motion.box.width > 0
        assert motion.box.height > 0


def test_a_face_that_grows_is_predicted_to_grow_a_little_more():
    motion = FaceMotion(BOX)
    for frame in range(1, 31):
        motion.predict(FaceStep.over(1 / 30))
        growth = math.exp(0.5 * frame / 30)
        motion.correct(BoundingBox(140 - 40 * growth, 100, 140 + 40 * growth, 100 + 100 * growth))
    before = motion.scale
    motion.predict(FaceStep.over(10.0))
    assert 1.1 < motion.scale / before < 1.35


def test_a_halt_resets_the_velocity_and_not_the_place():
    motion = moving(speed=300.0)
    box = motion.box
    motion.halt()
    assert motion.velocity == (0.0, 0.0)
    assert motion.box == box
    motion.predict(FaceStep.over(0.1))
    assert motion.box == box
    # The velocity is as uncertain as that of a new face.
    assert motion.measurement()[4] > (0.08 * CENTER_SPEED_STD * SIZE) ** 2
