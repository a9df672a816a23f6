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

"""Weights in files beside a graph are loaded from there, covered by the checksum, and bounded."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import onnx
import pytest
from rtcnn_perception.core.attributes.card import AttributeCard
from rtcnn_perception.core.attributes.model import AttributeModel
from rtcnn_perception.core.models.external_data import embedded
from rtcnn_perception.core.saliency.model import SaliencyModel
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.saliency.write_graph import write_saliency_graph
from tiny_model import EMOTIONS
from tiny_model import make_card
from tiny_model import make_graph
from tiny_model import write_model

FACES = np.random.default_rng(0).integers(0, 256, (3, 1, 8, 8)).astype(np.uint8)
DATA = 'model.onnx.data'


def write(folder, *, seed=1, change=lambda _tensor: None):
    """Write a model as PyTorch 2.9 does, with its weights beside the graph."""
    folder.mkdir(parents=True, exist_ok=True)
    graph = onnx.load_from_string(make_graph({'emotion': 7}, seed=seed))
    (folder / DATA).unlink(missing_ok=True)
    onnx.save(
        graph,
        folder / 'model.onnx',
        save_as_external_data=True,
        location=DATA,
        size_threshold=0,
    )
    changed = onnx.load(folder / 'model.onnx', load_external_data=False)
    change(changed.graph.initializer[0])
    content = changed.SerializeToString()
    card = make_card(content, {'emotion': EMOTIONS})
    card['sha256'] = hashlib.sha256(content + (folder / DATA).read_bytes()).hexdigest()
    return write_model(folder, content, card)


def put(**entries):
    """Return a change of where the weights lie."""

    def change(tensor):
        kept = {each.key: each.value for each in tensor.external_data} | entries
        del tensor.external_data[:]
        for key, value in kept.items():
            tensor.external_data.add(key=key, value=value)

    return change


def predicted(folder):
    return AttributeModel.load(folder).predict(FACES)['emotion']


def test_a_graph_with_its_weights_inside_stays_as_it_is():
    def read(_name):
        raise AssertionError

    for graph in (b'', b'damaged', make_graph({'location': 3})):
        assert embedded(graph, read) == graph


def test_weights_are_loaded_from_the_folder_of_the_graph_alone(tmp_path, monkeypatch):
    first, second = write(tmp_path / 'first', seed=1), write(tmp_path / 'second', seed=2)
    inside = {
        seed: write_model(
            tmp_path / f'inside{seed}',
            make_graph({'emotion': 7}, seed=seed),
            make_card(make_graph({'emotion': 7}, seed=seed), {'emotion': EMOTIONS}),
        )
        for seed in (1, 2)
    }
    for here in (tmp_path, first, second):
        monkeypatch.chdir(here)
        np.testing.assert_array_equal(predicted(first), predicted(inside[1]))
        np.testing.assert_array_equal(predicted(second), predicted(inside[2]))
    assert not np.allclose(predicted(first), predicted(second))


def test_weights_in_nested_graphs_are_found():
    constant = onnx.helper.make_tensor('value', onnx.TensorProto.FLOAT, [1], b'1234', raw=True)
    branch = onnx.helper.make_graph(
        [onnx.helper.make_node('Constant', [], ['y'], value=constant)], 'branch', [], []
    )
    node = onnx.helper.make_node('If', ['x'], ['y'], then_branch=branch, else_branch=branch)
    model = onnx.helper.make_model(onnx.helper.make_graph([node], 'graph', [], []))
    outside = onnx.ModelProto.FromString(model.SerializeToString())
    for attribute in outside.graph.node[0].attribute:
        tensor = attribute.g.node[0].attribute[0].t
        tensor.ClearField('raw_data')
        tensor.data_location = onnx.TensorProto.EXTERNAL
        put(location='a', offset='2', length='4')(tensor)
    found = onnx.ModelProto.FromString(
        embedded(outside.SerializeToString(), {'a': b'..1234..'}.__getitem__)
    )
    for attribute in found.graph.node[0].attribute:
        tensor = attribute.g.node[0].attribute[0].t
        assert tensor.raw_data == b'1234'
        assert not tensor.external_data
        assert tensor.data_location == onnx.TensorProto.DEFAULT


def test_other_weights_than_those_of_the_checksum_are_refused(tmp_path):
    folder = write(tmp_path)
    content = bytearray((folder / DATA).read_bytes())
    content[0] ^= 1
    (folder / DATA).write_bytes(content)
    with pytest.raises(ModelError, match=r'model\.onnx: expected the sha256'):
        AttributeCard.load(folder)


def test_missing_weights_are_refused_in_one_line(tmp_path):
    folder = write(tmp_path)
    (folder / DATA).unlink()
    with pytest.raises(ModelError) as refusal:
        AttributeCard.load(folder)
    message = str(refusal.value)
    assert message.startswith(f'{folder / DATA}: expected the weights of model.onnx, got none')
    assert '\n' not in message


@pytest.mark.parametrize(
    ('entries', 'message'),
    [
        ({'location': '../secret'}, "must lie in a file beside it, not at '../secret'"),
        ({'location': '/etc/passwd'}, "must lie in a file beside it, not at '/etc/passwd'"),
        ({'location': '..'}, 'must lie in a file beside it'),
        ({'location': ''}, 'must lie in a file beside it'),
        ({'location': '*/_ORT_MEM_ADDR_/*'}, 'must lie in a file beside it'),
        ({'length': '9999'}, f'expects 9999 bytes in {DATA}, which has 1792'),
        ({'offset': '9999'}, f'expects 11791 bytes in {DATA}, which has 1792'),
        ({'offset': '-1'}, "expected a place in a file, got '-1'"),
    ],
)
def test_weights_in_no_part_of_a_file_beside_the_graph_are_refused(tmp_path, entries, message):
    (tmp_path / 'secret').write_bytes(bytes(1792))
    folder = write(tmp_path / 'model', change=put(**entries))
    with pytest.raises(ModelError) as refusal:
        AttributeCard.load(folder)
    assert message in str(refusal.value)
    assert '\n' not in str(refusal.value)


def test_a_damaged_graph_with_weights_beside_it_is_refused(tmp_path):
    folder = write(tmp_path)
    content = (folder / 'model.onnx').read_bytes()
    for damaged in (content[:-1], b'\x0b' + content, b'\xff' * 20 + b'location'):
        (folder / 'model.onnx').write_bytes(damaged)
        with pytest.raises(ModelError, match='expected an ONNX graph with its weights beside it'):
            AttributeCard.load(folder)


def test_one_file_does_not_stand_for_more_weights_than_a_graph_may_have(monkeypatch):
    monkeypatch.setattr('rtcnn_perception.core.models.external_data.MOST_BYTES', 10)
    tensor = onnx.TensorProto(data_location=onnx.TensorProto.EXTERNAL)
    put(location='a')(tensor)
    graph = onnx.ModelProto(graph=onnx.GraphProto(initializer=[tensor] * 3)).SerializeToString()
    with pytest.raises(ValueError, match='over 10 bytes together'):
        embedded(graph, {'a': bytes(4)}.__getitem__)


def test_deeply_nested_graphs_are_refused():
    graph = b'location'
    for _ in range(60):  # each of a node and its attribute
        for tag in (b'\x32', b'\x2a', b'\x0a'):
            graph = tag + onnx_varint(len(graph)) + graph
    with pytest.raises(ValueError, match='nested deeper than 100 levels'):
        embedded(b'\x3a' + onnx_varint(len(graph)) + graph, lambda _name: b'')


def onnx_varint(number):
    return bytes([number & 127 | 128, number >> 7 & 127 | 128, number >> 14])


def test_a_saliency_graph_of_a_model_with_weights_beside_it_agrees_with_it(tmp_path, monkeypatch):
    folder = write(tmp_path / 'model')
    write_saliency_graph(folder)
    monkeypatch.chdir(tmp_path)
    explained = SaliencyModel.load(folder).explain(FACES, 'emotion', [0, 0, 0])
    np.testing.assert_allclose(explained.probabilities['emotion'], predicted(folder), atol=1e-6)


def test_a_saliency_graph_reads_no_weights_outside_its_folder(tmp_path):
    graph = make_graph({'emotion': 7})
    folder = write_model(tmp_path / 'model', graph, make_card(graph, {'emotion': EMOTIONS}))
    write_saliency_graph(folder)
    saliency = onnx.load(folder / 'saliency.onnx', load_external_data=False)
    tensor = next(each for each in saliency.graph.initializer if each.external_data)
    put(location='../model/model.onnx')(tensor)
    (folder / 'saliency.onnx').write_bytes(saliency.SerializeToString())
    card = json.loads((folder / 'model.json').read_text())
    content = (folder / 'saliency.onnx').read_bytes()
    card['saliency']['sha256'] = hashlib.sha256(content).hexdigest()
    (folder / 'model.json').write_text(json.dumps(card))
    with pytest.raises(ModelError, match='must lie in a file beside it'):
        SaliencyModel.load(folder)
