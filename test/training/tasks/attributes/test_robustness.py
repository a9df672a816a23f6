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

from __future__ import annotations

import numpy as np
import pytest
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.tasks.attributes.robustness import at_size
from rtcnn_perception.training.tasks.attributes.robustness import blurred
from rtcnn_perception.training.tasks.attributes.robustness import CONDITIONS
from rtcnn_perception.training.tasks.attributes.robustness import jitter_loss
from rtcnn_perception.training.tasks.attributes.robustness import MARGIN
from rtcnn_perception.training.tasks.attributes.robustness import rotated
from rtcnn_perception.training.tasks.attributes.robustness import with_boxes

POINTS = np.float32([[22, 25], [38, 25], [30, 32], [24, 40], [36, 40]])


def face_set(count=1, landmarks=None):
    return FaceSet(
        pictures=[np.full((60, 60), 40 + 150 * (index % 2), np.uint8) for index in range(count)],
        boxes=np.tile([10.0, 10.0, 50.0, 50.0], (count, 1)),
        names=['a'] * count,
        landmarks=landmarks,
    )


def test_boxes_are_scaled_and_shifted_by_their_longer_side():
    changed = with_boxes(face_set(), 0.5, 0.25, -0.25)
    assert changed.boxes[0].tolist() == [30, 10, 50, 30]


def test_a_small_face_is_not_enlarged():
    faces = face_set()
    assert at_size(faces, 50.0).pictures[0] is faces.pictures[0]


def test_a_face_is_shrunk_to_a_size_and_its_landmarks_with_it():
    changed = at_size(face_set(landmarks=POINTS[None]), 20.0)
    assert changed.pictures[0].shape == (30, 30)
    assert changed.box(0).width == pytest.approx(20.0)
    np.testing.assert_allclose(changed.landmarks[0], POINTS / 2, atol=1e-5)


def test_landmarks_rotate_with_the_picture():
    faces = face_set(landmarks=POINTS[None])
    roll = CropGeometry(0.0, upright=True).crop(rotated(faces, -25.0).region(0)).roll
    assert roll == pytest.approx(25.0, abs=0.1)
    np.testing.assert_array_equal(faces.landmarks[0], POINTS)


def test_a_mark_stays_where_its_landmark_goes():
    faces = face_set(landmarks=POINTS[None])
    x, y = POINTS[0].astype(int)
    faces.pictures[0][:] = 0
    faces.pictures[0][y - 2 : y + 2, x - 2 : x + 2] = 255
    turned = rotated(faces, 30.0)
    light = turned.pictures[0].astype(float)
    rows, columns = (np.arange(side) + 0.5 for side in light.shape)
    middle = (light.sum(0) @ columns, light.sum(1) @ rows) / light.sum()
    np.testing.assert_allclose(middle, turned.landmarks[0][0], atol=0.05)


@pytest.mark.parametrize('change', [lambda f: blurred(f, 2.0), lambda f: rotated(f, 30.0)])
def test_an_even_picture_does_not_change(change):
    faces = face_set(2)
    for before, after in zip(faces.pictures, change(faces).pictures, strict=True):
        assert np.array_equal(before, after)


def test_every_condition_changes_faces_but_for_the_margin():
    faces = face_set(2, np.stack([POINTS, POINTS]))
    faces.pictures[0][:30] = 200
    for axis, (values, change) in CONDITIONS.items():
        for value in values:
            changed = change(faces, value)
            is_same = np.array_equal(faces.pictures[0], changed.pictures[0])
            assert (is_same and np.array_equal(faces.boxes, changed.boxes)) == (axis == MARGIN)


def test_the_loss_by_jitter_is_that_of_ten_per_cent():
    curves = {
        'box shifted right': [(0.1, 0.7), (0.2, 0.1)],
        'box shifted down': [(-0.1, 0.8)],
        'box scaled': [(1.2, 0.1)],
        MARGIN: [(0.1, 0.1)],
    }
    assert jitter_loss(0.8, curves) == pytest.approx((0.05, 0.1))
    assert jitter_loss(0.8, {}) == (0.0, 0.0)
