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
from rtcnn_perception.core.models.session import open_session
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.training.models import onnx_export
from rtcnn_perception.training.models import quantise
from rtcnn_perception.training.models.onnx_export import INPUT_NAME

TEMPERATURES = {'emotion': 1.0, 'gender': 1.0}
FACES = onnx_export.parity_faces((1, 64, 64))


@pytest.fixture(scope='module', params=[False, True], ids=['float32', 'float16'])
def graph(request):
    network = lively('slim_resnet', {'emotion': 7, 'gender': 2})
    return onnx_export.to_onnx(network, TEMPERATURES, half=request.param)[0]


def run(content):
    return open_session(content, Path('graph')).run(None, {INPUT_NAME: FACES})


def operations(content, kind):
    return [node for node in onnx.load_from_string(content).graph.node if node.op_type == kind]


@pytest.mark.parametrize('is_stem_float', [True, False])
def test_eight_bits_agree_with_float32_nearly(graph, is_stem_float):
    content = quantise.quantised(graph, np.split(FACES, 4), is_stem_float=is_stem_float)
    for expected, found in zip(run(graph), run(content), strict=True):
        scores, change = np.log(expected), np.abs(np.log(expected) - np.log(found))
        assert 0.0 < change.mean() < 0.25 * scores.std(axis=0).mean()


@pytest.mark.parametrize('is_stem_float', [True, False])
def test_the_stem_takes_scaled_pixels_or_the_pixels_themselves(graph, is_stem_float):
    content = quantise.quantised(graph, [FACES], is_stem_float=is_stem_float)
    assert bool(operations(content, 'Sub')) == is_stem_float
    model = onnx.load_from_string(content).graph
    first = next(node for node in model.node if node.op_type == 'Conv')
    is_float = first.input[1] in {
        t.name for t in model.initializer if t.data_type == onnx.TensorProto.FLOAT
    }
    assert is_float == is_stem_float
    assert model.input[0].type.tensor_type.elem_type == onnx.TensorProto.UINT8


def test_weights_have_a_scale_for_each_channel(graph):
    content = quantise.quantised(graph, [FACES], is_stem_float=True)
    tensors = {t.name: t for t in onnx.load_from_string(content).graph.initializer}
    scales = [
        (tensors[node.input[0]].dims[0], tensors[node.input[1]].dims[0])
        for node in operations(content, 'DequantizeLinear')
        if node.input[0] in tensors and len(tensors[node.input[0]].dims) == 4
    ]
    assert len(scales) == len(operations(graph, 'Conv')) - 1
    assert all(channels == count for channels, count in scales)


def test_a_result_stays_in_float32_on_request(graph):
    with_all = quantise.quantised(graph, [FACES], is_stem_float=True)
    last = operations(graph, 'Conv')[-1].output[0]
    less = quantise.quantised(graph, [FACES], is_stem_float=True, float_results=[last])
    counts = [len(operations(content, 'DequantizeLinear')) for content in (less, with_all)]
    assert counts[0] < counts[1]


def test_an_average_becomes_part_of_the_convolution_exactly():
    network = lively('slim_resnet', {'emotion': 7, 'gender': 2})
    content, _ = onnx_export.to_onnx(network, TEMPERATURES, half=False)
    model = onnx.load_from_string(content)
    quantise.merge_averages(model)
    merged = onnx_export.checked(model)
    assert len(operations(content, 'AveragePool')) == 3
    assert not operations(merged, 'AveragePool')
    for expected, found in zip(run(content), run(merged), strict=True):
        assert np.ptp(expected, axis=0).max() > 1e-3
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_eight_bits_need_pictures_to_calibrate_with(graph):
    with pytest.raises(ModelError, match='expected pictures to calibrate eight bits with'):
        quantise.quantised(graph, [], is_stem_float=True)


def test_a_graph_without_convolutions_is_refused():
    info = onnx.helper.make_tensor_value_info
    node = onnx.helper.make_node('Cast', ['face'], ['out'], to=onnx.TensorProto.FLOAT)
    inputs = [info('face', onnx.TensorProto.UINT8, [1, 1, 48, 48])]
    outputs = [info('out', onnx.TensorProto.FLOAT, [1, 1, 48, 48])]
    opset = onnx.helper.make_opsetid('', 13)
    model = onnx.helper.make_model(
        onnx.helper.make_graph([node], 'none', inputs, outputs),
        opset_imports=[opset],
        ir_version=8,
    )
    with pytest.raises(ModelError, match='expected a graph with convolutions'):
        quantise.quantised(model.SerializeToString(), [FACES[:1]], is_stem_float=True)


def test_averages_of_an_odd_size_stay():
    network = lively('slim_resnet', {'emotion': 7})
    content, _ = onnx_export.to_onnx(network, TEMPERATURES, half=False)
    model = onnx.load_from_string(content)
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_value = 62  # 31, 16 and 8 rows after
    del model.graph.value_info[:]
    quantise.merge_averages(model)
    assert len(operations(model.SerializeToString(), 'AveragePool')) == 1
