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

"""
Graphs of others, changed so that they take and return what the models of this package do.

In front of the network: uint8 planes of N faces, scaled for each channel, of the type and layout
that the network takes. Behind it: probabilities. A network that takes one face at a time runs in a
loop over the faces. It needs onnx, and no PyTorch.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence
import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray
import onnx
from onnx import helper
from onnx import numpy_helper
from onnx import TensorProto
from rtcnn_perception.training.models.graph_signature import INPUT_TYPES
from rtcnn_perception.training.models.graph_signature import Signature

INPUT_NAME = 'face.pixels'
"""Heads are named by attributes, whose names have no dot."""
OWN = 'adapted_'
"""Begins the names of what is added to a graph."""

LEAST_IR = 4
"""From this version of the format on, weights are no inputs."""


def adapted(
    model: onnx.ModelProto,
    signature: Signature,
    *,
    scale: Sequence[float],
    offset: Sequence[float],
    classes: int,
    temperature: float | None,
    one_by_one: bool,
    output_name: str,
) -> bytes:
    """
    Return a graph that takes (N, C, H, W) uint8 and returns (N, classes) float32 probabilities.

    :param scale: one or one for each plane, in the order of the graph: it takes ``pixel * scale +
        offset``
    :param temperature: what scores are divided by before the softmax; None if the graph returns
        probabilities
    :param one_by_one: run the graph in a loop, a face at a time
    :param output_name: of the result
    """
    graph = model.graph
    built = _Nodes(set(_names(graph)))
    face, result = built.free(INPUT_NAME), built.free(output_name)
    pixels = face
    if signature.dtype != 'uint8':
        kind = next(key for key, name in INPUT_TYPES.items() if name == signature.dtype)
        pixels = built.add('Cast', pixels, to=TensorProto.FLOAT)
        for op, values in (('Mul', scale), ('Add', offset)):
            array = np.array(values, np.float32).reshape(1, -1, 1, 1)
            pixels = built.add(op, pixels, built.constant(array))
        pixels = built.add('Cast', pixels, to=kind)
    if signature.layout == 'nhwc':
        pixels = built.add('Transpose', pixels, perm=[0, 2, 3, 1])
    if one_by_one:
        scores = _looped(graph, signature, built, pixels, classes)
    else:
        built.nodes.append(helper.make_node('Identity', [pixels], [signature.input_name]))
        built.nodes += graph.node
        scores = signature.output_name
        declared = next(each for each in graph.output if each.name == scores).type.tensor_type
        if len(declared.shape.dim) != 2:
            scores = built.reshaped(scores, (-1, classes))
        if declared.elem_type != TensorProto.FLOAT:
            scores = built.add('Cast', scores, to=TensorProto.FLOAT)
    if temperature is not None:
        scores = built.add('Div', scores, built.constant(np.array([temperature], np.float32)))
        scores = built.add('Softmax', scores, axis=1)
    built.nodes.append(helper.make_node('Identity', [scores], [result]))
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    changed.graph.CopyFrom(
        helper.make_graph(
            built.nodes,
            graph.name or 'adapted',
            [
                helper.make_tensor_value_info(
                    face, TensorProto.UINT8, ['faces', signature.planes, *signature.size_hw]
                )
            ],
            [helper.make_tensor_value_info(result, TensorProto.FLOAT, ['faces', classes])],
            [*graph.initializer, *built.constants],
        )
    )
    changed.graph.sparse_initializer.extend(graph.sparse_initializer)
    changed.graph.quantization_annotation.extend(graph.quantization_annotation)
    changed.ir_version = max(model.ir_version, LEAST_IR)
    return bytes(changed.SerializeToString())


class _Nodes:
    """Nodes and constants with names that a graph does not have."""

    def __init__(self, taken: set[str]) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.taken = taken

    def free(self, name: str) -> str:
        """Return this name, or one like it where it is taken."""
        names = itertools.chain([name], (f'{name}_{number}' for number in itertools.count(2)))
        found = next(each for each in names if each not in self.taken)
        self.taken.add(found)
        return found

    def add(self, op: str, *inputs: str, **attributes: Any) -> str:
        """Add a node and return the name of its result."""
        result = self.free(f'{OWN}{op.lower()}')
        self.nodes.append(helper.make_node(op, list(inputs), [result], **attributes))
        return result

    def constant(self, values: NDArray[np.generic]) -> str:
        """Add a constant and return its name."""
        name = self.free(f'{OWN}constant')
        self.constants.append(numpy_helper.from_array(values, name))
        return name

    def reshaped(self, name: str, shape: tuple[int, ...]) -> str:
        """Add a change of shape and return the name of its result."""
        return self.add('Reshape', name, self.constant(np.array(shape, np.int64)))


def _looped(
    graph: onnx.GraphProto, signature: Signature, outer: _Nodes, pixels: str, classes: int
) -> str:
    """
    Put a graph into a loop over faces, which collects its rows of scores.

    :param pixels: name of the faces, as the graph takes them
    :returns: the name of the rows (N, classes)
    """
    body = _Nodes(outer.taken)
    number, going, kept = (body.free(f'{OWN}{each}') for each in ('number', 'going', 'kept'))
    shape = signature.size_hw
    planes = (signature.planes,)
    axes = planes + shape if signature.layout == 'nchw' else shape + planes
    face = body.add('Gather', pixels, number, axis=0)
    one = body.reshaped(face, (1, *axes))
    body.nodes.append(helper.make_node('Identity', [one], [signature.input_name]))
    body.nodes += graph.node
    still, kept_on = body.add('Identity', going), body.add('Identity', kept)
    row = body.reshaped(signature.output_name, (classes,))
    row = body.add('Cast', row, to=TensorProto.FLOAT)
    outer.constants += body.constants
    inside = helper.make_graph(
        body.nodes,
        f'{OWN}body',
        [
            helper.make_tensor_value_info(number, TensorProto.INT64, []),
            *(helper.make_tensor_value_info(each, TensorProto.BOOL, []) for each in (going, kept)),
        ],
        [
            *(
                helper.make_tensor_value_info(each, TensorProto.BOOL, [])
                for each in (still, kept_on)
            ),
            helper.make_tensor_value_info(row, TensorProto.FLOAT, [classes]),
        ],
    )
    sizes = outer.add('Shape', pixels)
    count = outer.add('Gather', sizes, outer.constant(np.array(0, np.int64)), axis=0)
    yes = outer.constant(np.array(True))
    rows, unused = outer.free(f'{OWN}rows'), outer.free(f'{OWN}unused')
    # Early versions of the operator want a value that is carried from face to face.
    loop = helper.make_node('Loop', [count, yes, yes], [unused, rows], body=inside)
    outer.nodes.append(loop)
    return rows


def _names(graph: onnx.GraphProto) -> Iterator[str]:
    """Yield every name in a graph and in those nested in it."""
    for each in (*graph.input, *graph.output, *graph.initializer):
        yield each.name
    for node in graph.node:
        yield from (*node.input, *node.output)
        for attribute in node.attribute:
            for nested in (attribute.g, *attribute.graphs):
                yield from _names(nested)
