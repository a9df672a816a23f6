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

"""Quality falls with size, sharpness and what lies outside, and with nothing else."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from rtcnn_perception.core.attributes.quality import face_quality
from rtcnn_perception.core.attributes.quality import FULL_SIZE
from rtcnn_perception.core.geometry.boxes import BoundingBox

SIDE = 96
BOX = BoundingBox.from_xywh(52, 52, SIDE, SIDE)


def scaled(box: BoundingBox, factor: float) -> BoundingBox:
    return BoundingBox(*(factor * value for value in box.as_tuple()))


@pytest.fixture(scope='module')
def image():
    """Draw a head with eyes, brows and a mouth in the middle of a textured wall."""
    wall = np.random.default_rng(3).integers(60, 200, (200, 200, 3), dtype=np.uint8)
    picture = cv2.GaussianBlur(wall, (0, 0), 3.0)
    cv2.ellipse(picture, (100, 100), (36, 48), 0, 0, 360, (150, 180, 220), -1, cv2.LINE_AA)
    for x in (86, 114):
        cv2.ellipse(picture, (x, 92), (7, 4), 0, 0, 360, (245, 245, 245), -1, cv2.LINE_AA)
        cv2.circle(picture, (x, 92), 3, (40, 30, 20), -1, cv2.LINE_AA)
        cv2.line(picture, (x - 8, 82), (x + 8, 80), (30, 40, 60), 2, cv2.LINE_AA)
    cv2.ellipse(picture, (100, 122), (14, 6), 0, 0, 180, (60, 60, 160), 2, cv2.LINE_AA)
    return picture


def test_a_face_outside_the_image_has_no_quality(image):
    assert face_quality(image, BoundingBox(300, 300, 340, 340)) == 0.0
    assert face_quality(image, BoundingBox(-40, 0, 0, 40)) == 0.0


def test_an_image_without_detail_has_no_quality():
    assert face_quality(np.full((100, 100, 3), 128, np.uint8), BoundingBox(10, 10, 90, 90)) == 0.0


def test_a_large_sharp_face_inside_the_image_has_high_quality(image):
    assert 0.8 < face_quality(image, BOX) <= 1.0


def test_quality_falls_with_blur(image):
    blurred = [image] + [cv2.GaussianBlur(image, (0, 0), sigma) for sigma in (1, 2, 3, 4, 6, 8)]
    qualities = [face_quality(each, BOX) for each in blurred]
    assert qualities == sorted(qualities, reverse=True)
    assert qualities[-1] < 0.4 * qualities[0]


def test_quality_falls_with_size(image):
    qualities = []
    for side in (96, 72, 64, 48, 40, 32, 24, 16, 12, 8, 4):
        factor = side / SIDE
        small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        box = scaled(BOX, small.shape[1] / 200)
        qualities.append(face_quality(small, box))
    assert qualities == sorted(qualities, reverse=True)
    assert qualities[-1] < 0.1 * qualities[0]


def test_the_quality_of_an_enlarged_face_falls_by_its_detail_alone(image):
    small = cv2.resize(image, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    enlarged = cv2.resize(small, (200, 200), interpolation=cv2.INTER_LINEAR)
    quarter = face_quality(small, scaled(BOX, 0.25))
    assert quarter == pytest.approx(SIDE * 0.25 / FULL_SIZE * face_quality(enlarged, BOX), rel=0.1)


def test_quality_falls_as_the_face_leaves_the_image(image):
    qualities = [face_quality(image[:, cut:], moved(BOX, -cut)) for cut in range(0, 150, 16)]
    assert qualities == sorted(qualities, reverse=True)
    assert qualities[-1] < 0.02


def test_light_and_contrast_hardly_change_the_quality(image):
    darker = np.round(image * 0.6 + 10).astype(np.uint8)
    assert face_quality(darker, BOX) == pytest.approx(face_quality(image, BOX), abs=0.03)


def test_noise_does_not_make_a_blurred_face_sharp(image):
    blurred = cv2.GaussianBlur(image, (0, 0), 0.04 * SIDE)
    noise = np.random.default_rng(4).normal(0, 10, image.shape)
    noisy = np.clip(blurred + noise, 0, 255).astype(np.uint8)
    assert face_quality(noisy, BOX) < face_quality(image, BOX) - 0.2


def test_quality_is_in_0_to_1_for_any_box(image):
    random = np.random.default_rng(8)
    for _ in range(300):
        box = BoundingBox.from_xywh(*random.uniform(-100, 200, 2), *random.uniform(0.1, 300, 2))
        assert 0.0 <= face_quality(image, box) <= 1.0


def moved(box, x):
    return BoundingBox(box.x0 + x, box.y0, box.x1 + x, box.y1)
