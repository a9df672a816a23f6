from __future__ import annotations

import math

import numpy as np
import pytest
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.boxes import boxes_to_array
from rtcnn_perception.core.geometry.boxes import iou_matrix


def random_boxes(count, seed):
    rng = np.random.default_rng(seed)
    low = rng.uniform(-50, 100, (count, 2))
    return np.hstack([low, low + rng.uniform(0.1, 80, (count, 2))])


@pytest.mark.parametrize(
    'corners',
    [
        (0, 0, 0, 0),
        (0, 0, 0, 5),
        (0, 0, 5, 0),
        (5, 0, 0, 5),
        (0, 5, 5, 0),
    ],
)
def test_a_box_without_area_is_rejected(corners):
    with pytest.raises(ValueError, match='x0 < x1'):
        BoundingBox(*corners)


@pytest.mark.parametrize('value', [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize('place', range(4))
def test_a_box_with_a_corner_that_is_not_finite_is_rejected(value, place):
    corners = [0.0, 0.0, 1.0, 1.0]
    corners[place] = value
    with pytest.raises(ValueError, match='finite'):
        BoundingBox(*corners)


def test_a_box_knows_its_measures():
    box = BoundingBox(1.0, 2.0, 4.0, 8.0)
    assert (box.width, box.height, box.area) == (3.0, 6.0, 18.0)
    assert box.center == (2.5, 5.0)
    assert box.as_tuple() == (1.0, 2.0, 4.0, 8.0)


def test_corner_and_size_make_the_box_they_describe():
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


def test_clipping_twice_is_clipping_once():
    for corners in random_boxes(200, seed=1):
        clipped = BoundingBox(*corners.tolist()).clip_to(60, 70)
        if clipped is not None:
            assert clipped.clip_to(60, 70) == clipped


def test_no_boxes_make_an_empty_array():
    assert boxes_to_array(()).shape == (0, 4)
    assert boxes_to_array((BoundingBox(1, 2, 3, 4),)).tolist() == [[1.0, 2.0, 3.0, 4.0]]


@pytest.mark.parametrize(('first', 'second'), [(0, 0), (0, 3), (3, 0)])
def test_the_overlap_of_no_boxes_is_empty(first, second):
    assert iou_matrix(random_boxes(first, 0), random_boxes(second, 1)).shape == (first, second)


def test_overlap_is_symmetric_and_in_0_to_1():
    boxes = random_boxes(40, seed=2)
    iou = iou_matrix(boxes, boxes)
    np.testing.assert_array_equal(iou, iou.T)
    # A few units in the last place: areas are products of rounded differences.
    np.testing.assert_allclose(np.diag(iou), 1.0, atol=1e-12)
    assert iou.min() == 0.0
    assert iou.max() <= 1.0 + 1e-12


def test_overlap_is_intersection_over_union():
    square = np.array([[0.0, 0.0, 2.0, 2.0]])
    others = np.array([[1.0, 0.0, 3.0, 2.0], [2.0, 0.0, 4.0, 2.0], [0.0, 0.0, 1.0, 1.0]])
    np.testing.assert_allclose(iou_matrix(square, others), [[1 / 3, 0.0, 1 / 4]])
