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

"""The card of an attribute network is read in full, or refused by the name of what is wrong."""

from __future__ import annotations

from cards import card_refusal
from cards import field_name
from cards import GRAPH
from cards import with_field
from cards import without_field
import numpy as np
import pytest
from rtcnn_perception.core.attributes.card import AttributeCard
from rtcnn_perception.core.attributes.card import AttributeHead
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.exceptions import ModelError
from tiny_model import EMOTIONS
from tiny_model import make_card
from tiny_model import write_model


@pytest.fixture
def card():
    return make_card(GRAPH, {'emotion': EMOTIONS})


def load(directory, card):
    return AttributeCard.load(write_model(directory, GRAPH, card))


def test_every_field_that_the_pipeline_needs_is_read(tmp_path, card):
    head = AttributeHead('emotion', output='emotion', labels=EMOTIONS, temperature=1.3)
    read = load(tmp_path, card)
    assert read == AttributeCard(
        name='tiny',
        directory=tmp_path,
        file='model.onnx',
        sha256=card['sha256'],
        input_name='face',
        input_size_hw=(8, 8),
        input_dtype='uint8',
        channels='gray',
        scale=1.0,
        offset=0.0,
        crop=CropGeometry(margin=0.1, shift_down=0.05),
        heads=(head,),
    )
    assert read.input_shape == (1, 8, 8)
    assert read.names == ('emotion',)


def test_an_attribute_may_have_any_name_and_any_labels(tmp_path):
    heads = {'hat': ('none', 'cap', 'top hat'), 'age_2': ('young', 'old')}
    read = load(tmp_path, make_card(GRAPH, heads))
    assert read.names == ('hat', 'age_2')
    assert [head.labels for head in read.heads] == list(heads.values())


@pytest.mark.parametrize(
    ('fields', 'expected'),
    [
        ({}, 200),
        ({'dtype': 'float32'}, 200.0),
        ({'dtype': 'float32', 'scale': 0.5, 'offset': -1.0}, 99.0),
    ],
)
def test_crops_are_scaled_for_a_network_that_takes_floats(tmp_path, card, fields, expected):
    card['input'] |= fields
    read = load(tmp_path, card)
    for count in (0, 2):
        pixels = read.network_input(np.full((count, 1, 8, 8), 200, np.uint8))
        assert pixels.dtype == read.input_dtype
        np.testing.assert_array_equal(pixels, np.full((count, 1, 8, 8), expected))


def test_a_head_is_found_by_its_attribute_or_refused_by_the_path_of_the_model(tmp_path, card):
    read = load(tmp_path, card)
    assert read.head('emotion').labels == EMOTIONS
    with pytest.raises(ModelError) as refusal:
        read.head('gender')
    assert str(refusal.value) == (
        f'{tmp_path / "model.onnx"}: expected a model that classifies gender, got one that '
        'classifies emotion; name another model, or leave gender out'
    )


def test_a_missing_field_and_one_of_another_type_are_refused_by_name(tmp_path, card):
    for path in (
        'input',
        'input.name',
        'input.size_hw',
        'input.channels',
        'input.dtype',
        'input.scale',
        'input.offset',
        'crop',
        'crop.margin',
        'crop.shift_down',
        'heads',
        'heads.0.attribute',
        'heads.0.output',
        'heads.0.labels',
        'heads.0.temperature',
    ):
        name = field_name(path)
        missing = card_refusal(AttributeCard, tmp_path, without_field(card, path))
        assert f'model.json: {name} is missing; ' in missing
        wrong = card_refusal(AttributeCard, tmp_path, with_field(card, path, True))
        assert f'model.json: {name} must be ' in wrong


