"""Of boxes that overlap, the best are chosen as one would choose them one by one."""

from __future__ import annotations

import numpy as np
import pytest
from rtcnn_perception.core.geometry.boxes import iou_matrix
from rtcnn_perception.core.geometry.nms import suppress


def chosen_one_by_one(boxes, most_iou):
    iou = iou_matrix(boxes, boxes)
    chosen = []
    for index in range(len(boxes)):
        if all(iou[index, better] <= most_iou for better in chosen):
            chosen.append(index)
    return chosen


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
def test_a_box_goes_where_it_overlaps_a_better_one_that_stays(boxes, expected):
    chosen = suppress(np.array(boxes, np.float64).reshape(-1, 4), 0.5)
    assert chosen.dtype == np.intp
    assert chosen.tolist() == expected


@pytest.mark.parametrize('most_iou', [0.1, 0.3, 0.7, 1.0])
@pytest.mark.parametrize('count', [2, 50, 400])
def test_random_boxes_are_chosen_as_one_by_one(count, most_iou):
    random = np.random.default_rng(count)
    low = random.uniform(-20, 100, (count, 2))
    boxes = np.hstack([low, low + random.uniform(1, 60, (count, 2))])
    chosen = suppress(boxes, most_iou).tolist()
    assert chosen == chosen_one_by_one(boxes, most_iou)
    assert most_iou > 0.3 or count < 50 or len(chosen) < count
