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

"""Rotations: matrices, quaternions and vectors say the same."""

import math

import numpy as np
import pytest
from rtcnn_perception.core.pose.head_pose import FACING
from rtcnn_perception.core.pose.head_pose import HeadPose
from rtcnn_perception.core.pose.rotations import quaternion_of
from rtcnn_perception.core.pose.rotations import rotation_by
from rtcnn_perception.core.pose.rotations import rotation_of
from rtcnn_perception.core.pose.rotations import turn_between
from rtcnn_perception.core.pose.rotations import turned_by

AXES = ((1, 0, 0), (0, 1, 0), (0, 0, 1), (0.6, 0, -0.8), (1 / 3, -2 / 3, 2 / 3))


def test_no_rotation_is_the_identity():
    np.testing.assert_array_equal(rotation_by(np.zeros(3)), np.eye(3))
    assert turn_between((0, 0, 0, 1), (0, 0, 0, 1)) == (0, 0, 0)
    assert quaternion_of(np.eye(3)) == (0, 0, 0, 1)


@pytest.mark.parametrize('axis', AXES)
@pytest.mark.parametrize('angle', [1e-9, 0.1, 1.5, 3.0, math.pi - 1e-7])
def test_a_rotation_comes_back_by_its_vector_and_its_quaternion(axis, angle):
    vector = angle * np.array(axis, float)
    rotation = rotation_by(vector)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1)
    quaternion = quaternion_of(rotation)
    assert np.linalg.norm(quaternion) == pytest.approx(1)
    np.testing.assert_allclose(rotation_of(quaternion), rotation, atol=1e-12)
    np.testing.assert_allclose(turn_between((0, 0, 0, 1), quaternion), vector, atol=1e-8)


@pytest.mark.parametrize('axis', AXES)
def test_a_turn_leads_from_one_rotation_to_another_and_half_of_it_half_the_way(axis):
    first, turn = FACING @ rotation_by(np.array([0.3, -0.2, 0.5])), 0.8 * np.array(axis, float)
    second = rotation_by(turn) @ first
    before, after = quaternion_of(first), quaternion_of(second)
    found = turn_between(before, after)
    np.testing.assert_allclose(found, turn, atol=1e-12)
    np.testing.assert_allclose(rotation_of(turned_by(before, found, 1.0)), second, atol=1e-12)
    half = rotation_of(turned_by(before, found, 0.5))
    np.testing.assert_allclose(half, rotation_by(turn / 2) @ first, atol=1e-12)


@pytest.mark.parametrize('axis', AXES)
def test_half_a_turn_has_a_quaternion_for_every_axis(axis):
    rotation = 2 * np.outer(axis, axis) - np.eye(3)
    np.testing.assert_allclose(rotation_of(quaternion_of(rotation)), rotation, atol=1e-9)


def test_a_quarter_turn_about_z_moves_x_to_y():
    turned = rotation_by(np.array([0, 0, math.pi / 2]))
    np.testing.assert_allclose(turned @ [1, 0, 0], [0, 1, 0], atol=1e-12)
    s = math.sqrt(0.5)
    assert quaternion_of(turned) == pytest.approx((0, 0, s, s))


@pytest.mark.parametrize(
    ('vector', 'expected', 'x_axis'),
    [
        # To its own left, which is the right of the picture.
        ((0, 0, math.radians(30)), (30, 0, 0), (0.5, 0, -math.sqrt(0.75))),
        # The nose goes down, which is +y.
        ((0, math.radians(30), 0), (0, 30, 0), (0, 0.5, -math.sqrt(0.75))),
        ((math.radians(30), 0, 0), (0, 0, 30), (0, 0, -1)),
    ],
)
def test_the_angles_of_a_head_follow_the_right_hand_rule(vector, expected, x_axis):
    head = HeadPose(np.ones(3), FACING @ rotation_by(np.array(vector, float)), np.eye(6))
    assert head.angles == pytest.approx(expected, abs=1e-9)
    np.testing.assert_allclose(head.rotation[:, 0], x_axis, atol=1e-12)


def test_a_head_that_leans_to_its_right_shoulder_has_its_top_on_the_left_of_the_picture():
    # Its right is on the picture's left.
    head = HeadPose(np.ones(3), FACING @ rotation_by(np.array([0.5, 0, 0])), np.eye(6))
    assert head.angles[2] > 0
    assert head.rotation[0, 2] < 0


def test_a_head_without_a_rotation_has_no_angles():
    assert HeadPose(np.ones(3), None, np.eye(6)).angles is None
