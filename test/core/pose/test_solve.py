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

"""Position and rotation of points: starts, ambiguities, and what is no solution."""

import numpy as np
from projected_heads import turned
import pytest
from rtcnn_perception.core.pose import solve
from rtcnn_perception.core.pose.head_model import head_points
from rtcnn_perception.core.pose.head_model import PUPIL_DISTANCE
from rtcnn_perception.core.pose.solve import DOUBTFUL_ERROR
from rtcnn_perception.core.pose.solve import Solution
from rtcnn_perception.core.pose.solve import solve_pose

POINTS = head_points(PUPIL_DISTANCE)
POSITION = np.array([0.1, -0.05, 1.0])


def directions(yaw=20.0, pitch=5.0, position=POSITION):
    placed = POINTS @ turned(yaw, pitch).T + position
    return placed[:, :2] / placed[:, 2:]


def assert_is(solution, yaw=20.0, pitch=5.0, position=POSITION):
    np.testing.assert_allclose(solution.position, position, atol=1e-4)
    np.testing.assert_allclose(solution.rotation, turned(yaw, pitch), atol=1e-3)


def made(rotation, position=POSITION):
    return Solution(np.array(position, float), rotation, np.eye(6), 0.06, 0.0)


@pytest.mark.parametrize('yaw', [-60, -30, 0, 15, 45, 60])
@pytest.mark.parametrize('pitch', [-30, 0, 30])
def test_points_are_found_without_a_start(yaw, pitch):
    assert_is(solve_pose(directions(yaw, pitch), POINTS), yaw, pitch)


@pytest.mark.parametrize('yaw', [-40, 0, 15, 20, 25, 60, 150])
def test_a_start_leads_to_the_same_however_wrong_it_is(yaw):
    assert_is(solve_pose(directions(), POINTS, made(turned(yaw, 0))))


@pytest.mark.parametrize('position', [(0.0, 0.0, 3.0), (0.5, 0.5, 0.3), (0.0, 0.0, -1.0)])
def test_a_start_elsewhere_leads_to_the_same(position):
    assert_is(solve_pose(directions(), POINTS, made(turned(20, 5), position)))


def test_a_good_start_needs_no_other(monkeypatch):
    def fail(*_arguments, **_options):
        raise AssertionError('SQPnP was called')

    monkeypatch.setattr(solve.cv2, 'solvePnP', fail)
    assert_is(solve_pose(directions(), POINTS, made(turned(15, 3))))


def test_a_start_with_a_doubtful_error_is_compared_with_the_best_there_is():
    noise = np.random.default_rng(4).normal(0.0, 0.006, (5, 2))
    seen = directions() + noise
    cold = solve_pose(seen, POINTS)
    warm = solve_pose(seen, POINTS, made(turned(20, 5)))
    assert warm.error > DOUBTFUL_ERROR
    assert warm.error <= cold.error + 1e-4
    np.testing.assert_allclose(warm.rotation, cold.rotation, atol=0.01)


@pytest.mark.parametrize(
    'answer',
    [
        (False, None, None),
        # Behind the camera, and the back of a head.
        (True, np.zeros((3, 1)), np.array([[0.0], [0.0], [-1.0]])),
        (True, np.array([[1.2], [1.2], [-1.2]]) * -2, POSITION[:, np.newaxis]),
    ],
)
def test_where_sqpnp_finds_no_head_one_that_faces_the_camera_is_the_start(monkeypatch, answer):
    monkeypatch.setattr(solve.cv2, 'solvePnP', lambda *_arguments, **_options: answer)
    assert_is(solve_pose(directions(), POINTS))


def test_the_back_of_a_head_is_no_solution():
    for yaw in (120, 180, -150):
        assert solve_pose(directions(yaw), POINTS) is None


@pytest.mark.parametrize('points', [np.zeros((5, 3)), POINTS * (0.0, 1.0, 0.0)])
def test_points_without_a_shape_have_no_solution(points):
    assert solve_pose(directions(), points) is None


@pytest.mark.parametrize(
    'seen',
    [
        np.zeros((5, 2)),
        np.full((5, 2), np.nan),
        np.vstack([directions()[:4], [[np.inf, 0.0]]]),
        np.vstack([[[np.nan, np.nan]], directions()[1:]]),
        directions() * 1e-4,
    ],
)
def test_directions_without_a_size_or_a_number_have_no_solution(seen):
    assert solve_pose(seen, POINTS) is None


def test_the_error_is_the_distance_that_is_left_in_the_picture():
    seen = directions() + np.random.default_rng(6).normal(0.0, 0.002, (5, 2))
    found = solve_pose(seen, POINTS)
    placed = POINTS @ found.rotation.T + found.position
    rest = np.linalg.norm(placed[:, :2] / placed[:, 2:] - seen, axis=1)
    assert found.size == pytest.approx(np.ptp(seen, axis=0).max())
    assert found.error * found.size == pytest.approx(np.sqrt(np.mean(rest**2)), rel=0.02)


def test_the_spread_is_that_of_noise():
    random, sigma = np.random.default_rng(5), 2e-4
    found = [
        solve_pose(directions() + random.normal(0.0, sigma, (5, 2)), POINTS) for _ in range(500)
    ]
    places = np.array([each.position for each in found])
    spread = solve_pose(directions(), POINTS).spread
    np.testing.assert_allclose(places.std(axis=0), sigma * np.sqrt(np.diag(spread)[:3]), rtol=0.15)
