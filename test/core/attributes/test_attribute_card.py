"""A card is read whole and true, or refused by the name of what is wrong."""

from __future__ import annotations

import copy
import json
from pathlib import Path
import re

import numpy as np
import pytest
from rtcnn_perception.core.attributes.card import HeadSpec
from rtcnn_perception.core.attributes.card import ModelSpec
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.core.models.card import card_path
from rtcnn_perception.exceptions import ModelError
from tiny_model import EMOTIONS
from tiny_model import make_card
from tiny_model import write_model

MODEL = b'not read as a graph here'


def put(card, path, value):
    """Return a copy of the card with the value at a path such as ``heads.0.labels``."""
    changed = copy.deepcopy(card)
    place = changed
    *way, last = (int(key) if key.isdigit() else key for key in path.split('.'))
    for key in way:
        place = place[key]
    place[last] = value
    return changed


@pytest.fixture
def card():
    return make_card(MODEL, {'emotion': EMOTIONS})


def test_an_empty_folder_is_refused_naming_the_card(tmp_path):
    with pytest.raises(ModelError, match=r'model\.json: expected the card of a model'):
        ModelSpec.load(tmp_path)


@pytest.mark.parametrize('name', ['', 'model.onnx', 'model.json'])
def test_folder_model_and_card_name_the_same_model(tmp_path, card, name):
    directory = write_model(tmp_path, MODEL, card)
    spec = ModelSpec.load(directory / name)
    assert spec == ModelSpec(
        name='tiny',
        directory=directory,
        file='model.onnx',
        sha256=card['sha256'],
        input_name='face',
        input_size_hw=(8, 8),
        input_dtype='uint8',
        channels='gray',
        scale=1.0,
        offset=0.0,
        crop=CropGeometry(margin=0.1, shift_down=0.05),
        heads=(HeadSpec(attribute='emotion', output='emotion', labels=EMOTIONS, temperature=1.3),),
    )
    assert spec.tag == f'tiny@{card["sha256"][:8]}'
    assert spec.input_shape == (1, 8, 8)
    assert spec.attributes == ('emotion',)
    assert spec.read_model() == MODEL


