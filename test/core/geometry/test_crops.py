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

"""A crop is a square about a face, cut out of the image with its border repeated."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.crops import Crop
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.core.geometry.crops import cut_crop
from rtcnn_perception.core.geometry.crops import LEAST_ROLL
from rtcnn_perception.core.geometry.landmarks import FaceRegion
from rtcnn_perception.exceptions import ImageFormatError


def noise(height, width, channels=3, seed=0):
    shape = (height, width, channels) if channels else (height, width)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def cut(image, square, size_hw):
    return cut_crop(image, Crop(square), size_hw)


@pytest.mark.parametrize(
    ('box', 'geometry', 'expected'),
    [
        (BoundingBox(0, 0, 10, 10), CropGeometry(0.0), BoundingBox(0, 0, 10, 10)),
        (BoundingBox(0, 0, 10, 20), CropGeometry(0.0), BoundingBox(-5, 0, 15, 20)),
        (BoundingBox(0, 0, 20, 10), CropGeometry(0.0), BoundingBox(0, -5, 20, 15)),
        (BoundingBox(0, 0, 10, 20), CropGeometry(0.5), BoundingBox(-15, -10, 25, 30)),
        (BoundingBox(0, 0, 10, 20), CropGeometry(0.0, 0.1), BoundingBox(-5, 2, 15, 22)),
        (BoundingBox(0, 0, 10, 20), CropGeometry(-0.25), BoundingBox(0, 5, 10, 15)),
    ],
)
def test_a_crop_is_a_square_in_proportion_to_the_longer_side(box, geometry, expected):
    assert geometry.crop(FaceRegion(box)) == Crop(expected, roll=0.0)


def leaning(degrees):
    """Return a face about 5, 10 that is rotated clockwise."""
    angle = np.deg2rad(degrees)
    matrix = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    points = np.array([[-20, -20], [20, -20], [0, 0], [-15, 20], [15, 20]]) @ matrix + (5, 10)
    return FaceRegion(BoundingBox(0, 0, 10, 20), points.astype(np.float32))


@pytest.mark.parametrize(
    ('roll', 'center'), [(0.0, (5, 12)), (90.0, (3, 10)), (-90.0, (7, 10)), (180.0, (5, 8))]
)
def test_a_crop_is_shifted_towards_the_chin_of_a_leaning_head(roll, center):
    crop = CropGeometry(0.0, 0.1, upright=True).crop(leaning(roll))
    assert crop.square.center == pytest.approx(center, abs=1e-4)
    assert abs(crop.roll) == pytest.approx(abs(roll), abs=1e-3)


@pytest.mark.parametrize('sign', [-1, 1])
def test_only_an_upright_crop_of_a_head_that_leans_enough_is_rotated(sign):
    upright, plain = CropGeometry(0.0, upright=True), CropGeometry(0.0)
    box = leaning(0.0).box
    assert upright.crop(FaceRegion(box)).roll == 0.0
    assert upright.crop(FaceRegion(box, np.full((5, 2), np.nan, np.float32))).roll == 0.0
    assert upright.crop(leaning(sign * (LEAST_ROLL - 0.1))).roll == 0.0
    enough = sign * (LEAST_ROLL + 0.1)
    assert upright.crop(leaning(enough)).roll == pytest.approx(enough, abs=1e-3)
    assert plain.crop(leaning(enough)).roll == 0.0


@pytest.mark.parametrize('margin', [-0.3, 2.1, float('nan')])
def test_a_margin_that_misses_the_face_is_rejected(margin):
    with pytest.raises(ValueError, match='margin'):
        CropGeometry(margin)


@pytest.mark.parametrize('shift', [-0.6, 0.6, float('nan')])
def test_a_shift_that_misses_the_face_is_rejected(shift):
    with pytest.raises(ValueError, match='shift_down'):
        CropGeometry(0.1, shift)


def test_an_image_of_another_format_is_refused():
    for image in (
        np.zeros((0, 0, 3), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((4, 4, 4), np.uint8),
    ):
        with pytest.raises(ImageFormatError, match='shape'):
            cut(image, BoundingBox(0, 0, 2, 2), (2, 2))


@pytest.mark.parametrize('channels', [0, 3])
def test_a_crop_of_the_size_of_its_square_is_the_pixels_of_the_image(channels):
    image = noise(40, 50, channels)
    crop = cut(image, BoundingBox(10, 5, 26, 21), (16, 16))
    np.testing.assert_array_equal(crop, image[5:21, 10:26])


def by_index_lists(image, square):
    """Repeat the border in the plainest way there is."""
    x0, y0 = round(square.x0), round(square.y0)
    x1, y1 = max(round(square.x1), x0 + 1), max(round(square.y1), y0 + 1)
    rows = np.clip(np.arange(y0, y1), 0, image.shape[0] - 1)
    columns = np.clip(np.arange(x0, x1), 0, image.shape[1] - 1)
    return image[rows][:, columns]


@pytest.mark.parametrize('channels', [0, 3])
def test_outside_the_image_the_border_is_repeated(channels):
    image = noise(40, 50, channels, seed=1)
    for square in (
        BoundingBox(-10, -10, 10, 10),
        BoundingBox(40, 30, 60, 50),
        BoundingBox(-30, -30, 80, 80),
        BoundingBox(-30, 5, -10, 25),
        BoundingBox(70, 5, 90, 25),
        BoundingBox(5, -60, 25, -40),
        BoundingBox(5, 100, 25, 120),
        BoundingBox(200, 300, 220, 320),
        BoundingBox(49.6, 39.6, 49.9, 39.9),
    ):
        full = by_index_lists(image, square)
        np.testing.assert_array_equal(cut(image, square, full.shape[:2]), full)


def test_random_crops_agree_with_the_plain_way_at_every_scale():
    rng = np.random.default_rng(2)
    image = noise(33, 47, seed=3)
    for _ in range(200):
        x, y = rng.uniform(-60, 80, 2)
        side = rng.uniform(2.0, 90)
        square = BoundingBox(x, y, x + side, y + side)
        full = by_index_lists(image, square)
        interpolation = cv2.INTER_AREA if max(full.shape[:2]) > 24 else cv2.INTER_LINEAR
        expected = cv2.resize(full, (24, 24), interpolation=interpolation)
        np.testing.assert_array_equal(cut(image, square, (24, 24)), expected)


@pytest.mark.parametrize('channels', [0, 3])
@pytest.mark.parametrize(('x', 'y'), [(7.2, 9.1), (-50.0, 300.0)])
def test_a_crop_of_a_single_pixel_is_that_pixel_everywhere(x, y, channels):
    image = noise(40, 50, channels)
    pixel = image[min(round(y), 39), max(round(x), 0)]
    crop = cut(image, BoundingBox(x, y, x + 0.4, y + 0.4), (8, 8))
    np.testing.assert_array_equal(crop, np.broadcast_to(pixel, crop.shape))


def test_height_and_width_of_the_result_are_in_this_order():
    assert cut(noise(40, 50), BoundingBox(0, 0, 30, 30), (8, 12)).shape == (8, 12, 3)


def test_cutting_leaves_the_image_unchanged_and_takes_a_read_only_one():
    image = noise(40, 50)
    before = image.copy()
    image.flags.writeable = False
    crop = cut(image, BoundingBox(10, 5, 26, 21), (16, 16))
    crop[:] = 0
    np.testing.assert_array_equal(image, before)


def test_views_of_an_image_are_cut_like_copies():
    image = noise(40, 50)
    square = BoundingBox(-3, 2, 14, 19)
    for view in (image[::-1], image[:, ::-1], image[::2, ::2], image[..., ::-1]):
        expected = cut(np.ascontiguousarray(view), square, (16, 16))
        np.testing.assert_array_equal(cut(view, square, (16, 16)), expected)


@pytest.mark.parametrize(('lean', 'roll'), [(30, 0), (-40, 0), (60, 90), (-90, -90)])
def test_a_crop_that_is_not_upright_is_rotated_by_right_angles_alone(lean, roll):
    crop = CropGeometry(0.0).crop(leaning(lean))
    assert crop.roll == roll
