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
from photograph_sets import face_row
from photograph_sets import write_found
from photograph_sets import write_set
from predicted_faces import faces_at
from predicted_faces import LEFT
from predicted_faces import NOWHERE
from predicted_faces import predicted
from predicted_faces import RIGHT
from predicted_faces import SIDE
from predicted_faces import SMALL
import pytest
from rtcnn_perception.core.detection.base import Detection
from rtcnn_perception.core.detection.base import DetectorConfig
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.landmarks import FIVE_POINTS
from rtcnn_perception.training.data.photographs import read_photographs
from rtcnn_perception.training.tasks.detector.evaluate import load
from rtcnn_perception.training.tasks.detector.predictions import annotated_by
from rtcnn_perception.training.tasks.detector.predictions import compare
from rtcnn_perception.training.tasks.detector.predictions import enlarge_to_width
from rtcnn_perception.training.tasks.detector.predictions import predict_faces


class CornerDetector:
    """Finds one face in the corner of every image, of 40 by 20 of its pixels."""

    tag = 'corner'
    landmark_names = FIVE_POINTS
    min_score = 0.5

    def __init__(self):
        self.widths = []

    def detect(self, image):
        self.widths.append(image.shape[1])
        return (Detection(BoundingBox(0, 0, 40, 20), 0.9, np.full((5, 2), 10, np.float32)),)


def test_narrow_photographs_are_enlarged_and_predictions_scaled_back(tmp_path):
    write_set(tmp_path, [face_row('a.png', 'val')])
    detector = CornerDetector()
    wider, same = (
        next(predict_faces(detector, read_photographs(tmp_path), width))
        for width in (2 * SIDE, SIDE)
    )
    assert detector.widths == [2 * SIDE, SIDE]
    assert wider.boxes.tolist() == [[0, 0, 20, 10]]
    assert wider.landmarks[0, 0].tolist() == [5, 5]
    assert same.boxes.tolist() == [[0, 0, 40, 20]]


def test_no_photograph_is_enlarged_beyond_what_a_detector_sees():
    assert enlarge_to_width(np.zeros((4000, 1, 3), np.uint8), 416).shape == (4000, 1, 3)
    assert enlarge_to_width(np.zeros((100, 4, 3), np.uint8), 100).shape == (800, 32, 3)
    assert enlarge_to_width(np.zeros((1, 40, 3), np.uint8), 100).shape == (2, 100, 3)


def test_faces_of_a_baseline_are_counted_where_they_are_found():
    annotated = [faces_at(LEFT, RIGHT, ignored=[SMALL]), faces_at(LEFT)]
    found = [predicted((RIGHT, 0.9), (SMALL, 0.8), (NOWHERE, 0.7)), predicted()]
    first, second = compare(annotated, found, width=320, min_iou=0.4)
    assert (first.width, first.faces, first.found) == (320, 2, 1)
    assert (second.faces, second.found) == (1, 0)


@pytest.mark.parametrize(('width', 'faces'), [(SIDE, 1), (64, 0)])
def test_faces_of_a_baseline_that_are_small_as_it_takes_them_are_ignored(
    tmp_path, detector, width, faces
):
    write_found(tmp_path / 'a.png')
    loaded = load(DetectorConfig(model_path=str(detector)), SIDE)
    found = annotated_by(loaded, tmp_path / 'a.png', width)
    assert (found.width, found.height) == (SIDE, SIDE)
    assert (len(found.boxes), len(found.ignored)) == (faces, 1 - faces)
    assert np.concatenate([found.boxes, found.ignored]).tolist() == [[112, 16, 176, 80]]
