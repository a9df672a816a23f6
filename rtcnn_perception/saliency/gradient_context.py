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

"""What a rule gets to write the backward pass of one operation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.saliency.graph_builder import GraphBuilder
from rtcnn_perception.saliency.network_graph import Array
from rtcnn_perception.saliency.network_graph import NetworkGraph
from rtcnn_perception.saliency.network_graph import Operation


@dataclass(frozen=True)
class GradientContext:
    """
    The network, the builder of the new graph, and which results depend on the input image.

    With ``is_guided`` a ReLU passes positive gradients only (guided backpropagation).
    """

    graph: NetworkGraph
    builder: GraphBuilder
    active: frozenset[str]
    is_guided: bool

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of one sample of a result."""
        return self.graph.shape(name)

    def weights(self, operation: Operation, index: int) -> Array:
        """
        Return a constant among the inputs of an operation.

        :raises ModelError: if it is computed
        """
        name = operation.inputs[index]
        if name not in self.graph.constants:
            raise ModelError(
                f'expected constant weights in {operation.op} {operation.output!r}, got the '
                f'result {name!r}; such a network is not covered'
            )
        return self.graph.constants[name]

    def unbroadcast(self, gradient: str, name: str, like: str) -> str:
        """
        Sum a gradient over the axes along which a result was repeated.

        :param gradient: of the shape of ``like``
        :param name: the result that was repeated
        :raises ModelError: if the batch itself was repeated
        """
        small, large = self.shape(name), self.shape(like)
        if small == large:
            return gradient
        if len(small) != len(large):
            raise ModelError(
                f'expected {name!r} and {like!r} to have as many axes, got {small} and {large}; '
                f'such a network is not covered'
            )
        axes = [i + 1 for i, (a, b) in enumerate(zip(small, large, strict=True)) if a != b]
        return self.builder.add('ReduceSum', gradient, self.builder.integers(*axes), keepdims=1)


Gradients = list[tuple[str, str]]
"""The inputs of an operation and their gradients, an input that is used twice twice."""

Rule = Callable[[GradientContext, Operation, str], 'str | Gradients']
"""Takes the gradient of an operation's result and returns that of its first input, or several."""
