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

"""An attribute network is run as its card says, or refused by what does not fit."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto
import onnxruntime
import pytest
from rtcnn_perception.core.attributes.model import AttributeModel
from rtcnn_perception.core.attributes.model import MAX_FACES_PER_RUN
from rtcnn_perception.exceptions import ModelError
from tiny_model import EMOTIONS
from tiny_model import GENDERS
from tiny_model import make_card
from tiny_model import make_graph
from tiny_model import write_model
from tiny_model import write_tiny_model

HEADS = {'emotion': EMOTIONS}
CLASSES = {'emotion': 7}


@pytest.fixture
def model(tmp_path):
    return AttributeModel.load(write_tiny_model(tmp_path, HEADS))


def random_crops(count, channels=1):
    shape = (count, channels, 8, 8)
    return np.random.default_rng(7).integers(0, 256, shape, dtype=np.uint8)


def plain_run(model, inputs):
    """Run the graph as it lies in its file."""
    session = onnxruntime.InferenceSession(model.card.path, providers=['CPUExecutionProvider'])
    (rows,) = session.run(['emotion'], {'face': inputs})
    return rows


class FakeSession:
    """Gives the same rows whatever it is fed."""

    def __init__(self, *rows):
        self._rows = np.array(rows, dtype=np.float32)

    def run(self, _names, _inputs):
        return [self._rows]


class CountingSession:
    """Runs another session, and keeps how many faces each run had."""

    def __init__(self, session):
        self._session = session
        self.runs = []

    def run(self, names, inputs):
        self.runs.append(len(inputs['face']))
        return self._session.run(names, inputs)


def test_no_faces_give_no_rows_and_run_nothing(model, monkeypatch):
    monkeypatch.setattr(model, '_session', None)
    rows = model.predict(random_crops(0))['emotion']
    assert rows.shape == (0, 7)
    assert rows.dtype == np.float32


@pytest.mark.parametrize('count', [1, 3, MAX_FACES_PER_RUN, 2 * MAX_FACES_PER_RUN + 1])
def test_rows_are_those_of_the_graph_face_by_face_and_sum_to_one(model, count):
    crops = random_crops(count)
    rows = model.predict(crops)['emotion']
    assert rows.shape == (count, 7)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows.sum(axis=1), 1.0, atol=1e-6)
    for index in range(0, count, 5):
        expected = plain_run(model, crops[index : index + 1])[0]
        np.testing.assert_allclose(rows[index], expected, atol=1e-6)


def test_up_to_sixteen_faces_go_in_one_run_and_more_in_several(model):
    model._session = CountingSession(model._session)
    model.predict(random_crops(16))
    model.predict(random_crops(33))
    assert model._session.runs == [16, 16, 16, 1]


def test_several_heads_are_classified_in_one_run(tmp_path):
    heads = {'gender': GENDERS, 'emotion': EMOTIONS, 'hat': ('none', 'cap', 'top hat')}
    model = AttributeModel.load(write_tiny_model(tmp_path, heads))
    model._session = CountingSession(model._session)
    predicted = model.predict(random_crops(2))
    assert model._session.runs == [2]
    assert [(name, rows.shape) for name, rows in predicted.items()] == [
        ('gender', (2, 2)),
        ('emotion', (2, 7)),
        ('hat', (2, 3)),
    ]


def test_a_float_input_takes_pixels_scaled_as_the_card_says(tmp_path):
    graph = make_graph(CLASSES, dtype=TensorProto.FLOAT)
    card = make_card(graph, HEADS)
    card['input'] |= {'dtype': 'float32', 'scale': 2 / 255, 'offset': -1.0}
    model = AttributeModel.load(write_model(tmp_path, graph, card))
    crops = random_crops(2)
    expected = plain_run(model, crops.astype(np.float32) * np.float32(2 / 255) - 1)
    np.testing.assert_allclose(model.predict(crops)['emotion'], expected, atol=1e-6)


def test_a_colour_model_is_run(tmp_path):
    graph = make_graph(CLASSES, channels=3)
    card = make_card(graph, HEADS)
    card['input'] |= {'channels': 'rgb'}
    model = AttributeModel.load(write_model(tmp_path, graph, card))
    assert model.predict(random_crops(2, channels=3))['emotion'].shape == (2, 7)


def test_threads_and_spinning_reach_the_session(tmp_path):
    model = AttributeModel.load(write_tiny_model(tmp_path, HEADS), threads=2, allow_spinning=True)
    options = model._session.get_session_options()
    assert options.intra_op_num_threads == 2
    assert options.get_session_config_entry('session.intra_op.allow_spinning') == '1'


def refused(tmp_path, graph, card):
    """Return the message with which a model is refused."""
    with pytest.raises(ModelError) as refusal:
        AttributeModel.load(write_model(tmp_path, graph, card))
    message = str(refusal.value)
    assert str(tmp_path / 'model.onnx') in message
    assert 'rtcnn_perception export' in message
    return message


@pytest.mark.parametrize('graph', [b'', b'damaged', make_graph(CLASSES)[:-100]])
def test_a_damaged_graph_is_refused(tmp_path, graph):
    message = refused(tmp_path, graph, make_card(graph, HEADS))
    assert f'expected a graph that onnxruntime {onnxruntime.__version__} can load' in message


@pytest.mark.parametrize(
    ('graph', 'message'),
    [
        ({'dtype': TensorProto.FLOAT}, 'input face of type tensor(uint8), got tensor(float)'),
        ({'size_hw': (16, 16)}, "input face of shape ('N', 1, 8, 8) with N free"),
        ({'channels': 3}, "input face of shape ('N', 1, 8, 8) with N free, got ['N', 3, 8, 8]"),
        ({'batch': 1}, "input face of shape ('N', 1, 8, 8) with N free, got [1, 1, 8, 8]"),
        ({'heads': {'emotion': 6}}, "output emotion of shape ('N', 7) with N free, got ['N', 6]"),
        ({'heads': {'gender': 7}}, "an output emotion, got ['gender']"),
        (
            {'output_dtype': TensorProto.DOUBLE},
            'output emotion of type tensor(float), got tensor(d',
        ),
        ({'last': 'Identity'}, 'probabilities in output emotion, from 0 and with sum 1, got rows'),
        ({'last': 'Log'}, 'finite numbers in output emotion, got NaN or infinity'),
        ({'last': 'Sigmoid'}, 'with sums 3.5 to 3.5'),
    ],
)
def test_a_graph_that_its_card_contradicts_is_refused_by_what_does_not_fit(
    tmp_path, graph, message
):
    model = make_graph(**{'heads': CLASSES} | graph)
    assert message in refused(tmp_path, model, make_card(model, HEADS))


def test_an_input_of_another_name_is_refused(tmp_path):
    graph = make_graph(CLASSES)
    card = make_card(graph, HEADS)
    card['input'] |= {'name': 'image'}
    assert "one input image, got ['face']" in refused(tmp_path, graph, card)


def test_a_run_that_fails_is_refused_in_one_line_with_what_was_fed(model):
    with pytest.raises(
        ModelError, match=r'takes 2 faces of shape .*, got one that fails .* Got: 9'
    ) as refusal:
        model.predict(np.zeros((2, 1, 9, 9), dtype=np.uint8))
    assert '\n' not in str(refusal.value)


def test_a_run_that_gives_another_number_of_rows_is_refused(model):
    model._session = FakeSession(*[[1 / 7] * 7] * 2)
    with pytest.raises(ModelError, match=r'output emotion of shape \(3, 7\).*, got \(2, 7\)'):
        model.predict(random_crops(3))


def test_a_run_that_gives_less_than_nothing_is_refused(model):
    model._session = FakeSession([1.5, -0.5, 0, 0, 0, 0, 0])
    with pytest.raises(ModelError, match=r'got rows from -0\.5, with sums 1 to 1'):
        model.predict(random_crops(1))


def test_rows_of_a_network_of_half_precision_still_sum_to_one(model):
    model._session = FakeSession([0.9995, 0, 0, 0, 0, 0, 0])
    rows = model.predict(random_crops(1))['emotion']
    np.testing.assert_array_equal(rows, [[1, 0, 0, 0, 0, 0, 0]])
