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

"""Output rows are decoded to the boxes and landmarks that they encode."""

from __future__ import annotations

import numpy as np
import pytest
from rtcnn_perception.core.detection.grid import AnchorGrid


def test_no_rows_are_no_boxes_and_no_landmarks():
    grid = AnchorGrid.covering((32, 32), (32,))
    none = np.empty(0, np.intp)
    assert grid.decode_boxes(none, np.empty((0, 4), np.float32)).shape == (0, 4)
    assert grid.decode_landmarks(none, np.empty((0, 10), np.float32)).shape == (0, 5, 2)


def test_anchor_points_lie_row_by_row_with_the_first_stride_first():
    grid = AnchorGrid.covering((32, 64), (16, 32))
    assert len(grid) == 2 * 4 + 2
    assert grid.points.tolist() == [
        *([x, y] for y in (8, 24) for x in (8, 24, 40, 56)),
        [16, 16],
        [48, 16],
    ]
    assert grid.strides.tolist() == [[16]] * 8 + [[32]] * 2


@pytest.mark.parametrize(
    ('index', 'row', 'expected'),
    [
        (0, (0, 0, 0, 0), (0, 0, 8, 8)),
        (0, (0.5, -1, np.log(2), np.log(4)), (0, -20, 16, 12)),
        (5, (0, 0, 0, 0), (8, 8, 16, 16)),
        (16, (0, 0, 0, 0), (0, 0, 16, 16)),
        (19, (-1, 1, np.log(0.5), 0), (4, 32, 12, 48)),
        (20, (0, 0, -1, 1), (16 - 16 / np.e, 16 - 16 * np.e, 16 + 16 / np.e, 16 + 16 * np.e)),
    ],
)
def test_a_box_is_relative_to_its_anchor_point_in_strides(index, row, expected):
    grid = AnchorGrid.covering((32, 32), (8, 16, 32))
    (box,) = grid.decode_boxes(np.array([index]), np.array([row], np.float32))
    np.testing.assert_allclose(box, expected, atol=1e-5)  # of the exponential of float32


def test_landmarks_are_relative_to_their_anchor_point_in_strides():
    grid = AnchorGrid.covering((32, 32), (8, 16, 32))
    row = [0, 0, 1, 0, 0, 1, -0.5, 0.25, 2, -2]
    small, large = grid.decode_landmarks(np.array([5, 20]), np.array([row, row], np.float32))
    assert small.tolist() == [[12, 12], [20, 12], [12, 20], [8, 14], [28, -4]]
    assert large.tolist() == [[16, 16], [48, 16], [16, 48], [0, 24], [80, -48]]


def test_nan_and_infinity_stay_what_they_are_without_a_warning():
    grid = AnchorGrid.covering((32, 32), (32,))
    rows = np.array([[np.nan, 0, 0, 0], [0, 0, 1e4, 0], [np.inf, 0, np.inf, 0]], np.float32)
    boxes = grid.decode_boxes(np.zeros(3, np.intp), rows)
    assert not np.isfinite(boxes).all(axis=1).any()
