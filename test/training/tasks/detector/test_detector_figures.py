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
from predicted_faces import faces_at
from predicted_faces import LEFT
from predicted_faces import NOWHERE
from predicted_faces import predicted
from predicted_faces import RIGHT
from predicted_faces import SMALL
import pytest
from rtcnn_perception.training.tasks.detector.figures import curve
from rtcnn_perception.training.tasks.detector.figures import false_predictions
from rtcnn_perception.training.tasks.detector.figures import missed_faces
from rtcnn_perception.training.tasks.detector.figures import width_figures


def figures(photographs, found):
    return width_figures(photographs, found, width=320, min_iou=0.4, threshold=0.6)


def test_faces_below_the_height_count_neither_as_found_nor_as_false():
    shown = [faces_at(LEFT, SMALL, ignored=[RIGHT]), faces_at()]
    found = [predicted((SMALL, 0.9), (RIGHT, 0.8), (LEFT, 0.7)), predicted((LEFT, 0.3))]
    points, faces = curve(shown, found, 20, 0.4)
    assert (faces, points.average_precision, points.highest_recall) == (1, 1.0, 1.0)
    points, faces = curve(shown, found, 10, 0.4)
    assert (faces, points.precision.tolist()) == (2, pytest.approx([1, 1, 2 / 3]))


def test_no_photographs_give_no_figures():
    nothing = figures([], [])
    assert nothing.sizes == ()
    assert (nothing.bands, nothing.agreement, nothing.negatives) == ((), None, None)


def test_recall_is_given_by_height():
    shown = [faces_at((0, 0, 19, 19), (50, 0, 70, 20), LEFT, RIGHT)]
    bands = figures(shown, [predicted((LEFT, 0.9), ((50, 0, 70, 20), 0.6), (RIGHT, 0.59))]).bands
    assert [(band.name, band.faces, band.recall) for band in bands] == [
        ('10 to 20', 1, 0.0),
        ('20 to 40', 1, 1.0),
        ('40 to 80', 2, 0.5),
    ]


def test_agreement_is_how_predictions_fit_their_faces():
    points = np.linspace(0, 40, 10).reshape(1, 5, 2)
    shown = [faces_at(LEFT, landmarks=points), faces_at(RIGHT)]
    at_left = predicted(((4, -2, 44, 42), 0.9), landmarks=points + np.array([6, 8]))
    at_right = predicted(((104, -2, 144, 42), 0.9), landmarks=points)
    found = figures(shown, [at_left, at_right]).agreement
    assert (found.faces, found.landmark_faces) == (2, 1)  # those of the right face are unknown
    assert (found.shift_right, found.shift_down) == pytest.approx((0.1, 0.0))
    assert (found.width, found.height) == pytest.approx((1.0, 1.1))
    assert found.landmark_error == pytest.approx(10 / 40)


def test_false_faces_are_counted_where_there_is_no_face():
    shown = [faces_at(), faces_at(), faces_at(LEFT), faces_at(ignored=[LEFT])]
    two = predicted((NOWHERE, 0.9), (RIGHT, 0.6), (LEFT, 0.5))
    found = figures(
        shown, [two, predicted(), predicted((NOWHERE, 0.9)), predicted((NOWHERE, 0.9))]
    )
    negatives = found.negatives
    assert (negatives.photographs, negatives.false_faces) == (2, 2)
    assert (negatives.photographs_with_any, negatives.false_faces_per_thousand) == (1, 1000)


def test_the_worst_false_and_missed_faces_come_first():
    shown = [faces_at(), faces_at(LEFT, (100, 0, 150, 60), SMALL), faces_at()]
    found = [
        predicted((LEFT, 0.7)),
        predicted((NOWHERE, 0.99)),
        predicted((RIGHT, 0.8), (LEFT, 0.6)),
    ]
    # Where there are faces, one may lack its annotation.
    assert false_predictions(shown, found, 0.4) == [(2, 0), (0, 0), (2, 1)]
    assert false_predictions(shown[1:2], found[1:2], 0.4) == [(0, 0)]
    assert missed_faces(shown, found, 0.4) == [(1, 1), (1, 0), (1, 2)]
