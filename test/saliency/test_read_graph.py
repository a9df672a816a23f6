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

"""Networks that are not covered are refused in one line that names the reason."""

import numpy as np
import onnx
from onnx import helper
from onnx import TensorProto
import pytest
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.saliency.network_graph import scale_and_shift
from rtcnn_perception.saliency.read_graph import read_graph
from rtcnn_perception.saliency.saliency_graph import build_saliency_graph
from tiny_graphs import CARD
from tiny_graphs import CAST
from tiny_graphs import CONV
from tiny_graphs import graph_with
from tiny_graphs import graph_with_a_condition
from tiny_graphs import make_graph
from tiny_graphs import MEAN
from tiny_graphs import NODES
from tiny_graphs import SOFTMAX


def test_a_network_that_is_covered_is_taken():
    assert build_saliency_graph(make_graph(), CARD)


@pytest.mark.parametrize(
    ('content', 'words'),
    [
        (b'', ['valid ONNX graph']),
        (b'no graph', ['valid ONNX graph']),
        (graph_with('Elu'), ['got Elu', 'MaxPool', 'Relu', 'Softmax']),
        (graph_with('HardSwish'), ['valid ONNX graph']),
        (make_graph(shape=('N', 6)), ['valid ONNX graph', 'at least 3 dimensions']),
        (
            make_graph(
                [helper.make_node('Gather', ['w', 'place'], ['row']), *NODES],
                weights=[('place', np.array(9))],
            ),
            ['valid ONNX graph'],
        ),
        (graph_with_a_condition(), ['dynamic control flow', 'If']),
        (make_graph(shape=('N', 1, 'height', 'width')), ['fixed height and width']),
        (make_graph(opset=11), ['opset 13 to 17', '[11]']),
        (
            make_graph([CAST, CONV, MEAN, helper.make_node('Sigmoid', ['scores'], ['gender'])]),
            ['Softmax', 'Sigmoid'],
        ),
        (
            make_graph(
                [
                    CAST,
                    helper.make_node('Conv', ['x', 'w'], ['maps'], auto_pad='VALID'),
                    MEAN,
                    SOFTMAX,
                ]
            ),
            ['auto_pad'],
        ),
        (graph_with('MaxPool', kernel_shape=[2, 2], auto_pad='SAME_UPPER'), ['auto_pad']),
        (graph_with('Transpose', perm=[1, 0, 2, 3]), ['shape of']),
    ],
)
def test_a_network_that_is_not_covered_is_refused_by_name(content, words):
    with pytest.raises(ModelError) as refused:
        build_saliency_graph(content, CARD)
    message = str(refused.value)
    assert '\n' not in message
    for word in words:
        assert word in message


@pytest.mark.parametrize('change', [{'dims': [2, 1, 3, 9]}, {'data_type': 116}])
def test_weights_of_another_size_or_an_unknown_type_are_refused(change):
    # Nothing uses them, so that neither the check nor the inference of shapes finds them.
    model = onnx.load_from_string(make_graph(weights=[('unused', np.ones((2, 1, 3, 3)))]))
    tensor = next(each for each in model.graph.initializer if each.name == 'unused')
    if 'dims' in change:
        tensor.dims[:] = change['dims']
    else:
        tensor.data_type = change['data_type']
    with pytest.raises(ModelError, match='expected a valid ONNX graph'):
        read_graph(model.SerializeToString(), 'model.onnx')


def test_a_second_input_is_refused():
    join = helper.make_node('Concat', ['face', 'other'], ['both'], axis=2)
    crop = helper.make_node('Cast', ['both'], ['x'], to=TensorProto.FLOAT)
    content = make_graph([join, crop, *NODES[1:]], inputs=('face', 'other'))
    with pytest.raises(ModelError, match='one input'):
        build_saliency_graph(content, CARD)


def test_a_card_with_another_number_of_classes_is_refused():
    with pytest.raises(ModelError, match='2 class scores'):
        build_saliency_graph(make_graph(classes=3), CARD)


