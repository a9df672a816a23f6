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

"""One graph that gives probabilities and the saliency map of one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
import json

import onnx
from rtcnn_perception.core.attributes.card import AttributeCard
from rtcnn_perception.core.saliency.names import MAP_OUTPUT
from rtcnn_perception.core.saliency.names import METADATA_KEY
from rtcnn_perception.core.saliency.names import METHOD_INPUT
from rtcnn_perception.core.saliency.names import METHODS
from rtcnn_perception.core.saliency.names import SALIENCY_FORMAT
from rtcnn_perception.core.saliency.names import target_input
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.saliency.backward_pass import active_results
from rtcnn_perception.saliency.backward_pass import check_covered
from rtcnn_perception.saliency.backward_pass import propagate
from rtcnn_perception.saliency.class_scores import class_scores
from rtcnn_perception.saliency.class_scores import ClassScores
from rtcnn_perception.saliency.class_scores import find_scores
from rtcnn_perception.saliency.class_scores import seed
from rtcnn_perception.saliency.class_scores import target_in_scores
from rtcnn_perception.saliency.gradient_context import GradientContext
from rtcnn_perception.saliency.graph_builder import GraphBuilder
from rtcnn_perception.saliency.network_graph import NetworkGraph
from rtcnn_perception.saliency.read_graph import read_graph

OPSET = 17
"""The highest that onnxruntime 1.16 and later run without a warning."""

IR_VERSION = 8
BATCH = 'faces'


@dataclass(frozen=True)
class _Parts:
    """The network, its class scores, and the gradients that the backward pass starts from."""

    graph: NetworkGraph
    found: tuple[ClassScores, ...]
    seeds: Mapping[str, str]


def build_saliency_graph(content: bytes, card: AttributeCard) -> bytes:
    """
    Append the backward pass to a network.

    The result takes the same image, the method as an index of ``METHODS``, and a target for each
    head; it gives the same probabilities and the map (N, C, H, W), or (N, 1, h, w) for Grad-CAM.
    Only the chosen method is computed.

    :param content: the serialised network
    :param card: its card
    :returns: the serialised graph
    :raises ModelError: if the network cannot be read, or has operations that are not covered
    """
    graph = read_graph(content, str(card.path))
    scores = {head: find_scores(graph, head) for head in card.heads}
    check_covered(graph, list(scores.values()))
    builder = GraphBuilder()
    for name, array in graph.constants.items():
        builder.keep(name, array)
    for operation in graph.operations:
        builder.copy(operation)
    context = _context(graph, builder, 'gradient')
    found = tuple(class_scores(context, head, name) for head, name in scores.items())
    seeds: dict[str, str] = {}
    for each in found:
        target = target_in_scores(context, each.head, target_input(each.head.attribute))
        name, gradient = seed(context, each, target)
        is_further = name in seeds
        seeds[name] = builder.add('Add', seeds[name], gradient) if is_further else gradient
    result = _write_methods(builder, _Parts(graph, found, seeds), METHODS)
    builder.add('Identity', result, name=MAP_OUTPUT)
    model = _model(graph, builder, found)
    model.metadata_props.add(key=METADATA_KEY, value=_metadata(card, found))
    return bytes(model.SerializeToString())


def _write_methods(builder: GraphBuilder, parts: _Parts, methods: tuple[str, ...]) -> str:
    """Write the first method in one branch and all others in another; return the map."""
    method, *others = methods
    first = builder.branch()
    first_result = _write_method(first, parts, method)
    rest = builder.branch()
    rest_result = (
        _write_methods(rest, parts, tuple(others))
        if len(others) > 1
        else _write_method(rest, parts, others[0])
    )
    number = builder.integers(METHODS.index(method))
    condition = builder.add('Equal', METHOD_INPUT, number)
    return builder.choose(condition, first, rest, first_result, rest_result)


def _write_method(builder: GraphBuilder, parts: _Parts, method: str) -> str:
    context = _context(parts.graph, builder, method)
    if method == 'grad_cam':
        return _class_activation(context, parts)
    return propagate(context, parts.seeds, parts.graph.input_name)


def _class_activation(context: GradientContext, parts: _Parts) -> str:
    """
    Write the input features of the classifying layers, weighed by their mean gradients.

    Source: Selvaraju and others: Grad-CAM: Visual Explanations from Deep Networks via
    Gradient-based Localization, 2017, section 3, equations 1 and 2.
    """
    features = {each.features for each in parts.found}
    if len(features) != 1:
        raise ModelError(
            f'expected heads that take the same features, got {sorted(features)}; '
            f'such a network is not covered'
        )
    builder, name = context.builder, features.pop()
    gradient = propagate(context, parts.seeds, name)
    importance = builder.add('GlobalAveragePool', gradient)
    weighed = builder.add('Mul', name, importance)
    total = builder.add('ReduceSum', weighed, builder.integers(1), keepdims=1)
    return builder.add('Relu', total)


def _context(graph: NetworkGraph, builder: GraphBuilder, method: str) -> GradientContext:
    return GradientContext(graph, builder, active_results(graph), is_guided=method == 'guided')


def _model(
    graph: NetworkGraph, builder: GraphBuilder, found: tuple[ClassScores, ...]
) -> onnx.ModelProto:
    tensors, casts = builder.initializers()
    types = onnx.TensorProto
    inputs = [
        graph.input_info,
        onnx.helper.make_tensor_value_info(METHOD_INPUT, types.INT64, [1]),
        *(
            onnx.helper.make_tensor_value_info(
                target_input(each.head.attribute), types.INT64, [BATCH]
            )
            for each in found
        ),
    ]
    result = onnx.helper.make_tensor_value_info(
        MAP_OUTPUT, types.FLOAT, [BATCH, 'channels', 'height', 'width']
    )
    body = onnx.helper.make_graph(
        [*casts, *builder.nodes],
        'saliency',
        inputs,
        [*graph.output_infos, result],
        tensors,
    )
    opset = onnx.helper.make_opsetid('', OPSET)
    return onnx.helper.make_model(
        body, opset_imports=[opset], ir_version=IR_VERSION, producer_name='rtcnn_perception'
    )


def _metadata(card: AttributeCard, found: tuple[ClassScores, ...]) -> str:
    content = {
        'format': SALIENCY_FORMAT,
        'model_sha256': card.sha256,
        'methods': METHODS,
        'has_class_maps': {each.head.attribute: each.has_maps for each in found},
    }
    return json.dumps(content, sort_keys=True)
