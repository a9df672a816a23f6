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

from __future__ import annotations

from pathlib import Path

from lively_networks import lively
import numpy as np
import onnx
import pytest
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.training.models import onnx_export
from rtcnn_perception.training.models.architectures import ARCHITECTURES
from rtcnn_perception.training.models.folding import folded
from rtcnn_perception.training.models.onnx_export import INPUT_NAME
import torch

BOTH = {'emotion': 7, 'gender': 2}


@pytest.mark.parametrize('name', sorted(ARCHITECTURES))
@pytest.mark.parametrize('half', [False, True])
def test_an_exported_graph_agrees_with_pytorch(name, half):
    content, fields = onnx_export.to_onnx(
        lively(name, BOTH), {'emotion': 1.5, 'gender': 0.8}, half
    )
    assert fields['largest_deviation_from_pytorch'] <= 1e-4
    assert ('largest_deviation_with_float16' in fields) == half
    model = onnx.load_from_string(content)
    assert model.opset_import[0].version <= 17
    # Published weights are for padding to one side, which mobilenet, a teacher, has to do itself.
    slow = {'BatchNormalization'} if name == 'mobilenet' else {'BatchNormalization', 'Pad'}
    assert not {n.op_type for n in model.graph.node} & slow


def test_an_error_of_folding_is_found(monkeypatch):
    def wrongly(network):
        network = folded(network)
        with torch.no_grad():
            network.heads['gender'].bias[0] += 0.01
        return network

    monkeypatch.setattr(onnx_export, 'folded', wrongly)
    with pytest.raises(ModelError, match='deviates from PyTorch by'):
        onnx_export.to_onnx(lively('tiny_xception', BOTH), dict.fromkeys(BOTH, 1.0), half=True)


def test_the_deviation_with_float16_is_that_of_the_graph():
    network = lively('mini_xception', BOTH)
    content, fields = onnx_export.to_onnx(network, dict.fromkeys(BOTH, 0.1), half=True)
    session, worst = onnx_export.open_session(content, Path('a')), [0.0, 0.0]
    for face in onnx_export.parity_faces((1, 64, 64))[:, None]:
        with torch.inference_mode():
            logits = network(torch.from_numpy(face).float() / 127.5 - 1)
        found = session.run(None, {INPUT_NAME: face})
        worst = [
            max(before, np.abs(rows - (logits[name] / 0.1).softmax(1).numpy()).max())
            for before, rows, name in zip(worst, found, BOTH, strict=True)
        ]
    expected = dict(zip(BOTH, worst, strict=True))
    assert fields['largest_deviation_with_float16'] == pytest.approx(expected, rel=0.06)
    assert max(worst) > 1e-4  # more than a graph may deviate


def test_weights_that_float16_cannot_hold_are_refused():
    network = lively('tiny_xception', BOTH)
    with torch.no_grad():
        network.heads['gender'].weight[0] = 1e5
    with pytest.raises(ModelError, match='export them with --float32'):
        onnx_export.to_onnx(network, dict.fromkeys(BOTH, 1e5), half=True)


def test_weights_that_are_no_numbers_are_refused():
    network = lively('tiny_xception', {'emotion': 7})
    with torch.no_grad():
        network.heads['emotion'].bias.fill_(float('nan'))
    with pytest.raises(ModelError, match='deviates from PyTorch by nan'):
        onnx_export.to_onnx(network, {'emotion': 1.0}, half=False)


@pytest.mark.parametrize('half', [False, True])
def test_stored_weights_have_the_names_of_the_folded_network(half):
    network = lively('tiny_xception', BOTH)
    content, _ = onnx_export.to_onnx(network, dict.fromkeys(BOTH, 1.0), half)
    weights = onnx_export.stored_weights(content, 'a graph')
    expected = folded(network).state_dict()
    assert weights['heads.emotion.bias'].shape == (7,)
    for name, values in weights.items():
        torch.testing.assert_close(values, expected[name], rtol=1e-3, atol=1e-3)


def test_a_file_that_is_no_graph_has_no_stored_weights():
    with pytest.raises(ModelError, match='a file: expected an ONNX graph, got none'):
        onnx_export.stored_weights(b'nothing', 'a file')
