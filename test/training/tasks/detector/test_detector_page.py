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

"""The page of a detector says whose annotations its figures are against, and no more."""

from __future__ import annotations

import pytest
from rtcnn_perception.training.engine.provenance import data_entry
from rtcnn_perception.training.tasks.detector.page import model_page
from small_detector import small

CARD = {
    'name': 'made',
    'architecture': 'tiny',
    'parameters': 14177,
    'weights': 'float32',
    'sha256': 'abc',
    'multiply_accumulates': 5,
    'metrics': {'held_out_average_precision_20_at_320': 0.5},
    'command': 'make it',
}


def page(*data, **changes):
    card = {**CARD, 'data': [data_entry(name) for name in data]}
    return model_page(card, small(**changes))


def test_own_photographs_are_not_said_to_be_a_teachers():
    text = page('mine', photographs=('mine',), test='mine')
    assert 'of faces of 20 or 40 pixels and more:' in text
    assert 'teacher' not in text
    assert 'detection/train' not in text


def test_a_detector_that_was_tuned_on_own_photographs_inherits_the_errors_of_a_teacher_alone():
    text = page('detection/train', 'mine', photographs=('mine',), start_from='models/face')
    assert 'of faces of 20 or 40 pixels and more:' in text
    assert 'in `detection/train` those of another detector' in text


@pytest.mark.parametrize(
    ('photographs', 'test', 'said'),
    [
        ('detection/train', '', '"held out" against annotations of the teacher:'),
        (
            '/data/detection/train',
            'wider',
            '"held out" against annotations of the teacher, the others against those of people:',
        ),
        ('detection/train mine', '', '"held out" in part against annotations of the teacher:'),
    ],
)
def test_figures_against_a_teacher_are_said_to_be(photographs, test, said):
    text = page('detection/train', photographs=tuple(photographs.split()), test=test)
    assert f'pixels and more; {said}' in text
