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

"""Depth of composed scenes: heads, pictures, holes, and sizes that no head has."""

import math

from depth_scenes import put_head
from depth_scenes import put_picture
from depth_scenes import wall
import numpy as np
import pytest
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.pose.depth import DepthHistory
from rtcnn_perception.core.pose.depth import DepthReading
from rtcnn_perception.core.pose.depth import DOUBT_TIME
from rtcnn_perception.core.pose.depth import KEPT_TIME
from rtcnn_perception.core.pose.depth import reading_of
from rtcnn_perception.core.pose.depth import relief_of
from rtcnn_perception.core.pose.depth import SURFACE_STD
from rtcnn_perception.core.pose.depth import with_ratio
from rtcnn_perception.core.pose.depth_image import DepthImage
from rtcnn_perception.core.pose.head_model import SIZE_STD
from rtcnn_perception.core.pose.head_pose import FACING
from rtcnn_perception.core.pose.head_pose import HeadPose
from rtcnn_perception.core.pose.intrinsics import Intrinsics

SIZE = (640, 480)
CAMERA = Intrinsics.from_fov(SIZE, 60.0)
PUPILS = 0.063
NAN = math.nan


def box_of(position, scale=1.0):
    """Return the box of a head, 184 mm high, whose sellion is at 0.35 of it."""
    focal = CAMERA.focal_xy[0]
    position = np.asarray(position, float)
    (x, y), pixels = CAMERA.pixels(position[np.newaxis, :2] / position[2])[0], 0.184 * scale
    height = pixels * focal / position[2]
    return BoundingBox(x - 0.38 * height, y - 0.35 * height, x + 0.38 * height, y + 0.65 * height)


def by_size(position, error=1.0, rotation=FACING):
    """Return a pose whose distance is wrong by a factor."""
    place = np.array(position, float) * error
    covariance = np.diag([1e-6, 1e-6, 1e-6, 0.01, 0.01, 0.01])
    covariance[:3, :3] += np.outer(place, place) * 0.07**2
    return HeadPose(place, rotation, covariance)


def noisy(values, deviation, seed=1):
    return values + np.random.default_rng(seed).normal(0.0, deviation, values.shape)


def with_depth(pose, box, depth):
    """Return a pose at its depth and why it can be none; None where depth says nothing."""
    reading = reading_of(pose, box, depth, PUPILS)
    return (pose, None) if reading is None else (with_ratio(pose, reading.ratio), reading.reason)


def look(values, position, error=1.0, scale=1.0):
    depth = DepthImage(np.asarray(values, np.float32))
    pose = by_size(position, error)
    return with_depth(pose, box_of(position, scale), depth)


def scene(position, scale=1.0):
    values = wall(SIZE)
    put_head(values, CAMERA, np.array(position, float), scale)
    return values


PLACES = ((0.0, 0.0, 0.6), (0.2, -0.1, 1.0), (-0.4, 0.2, 1.8))


@pytest.mark.parametrize('position', PLACES)
@pytest.mark.parametrize('error', [0.9, 1.0, 1.1])
def test_a_head_is_as_far_as_its_depth_says_whatever_its_size_says(position, error):
    pose, reason = look(scene(position), position, error)
    assert reason == ''
    np.testing.assert_allclose(pose.position, position, atol=0.025)
    # Along the ray it is known to centimetres now, across it as before.
    distance = np.linalg.norm(position)
    ray = np.array(position) / distance
    assert math.sqrt(ray @ pose.covariance[:3, :3] @ ray) == pytest.approx(0.015, rel=0.05)
    assert np.linalg.eigvalsh(pose.covariance).min() > 0
    np.testing.assert_array_equal(pose.rotation, FACING)


@pytest.mark.parametrize('deviation', [0.002, 0.005, 0.01])
def test_noise_of_a_sensor_makes_no_head_flat(deviation):
    position = (0.0, 0.0, 1.2)
    pose, reason = look(noisy(scene(position), deviation), position)
    assert reason == ''
    assert pose.position[2] == pytest.approx(1.2, abs=0.02)


@pytest.mark.parametrize('nothing', [0.0, NAN, math.inf, -1.0, 99.0])
@pytest.mark.parametrize('share', [0.1, 0.5])
def test_holes_are_left_out(share, nothing):
    position = (0.1, 0.0, 1.0)
    values = scene(position)
    values[np.random.default_rng(2).random(values.shape) < share] = nothing
    pose, reason = look(values, position, 1.1)
    assert reason == ''
    assert pose.position[2] == pytest.approx(1.0, abs=0.025)


