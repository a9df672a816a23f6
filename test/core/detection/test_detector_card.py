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

"""The card of a detector is read in full, or refused by the name of what is wrong."""

from __future__ import annotations

from cards import card_refusal
from cards import GRAPH
from cards import with_field
from cards import without_field
import pytest
from rtcnn_perception.core.detection.card import DetectorCard
from tiny_detector import make_detector_card
from tiny_model import write_model


@pytest.fixture
def card():
    return make_detector_card(GRAPH)


def test_every_field_that_the_detector_needs_is_read(tmp_path, card):
    read = DetectorCard.load(write_model(tmp_path, GRAPH, card))
    assert read == DetectorCard(
        name='tiny_face',
        directory=tmp_path,
        file='model.onnx',
        sha256=card['sha256'],
        input_name='image',
        multiple=32,
        strides=(8, 16, 32),
        nms_iou=0.3,
        width=320,
        score='score',
        box='box',
        landmarks='landmarks',
    )
    assert read.outputs == ('score', 'box', 'landmarks')


def test_a_missing_field_and_one_of_another_type_are_refused_by_name(tmp_path, card):
    for path in (
        'input',
        'input.name',
        'input.channels',
        'input.dtype',
        'input.multiple',
        'strides',
        'nms_iou',
        'width',
        'outputs',
        'outputs.score',
        'outputs.box',
        'outputs.landmarks',
    ):
        missing = card_refusal(DetectorCard, tmp_path, without_field(card, path))
        assert f'model.json: {path} is missing; ' in missing
        wrong = card_refusal(DetectorCard, tmp_path, with_field(card, path, True))
        assert f'model.json: {path} must be ' in wrong


WRONG = [
    ('input.name', '', 'input.name must be the name of the input'),
    ('input.channels', 'rgb', "input.channels must be 'bgr', got 'rgb'"),
    ('input.dtype', 'float32', "input.dtype must be 'uint8', got 'float32'"),
    ('input.multiple', 0, 'input.multiple must be from 1 to 256, got 0'),
    ('input.multiple', 512, 'input.multiple must be from 1 to 256, got 512'),
    ('strides', [], 'strides must be one or more different numbers that divide input.multiple'),
    ('strides', [0, 8], 'strides must be one or more different numbers'),
    ('strides', [-8], 'strides must be one or more different numbers'),
    ('strides', [8, 8], 'strides must be one or more different numbers'),
    ('strides', [8, 24], 'that divide input.multiple, 32, got (8, 24)'),
    ('strides', [8, 16.0], 'strides must be a list of whole numbers, got [8, 16.0]'),
    ('strides', 8, 'strides must be a list of whole numbers, got 8'),
    ('nms_iou', 0, 'nms_iou must be above 0 and at most 1, got 0.0'),
    ('nms_iou', 1.5, 'nms_iou must be above 0 and at most 1, got 1.5'),
    ('nms_iou', float('nan'), 'nms_iou must be above 0 and at most 1, got nan'),
    ('width', 31, 'width must be from 32 to 8192, got 31'),
    ('width', 8193, 'width must be from 32 to 8192, got 8193'),
    ('outputs.box', '', 'outputs must be names of three different outputs'),
    ('outputs.box', 'score', "different outputs, got ('score', 'score', 'landmarks')"),
]


def test_a_wrong_value_is_refused_with_what_was_expected_and_what_came(tmp_path, card):
    for path, value, message in WRONG:
        assert message in card_refusal(DetectorCard, tmp_path, with_field(card, path, value))


@pytest.mark.parametrize(
    'changes',
    [
        {'input.multiple': 1, 'strides': [1]},
        {'input.multiple': 256, 'strides': [256]},
        {'nms_iou': 1},
        {'width': 32},
        {'width': 8192},
    ],
)
def test_a_value_at_the_end_of_its_range_is_accepted(tmp_path, card, changes):
    for path, value in changes.items():
        card = with_field(card, path, value)
    assert DetectorCard.load(write_model(tmp_path, GRAPH, card)).strides == tuple(card['strides'])
