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

"""From the gradient of class scores back to the input image, operation by operation."""

from __future__ import annotations

from collections.abc import Mapping

from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.saliency import convolution_rules
from rtcnn_perception.saliency import elementwise_rules
from rtcnn_perception.saliency import pooling_rules
from rtcnn_perception.saliency import shape_rules
from rtcnn_perception.saliency.gradient_context import GradientContext
from rtcnn_perception.saliency.gradient_context import Rule
from rtcnn_perception.saliency.network_graph import NetworkGraph

RULES: Mapping[str, Rule] = {
    'Add': elementwise_rules.add,
    'AveragePool': pooling_rules.average,
    'BatchNormalization': elementwise_rules.batch_normalisation,
    'Cast': elementwise_rules.same,
    'Clip': elementwise_rules.clip,
    'Concat': shape_rules.concat,
    'Conv': convolution_rules.convolution,
    'Div': elementwise_rules.divide,
    'Dropout': elementwise_rules.same,
    'Flatten': shape_rules.reshape,
    'Gemm': convolution_rules.gemm,
    'GlobalAveragePool': pooling_rules.global_average,
    'Identity': elementwise_rules.same,
    'MatMul': convolution_rules.matrix,
    'MaxPool': pooling_rules.maximum,
    'Mul': elementwise_rules.multiply,
    'Pad': shape_rules.pad,
    'ReduceMean': pooling_rules.global_average,
    'Relu': elementwise_rules.relu,
    'Reshape': shape_rules.reshape,
    'Sigmoid': elementwise_rules.sigmoid,
    'Squeeze': shape_rules.reshape,
    'Sub': elementwise_rules.subtract,
    'Tanh': elementwise_rules.tanh,
    'Transpose': shape_rules.transpose,
    'Unsqueeze': shape_rules.reshape,
}
"""The rule of each operation that is covered."""


def active_results(graph: NetworkGraph) -> frozenset[str]:
    """Return the results that depend on the input image."""
    active = {graph.input_name}
    for operation in graph.operations:
        if active & set(operation.inputs):
            active |= set(operation.outputs)
    return frozenset(active)


def check_covered(graph: NetworkGraph, results: list[str]) -> None:
    """
    Refuse a network in which an operation between input and results has no rule.

    :param results: where the backward pass begins
    :raises ModelError: naming the operations, and those that are covered
    """
    active = active_results(graph)
    needed = set(results)
    unknown = []
    for operation in reversed(graph.operations):
        if needed & set(operation.outputs) and active & set(operation.outputs):
            needed |= set(operation.inputs)
            if operation.op not in RULES:
                unknown.append(operation.op)
    if unknown:
        raise ModelError(
            f'expected operations that have a backward pass, got {", ".join(sorted(set(unknown)))}'
            f'; covered are {", ".join(RULES)} and, at the end, Softmax'
        )


def propagate(context: GradientContext, seeds: Mapping[str, str], until: str) -> str:
    """
    Write the backward pass.

    :param seeds: the gradient of each result to start from, by its name
    :param until: the result whose gradient is computed
    :returns: the name of its gradient
    :raises ModelError: if a rule refuses its operation, or the results do not depend on ``until``
    """
    gradients = dict(seeds)
    for operation in reversed(context.graph.operations):
        gradient = gradients.pop(operation.output, None) if operation.output != until else None
        if gradient is None:
            continue
        found = RULES[operation.op](context, operation, gradient)
        parts = [(operation.inputs[0], found)] if isinstance(found, str) else found
        for name, part in parts:
            if name not in context.active:
                continue
            if name in gradients:
                part = context.builder.add('Add', gradients[name], part)  # noqa: PLW2901
            gradients[name] = part
    if until not in gradients:
        raise ModelError(f'expected the scores to depend on {until!r}, got scores that do not')
    return gradients[until]
