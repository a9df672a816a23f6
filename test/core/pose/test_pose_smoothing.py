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

"""Smoothing of a pose: noise of a head that rests, lag of one that moves, gaps."""

import math

import numpy as np
from projected_heads import turned
import pytest
from rtcnn_perception.core.pose.head_pose import HeadPose
from rtcnn_perception.core.pose.rotations import quaternion_of
from rtcnn_perception.core.pose.rotations import turn_between
from rtcnn_perception.core.pose.smoothing import BEARING_LAG
from rtcnn_perception.core.pose.smoothing import DISTANCE_LAG
from rtcnn_perception.core.pose.smoothing import PoseTrack
from rtcnn_perception.core.pose.smoothing import ROTATION_LAG

STEP, SECONDS = 1 / 30, 0.2


def pose(position=(0.0, 0.0, 1.0), rotation=None, covariance=None):
    given = np.eye(6) * 1e-4 if covariance is None else covariance
    return HeadPose(np.array(position, float), rotation, given)


def updated(track, given, time, time_constant=SECONDS):
    position, rotation = track.update(given, time, time_constant)
    track.pose = HeadPose(position, rotation, given.covariance)
    return track.pose


def follow(poses, *, step=STEP, time_constant=SECONDS):
    """Return the smoothed pose after each one."""
    track = PoseTrack(poses[0], 0.0)
    smoothed = [track.pose]
    for index, each in enumerate(poses[1:], 1):
        smoothed.append(updated(track, each, index * step, time_constant))
    return smoothed


def test_the_first_pose_is_taken_as_it_is():
    first = pose((0.1, 0.2, 1.5), turned(10))
    assert PoseTrack(first, 3.0).pose is first


def test_a_head_that_rests_stays_where_it_is():
    first = pose((0.1, -0.2, 1.5), turned(10, 5, 3))
    for each in follow([first] * 30):
        np.testing.assert_allclose(each.position, first.position, atol=1e-12)
        np.testing.assert_allclose(each.rotation, first.rotation, atol=1e-9)


def test_noise_of_a_head_that_rests_is_halved():
    rng = np.random.default_rng(1)
    poses = [
        pose((0.0, 0.0, math.exp(rng.normal(0.0, 0.02))), turned(rng.normal(0.0, 2.0)))
        for _ in range(300)
    ]
    after = follow(poses)[30:]
    assert np.std([each.position[2] for each in after]) < 0.5 * 0.02
    assert np.std([each.angles[0] for each in after]) < 0.5 * 2.0
    steps = np.abs(np.diff([each.position[2] for each in after]))
    assert np.median(steps) < 0.01


def test_a_head_that_moved_rests_as_calmly_as_before():
    rng = np.random.default_rng(2)
    moving = [pose((0.0, 0.0, 2.0 - i / 30), turned(2 * i)) for i in range(30)]
    resting = [
        pose((0.0, 0.0, math.exp(rng.normal(0.0, 0.02))), turned(60 + rng.normal(0.0, 2.0)))
        for _ in range(300)
    ]
    after = follow([*moving, *resting])[60:]
    assert np.std([each.position[2] for each in after]) < 0.5 * 0.02
    assert np.std([each.angles[0] for each in after]) < 0.5 * 2.0


@pytest.mark.parametrize('seconds', [0.1, 0.2, 2.0])
def test_a_step_too_small_to_be_a_movement_is_followed_at_the_time_constant(seconds):
    before, after = follow([pose(), pose((0.0, 0.0, 1.0 + 1e-7))], time_constant=seconds)
    share = (after.position[2] - before.position[2]) / 1e-7
    assert share == pytest.approx(-math.expm1(-STEP / seconds), rel=1e-3)


def test_without_a_time_constant_nothing_is_smoothed():
    poses = [pose((0.0, 0.0, 1.0 + 0.1 * i), turned(10 * i)) for i in range(4)]
    after = follow(poses, time_constant=0.0)
    np.testing.assert_allclose([each.position[2] for each in after], [1.0, 1.1, 1.2, 1.3])
    assert [each.angles[0] for each in after] == pytest.approx([0, 10, 20, 30])


@pytest.mark.parametrize('speed', [0.2, 1.0, 5.0])
def test_who_walks_up_is_followed_with_a_bounded_lag(speed):
    poses = [pose((0.0, 0.0, 5.0 * math.exp(-speed * i * STEP))) for i in range(90)]
    lag = follow(poses)[-1].position[2] / poses[-1].position[2] - 1.0
    assert 0.0 < lag < DISTANCE_LAG * 1.1


@pytest.mark.parametrize('speed', [0.02, 0.3, 2.0])
def test_who_walks_across_is_followed_with_a_bounded_lag(speed):
    poses = [pose((speed * i * STEP, 0.0, 1.0)) for i in range(60)]
    lag = poses[-1].position[0] - follow(poses)[-1].position[0]
    assert 0.0 < lag < BEARING_LAG * 1.1


@pytest.mark.parametrize('speed', [0.2, 1.0, 4.0])
def test_a_head_that_turns_is_followed_with_a_bounded_lag(speed):
    turns = [turned(math.degrees(speed * i * STEP), 10, 5) for i in range(45)]
    last = follow([pose(rotation=each) for each in turns])[-1].rotation
    lag = np.linalg.norm(turn_between(quaternion_of(last), quaternion_of(turns[-1])))
    assert 0.0 < lag < ROTATION_LAG * 1.1


def test_the_result_does_not_depend_on_the_frame_rate():
    after = [
        follow([pose((0, 0, 1.0))] + [pose((0, 0, 1.1))] * count, step=0.2 / count)[-1]
        for count in (3, 6, 24)
    ]
    places = [each.position[2] for each in after]
    assert max(places) - min(places) < 0.02


def test_where_no_time_passes_the_average_stays():
    track = PoseTrack(pose(rotation=turned(30)), 1.0)
    updated(track, pose((0.0, 0.0, 1.1), turned(30)), 1.1)
    before = track.pose
    updated(track, pose((0.0, 0.0, 2.0), turned(-30)), 1.1)
    np.testing.assert_allclose(track.pose.position, before.position, rtol=1e-9)
    np.testing.assert_allclose(track.pose.rotation, before.rotation, atol=1e-9)


def test_a_rotation_that_was_lost_starts_anew():
    track = PoseTrack(pose(rotation=turned(30)), 0.0)
    updated(track, pose(), STEP)
    assert track.pose.rotation is None
    updated(track, pose(rotation=turned(-30)), 2 * STEP)
    assert track.pose.angles[0] == pytest.approx(-30)


def test_a_held_pose_stays_and_grows_uncertain_and_ends():
    for rotation in (None, turned(20)):
        track = PoseTrack(pose((0.0, 0.1, 1.0), rotation), 1.0)
        held = track.held(1.5)
        np.testing.assert_array_equal(held.position, (0.0, 0.1, 1.0))
        deviations = np.sqrt(np.diag(held.covariance))
        assert deviations[2] == pytest.approx(0.5, rel=0.01)
        assert deviations[5] == pytest.approx(0.01 if rotation is None else 0.5, rel=0.01)
        assert track.held(2.5) is None
