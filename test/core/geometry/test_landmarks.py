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

"""The roll of a head follows from its landmarks, whatever their order and number."""

from __future__ import annotations

import numpy as np
import pytest
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.landmarks import FaceRegion
from rtcnn_perception.core.geometry.landmarks import FIVE_POINTS
from rtcnn_perception.core.geometry.landmarks import head_roll
from rtcnn_perception.core.geometry.landmarks import NO_POINTS
from rtcnn_perception.core.geometry.landmarks import ROLL_POINTS

FACE = np.float32([[30, 40], [70, 40], [50, 60], [35, 80], [65, 80]])
"""A frontal face: eyes, nose and corners of the mouth."""

BOX = BoundingBox(20, 20, 80, 95)


def roll_of(points, names=FIVE_POINTS):
    return head_roll(FaceRegion(BOX, points, names))


def rotated(points, degrees):
    """Rotate points clockwise in the image, y pointing down."""
    angle = np.deg2rad(degrees)
    matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return ((points - 50) @ matrix.T + 50).astype(np.float32)


def test_without_landmarks_there_is_no_roll():
    assert roll_of(None) is None
    assert roll_of(None, NO_POINTS) is None


def test_the_five_points_are_the_names_by_default():
    assert head_roll(FaceRegion(BOX, rotated(FACE, 12.0))) == pytest.approx(12.0, abs=1e-4)


@pytest.mark.parametrize('value', [0.0, 12.0, np.nan, np.inf])
def test_points_in_one_place_or_without_one_have_no_direction(value):
    assert roll_of(np.full((5, 2), value, np.float32)) is None


@pytest.mark.parametrize('degrees', [0.0, 3.0, 10.0, -25.0, 25.0, 90.0, -135.0])
def test_a_head_that_is_rotated_clockwise_has_a_positive_roll(degrees):
    assert roll_of(rotated(FACE, degrees)) == pytest.approx(degrees, abs=1e-4)


def test_a_mirrored_head_leans_to_the_other_side():
    leaning = rotated(FACE, 20.0) + np.float32([3, -2])
    mirrored = (leaning * [-1, 1])[[1, 0, 2, 4, 3]].astype(np.float32)
    assert roll_of(mirrored) == pytest.approx(-roll_of(leaning), abs=1e-4)


def test_neither_place_nor_size_nor_nose_changes_the_roll():
    moved = rotated(FACE, 20.0) * 3 - 700
    moved[2] = (0, 0)
    assert roll_of(moved) == pytest.approx(20.0, abs=1e-3)


def test_the_roll_of_a_profile_follows_from_the_line_from_eyes_to_mouth():
    side = FACE.copy()
    side[:, 0] = 60 + (FACE[:, 0] - 50) * 0.05
    side[1, 1] += 3  # the line of the eyes alone would give 56 degrees
    assert abs(roll_of(rotated(side, 20.0)) - 20.0) < 6.0


def test_points_in_another_order_and_more_of_them_give_the_same_roll():
    points = rotated(FACE, 20.0)
    for order in ([4, 2, 0, 3, 1], [1, 0, 4, 3, 2]):
        names = tuple(FIVE_POINTS[index] for index in order)
        assert roll_of(points[order], names) == roll_of(points)
    more = np.vstack([np.full((2, 2), 7, np.float32), points, np.full((1, 2), 900, np.float32)])
    names = ('left_ear', 'right_ear', *FIVE_POINTS, 'chin')
    assert roll_of(more, names) == roll_of(points)
    assert roll_of(points[[0, 1, 3, 4]], ROLL_POINTS) == roll_of(points)


def test_without_one_of_the_points_that_show_the_roll_there_is_none():
    points = rotated(FACE, 20.0)
    for missing in ROLL_POINTS:
        kept = [index for index, name in enumerate(FIVE_POINTS) if name != missing]
        names = tuple(FIVE_POINTS[index] for index in kept)
        assert roll_of(points[kept], names) is None
        renamed = tuple('chin' if name == missing else name for name in FIVE_POINTS)
        assert roll_of(points, renamed) is None
    assert roll_of(np.empty((0, 2), np.float32), NO_POINTS) is None
