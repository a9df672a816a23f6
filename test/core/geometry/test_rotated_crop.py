"""A crop that is turned shows upright what leans in the image, as finely as one that is not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.crops import cut_crop
from rtcnn_perception.core.geometry.crops import to_gray
from rtcnn_perception.core.geometry.face_crops import cut_gray_crop
from rtcnn_perception.core.geometry.rotated_crop import enclosing


def noise(height, width, channels=3, seed=0):
    shape = (height, width, channels) if channels else (height, width)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def scene(channels=3):
    """Return a smooth image that is different everywhere."""
    return np.asarray(cv2.GaussianBlur(noise(200, 240, channels), (0, 0), 4)) * 5


def about(x, y, side):
    return BoundingBox(x - side / 2, y - side / 2, x + side / 2, y + side / 2)


@pytest.mark.parametrize('side', [1, 30, 48, 60, 100, 150])
def test_a_roll_of_nothing_gives_the_pixels_of_an_upright_crop(side):
    image, square = noise(200, 240), about(119.7, 100.2, side)
    upright = cut_crop(image, square, (48, 48))
    np.testing.assert_array_equal(cut_crop(image, square, (48, 48), 0.0), upright)


@pytest.mark.parametrize('channels', [0, 3])
@pytest.mark.parametrize('side', [30, 48, 60, 100, 150])
def test_a_crop_turned_by_next_to_nothing_is_as_fine_as_an_upright_one(side, channels):
    image, square = scene(channels), about(120, 100, side)
    upright = cut_crop(image, square, (48, 48)).astype(float)
    turned = cut_crop(image, square, (48, 48), 1e-6).astype(float)
    assert turned.shape == upright.shape
    # An upright crop ends at its last pixel, a turned one may look beyond it.
    assert np.abs(turned - upright)[1:-1, 1:-1].mean() < 1.0
    assert turned.std() == pytest.approx(upright.std(), rel=0.03)


@pytest.mark.parametrize(('roll', 'quarters'), [(90.0, 1), (180.0, 2), (-90.0, 3)])
@pytest.mark.parametrize('size', [40, 20])
def test_a_crop_of_a_quarter_turn_is_the_upright_one_turned_back(roll, quarters, size):
    image, square = noise(80, 90), about(45, 40, 40)
    upright = cut_crop(image, square, (size, size)).astype(int)
    turned = cut_crop(image, square, (size, size), roll).astype(int)
    assert np.abs(turned - np.rot90(upright, quarters)).max() <= 1


@pytest.mark.parametrize('roll', [-35.0, -10.0, 20.0, 45.0])
@pytest.mark.parametrize('side', [40, 90])
def test_what_leans_clockwise_comes_back_upright(roll, side):
    image, square = scene(), about(120.0, 100.0, side)
    matrix = cv2.getRotationMatrix2D((119.5, 99.5), -roll, 1.0)  # OpenCV turns the other way round
    leaning = cv2.warpAffine(image, matrix, (240, 200), borderMode=cv2.BORDER_REPLICATE)
    upright = cut_crop(image, square, (48, 48)).astype(float)
    back = cut_crop(leaning, square, (48, 48), roll).astype(float)
    lost = cut_crop(leaning, square, (48, 48)).astype(float)
    assert np.abs(back - upright).mean() < 2.0
    assert np.abs(lost - upright).mean() > 8.0


@pytest.mark.parametrize(
    'square', [about(5, 8, 60), about(235, 190, 30), about(-40, 100, 50), about(500, -300, 20)]
)
def test_outside_the_image_the_border_is_repeated(square):
    image, beyond = scene(), 400
    padded = cv2.copyMakeBorder(image, *[beyond] * 4, cv2.BORDER_REPLICATE)
    moved = BoundingBox(*(value + beyond for value in square.as_tuple()))
    crop, expected = (
        cut_crop(picture, where, (32, 32), 25.0).astype(int)
        for picture, where in ((image, square), (padded, moved))
    )
    assert np.abs(crop - expected).max() <= 2


@pytest.mark.parametrize('side', [0.3, 7.0, 500.0])
def test_an_image_of_one_pixel_fills_any_crop(side):
    image = np.full((1, 1, 3), (10, 20, 30), np.uint8)
    crop = cut_crop(image, about(0.5, 0.5, side), (8, 12), 30.0)
    np.testing.assert_array_equal(crop, np.broadcast_to(image, (8, 12, 3)))


def test_fine_detail_is_averaged_and_not_sampled():
    image = noise(600, 600, 0)
    for roll in (0.0, 17.0):
        crop = cut_crop(image, about(300, 300, 384), (48, 48), roll)
        assert crop.mean() == pytest.approx(127.5, abs=1.0)
        assert crop.std() < 13.0  # 74 in the image, and 64 pixels make one


def test_gray_crops_equal_those_of_the_gray_image_wherever_they_lie():
    image, random = noise(60, 80), np.random.default_rng(6)
    gray = to_gray(image)
    for _ in range(300):
        x, y, roll = *random.uniform(-60, 120, 2), random.uniform(-180, 180)
        square = about(x, y, random.choice([0.3, 1.0, 20.5, 47.2, 90.0]))
        expected = cut_crop(gray, square, (12, 10), roll)
        np.testing.assert_array_equal(cut_gray_crop(image, square, (12, 10), roll), expected)


def test_the_image_may_be_a_view_that_cannot_be_written():
    image = scene()[::-1, ::2]
    image.flags.writeable = False
    square = about(60, 100, 70)
    expected = cut_crop(np.ascontiguousarray(image), square, (16, 16), 30.0)
    np.testing.assert_array_equal(cut_crop(image, square, (16, 16), 30.0), expected)


def test_a_turned_square_lies_within_its_enclosing_box():
    square = about(50, 40, 20)
    assert enclosing(square, 0.0) == square
    assert enclosing(square, 45.0).as_tuple() == pytest.approx(
        about(50, 40, 20 * 2**0.5).as_tuple()
    )
    assert enclosing(square, -90.0).as_tuple() == pytest.approx(square.as_tuple())
