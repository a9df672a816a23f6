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

"""The check of the detector that ships, on photographs that no training had."""

from __future__ import annotations

import pytest
from rtcnn_perception.core.detection.base import DetectorConfig
from rtcnn_perception.training.data.photographs import read_photographs
from rtcnn_perception.training.data.sources import data_folder
from rtcnn_perception.training.tasks.detector.evaluate import load
from rtcnn_perception.training.tasks.detector.figures import width_figures
from rtcnn_perception.training.tasks.detector.predictions import predict_faces

TRAIN = data_folder() / 'detection' / 'train'


def figures(photographs, width, **options):
    detector = load(DetectorConfig('rtcnn', **options), width)
    return width_figures(
        photographs,
        list(predict_faces(detector, photographs, width)),
        width=width,
        min_iou=0.4,
        threshold=detector.min_score,
    )


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.skipif(not TRAIN.exists(), reason='detection/train is not there; see RTCNN_DATA')
@pytest.mark.parametrize('width', [320, 416])
@pytest.mark.parametrize('precision', ['float', 'int8'])
def test_with_its_check_the_detector_errs_less_often_and_misses_no_more(width, precision):
    held_out = [each for each in read_photographs(TRAIN) if each.split == 'val']
    plain = figures(held_out, width, precision=precision, check=False)
    checked = figures(held_out, width, precision=precision)
    assert checked.sizes[0].recall > plain.sizes[0].recall - 0.01
    assert checked.sizes[0].precision > plain.sizes[0].precision + 0.02
    assert checked.negatives.false_faces <= 0.5 * plain.negatives.false_faces