@pytest.mark.parametrize('nothing', [0.0, NAN])
def test_where_most_is_missing_depth_says_nothing(nothing):
    position = (0.0, 0.0, 1.0)
    before = by_size(position)
    values = np.full(SIZE[::-1], nothing, np.float32)
    assert look(values, position)[1] is None
    values[np.random.default_rng(3).random(values.shape) < 0.15] = 1.0
    pose, reason = look(values, position)
    assert reason is None
    np.testing.assert_array_equal(pose.position, before.position)


def test_a_face_outside_the_depth_image_has_no_depth():
    box = BoundingBox(700.0, 10.0, 800.0, 150.0)
    pose = by_size((0.5, -0.3, 1.0))
    assert with_depth(pose, box, DepthImage(wall(SIZE))) == (pose, None)


@pytest.mark.parametrize('slope', [(0.0, 0.0), (0.1, 0.0), (0.05, -0.08)])
@pytest.mark.parametrize('deviation', [0.0, 0.002])
def test_a_picture_of_a_face_is_flat_also_where_it_is_inclined(slope, deviation):
    position = (0.0, 0.05, 0.8)
    values = wall(SIZE)
    box = box_of(position)
    around = BoundingBox(box.x0 - 20, box.y0 - 20, box.x1 + 20, box.y1 + 20)
    put_picture(values, around, 0.8, slope)
    _, reason = look(noisy(values, deviation), position)
    assert reason.startswith('flat in depth')


def test_a_poster_of_the_wrong_size_says_its_size_where_it_is_too_far_to_be_flat():
    # A face twice as large on the wall, which by its size seems to be at half the distance.
    position, distance = (0.0, 0.0, 1.25), 2.5
    _, reason = look(wall(SIZE, distance), position)
    assert 'a size of 126 mm from pupil to pupil, heads have 40 to 80' in reason


def test_a_small_photograph_near_by_has_a_size_that_no_head_has():
    values = wall(SIZE, 0.4)  # of a face that by its size seems to be at 1.5 m
    _, reason = look(noisy(values, 0.02), (0.0, 0.0, 1.5))
    assert 'a size of 17 mm' in reason


@pytest.mark.parametrize('pupils_mm', [43, 50, 58, 70, 77])
def test_sizes_of_children_and_of_large_adults_are_plausible(pupils_mm):
    scale = pupils_mm / 63.0
    position = (0.0, 0.0, 1.0)
    pose, reason = look(scene(position, scale), position, error=1.0 / scale, scale=scale)
    assert reason == ''
    assert pose.position[2] == pytest.approx(1.0, abs=0.03)


def test_without_landmarks_a_size_has_more_room():
    values, box = noisy(wall(SIZE, 1.0), 0.02), box_of((0.0, 0.0, 1.0))
    for error, is_head in ((1.0, True), (0.67, True), (0.45, False), (2.2, False)):
        pose = by_size((0.0, 0.0, 1.0), error, None)
        _, reason = with_depth(pose, box, DepthImage(np.float32(values)))
        assert (reason == '') == is_head


@pytest.mark.parametrize(
    ('pupils', 'is_head'), [(0.0325, False), (0.0345, True), (0.098, True), (0.102, False)]
)
def test_a_size_has_room_for_twice_its_own_error(pupils, is_head):
    near = 2.4  # too far to be flat
    ratio = pupils / PUPILS
    place = np.array((0.0, 0.0, near / ratio))
    covariance = np.zeros((6, 6))
    covariance[:3, :3] = np.outer(place, place) * (SIZE_STD**2 + 0.1**2)
    reading = reading_of(
        HeadPose(place, FACING, covariance), box_of(place), DepthImage(wall(SIZE, near)), PUPILS
    )
    assert reading.ratio == pytest.approx(ratio, rel=1e-6)
    assert (reading.reason == '') == is_head


def test_depth_scales_what_is_across_the_ray_and_leaves_the_rotation_as_certain_as_it_was():
    place, ratio = np.array((0.3, -0.2, 1.5)), 1.4
    factor = np.random.default_rng(4).normal(size=(6, 6))
    before = factor @ factor.T
    moved = with_ratio(HeadPose(place, FACING, before), ratio)
    np.testing.assert_allclose(moved.position, place * ratio)
    ray = place / np.linalg.norm(place)
    beside = np.eye(3) - np.outer(ray, ray)
    after = moved.covariance
    np.testing.assert_allclose(
        after[:3, :3],
        ratio**2 * beside @ before[:3, :3] @ beside + SURFACE_STD**2 * np.outer(ray, ray),
    )
    np.testing.assert_allclose(after[:3, 3:], ratio * beside @ before[:3, 3:])
    np.testing.assert_allclose(after[3:, 3:], before[3:, 3:])


