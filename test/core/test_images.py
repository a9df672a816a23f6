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

"""Whole images are checked and made gray, in one place for every stage."""

from __future__ import annotations

import numpy as np
import pytest
from rtcnn_perception.core.images import check_bgr
from rtcnn_perception.core.images import check_image
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
