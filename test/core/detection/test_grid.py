"""Rows of the outputs come out as the boxes and points that are meant."""

from __future__ import annotations

import numpy as np
import pytest
from rtcnn_perception.core.detection.grid import FaceCells


def test_no_rows_are_no_boxes_and_no_points():
    cells = FaceCells.covering((32, 32), (32,))
    none = np.empty(0, np.intp)
    assert cells.boxes(none, np.empty((0, 4), np.float32)).shape == (0, 4)
    assert cells.points(none, np.empty((0, 10), np.float32)).shape == (0, 5, 2)


def test_cells_lie_row_by_row_the_first_stride_first():
    cells = FaceCells.covering((32, 64), (16, 32))
    assert len(cells) == 2 * 4 + 2
    assert cells.centers.tolist() == [
        *([x, y] for y in (8, 24) for x in (8, 24, 40, 56)),
        [16, 16],
        [48, 16],
    ]
    assert cells.strides.tolist() == [[16]] * 8 + [[32]] * 2


@pytest.mark.parametrize(
    ('cell', 'row', 'expected'),
    [
        (0, (0, 0, 0, 0), (0, 0, 8, 8)),
        (0, (0.5, -1, np.log(2), np.log(4)), (0, -20, 16, 12)),
        (5, (0, 0, 0, 0), (8, 8, 16, 16)),
        (16, (0, 0, 0, 0), (0, 0, 16, 16)),
        (19, (-1, 1, np.log(0.5), 0), (4, 32, 12, 48)),
        (20, (0, 0, -1, 1), (16 - 16 / np.e, 16 - 16 * np.e, 16 + 16 / np.e, 16 + 16 * np.e)),
    ],
)
def test_a_box_is_given_from_the_centre_of_its_cell_in_strides(cell, row, expected):
    cells = FaceCells.covering((32, 32), (8, 16, 32))
    (box,) = cells.boxes(np.array([cell]), np.array([row], np.float32))
    np.testing.assert_allclose(box, expected, atol=1e-5)  # of the exponential of float32


def test_points_are_given_from_the_centre_of_their_cell_in_strides():
    cells = FaceCells.covering((32, 32), (8, 16, 32))
    row = [0, 0, 1, 0, 0, 1, -0.5, 0.25, 2, -2]
    small, large = cells.points(np.array([5, 20]), np.array([row, row], np.float32))
    assert small.tolist() == [[12, 12], [20, 12], [12, 20], [8, 14], [28, -4]]
    assert large.tolist() == [[16, 16], [48, 16], [16, 48], [0, 24], [80, -48]]


def test_what_is_no_number_stays_so_without_a_warning():
    cells = FaceCells.covering((32, 32), (32,))
    rows = np.array([[np.nan, 0, 0, 0], [0, 0, 1e4, 0], [np.inf, 0, np.inf, 0]], np.float32)
    boxes = cells.boxes(np.zeros(3, np.intp), rows)
    assert not np.isfinite(boxes).all(axis=1).any()
