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

"""A rotated crop shows upright what leans in the image, as finely as one that is not rotated."""

from __future__ import annotations

from itertools import product

import cv2
import numpy as np
import pytest
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.crops import Crop
from rtcnn_perception.core.geometry.crops import cut_crop
from rtcnn_perception.core.geometry.crops import cut_gray_crop
from rtcnn_perception.core.geometry.crops import enclosing_box
from rtcnn_perception.core.images import to_gray


def noise(height, width, channels=3, seed=0):
    shape = (height, width, channels) if channels else (height, width)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def cut(image, square, size_hw, roll=0.0):
    return cut_crop(image, Crop(square, roll), size_hw)


def scene(channels=3):
    """Return a smooth image that is different everywhere."""
    return np.asarray(cv2.GaussianBlur(noise(200, 240, channels), (0, 0), 4)) * 5


def about(x, y, side):
    return BoundingBox(x - side / 2, y - side / 2, x + side / 2, y + side / 2)


@pytest.mark.parametrize('channels', [0, 3])
def test_a_crop_that_is_hardly_rotated_is_as_fine_as_one_that_is_not(channels):
    image = scene(channels)
    for side in (30, 48, 60, 100, 150):
        square = about(120, 100, side)
        plain = cut(image, square, (48, 48)).astype(float)
        rotated = cut(image, square, (48, 48), 1e-6).astype(float)
        assert rotated.shape == plain.shape
        # A crop without roll ends at its last pixel, a rotated one interpolates beyond it.
        assert np.abs(rotated - plain)[1:-1, 1:-1].mean() < 1.0
        assert rotated.std() == pytest.approx(plain.std(), rel=0.03)


@pytest.mark.parametrize(('roll', 'quarters'), [(90.0, 1), (180.0, 2), (-90.0, 3)])
@pytest.mark.parametrize('size', [40, 20])
def test_a_crop_at_a_right_angle_is_the_plain_one_rotated_back(roll, quarters, size):
    image, square = noise(80, 90), about(45, 40, 40)
    plain = cut(image, square, (size, size)).astype(int)
    rotated = cut(image, square, (size, size), roll).astype(int)
    assert np.abs(rotated - np.rot90(plain, quarters)).max() <= 1


def test_an_image_that_leans_clockwise_is_cut_upright():
    image = scene()
    for roll, side in product((-35.0, -10.0, 20.0, 45.0), (40, 90)):
        square = about(120.0, 100.0, side)
        # OpenCV rotates the other way round.
        matrix = cv2.getRotationMatrix2D((119.5, 99.5), -roll, 1.0)
        leaning = cv2.warpAffine(image, matrix, (240, 200), borderMode=cv2.BORDER_REPLICATE)
        plain = cut(image, square, (48, 48)).astype(float)
        back = cut(leaning, square, (48, 48), roll).astype(float)
        lost = cut(leaning, square, (48, 48)).astype(float)
        assert np.abs(back - plain).mean() < 2.0
        assert np.abs(lost - plain).mean() > 8.0


@pytest.mark.parametrize(
    'square', [about(5, 8, 60), about(235, 190, 30), about(-40, 100, 50), about(500, -300, 20)]
)
def test_outside_the_image_the_border_is_repeated(square):
    image, beyond = scene(), 400
    padded = cv2.copyMakeBorder(image, *[beyond] * 4, cv2.BORDER_REPLICATE)
    moved = BoundingBox(*(value + beyond for value in square.as_tuple()))
    crop, expected = (
        cut(picture, where, (32, 32), 25.0).astype(int)
        for picture, where in ((image, square), (padded, moved))
    )
    assert np.abs(crop - expected).max() <= 2


@pytest.mark.parametrize('side', [0.3, 7.0, 500.0])
def test_an_image_of_one_pixel_fills_any_crop(side):
    image = np.full((1, 1, 3), (10, 20, 30), np.uint8)
    crop = cut(image, about(0.5, 0.5, side), (8, 12), 30.0)
    np.testing.assert_array_equal(crop, np.broadcast_to(image, (8, 12, 3)))


def test_fine_detail_is_averaged_and_not_sampled():
    image = noise(600, 600, 0)
    for roll in (0.0, 17.0):
        crop = cut(image, about(300, 300, 384), (48, 48), roll)
        assert crop.mean() == pytest.approx(127.5, abs=1.0)
        assert crop.std() < 13.0  # 74 in the image, and 64 pixels make one


def test_gray_crops_equal_those_of_the_gray_image_wherever_they_lie():
    image, random = noise(60, 80), np.random.default_rng(6)
    gray = to_gray(image)
    for _ in range(300):
        x, y, roll = *random.uniform(-60, 120, 2), random.uniform(-180, 180)
        square = about(x, y, random.choice([0.3, 1.0, 20.5, 47.2, 90.0]))
        expected = cut(gray, square, (12, 10), roll)
        np.testing.assert_array_equal(cut_gray_crop(image, Crop(square, roll), (12, 10)), expected)


def test_the_image_may_be_a_read_only_view():
    image = scene()[::-1, ::2]
    image.flags.writeable = False
    square = about(60, 100, 70)
    expected = cut(np.ascontiguousarray(image), square, (16, 16), 30.0)
    np.testing.assert_array_equal(cut(image, square, (16, 16), 30.0), expected)


def test_a_rotated_square_lies_within_its_enclosing_box():
    square = about(50, 40, 20)
    assert enclosing_box(square, 0.0) == square
    assert enclosing_box(square, 45.0).as_tuple() == pytest.approx(
        about(50, 40, 20 * 2**0.5).as_tuple()
    )
    assert enclosing_box(square, -90.0).as_tuple() == pytest.approx(square.as_tuple())
