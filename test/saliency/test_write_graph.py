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

import errno
import json

import onnx
from onnx import numpy_helper
import pytest
from rtcnn_perception.core.models.files import replace_file
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.saliency import write_graph
from rtcnn_perception.saliency.saliency_graph import build_saliency_graph
from rtcnn_perception.saliency.write_graph import with_external_weights
from rtcnn_perception.saliency.write_graph import write_saliency_graph
from tiny_graphs import CARD
from tiny_graphs import graph_with
from tiny_graphs import make_graph
from tiny_graphs import write_graph_and_card

WRITTEN = ['model.json', 'model.onnx', 'saliency.onnx']


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_model_without_a_card_is_refused_and_nothing_is_written(tmp_path):
    (tmp_path / 'model.onnx').write_bytes(make_graph())
    with pytest.raises(ModelError, match=r'model\.json'):
        write_saliency_graph(tmp_path / 'model.onnx')
    assert names_in(tmp_path) == ['model.onnx']


def test_a_network_that_is_not_covered_leaves_model_and_card_unchanged(tmp_path):
    write_graph_and_card(tmp_path, graph_with('Elu'))
    before = (tmp_path / 'model.json').read_bytes()
    with pytest.raises(ModelError, match='Elu'):
        write_saliency_graph(tmp_path)
    assert (tmp_path / 'model.json').read_bytes() == before
    assert names_in(tmp_path) == WRITTEN[:2]


def test_the_graph_is_written_and_named_in_the_card(tmp_path):
    write_graph_and_card(tmp_path, make_graph())
    written = write_saliency_graph(tmp_path / 'model.onnx')
    assert written == tmp_path / 'saliency.onnx'
    card = json.loads((tmp_path / 'model.json').read_text())
    assert card['saliency']['file'] == 'saliency.onnx'
    assert card['dataset'] == 'faces of a test', 'other fields stay'
    assert names_in(tmp_path) == WRITTEN
    assert write_saliency_graph(tmp_path) == written


@pytest.mark.parametrize('is_first', [True, False])
@pytest.mark.parametrize('name', ['saliency.onnx', 'model.json'])
def test_where_one_of_both_cannot_be_written_both_stay(tmp_path, monkeypatch, name, is_first):
    write_graph_and_card(tmp_path, make_graph())
    if not is_first:
        write_saliency_graph(tmp_path)
        (tmp_path / 'saliency.onnx').write_bytes(b'of before')
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    done = []

    def full_disk(path, content):
        if path.name == name and not done:
            done.append(path)
            raise OSError(errno.ENOSPC, 'No space left on device')
        replace_file(path, content)

    monkeypatch.setattr(write_graph, 'replace_file', full_disk)
    with pytest.raises(ModelError, match=rf'{name} cannot be written: No space left on device'):
        write_saliency_graph(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_graph_with_other_probabilities_than_the_model_is_not_written(tmp_path, monkeypatch):
    write_graph_and_card(tmp_path, make_graph())
    other = onnx.load_from_string(build_saliency_graph(make_graph(), CARD))
    weights = next(t for t in other.graph.initializer if t.name in ('w', 'w_half'))
    array = numpy_helper.to_array(weights).copy()
    array[0] = 0
    weights.CopyFrom(numpy_helper.from_array(array, weights.name))
    monkeypatch.setattr(
        'rtcnn_perception.saliency.write_graph.build_saliency_graph',
        lambda _content, _card: other.SerializeToString(),
    )
    with pytest.raises(ModelError, match='nothing was written'):
        write_saliency_graph(tmp_path)
    assert not (tmp_path / 'saliency.onnx').exists()


def test_large_weights_are_references_into_the_file_of_the_model():
    large, small = bytes(range(256)) * 2, bytes(16)
    model = b'header' + large
    tensors = [
        onnx.TensorProto(
            name=name, data_type=onnx.TensorProto.UINT8, dims=[len(raw)], raw_data=raw
        )
        for name, raw in (('large', large), ('small', small))
    ]
    graph = onnx.ModelProto(graph=onnx.GraphProto(initializer=tensors))
    content = with_external_weights(graph.SerializeToString(), model, 'model.onnx')
    found = onnx.load_from_string(content).graph.initializer
    assert {entry.key: entry.value for entry in found[0].external_data} == {
        'location': 'model.onnx',
        'offset': '6',
        'length': '512',
    }
    assert not found[0].raw_data
    assert found[1].raw_data == small


def test_a_network_of_a_fixed_number_of_faces_is_refused_in_one_line(tmp_path):
    write_graph_and_card(tmp_path, make_graph(shape=(2, 1, 6, 6)))
    with pytest.raises(
        ModelError, match=r'^[^\n]*runs on 3 faces at once[^\n]*nothing was written$'
    ):
        write_saliency_graph(tmp_path)
