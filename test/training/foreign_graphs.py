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

"""Graphs with the signatures of models that people download, with random weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from onnx import helper
from onnx import numpy_helper
from onnx import TensorProto
import onnxruntime
from onnxruntime import quantization

EIGHT = ('neutral', 'happiness', 'surprise', 'sadness', 'anger', 'disgust', 'fear', 'contempt')
SEVEN = ('angry', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral')


def foreign_graph(
    shape,
    classes,
    *,
    dtype=TensorProto.FLOAT,
    planes=None,
    last='',
    opset=13,
    gain=1.0,
    fixed_reshape=False,
    taken='input_1',
    given='dense_1',
    layout='',
):
    """
    Make a small convolutional network.

    :param shape: of the input as declared, with names for free axes
    :param last: operator behind the scores
    :param gain: what pixels are multiplied by first, so that scores are neither all the same nor
        all beyond a softmax
    :param fixed_reshape: change the shape to one face, as exports of one face do
    """
    rng = np.random.default_rng(0)
    planes = planes or next(side for side in (shape[1], shape[3]) if side in (1, 3))
    is_last = layout == 'nhwc' or (not layout and shape[3] == planes)
    kind = TensorProto.FLOAT16 if dtype == TensorProto.FLOAT16 else TensorProto.FLOAT
    real = np.float16 if dtype == TensorProto.FLOAT16 else np.float32
    weights = {
        'w': rng.normal(0, 0.3, (6, planes, 5, 5)).astype(real),
        'f': rng.normal(0, 1, (6, classes)).astype(real),
        'gain': np.array([gain], real),
    }
    nodes = [helper.make_node('Cast', [taken], ['real'], to=kind)]
    if is_last:
        nodes.append(helper.make_node('Transpose', ['real'], ['planes'], perm=[0, 3, 1, 2]))
    nodes += [
        helper.make_node('Mul', ['planes' if is_last else 'real', 'gain'], ['small']),
        helper.make_node('Conv', ['small', 'w'], ['a'], strides=[4, 4]),
        helper.make_node('Relu', ['a'], ['b']),
        helper.make_node('GlobalAveragePool', ['b'], ['c']),
    ]
    if fixed_reshape:
        weights['one'] = np.array([1, 6], np.int64)
        nodes.append(helper.make_node('Reshape', ['c', 'one'], ['d']))
    else:
        nodes.append(helper.make_node('Flatten', ['c'], ['d']))
    nodes.append(helper.make_node('MatMul', ['d', 'f'], ['scores' if last else given]))
    if last:
        axis = {'axis': 1} if last == 'Softmax' else {}
        nodes.append(helper.make_node(last, ['scores'], [given], **axis))
    tensors = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    inputs = [helper.make_tensor_value_info(taken, dtype, shape)]
    if opset < 9:  # as the files of that time have them
        inputs += [
            helper.make_tensor_value_info(each.name, each.data_type, list(each.dims))
            for each in tensors
        ]
    outputs = [helper.make_tensor_value_info(given, kind, [shape[0], classes])]
    graph = helper.make_graph(nodes, 'net', inputs, outputs, tensors)
    opsets = [helper.make_opsetid('', opset)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=3 if opset < 9 else 8)


def write(path: Path, model):
    """Write a graph and return its path."""
    path.write_bytes(model.SerializeToString())
    return path


def run(path: Path, pixels):
    """Return what a graph gives for faces as it takes them, one after the other (N, K) float32."""
    session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
    (taken,) = session.get_inputs()
    rows = [session.run(None, {taken.name: face[None]})[0].ravel() for face in pixels]
    return np.stack(rows).astype(np.float32)


def quantise(path: Path):
    """Write the graph in eight bits, whose activations are quantised by what comes in a run."""
    target = path.with_name('quantised.onnx')
    quantization.quantize_dynamic(path, target, extra_options={'DefaultTensorType': 1})
    return target


def softmax(rows):
    """Return probabilities of scores (N, K)."""
    shares = np.exp(rows - rows.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)
