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

"""A card of any kind is found, checked against its graph, or refused by what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

from cards import card_refusal
from cards import GRAPH
from cards import with_field
from cards import without_field
import pytest
from rtcnn_perception.core.attributes.card import AttributeCard
from rtcnn_perception.core.detection.card import DetectorCard
from rtcnn_perception.core.models.card import card_path
from rtcnn_perception.core.models.card import kind_of
from rtcnn_perception.exceptions import ModelError
from tiny_detector import make_detector_card
from tiny_model import EMOTIONS
from tiny_model import make_card
from tiny_model import write_model

CARDS = {
    AttributeCard: make_card(GRAPH, {'emotion': EMOTIONS}),
    DetectorCard: make_detector_card(GRAPH),
}

each_kind = pytest.mark.parametrize('kind', CARDS, ids=lambda kind: kind.__name__)


@each_kind
def test_an_empty_folder_is_refused_naming_the_card(tmp_path, kind):
    with pytest.raises(ModelError, match=r'model\.json: expected the card of a model, got none'):
        kind.load(tmp_path)


@each_kind
def test_folder_graph_and_card_name_the_same_model(tmp_path, kind):
    write_model(tmp_path, GRAPH, CARDS[kind])
    for name in ('', 'model.onnx', 'model.json'):
        card = kind.load(tmp_path / name)
        assert card == kind.load(tmp_path)
        assert card.path == tmp_path / 'model.onnx'
        assert card.tag == f'{CARDS[kind]["name"]}@{CARDS[kind]["sha256"][:8]}'
        assert card.read_model() == GRAPH
        assert card_path(tmp_path / name) == tmp_path / 'model.json'
        assert kind_of(tmp_path / name) == kind.KIND


@each_kind
def test_the_graph_in_eight_bits_is_a_card_of_its_own(tmp_path, kind):
    digest = 'ab' * 32
    write_model(tmp_path, GRAPH, with_field(CARDS[kind], 'int8', {'file': 'q', 'sha256': digest}))
    card = kind.load(tmp_path)
    quantised = card.int8_card()
    assert quantised.path == tmp_path / 'q'
    assert quantised.tag == f'{card.name}_int8@abababab'
    assert quantised.int8_card() is None
    assert kind.load(write_model(tmp_path, GRAPH, CARDS[kind])).int8_card() is None


@each_kind
def test_what_is_no_graph_in_eight_bits_is_refused(tmp_path, kind):
    for graph, message in (
        ('model.int8.onnx', "int8 must be an object, got 'model.int8.onnx'"),
        ({'file': '../q', 'sha256': 'ab' * 32}, 'int8.file must be the name of a file beside'),
        ({'file': 'q', 'sha256': 'AB'}, 'int8.sha256 must be 64 hexadecimal digits'),
        ({'file': 'q'}, 'int8.sha256 is missing'),
    ):
        assert message in card_refusal(kind, tmp_path, with_field(CARDS[kind], 'int8', graph))


def test_a_card_of_one_kind_is_refused_as_one_of_the_other(tmp_path):
    as_detector = card_refusal(DetectorCard, tmp_path, CARDS[AttributeCard])
    assert "kind must be 'detector', got 'attributes'; " in as_detector
    as_attributes = card_refusal(AttributeCard, tmp_path, CARDS[DetectorCard])
    assert "kind must be 'attributes', got 'detector'; " in as_attributes


@each_kind
def test_a_kind_that_does_not_exist_is_refused(tmp_path, kind):
    message = card_refusal(kind, tmp_path, CARDS[kind] | {'kind': 'depth'})
    assert f"kind must be '{kind.KIND}', got 'depth'; " in message


@each_kind
def test_a_card_of_another_format_is_refused_by_that_alone(tmp_path, kind):
    for found in (0, 1, 3):
        message = card_refusal(kind, tmp_path, {'format': found})
        assert f'model.json: format must be 2, got {found}; ' in message
        with pytest.raises(ModelError, match=f'format must be 2, got {found}'):
            kind_of(tmp_path)


@each_kind
def test_a_missing_field_and_one_of_another_type_are_refused_by_name(tmp_path, kind):
    for name in ('format', 'kind', 'name', 'file', 'sha256'):
        missing = card_refusal(kind, tmp_path, without_field(CARDS[kind], name))
        assert f'model.json: {name} is missing; ' in missing
        wrong = card_refusal(kind, tmp_path, with_field(CARDS[kind], name, True))
        assert f'model.json: {name} must be ' in wrong


@each_kind
def test_a_wrong_value_is_refused_with_what_was_expected_and_what_came(tmp_path, kind):
    for name, value, message in (
        ('name', '', "name must be a name, got ''"),
        ('file', '', 'file must be the name of a file'),
        ('file', '.', 'file must be the name of a file beside the card'),
        ('file', '..', 'file must be the name of a file beside the card'),
        ('file', '../model.onnx', 'file must be the name of a file beside the card'),
        ('sha256', 'abc', "sha256 must be 64 hexadecimal digits, in lower case, got 'abc'"),
        ('sha256', 'G' * 64, 'sha256 must be 64 hexadecimal digits'),
        ('sha256', 'A' * 64, 'sha256 must be 64 hexadecimal digits'),
    ):
        assert message in card_refusal(kind, tmp_path, CARDS[kind] | {name: value})


@each_kind
def test_a_long_value_is_cut_in_the_message(tmp_path, kind):
    message = card_refusal(kind, tmp_path, CARDS[kind] | {'sha256': 'x' * 100000})
    assert len(message) < 500 + len(str(tmp_path))


@each_kind
def test_informational_fields_may_be_missing(tmp_path, kind):
    card = dict(CARDS[kind])
    for name in ('opset', 'architecture', 'metrics'):
        card.pop(name, None)
    assert kind.load(write_model(tmp_path, GRAPH, card)).name == card['name']


def test_a_path_may_begin_at_the_home_of_the_user(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    own = write_model(tmp_path / 'own', GRAPH, CARDS[AttributeCard])
    assert AttributeCard.load(Path('~/own')) == AttributeCard.load(own)
    assert card_path(Path('~/own/model.onnx')) == own / 'model.json'
    (own / 'model.onnx').rename(own / 'model.ort')
    with pytest.raises(ModelError, match=r"file must be 'model\.ort'"):
        AttributeCard.load(Path('~/own/model.ort'))


def test_a_path_that_does_not_exist_or_cannot_be_read_is_refused():
    for name in ('nowhere', '~no-such-user/model', 'x' * 300):
        for read in (card_path, kind_of, AttributeCard.load, DetectorCard.load):
            with pytest.raises(ModelError, match=f'{name}: expected a folder with model'):
                read(Path(name))


def test_a_card_without_its_graph_is_refused(tmp_path):
    write_model(tmp_path, GRAPH, CARDS[AttributeCard])
    (tmp_path / 'model.onnx').unlink()
    with pytest.raises(ModelError, match=r'model\.onnx: expected the graph that its card names'):
        AttributeCard.load(tmp_path)


def test_a_graph_without_its_card_is_refused(tmp_path):
    write_model(tmp_path, GRAPH, CARDS[AttributeCard])
    (tmp_path / 'model.json').unlink()
    with pytest.raises(ModelError, match=r'model\.json: expected the card of a model, got none'):
        kind_of(tmp_path / 'model.onnx')


@each_kind
def test_a_graph_that_was_replaced_is_refused_with_both_digests(tmp_path, kind):
    write_model(tmp_path, GRAPH + b'.', CARDS[kind])
    expected = CARDS[kind]['sha256']
    with pytest.raises(ModelError, match=f'expected the sha256 {expected}, got [0-9a-f]+'):
        kind.load(tmp_path)


def test_a_graph_whose_card_names_another_file_is_refused(tmp_path):
    write_model(tmp_path, GRAPH, CARDS[AttributeCard])
    (tmp_path / 'other.onnx').write_bytes(GRAPH)
    (tmp_path / 'other.json').write_text(json.dumps(CARDS[AttributeCard]), encoding='utf-8')
    with pytest.raises(ModelError, match=r"file must be 'other\.onnx', got 'model\.onnx'"):
        AttributeCard.load(tmp_path / 'other.onnx')


def test_a_card_that_is_no_json_is_refused(tmp_path):
    for content in (b'', b'{"format": 2', b'\xff\xfe', b'{,}'):
        (tmp_path / 'model.json').write_bytes(content)
        with pytest.raises(ModelError, match=r'model\.json: expected JSON'):
            AttributeCard.load(tmp_path)


def test_a_card_that_is_no_object_is_refused(tmp_path):
    for content in ([], None, 'card', 1):
        (tmp_path / 'model.json').write_text(json.dumps(content), encoding='utf-8')
        with pytest.raises(ModelError, match='the file must be an object'):
            AttributeCard.load(tmp_path)
