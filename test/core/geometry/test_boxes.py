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

"""Boxes: their measures, how they overlap, and which of those that overlap are kept."""

from __future__ import annotations

import math

import numpy as np
import pytest
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.boxes import boxes_to_array
from rtcnn_perception.core.geometry.boxes import iou_matrix
from rtcnn_perception.core.geometry.boxes import non_maximum_suppression
from rtcnn_perception.core.geometry.boxes import overlap_share


def random_boxes(count, seed):
    rng = np.random.default_rng(seed)
    low = rng.uniform(-50, 100, (count, 2))
    return np.hstack([low, low + rng.uniform(0.1, 80, (count, 2))])


def test_a_box_without_area_is_rejected():
    for corners in ((0, 0, 0, 0), (0, 0, 0, 5), (0, 0, 5, 0), (5, 0, 0, 5), (0, 5, 5, 0)):
        with pytest.raises(ValueError, match='x0 < x1'):
            BoundingBox(*corners)


def test_a_box_with_a_corner_that_is_not_finite_is_rejected():
    for place in range(4):
        for value in (math.nan, math.inf, -math.inf):
            corners = [0.0, 0.0, 1.0, 1.0]
            corners[place] = value
            with pytest.raises(ValueError, match='finite'):
                BoundingBox(*corners)


def test_width_height_area_and_centre_follow_from_the_corners():
    box = BoundingBox(1.0, 2.0, 4.0, 8.0)
    assert (box.width, box.height, box.area) == (3.0, 6.0, 18.0)
    assert box.center == (2.5, 5.0)
    assert box.as_tuple() == (1.0, 2.0, 4.0, 8.0)


def test_a_box_is_made_from_a_corner_and_a_size():
    box = BoundingBox.from_xywh(np.float32(1), np.float32(2), np.float32(3), np.float32(4))
    assert box == BoundingBox(1.0, 2.0, 4.0, 6.0)
    assert {type(value) for value in box.as_tuple()} == {float}


@pytest.mark.parametrize(
    ('box', 'expected'),
    [
        (BoundingBox(-5, 0, 0, 5), None),
        (BoundingBox(10, 0, 15, 5), None),
        (BoundingBox(0, 20, 5, 25), None),
        (BoundingBox(0, -5, 5, 0), None),
        (BoundingBox(2, 3, 4, 5), BoundingBox(2, 3, 4, 5)),
        (BoundingBox(-2, -3, 4, 5), BoundingBox(0, 0, 4, 5)),
        (BoundingBox(-2, -3, 40, 50), BoundingBox(0, 0, 10, 20)),
    ],
)
def test_clipping_keeps_what_is_inside_the_image(box, expected):
    assert box.clip_to(10, 20) == expected


def test_clipping_twice_is_the_same_as_clipping_once():
    for corners in random_boxes(200, seed=1):
        clipped = BoundingBox(*corners.tolist()).clip_to(60, 70)
        if clipped is not None:
            assert clipped.clip_to(60, 70) == clipped


def test_no_boxes_make_an_empty_array():
    assert boxes_to_array(()).shape == (0, 4)
    assert boxes_to_array((BoundingBox(1, 2, 3, 4),)).tolist() == [[1.0, 2.0, 3.0, 4.0]]


@pytest.mark.parametrize(('first', 'second'), [(0, 0), (0, 3), (3, 0)])
def test_the_iou_of_no_boxes_is_empty(first, second):
    assert iou_matrix(random_boxes(first, 0), random_boxes(second, 1)).shape == (first, second)


def test_iou_is_symmetric_and_in_0_to_1():
    boxes = random_boxes(40, seed=2)
    iou = iou_matrix(boxes, boxes)
    np.testing.assert_array_equal(iou, iou.T)
    # A few units in the last place: areas are products of rounded differences.
    np.testing.assert_allclose(np.diag(iou), 1.0, atol=1e-12)
    assert iou.min() == 0.0
    assert iou.max() <= 1.0 + 1e-12


def test_iou_is_intersection_over_union():
    square = np.array([[0.0, 0.0, 2.0, 2.0]])
    others = np.array([[1.0, 0.0, 3.0, 2.0], [2.0, 0.0, 4.0, 2.0], [0.0, 0.0, 1.0, 1.0]])
    np.testing.assert_allclose(iou_matrix(square, others), [[1 / 3, 0.0, 1 / 4]])


@pytest.mark.parametrize(
    ('other', 'share'),
    [
        ((200, 200, 210, 210), 0.0),
        ((75, 75, 125, 125), 1.0),
        ((0, 0, 500, 500), 1.0),
        ((100, 75, 150, 125), 0.5),
        ((80, 80, 105, 105), 0.25),
    ],
)
def test_the_overlap_share_is_of_the_area_of_the_first_box(other, share):
    box = np.array([[75.0, 75.0, 125.0, 125.0]])
    assert overlap_share(box, np.array([other], np.float64)) == pytest.approx([share])


def test_a_box_overlaps_no_share_of_no_boxes():
    assert overlap_share(random_boxes(1, 0), np.empty((0, 4))).shape == (0,)


def kept_one_by_one(boxes, max_iou):
    iou = iou_matrix(boxes, boxes)
    kept = []
    for index in range(len(boxes)):
        if all(iou[index, better] <= max_iou for better in kept):
            kept.append(index)
    return kept


@pytest.mark.parametrize(
    ('boxes', 'expected'),
    [
        ([], []),
        ([[0, 0, 4, 4]], [0]),
        ([[0, 0, 4, 4], [0, 0, 4, 4]], [0]),
        ([[0, 0, 4, 4], [4, 0, 8, 4], [0, 4, 4, 8]], [0, 1, 2]),
        # Each overlaps the next by 3 / 5: the third does not overlap the first by too much.
        ([[0, 0, 4, 1], [1, 0, 5, 1], [2, 0, 6, 1]], [0, 2]),
        # Overlap of exactly a half is not more than a half.
        ([[0, 0, 3, 1], [1, 0, 4, 1]], [0, 1]),
        # A small box in a large one covers little of both together.
        ([[0, 0, 10, 10], [4, 4, 6, 6]], [0, 1]),
    ],
)
def test_non_maximum_suppression_drops_a_box_that_overlaps_a_better_kept_one(boxes, expected):
    kept = non_maximum_suppression(np.array(boxes, np.float64).reshape(-1, 4), 0.5)
    assert kept.dtype == np.intp
    assert kept.tolist() == expected


def test_non_maximum_suppression_keeps_the_boxes_that_are_kept_one_by_one():
    for count in (2, 50, 400):
        random = np.random.default_rng(count)
        low = random.uniform(-20, 100, (count, 2))
        boxes = np.hstack([low, low + random.uniform(1, 60, (count, 2))])
        for max_iou in (0.1, 0.3, 0.7, 1.0):
            kept = non_maximum_suppression(boxes, max_iou).tolist()
            assert kept == kept_one_by_one(boxes, max_iou)
            assert max_iou > 0.3 or count < 50 or len(kept) < count
