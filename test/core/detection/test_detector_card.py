"""The card of a detector is read whole and true, or refused by the name of what is wrong."""

from __future__ import annotations

import copy

import pytest
from rtcnn_perception.core.detection.card import DetectorSpec
from rtcnn_perception.exceptions import ModelError
from tiny_detector import make_detector_card
from tiny_model import EMOTIONS
from tiny_model import make_card
from tiny_model import write_model

MODEL = b'not read as a graph here'


def put(card, path, value):
    """Return a copy of the card with the value at a path such as ``input.name``."""
    changed = copy.deepcopy(card)
    *way, last = path.split('.')
    (changed[way[0]] if way else changed)[last] = value
    return changed


def refused(tmp_path, card):
    """Return the one line with which a card is refused."""
    with pytest.raises(ModelError) as refusal:
        DetectorSpec.load(write_model(tmp_path, MODEL, card))
    message = str(refusal.value)
    assert message.startswith(str(tmp_path / 'model.json'))
    assert 'rtcnn_perception export' in message
    assert '\n' not in message
    return message


@pytest.fixture
def card():
    return make_detector_card(MODEL)


def test_an_empty_folder_is_refused_naming_the_card(tmp_path):
    with pytest.raises(ModelError, match=r'model\.json: expected the card of a model'):
        DetectorSpec.load(tmp_path)


@pytest.mark.parametrize('name', ['', 'model.onnx', 'model.json'])
def test_folder_model_and_card_name_the_same_detector(tmp_path, card, name):
    directory = write_model(tmp_path, MODEL, card)
    spec = DetectorSpec.load(directory / name)
    assert spec == DetectorSpec(
        name='tiny_face',
        directory=directory,
        file='model.onnx',
        sha256=card['sha256'],
        input_name='image',
        multiple=32,
        strides=(8, 16, 32),
        suppression_iou=0.3,
        width=320,
        score='score',
        box='box',
        landmarks='landmarks',
    )
    assert spec.outputs == ('score', 'box', 'landmarks')
    assert spec.tag == f'tiny_face@{card["sha256"][:8]}'
    assert spec.read_model() == MODEL


def test_informational_fields_may_be_missing(tmp_path, card):
    del card['opset'], card['architecture']
    assert DetectorSpec.load(write_model(tmp_path, MODEL, card)).name == 'tiny_face'


def test_a_model_that_was_replaced_is_refused_with_both_digests(tmp_path, card):
    directory = write_model(tmp_path, MODEL + b'.', card)
    with pytest.raises(ModelError, match=f'expected the sha256 {card["sha256"]}.*got [0-9a-f]+'):
        DetectorSpec.load(directory)


def test_the_card_of_another_kind_of_model_is_refused(tmp_path):
    message = refused(tmp_path, make_card(MODEL, {'emotion': EMOTIONS}))
    assert 'input.channels must be ' in message


FIELDS = [
    'format',
    'name',
    'file',
    'sha256',
    'input',
    'input.name',
    'input.channels',
    'input.dtype',
    'input.multiple',
    'strides',
    'suppression_iou',
    'width',
    'outputs',
    'outputs.score',
    'outputs.box',
    'outputs.landmarks',
]


@pytest.mark.parametrize('path', FIELDS)
def test_a_missing_field_and_one_of_another_type_are_refused_by_name(tmp_path, card, path):
    gone = copy.deepcopy(card)
    *way, last = path.split('.')
    del (gone[way[0]] if way else gone)[last]
    assert f'model.json: {path} is missing; ' in refused(tmp_path, gone)
    assert f'model.json: {path} must be ' in refused(tmp_path, put(card, path, True))


@pytest.mark.parametrize(
    ('path', 'value', 'message'),
    [
        ('format', 2, 'format must be 1, got 2'),
        ('name', '', "name must be a name, got ''"),
        ('file', '../model.onnx', 'file must be the name of a file beside the card'),
        ('sha256', 'abc', "sha256 must be 64 hexadecimal digits, in lower case, got 'abc'"),
        ('input.name', '', 'input.name must be the name of the input'),
        ('input.channels', 'rgb', "input.channels must be 'bgr', got 'rgb'"),
        ('input.dtype', 'float32', "input.dtype must be 'uint8', got 'float32'"),
        ('input.multiple', 0, 'input.multiple must be from 1 to 256, got 0'),
        ('input.multiple', 512, 'input.multiple must be from 1 to 256, got 512'),
        (
            'strides',
            [],
            'strides must be one or more different numbers that divide input.multiple',
        ),
        ('strides', [0, 8], 'strides must be one or more different numbers'),
        ('strides', [-8], 'strides must be one or more different numbers'),
        ('strides', [8, 8], 'strides must be one or more different numbers'),
        ('strides', [8, 24], 'that divide input.multiple, 32, got (8, 24)'),
        ('strides', [8, 16.0], 'strides must be a list of whole numbers, got [8, 16.0]'),
        ('strides', 8, 'strides must be a list of whole numbers, got 8'),
        ('suppression_iou', 0, 'suppression_iou must be above 0 and at most 1, got 0.0'),
        ('suppression_iou', 1.5, 'suppression_iou must be above 0 and at most 1, got 1.5'),
        (
            'suppression_iou',
            float('nan'),
            'suppression_iou must be above 0 and at most 1, got nan',
        ),
        ('width', 31, 'width must be from 32 to 8192, got 31'),
        ('width', 8193, 'width must be from 32 to 8192, got 8193'),
        ('outputs.box', '', 'outputs must be names of three different outputs'),
        ('outputs.box', 'score', "different outputs, got ('score', 'score', 'landmarks')"),
    ],
)
def test_a_wrong_value_is_refused_with_what_was_expected_and_found(
    tmp_path, card, path, value, message
):
    assert message in refused(tmp_path, put(card, path, value))
