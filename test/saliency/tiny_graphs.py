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

"""Graphs of a few nodes, with their card, made with ONNX alone."""

import hashlib
import json
from pathlib import Path

import numpy as np
from onnx import helper
from onnx import numpy_helper
from onnx import TensorProto
from rtcnn_perception.core.attributes.card import AttributeCard
from rtcnn_perception.core.attributes.card import AttributeHead
from rtcnn_perception.core.geometry.crops import CropGeometry

LABELS = ('woman', 'man')
CARD = AttributeCard(
    name='tiny',
    directory=Path('models'),
    file='model.onnx',
    sha256='0' * 64,
    input_name='face',
    input_size_hw=(6, 6),
    input_dtype='uint8',
    channels='gray',
    scale=1.0,
    offset=0.0,
    crop=CropGeometry(0.1),
    heads=(AttributeHead('gender', 'gender', LABELS),),
)
CAST = helper.make_node('Cast', ['face'], ['x'], to=TensorProto.FLOAT)
CONV = helper.make_node('Conv', ['x', 'w'], ['maps'], pads=[1, 1, 1, 1])
MEAN = helper.make_node('ReduceMean', ['maps'], ['scores'], axes=[2, 3], keepdims=0)
SOFTMAX = helper.make_node('Softmax', ['scores'], ['gender'], axis=1)
NODES = (CAST, CONV, MEAN, SOFTMAX)


def make_graph(
    nodes=NODES, *, shape=('N', 1, 6, 6), opset=13, classes=2, inputs=('face',), weights=()
):
    """Return a serialised network of these nodes."""
    constants = [('w', np.ones((classes, 1, 3, 3), np.float32)), *weights]
    body = helper.make_graph(
        list(nodes),
        'tiny',
        [helper.make_tensor_value_info(name, TensorProto.UINT8, shape) for name in inputs],
        [helper.make_tensor_value_info('gender', TensorProto.FLOAT, ['N', classes])],
        [numpy_helper.from_array(array, name) for name, array in constants],
    )
    model = helper.make_model(body, opset_imports=[helper.make_opsetid('', opset)], ir_version=8)
    return model.SerializeToString()


def graph_with(op, **attributes):
    """Return the network with one more operation on the class maps."""
    node = helper.make_node(op, ['maps'], ['more'], **attributes)
    mean = helper.make_node('ReduceMean', ['more'], ['scores'], axes=[2, 3], keepdims=0)
    return make_graph([CAST, CONV, node, mean, SOFTMAX])


def graph_with_a_condition():
    """Return a network with an If node."""

    def branch(op):
        node = helper.make_node(op, ['scores'], [f'{op}_scores'])
        info = helper.make_tensor_value_info(f'{op}_scores', TensorProto.FLOAT, None)
        return helper.make_graph([node], op, [], [info])

    choice = helper.make_node(
        'If', ['yes'], ['chosen'], then_branch=branch('Identity'), else_branch=branch('Neg')
    )
    softmax = helper.make_node('Softmax', ['chosen'], ['gender'], axis=1)
    return make_graph([CAST, CONV, MEAN, choice, softmax], weights=[('yes', np.array(True))])


def write_graph_and_card(folder, content):
    """Write a network and its card into a folder."""
    (folder / 'model.onnx').write_bytes(content)
    card = {
        'format': 2,
        'kind': 'attributes',
        'name': 'tiny',
        'file': 'model.onnx',
        'sha256': hashlib.sha256(content).hexdigest(),
        'input': {
            'name': 'face',
            'size_hw': [6, 6],
            'channels': 'gray',
            'dtype': 'uint8',
            'scale': 1.0,
            'offset': 0.0,
        },
        'crop': {'margin': 0.1, 'shift_down': 0.0},
        'heads': [
            {'attribute': 'gender', 'output': 'gender', 'labels': list(LABELS), 'temperature': 1.0}
        ],
        'dataset': 'faces of a test',
    }
    (folder / 'model.json').write_text(json.dumps(card))