def test_a_path_may_begin_at_the_home_of_the_user(tmp_path, card, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    write_model(tmp_path / 'own', MODEL, card)
    assert ModelSpec.load(Path('~/own')) == ModelSpec.load(tmp_path / 'own')
    assert card_path(Path('~/own/model.onnx')) == tmp_path / 'own' / 'model.json'
    (tmp_path / 'own' / 'model.onnx').rename(tmp_path / 'own' / 'model.ort')
    with pytest.raises(ModelError, match=r"file must be 'model\.ort'"):
        ModelSpec.load(Path('~/own/model.ort'))


def test_informational_fields_may_be_missing(tmp_path, card):
    for name in ('opset', 'architecture', 'metrics'):
        del card[name]
    assert ModelSpec.load(write_model(tmp_path, MODEL, card)).name == 'tiny'


@pytest.mark.parametrize(
    ('fields', 'expected'),
    [
        ({}, 200),
        ({'dtype': 'float32'}, 200.0),
        ({'dtype': 'float32', 'scale': 0.5, 'offset': -1.0}, 99.0),
    ],
)
def test_faces_are_scaled_for_a_network_that_takes_floats(tmp_path, card, fields, expected):
    card['input'] |= fields
    spec = ModelSpec.load(write_model(tmp_path, MODEL, card))
    for count in (0, 2):
        pixels = spec.network_input(np.full((count, 1, 8, 8), 200, np.uint8))
        assert pixels.dtype == spec.input_dtype
        np.testing.assert_array_equal(pixels, np.full((count, 1, 8, 8), expected))


def test_a_head_is_found_by_its_attribute_or_refused_by_the_model_path(tmp_path, card):
    spec = ModelSpec.load(write_model(tmp_path, MODEL, card))
    assert spec.head('emotion').labels == EMOTIONS
    with pytest.raises(ModelError, match=r'model\.onnx: expected a model that judges gender'):
        spec.head('gender')


@pytest.mark.parametrize('name', ['nowhere', '~nobody-at-all/model', 'x' * 300])
def test_a_path_at_which_nothing_can_be_seen_is_refused(name):
    for load in (card_path, ModelSpec.load):
        with pytest.raises(ModelError, match=f'{name}: expected a folder with model'):
            load(Path(name))


def test_a_card_without_its_model_is_refused(tmp_path, card):
    directory = write_model(tmp_path, MODEL, card)
    (directory / 'model.onnx').unlink()
    with pytest.raises(ModelError, match=r'model\.onnx: expected the model that its card names'):
        ModelSpec.load(directory)


def test_a_model_that_was_replaced_is_refused_with_both_digests(tmp_path, card):
    directory = write_model(tmp_path, MODEL + b'.', card)
    with pytest.raises(ModelError, match=f'expected the sha256 {card["sha256"]}.*got [0-9a-f]+'):
        ModelSpec.load(directory)


def test_a_model_whose_card_names_another_file_is_refused(tmp_path, card):
    write_model(tmp_path, MODEL, card)
    (tmp_path / 'other.onnx').write_bytes(MODEL)
    (tmp_path / 'other.json').write_text(json.dumps(card), encoding='utf-8')
    with pytest.raises(ModelError, match=r"file must be 'other\.onnx', got 'model\.onnx'"):
        ModelSpec.load(tmp_path / 'other.onnx')


@pytest.mark.parametrize('content', [b'', b'{"format": 1', b'\xff\xfe', b'{,}'])
def test_what_is_no_json_is_refused(tmp_path, content):
    (tmp_path / 'model.json').write_bytes(content)
    with pytest.raises(ModelError, match=r'model\.json: expected JSON'):
        ModelSpec.load(tmp_path)


@pytest.mark.parametrize('content', [[], None, 'card', 1])
def test_json_that_is_no_object_is_refused(tmp_path, content):
    (tmp_path / 'model.json').write_text(json.dumps(content), encoding='utf-8')
    with pytest.raises(ModelError, match='the file must be an object'):
        ModelSpec.load(tmp_path)


@pytest.mark.parametrize(
    'path',
    [
        'format',
        'name',
        'file',
        'sha256',
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
    ],
)
def test_a_missing_field_and_one_of_another_type_are_refused_by_name(tmp_path, card, path):
    name = re.sub(r'\.(\d+)', r'[\1]', path)
    gone = copy.deepcopy(card)
    place = gone
    *way, last = (int(key) if key.isdigit() else key for key in path.split('.'))
    for key in way:
        place = place[key]
    del place[last]
    with pytest.raises(ModelError, match=re.escape(f'model.json: {name} is missing; ')):
        ModelSpec.load(write_model(tmp_path, MODEL, gone))
    with pytest.raises(ModelError, match=re.escape(f'model.json: {name} must be ')):
        ModelSpec.load(write_model(tmp_path, MODEL, put(card, path, True)))


WRONG = [
    ('format', 2, 'format must be 1, got 2'),
    ('name', '', "name must be a name, got ''"),
    ('file', '', 'file must be the name of a file'),
    ('file', '../model.onnx', 'file must be the name of a file beside the card'),
    ('file', '..', 'file must be the name of a file beside the card'),
    ('sha256', 'abc', "sha256 must be 64 hexadecimal digits, in lower case, got 'abc'"),
    ('sha256', 'G' * 64, 'sha256 must be 64 hexadecimal digits'),
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
    ('heads', [], 'heads must be one or more, of different attributes, got []'),
    ('heads', [1], 'heads[0] must be an object, got 1'),
    ('heads.0.attribute', 'age', "heads[0].attribute must be one of ('emotion', 'gender'), got"),
    ('heads.0.output', '', 'heads[0].output must be the name of an output'),
    ('heads.0.labels', ['happy'], "heads[0].labels must be two or more different names, got ('ha"),
    ('heads.0.labels', ['a', 'a'], 'heads[0].labels must be two or more different names'),
    ('heads.0.labels', ['a', ''], 'heads[0].labels must be two or more different names'),
    ('heads.0.labels', ['a', 1], 'heads[0].labels must be a list of texts'),
    ('heads.0.labels', 'happy', 'heads[0].labels must be a list of texts'),
    ('heads.0.temperature', 0, 'heads[0].temperature must be a number above 0, got 0.0'),
    ('heads.0.temperature', float('inf'), 'heads[0].temperature must be a number above 0'),
]


@pytest.mark.parametrize(('path', 'value', 'message'), WRONG)
def test_a_wrong_value_is_refused_with_what_was_expected_and_found(
    tmp_path, card, path, value, message
):
    with pytest.raises(ModelError) as refusal:
        ModelSpec.load(write_model(tmp_path, MODEL, put(card, path, value)))
    text = str(refusal.value)
    assert text.startswith(str(tmp_path / 'model.json'))
    assert message in text
    assert '\n' not in text
    assert 'rtcnn_perception export' in text


def test_two_heads_of_one_attribute_are_refused(tmp_path, card):
    card['heads'] *= 2
    with pytest.raises(ModelError, match='heads must be one or more, of different attributes'):
        ModelSpec.load(write_model(tmp_path, MODEL, card))


@pytest.mark.parametrize(('scale', 'offset'), [(0.0, 0.0), (float('nan'), 0.0), (1.0, 1e999)])
def test_a_scaling_that_leaves_no_picture_is_refused(tmp_path, card, scale, offset):
    card['input'] |= {'dtype': 'float32', 'scale': scale, 'offset': offset}
    with pytest.raises(ModelError, match=r'input\.scale and input\.offset must be'):
        ModelSpec.load(write_model(tmp_path, MODEL, card))


def test_a_long_value_is_cut_in_the_message(tmp_path, card):
    with pytest.raises(ModelError) as refusal:
        ModelSpec.load(write_model(tmp_path, MODEL, put(card, 'sha256', 'x' * 100000)))
    assert len(str(refusal.value)) < 500 + len(str(Path(tmp_path)))


@pytest.mark.parametrize(('crop', 'expected'), [({}, False), ({'upright': True}, True)])
def test_a_crop_is_upright_where_the_card_says_so(tmp_path, card, crop, expected):
    card['crop'] |= crop
    assert ModelSpec.load(write_model(tmp_path, MODEL, card)).crop.upright is expected


@pytest.mark.parametrize('value', [1, 'yes', None])
def test_upright_is_true_or_false(tmp_path, card, value):
    card['crop']['upright'] = value
    with pytest.raises(ModelError, match=r'crop\.upright must be true or false'):
        ModelSpec.load(write_model(tmp_path, MODEL, card))
