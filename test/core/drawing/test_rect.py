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

"""Rectangles of whole pixels overlap, hold and move as their pixels do."""

from __future__ import annotations

import numpy as np
import pytest
from rtcnn_perception.core.drawing.rect import Rect
from rtcnn_perception.core.geometry.boxes import BoundingBox


@pytest.mark.parametrize(
    ('box', 'rect'),
    [
        (BoundingBox(10.1, 10.1, 10.2, 10.2), Rect(10, 10, 1, 1)),
        (BoundingBox(0, 0, 10, 20), Rect(0, 0, 10, 20)),
        (BoundingBox(-1.6, 2.4, 10.4, 20.6), Rect(-2, 2, 12, 19)),
    ],
)
def test_a_box_is_rounded_to_whole_pixels_and_at_least_one(box, rect):
    assert Rect.about(box) == rect


def test_edges_and_area_follow_from_corner_and_size():
    rect = Rect(2, 3, 4, 5)
    assert (rect.right, rect.bottom, rect.area) == (6, 8, 20)


def test_overlap_is_that_of_the_pixels_and_the_same_both_ways():
    random = np.random.default_rng(1)
    for _ in range(500):
        first, second = (
            Rect(*random.integers(0, 8, 2).tolist(), *random.integers(1, 8, 2).tolist())
            for _ in range(2)
        )
        painted = np.zeros((2, 20, 20), bool)
        for layer, rect in zip(painted, (first, second), strict=True):
            layer[rect.top : rect.bottom, rect.left : rect.right] = True
        assert first.overlaps(second) == second.overlaps(first) == painted.all(axis=0).any()
        assert first.holds(second) == (painted[0] >= painted[1]).all()


def test_a_rect_is_pushed_in_where_there_is_room_and_pushing_twice_changes_nothing():
    picture = Rect(0, 0, 100, 50)
    random = np.random.default_rng(2)
    for _ in range(200):
        rect = Rect(*random.integers(-200, 200, 2).tolist(), *random.integers(1, 120, 2).tolist())
        pushed = rect.pushed_into(picture)
        assert pushed[2:] == rect[2:]
        assert picture.holds(pushed) == (rect.width <= 100 and rect.height <= 50)
        assert pushed.pushed_into(picture) == pushed
        if picture.holds(rect):
            assert pushed == rect