def test_a_card_with_another_output_is_refused():
    model = onnx.load_from_string(make_graph())
    model.graph.output[0].name = model.graph.node[-1].output[0] = 'age'
    with pytest.raises(ModelError, match=r"expected an output gender by the card, got \['age'\]"):
        build_saliency_graph(model.SerializeToString(), CARD)


def test_what_depends_on_constants_alone_is_folded():
    halved = helper.make_node('Div', ['two', 'four'], ['half'])
    scaled = helper.make_node('Mul', ['maps', 'half'], ['more'])
    mean = helper.make_node('ReduceMean', ['more'], ['scores'], axes=[2, 3], keepdims=0)
    weights = [('two', np.float32(2.0)), ('four', np.float32(4.0))]
    graph = read_graph(
        make_graph([CAST, CONV, halved, scaled, mean, SOFTMAX], weights=weights), 'tiny'
    )
    assert [operation.op for operation in graph.operations] == [
        'Cast',
        'Conv',
        'Mul',
        'ReduceMean',
        'Softmax',
    ]
    assert graph.constants['half'] == 0.5
    assert set(graph.constants) == {'w', 'half'}, 'constants without a reader are left out'


def test_normalisation_after_a_convolution_becomes_part_of_its_weights():
    norm = helper.make_node(
        'BatchNormalization', ['maps', 'scale', 'bias', 'mean', 'variance'], ['more'], epsilon=0.0
    )
    mean = helper.make_node('ReduceMean', ['more'], ['scores'], axes=[2, 3], keepdims=0)
    weights = [
        ('scale', np.float32([1, 2])),
        ('bias', np.float32([0, 3])),
        ('mean', np.float32([0, 1])),
        ('variance', np.float32([1, 4])),
    ]
    graph = read_graph(make_graph([CAST, CONV, norm, mean, SOFTMAX], weights=weights), 'tiny')
    assert [operation.op for operation in graph.operations] == [
        'Cast',
        'Conv',
        'ReduceMean',
        'Softmax',
    ]
    _, kernel, bias = graph.operations[1].inputs
    assert graph.operations[1].output == 'more'
    assert np.array_equal(graph.constants[kernel], np.ones((2, 1, 3, 3)))
    assert np.array_equal(graph.constants[bias], [0, 2]), 'the second: (0 - 1) * 2 / 2 + 3'


@pytest.mark.parametrize('computed', ['scale', 'kernel bias'])
def test_normalisation_by_what_a_graph_computes_is_refused_or_stays(computed):
    names = ['scale', 'bias', 'mean', 'variance']
    weights = [(name, np.ones(2, np.float32)) for name in names]
    pooled = helper.make_node('GlobalAveragePool', ['x'], ['pooled'])
    flat = helper.make_node('Reshape', ['pooled', 'two'], ['computed'])
    weights.append(('two', np.array([2])))
    scale = 'computed' if computed == 'scale' else 'scale'
    extra = ['computed'] if computed == 'kernel bias' else ['']
    convolution = helper.make_node('Conv', ['x', 'w', *extra], ['maps'], pads=[1, 1, 1, 1])
    norm = helper.make_node('BatchNormalization', ['maps', scale, *names[1:]], ['more'])
    mean = helper.make_node('ReduceMean', ['more'], ['scores'], axes=[2, 3], keepdims=0)
    nodes = [CAST, pooled, flat, convolution, norm, mean, SOFTMAX]
    graph = read_graph(make_graph(nodes, weights=weights, shape=(2, 1, 6, 6)), 'tiny')
    assert 'BatchNormalization' in [operation.op for operation in graph.operations]
    if computed == 'scale':
        norm = next(each for each in graph.operations if each.op == 'BatchNormalization')
        with pytest.raises(ModelError, match="constants, got 'computed' computed by the graph"):
            scale_and_shift(norm, graph.constants)
