"""Whole images are checked, made gray and scaled down, in one place for every stage."""

from __future__ import annotations

import numpy as np
import pytest
from rtcnn_perception.core.images import check_bgr
from rtcnn_perception.core.images import check_image
from rtcnn_perception.core.images import shrink_to_width
from rtcnn_perception.core.images import to_gray
from rtcnn_perception.exceptions import ImageFormatError


def test_an_image_that_is_not_bgr_is_refused_with_what_came():
    check_bgr(np.zeros((1, 1, 3), np.uint8))
    for image in (
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
    ):
        with pytest.raises(ImageFormatError) as refusal:
            check_bgr(image)
        assert str(refusal.value) == (
            'expected an image of shape (H, W, 3) and type uint8, '
            f'got shape {image.shape} and type {image.dtype}'
        )


def test_an_image_that_is_neither_bgr_nor_gray_is_refused():
    check_image(np.zeros((1, 1, 3), np.uint8))
    check_image(np.zeros((1, 1), np.uint8))
    for image in (
        np.zeros((0, 0, 3), np.uint8),
        np.zeros((4, 0), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 1), np.uint8),
        np.zeros((1, 4, 4, 3), np.uint8),
        np.zeros(4, np.uint8),
    ):
        with pytest.raises(ImageFormatError, match=r'\(H, W\) or \(H, W, 3\)'):
            check_image(image)


def test_a_gray_image_is_returned_as_it_is_and_colour_is_weighted():
    gray = np.random.default_rng(0).integers(0, 256, (4, 5), dtype=np.uint8)
    assert to_gray(gray) is gray
    # ITU-R BT.601: 0.299 R, 0.587 G, 0.114 B.
    blue_green_red = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8)
    assert to_gray(blue_green_red).tolist() == [[29, 150, 76]]


@pytest.mark.parametrize(
    ('height', 'width', 'wanted', 'expected'),
    [
        (1, 1, 320, (1, 1)),
        (480, 640, 640, (480, 640)),
        (480, 640, 8192, (480, 640)),
        (480, 640, 320, (240, 320)),
        (1080, 1920, 320, (180, 320)),
        (270, 480, 320, (180, 320)),
        (1, 4000, 320, (1, 320)),
        (4000, 640, 320, (2000, 320)),
    ],
)
def test_an_image_is_scaled_down_to_a_width_and_never_up(height, width, wanted, expected):
    image = np.zeros((height, width, 3), np.uint8)
    shrunk = shrink_to_width(image, wanted)
    assert shrunk.shape == (*expected, 3)
    assert (shrunk is image) == (expected == (height, width))


def test_scaling_down_by_much_counts_every_pixel():
    image = np.zeros((64, 640, 3), np.uint8)
    image[:, ::4] = 200
    assert set(shrink_to_width(image, 160).ravel().tolist()) == {50}