WRONG = [
    ('input.name', '', 'input.name must be the name of the input'),
    ('input.size_hw', [8], 'input.size_hw must be two whole numbers'),
    ('input.size_hw', [8, 8.0], 'input.size_hw must be two whole numbers'),
    ('input.size_hw', [0, 8], 'input.size_hw must be height and width from 1 to 1024'),
    ('input.size_hw', [8, 100000], 'input.size_hw must be height and width from 1 to 1024'),
    ('input.channels', 'grey', "input.channels must be one of ('gray', 'bgr', 'rgb'), got 'grey'"),
    ('input.dtype', 'float16', "input.dtype must be one of ('uint8', 'float32'), got 'float16'"),
    ('input.scale', 0.5, 'input.scale and input.offset must be 1 and 0 for uint8'),
    ('input.offset', -1, 'got (1.0, -1.0)'),
    ('input.scale', 10**400, 'input.scale must be a number'),
    ('crop.margin', 3.0, 'crop.margin must be in [-0.25, 2], got 3.0'),
    ('crop.shift_down', float('nan'), 'crop.shift_down must be in [-0.5, 0.5], got nan'),
    ('crop.upright', 1, 'crop.upright must be true or false, got 1'),
    ('crop.upright', 'yes', "crop.upright must be true or false, got 'yes'"),
    ('crop.upright', None, 'crop.upright must be true or false, got None'),
    ('heads', [], 'heads must be one or more, of different attributes, got []'),
    ('heads', [1], 'heads[0] must be an object, got 1'),
    ('heads.0.attribute', '', 'heads[0].attribute must be lower case letters, digits and _, a'),
    ('heads.0.attribute', 'Emotion', "saliency, smoothing, got 'Emotion'"),
    ('heads.0.attribute', '2nd', "saliency, smoothing, got '2nd'"),
    ('heads.0.attribute', 'a.b', "saliency, smoothing, got 'a.b'"),
    ('heads.0.attribute', 'emotion\n', "saliency, smoothing, got 'emotion\\n'"),
    ('heads.0.output', '', 'heads[0].output must be the name of an output'),
    ('heads.0.labels', ['happy'], "that can be printed, got ('ha"),
    ('heads.0.labels', ['a', 'b' * 101], 'to 100 characters that can be printed'),
    ('heads.0.labels', ['a', '\x1b[31m'], "that can be printed, got ('a', '\\x1b[31m')"),
    ('heads.0.labels', ['a', 'a'], 'heads[0].labels must be two or more different names'),
    ('heads.0.labels', ['a', ''], 'heads[0].labels must be two or more different names'),
    ('heads.0.labels', ['a', 1], 'heads[0].labels must be a list of texts'),
    ('heads.0.labels', 'happy', 'heads[0].labels must be a list of texts'),
    ('heads.0.temperature', 0, 'heads[0].temperature must be a number above 0, got 0.0'),
    ('heads.0.temperature', float('inf'), 'heads[0].temperature must be a number above 0'),
]


def test_a_wrong_value_is_refused_with_what_was_expected_and_what_came(tmp_path, card):
    for path, value, message in WRONG:
        assert message in card_refusal(AttributeCard, tmp_path, with_field(card, path, value))


def test_two_heads_of_one_attribute_are_refused(tmp_path, card):
    card['heads'] *= 2
    message = card_refusal(AttributeCard, tmp_path, card)
    assert 'heads must be one or more, of different attributes' in message


def test_a_scaling_that_leaves_no_picture_is_refused(tmp_path, card):
    for scale, offset in ((0.0, 0.0), (float('nan'), 0.0), (1.0, float('inf'))):
        card['input'] |= {'dtype': 'float32', 'scale': scale, 'offset': offset}
        message = card_refusal(AttributeCard, tmp_path, card)
        assert 'input.scale and input.offset must be' in message


@pytest.mark.parametrize(('crop', 'expected'), [({}, False), ({'upright': True}, True)])
def test_a_crop_is_upright_where_the_card_says_so(tmp_path, card, crop, expected):
    card['crop'] |= crop
    assert load(tmp_path, card).crop.upright is expected