def test_a_flat_face_beyond_two_metres_or_of_few_pixels_may_be_a_smoothed_head():
    assert look(wall(SIZE, 2.4), (0.0, 0.0, 2.4))[1] == ''
    small = Intrinsics.from_fov((64, 48), 60.0)
    box = BoundingBox(20.0, 15.0, 40.0, 40.0)
    pose = HeadPose(np.array((0.0, 0.0, 1.0)), FACING, by_size((0, 0, 1.0)).covariance)
    assert small.size_wh == (64, 48)
    assert with_depth(pose, box, DepthImage(wall((64, 48), 1.0)))[1] == ''


def test_relief_needs_most_of_its_cells():
    surface = np.full((24, 24), 1.0)
    assert relief_of(surface) == pytest.approx(0.0, abs=1e-9)
    surface[:12] = NAN
    assert relief_of(surface) is None
    assert relief_of(np.full((24, 24), NAN)) is None


def test_a_cell_counts_from_half_of_its_places_on_and_relief_from_six_tenths_of_the_cells():
    columns, rows = np.meshgrid(np.linspace(-0.1, 0.1, 24), np.linspace(-0.1, 0.1, 24))
    plane = 1.0 / (1.0 + columns - 0.5 * rows)
    bump = plane.copy()
    bump[8:12, 8:12] += 0.1
    assert relief_of(bump) > 0.01
    bump[8:12, 8:10] = NAN
    assert relief_of(bump) > 0.01
    bump[8, 10] = NAN  # 7 of 16 are left
    assert relief_of(bump) == pytest.approx(0.0, abs=1e-3)
    plane[:8], plane[8:12, :8] = NAN, NAN
    assert relief_of(plane) == pytest.approx(0.0, abs=1e-3)  # 22 of 36
    plane[8:12, 8] = plane[8:12, 9:12] = NAN
    assert relief_of(plane) is None


def test_what_lies_beside_the_inner_part_of_a_face_says_nothing_of_its_relief():
    values = noisy(wall(SIZE, 0.8), 0.05)
    box = box_of((0.0, 0.0, 0.8))
    x, y = box.center
    half_width, half_height = 0.36 * box.width, 0.36 * box.height
    values[
        round(y - half_height) : round(y + half_height),
        round(x - half_width) : round(x + half_width),
    ] = 0.8
    assert look(values, (0.0, 0.0, 0.8))[1].startswith('flat in depth')


FLAT, SOLID = DepthReading(1.1, 'flat'), DepthReading(1.2, '')


def after(history, reading, count, passed=0.03):
    """Return what is known after so many images that say the same."""
    for _ in range(count):
        history = DepthHistory.after(history, reading, passed)
    return history


def test_a_reason_is_that_of_most_images_and_not_of_single_ones():
    history = after(DepthHistory.after(None, SOLID, 0.0), FLAT, 1)
    assert history.implausible_reason == ''
    history = after(history, FLAT, 10)
    assert history.implausible_reason == 'flat'
    assert after(history, SOLID, 1).implausible_reason == 'flat'
    assert after(history, SOLID, 20).implausible_reason == ''


@pytest.mark.parametrize(('before', 'reading', 'target'), [(0.2, FLAT, 1.0), (0.9, SOLID, 0.0)])
def test_doubt_is_an_average_over_its_time(before, reading, target):
    history = DepthHistory.after(DepthHistory(before, 'flat', 1.0), reading, DOUBT_TIME)
    assert history.share == pytest.approx(target + (before - target) / math.e)
    assert history.ratio == reading.ratio


def test_a_new_face_is_what_its_first_image_says():
    assert DepthHistory.after(None, FLAT, 0.0) == DepthHistory(1.0, 'flat', 1.1)
    assert DepthHistory.after(None, None, 0.0) == DepthHistory()


def test_what_depth_said_holds_for_a_while_where_it_says_nothing_more():
    history = DepthHistory.after(None, FLAT, 0.0)
    held = after(history, None, 10, KEPT_TIME / 10.1)
    assert (held.ratio, held.implausible_reason) == (1.1, 'flat')
    assert after(held, None, 1, KEPT_TIME / 10) == DepthHistory()
    assert after(held, SOLID, 1).silent_s == 0.0
