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

"""The networks of exported models, rebuilt from their graphs."""

from __future__ import annotations

import hashlib
import json

from lively_networks import CLASSES
from lively_networks import export
from lively_networks import inputs
from lively_networks import labelled
import numpy as np
import onnx
import pytest
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.training.models.architectures import ARCHITECTURES
from rtcnn_perception.training.models.exported_weights import exported_network
from rtcnn_perception.training.models.exported_weights import is_exported
import torch


def change_card(folder, **changes):
    card = folder / 'model.json'
    card.write_text(json.dumps({**json.loads(card.read_text()), **changes}))


@pytest.mark.parametrize('architecture', ARCHITECTURES)
def test_a_rebuilt_network_computes_what_it_did_in_training(tmp_path, architecture):
    source = labelled(architecture)
    export(source, tmp_path, temperatures={'emotion': 1.5, 'gender': 0.7})
    found, card = exported_network(tmp_path)
    assert {head.attribute: head.labels for head in card.heads} == CLASSES
    pixels = inputs(found)
    with torch.inference_mode():
        expected, logits = source.network(pixels), found(pixels)
    for name in CLASSES:
        assert expected[name].std() > 1e-3
        torch.testing.assert_close(logits[name], expected[name], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize('half', [False, True])
def test_classes_are_in_the_order_of_the_card(tmp_path, half):
    """Another exporter may store the rows of a head in an order that a later operator changes."""
    source = labelled()
    path = export(source, tmp_path, half=half)
    order = np.random.default_rng(0).permutation(7)
    model = onnx.load(path)
    (softmax,) = (node for node in model.graph.node if node.output[0] == 'emotion')
    softmax.output[0] = 'unordered'
    gather = onnx.helper.make_node('Gather', ['unordered', 'order'], ['emotion'], axis=1)
    model.graph.node.append(gather)
    model.graph.initializer.append(onnx.numpy_helper.from_array(order, 'order'))
    onnx.save(model, path)
    heads = json.loads((tmp_path / 'model.json').read_text())['heads']
    heads[0]['labels'] = [CLASSES['emotion'][index] for index in order]
    change_card(tmp_path, heads=heads, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    found, card = exported_network(tmp_path)
    pixels = inputs(found)
    with torch.inference_mode():
        expected = source.network(pixels)['emotion'][:, order]
        torch.testing.assert_close(found(pixels)['emotion'], expected, atol=2e-3, rtol=2e-2)
    assert card.head('emotion').labels == tuple(heads[0]['labels'])


def test_a_path_of_folder_graph_or_card_is_that_of_an_exported_model(tmp_path):
    export(labelled(), tmp_path)
    assert all(map(is_exported, (tmp_path, tmp_path / 'model.onnx', tmp_path / 'model.json')))
    (tmp_path / 'emotion.json').touch()  # published weights
    assert not is_exported(tmp_path / 'emotion.json')
    assert not is_exported(tmp_path / 'best.pt')


@pytest.mark.parametrize('name', ['', 'resnet152', None, []])
def test_a_model_of_an_unknown_architecture_is_refused(tmp_path, name):
    export(labelled(), tmp_path)
    change_card(tmp_path, architecture=name)
    with pytest.raises(ModelError, match=r'model\.json: architecture must be '):
        exported_network(tmp_path)


def test_a_model_of_another_architecture_than_its_card_says_is_refused(tmp_path):
    export(labelled(), tmp_path)
    change_card(tmp_path, architecture='mini_xception')
    with pytest.raises(ModelError, match=r'does not hold weights of the architecture mini_xcep'):
        exported_network(tmp_path)


def test_a_graph_that_computes_something_else_is_refused(tmp_path):
    path = export(labelled(), tmp_path)
    model = onnx.load(path)
    (softmax,) = (node for node in model.graph.node if node.output[0] == 'emotion')
    negation = onnx.helper.make_node('Neg', [softmax.input[0]], ['negated'])
    softmax.input[0] = 'negated'
    model.graph.node.insert(list(model.graph.node).index(softmax), negation)
    onnx.save(model, path)
    change_card(tmp_path, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    with pytest.raises(ModelError, match='that computes emotion otherwise; name its checkpoint'):
        exported_network(tmp_path)


def test_a_damaged_model_is_refused(tmp_path):
    graph = export(labelled(), tmp_path)
    graph.write_bytes(graph.read_bytes()[::-1])
    with pytest.raises(ModelError, match='sha256'):
        exported_network(tmp_path)
