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

"""Builds a graph node by node, with the constants it needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from typing import Any

import numpy as np
import onnx
from rtcnn_perception.saliency.network_graph import Array
from rtcnn_perception.saliency.network_graph import Operation

PREFIX = 'back'
"""No network names its results so; short, as a file holds every name several times."""

HALF_FROM = 16
"""Numbers from which on a constant is worth a cast from float16."""

_Key = tuple[str, tuple[int, ...], bytes]


@dataclass
class _Constants:
    """Constants by name, shared by all branches of a graph."""

    arrays: dict[str, Array] = field(default_factory=dict)
    names: dict[_Key, str] = field(default_factory=dict)
    count: int = 0


class GraphBuilder:
    """Collects nodes and constants; equal constants are stored once."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self._constants = _Constants()

    def branch(self) -> GraphBuilder:
        """Return a builder with nodes of its own and the same constants."""
        builder = GraphBuilder()
        builder._constants = self._constants
        return builder

    def keep(self, name: str, array: Array) -> None:
        """Store a constant of the network under its own name."""
        self._constants.arrays[name] = array
        self._constants.names.setdefault(_key(array), name)

    def copy(self, operation: Operation) -> None:
        """Add an operation of the network unchanged."""
        domain, _, op = operation.op.rpartition('.')
        node = onnx.helper.make_node(
            op, operation.inputs, operation.outputs, domain=domain, **operation.attributes
        )
        self.nodes.append(node)

    def constant(self, value: Array) -> str:
        """Store a constant and return its name."""
        names = self._constants.names
        key = _key(value)
        if key not in names:
            names[key] = self._name()
            self._constants.arrays[names[key]] = value
        return names[key]

    def integers(self, *values: int) -> str:
        """Store a list of int64 and return its name."""
        return self.constant(np.array(values, dtype=np.int64))

    def number(self, value: float) -> str:
        """Store a float32 scalar and return its name."""
        return self.constant(np.array(value, dtype=np.float32))

    def add(self, op: str, *inputs: str, name: str = '', **attributes: Any) -> str:
        """Add an operation with one result and return its name."""
        output = name or self._name()
        self.nodes.append(onnx.helper.make_node(op, inputs, [output], **attributes))
        return output

    def add_pair(self, op: str, *inputs: str, **attributes: Any) -> tuple[str, str]:
        """Add an operation with two results and return their names."""
        outputs = self._name(), self._name()
        self.nodes.append(onnx.helper.make_node(op, inputs, outputs, **attributes))
        return outputs

    def choose(self, condition: str, yes: GraphBuilder, no: GraphBuilder, *results: str) -> str:
        """
        Add a condition that runs one of two branches, and return the name of its result.

        :param results: the names of the branches' results
        """
        graphs = []
        for builder, result in zip((yes, no), results, strict=True):
            info = onnx.helper.make_tensor_value_info(result, onnx.TensorProto.FLOAT, None)
            graphs.append(onnx.helper.make_graph(builder.nodes, PREFIX, [], [info]))
        return self.add('If', condition, then_branch=graphs[0], else_branch=graphs[1])

    def reshape(self, value: str, *sizes: int) -> str:
        """Add a reshape; -1 stands for the remaining size."""
        return self.add('Reshape', value, self.integers(*sizes))

    def pad(self, value: str, before: Sequence[int], after: Sequence[int], fill: float) -> str:
        """Add a padding of the last two axes; negative numbers crop."""
        if not any((*before, *after)):
            return value
        pads = self.integers(0, 0, *before, 0, 0, *after)
        return self.add('Pad', value, pads, self.number(fill))

    def initializers(self) -> tuple[list[onnx.TensorProto], list[onnx.NodeProto]]:
        """
        Return the constants, and the casts of those that are stored as float16.

        Those are constants that float16 holds exactly; onnxruntime casts them once, when it loads
        the graph.
        """
        used = _inputs(self.nodes)
        tensors, casts = [], []
        for name, array in self._constants.arrays.items():
            if name not in used:
                continue
            if array.dtype == np.float32 and array.size >= HALF_FROM and _fits_half(array):
                half = f'{name}_half'
                tensors.append(onnx.numpy_helper.from_array(array.astype(np.float16), half))
                casts.append(onnx.helper.make_node('Cast', [half], [name], to=FLOAT))
            else:
                tensors.append(onnx.numpy_helper.from_array(array, name))
        return tensors, casts

    def _name(self) -> str:
        self._constants.count += 1
        return f'{PREFIX}{self._constants.count}'


FLOAT = onnx.TensorProto.FLOAT


def _inputs(nodes: Sequence[onnx.NodeProto]) -> set[str]:
    """Return the inputs of nodes and of the branches in them."""
    names = {name for node in nodes for name in node.input}
    for node in nodes:
        for attribute in node.attribute:
            if attribute.HasField('g'):
                names |= _inputs(attribute.g.node)
    return names


def _key(array: Array) -> _Key:
    return array.dtype.str, array.shape, array.tobytes()


def _fits_half(array: Array) -> bool:
    with np.errstate(over='ignore'):
        return bool(np.array_equal(array.astype(np.float16).astype(np.float32), array))
