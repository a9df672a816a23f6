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
from predicted_faces import corners
from predicted_faces import LEFT
from predicted_faces import RIGHT
from predicted_faces import SMALL
import pytest
from rtcnn_perception.training.tasks.detector.predictions import FALSE
from rtcnn_perception.training.tasks.detector.predictions import match
from rtcnn_perception.training.tasks.detector.predictions import NEUTRAL
from rtcnn_perception.training.tasks.detector.predictions import precision_recall


@pytest.mark.parametrize(
    ('boxes', 'faces', 'counts', 'expected'),
    [
        ([], [], [], []),
        ([LEFT], [], [], [FALSE]),
        ([], [LEFT], [True], []),
        ([LEFT, RIGHT], [RIGHT, LEFT], [True, True], [1, 0]),
        ([LEFT, LEFT], [LEFT], [True], [0, FALSE]),  # the second on a face is false
        ([(8, 0, 48, 40), LEFT], [LEFT], [True], [0, FALSE]),  # the one of highest score takes it
        ([SMALL, SMALL], [SMALL], [False], [NEUTRAL, NEUTRAL]),
        ([LEFT], [LEFT, LEFT], [False, True], [1]),  # of both, the face counts
        ([LEFT], [(0, 0, 40, 15), (0, 0, 40, 20)], [True, True], [1]),  # of two the nearer
        ([LEFT], [(0, 0, 40, 15)], [True], [FALSE]),  # 0.375
        ([LEFT], [(0, 0, 40, 16)], [True], [0]),  # 0.4 is enough
        ([SMALL], [LEFT], [True], [FALSE]),  # a small prediction on nothing is false
    ],
)
def test_each_prediction_is_on_a_face_or_neutral_or_false(boxes, faces, counts, expected):
    counts = np.array(counts, bool)
    assert match(corners(*boxes), corners(*faces), counts, 0.4).tolist() == expected


@pytest.mark.parametrize(
    ('matched', 'faces', 'average', 'recall'),
    [
        ([], 0, 0.0, 0.0),
        ([], 1, 0.0, 0.0),
        ([FALSE], 0, 0.0, 0.0),
        ([0], 1, 1.0, 1.0),
        ([0], 2, 0.5, 0.5),
        ([FALSE, 0], 1, 0.5, 1.0),
        ([0, FALSE], 1, 1.0, 1.0),
        ([NEUTRAL, 0, NEUTRAL], 1, 1.0, 1.0),
        ([0, FALSE, 1], 2, 0.5 * 1 + 0.5 * 2 / 3, 1.0),
        ([FALSE, 0, 1], 2, 2 / 3, 1.0),  # half at recall 0.5, yet two thirds further on
        ([0, FALSE, FALSE, 1, FALSE], 4, 0.25 * 1 + 0.25 * 0.5, 0.5),
    ],
)
def test_average_precision_is_the_area_under_the_interpolated_curve(
    matched, faces, average, recall
):
    scores = np.linspace(0.9, 0.5, len(matched))
    found = precision_recall(scores, np.array(matched, np.int64), faces)
    assert found.average_precision == pytest.approx(average)
    assert found.highest_recall == pytest.approx(recall)


def test_predictions_of_all_photographs_are_sorted_by_score():
    found = precision_recall(np.array([0.5, 0.9, 0.7]), np.array([0, FALSE, 0]), 2)
    assert found.scores.tolist() == [0.9, 0.7, 0.5]
    assert found.precision.tolist() == pytest.approx([0, 1 / 2, 2 / 3])
    assert found.at(0.95) == (1.0, 0.0)
    assert found.at(0.7) == (0.5, 0.5)
