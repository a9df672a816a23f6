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

"""Pictures of single faces: padded with black, or with the eyes on a horizontal."""

import cv2
import numpy as np
import pytest
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.landmarks import FaceRegion
from rtcnn_perception.core.geometry.portraits import aligned_crop
from rtcnn_perception.core.geometry.portraits import eye_roll
from rtcnn_perception.core.geometry.portraits import padded_crop

EYES = ('right_eye', 'left_eye')


def picture(height=120, width=160):
    return np.full((height, width, 3), 200, np.uint8)


def test_a_face_outside_the_image_has_no_picture():
    assert padded_crop(picture(), BoundingBox(200, 10, 240, 60), (128, 128)) is None


@pytest.mark.parametrize(
    ('box', 'size_hw', 'filled'),
    [
        ((10, 10, 50, 110), (128, 128), (slice(0, 128), slice(39, 89))),  # 40x100 to 51x128
        ((10, 10, 150, 50), (128, 128), (slice(46, 82), slice(0, 128))),  # 140x40 to 128x37
        ((10, 10, 60, 60), (64, 64), (slice(0, 64), slice(0, 64))),
        ((-30, 10, 30, 40), (60, 40), (slice(10, 50), slice(0, 40))),  # 30x30 inside, to 40x40
    ],
)
def test_a_face_is_scaled_to_fit_and_padded_with_black(box, size_hw, filled):
    crop = padded_crop(picture(), BoundingBox(*box), size_hw)
    assert (crop.shape, crop.dtype) == ((*size_hw, 3), np.uint8)
    rows, columns = filled
    assert (crop[rows, columns] == 200).all()
    outside = crop.copy()
    outside[
        max(rows.start - 1, 0) : rows.stop + 1, max(columns.start - 1, 0) : columns.stop + 1
    ] = 0
    assert (outside == 0).all()


@pytest.mark.parametrize('box', [(20.2, 20.2, 20.4, 20.4), (159.7, 119.7, 170, 130)])
def test_a_face_of_less_than_a_pixel_has_a_picture(box):
    assert (padded_crop(picture(), BoundingBox(*box), (32, 32)) == 200).all()


def test_the_roll_of_the_eyes_is_clockwise_and_none_without_eyes():
    box = BoundingBox(0, 0, 10, 10)
    assert eye_roll(FaceRegion(box)) is None
    assert eye_roll(FaceRegion(box, np.zeros((1, 2), np.float32), ('nose',))) is None
    assert eye_roll(FaceRegion(box, np.ones((2, 2), np.float32), EYES)) is None
    points = np.array([[0, 0], [10, 10]], np.float32)
    assert eye_roll(FaceRegion(box, points, EYES)) == pytest.approx(45)
    assert aligned_crop(picture(), FaceRegion(box), (32, 32)) is None


@pytest.mark.parametrize('roll', [-120.0, -20.0, 0.0, 3.0, 45.0])
@pytest.mark.parametrize('size_hw', [(128, 128), (96, 128)])
def test_eyes_come_to_lie_on_a_horizontal_with_the_right_one_on_the_left(roll, size_hw):
    image = np.zeros((200, 200, 3), np.uint8)
    turn = cv2.getRotationMatrix2D((100, 100), -roll, 1.0)
    right, left = (turn @ (x, 90, 1) for x in (80, 120))
    cv2.circle(image, tuple(np.round(right).astype(int).tolist()), 4, (255, 0, 0), -1)
    cv2.circle(image, tuple(np.round(left).astype(int).tolist()), 4, (0, 0, 255), -1)
    points = np.array([right, left], np.float32)
    region = FaceRegion(BoundingBox(50, 50, 150, 150), points, EYES)
    crop = aligned_crop(image, region, size_hw)
    assert crop.shape == (*size_hw, 3)
    centers = [np.argwhere(crop[..., channel] > 128).mean(axis=0) for channel in (0, 2)]
    (right_y, right_x), (left_y, left_x) = centers
    assert abs(right_y - left_y) < 2.0
    # 40 pixels of 100 in the image.
    assert left_x - right_x == pytest.approx(0.4 * min(size_hw), abs=2.0)
