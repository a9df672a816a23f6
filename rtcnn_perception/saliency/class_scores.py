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

"""The class scores of a network, the maps they are averaged from, and the target of a map."""

from __future__ import annotations

from dataclasses import dataclass
import math

import numpy as np
from rtcnn_perception.core.attributes.card import AttributeHead
from rtcnn_perception.core.saliency.names import CLASS_MAPS
from rtcnn_perception.core.saliency.names import NOTHING
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.saliency.gradient_context import GradientContext
from rtcnn_perception.saliency.network_graph import Array
from rtcnn_perception.saliency.network_graph import NetworkGraph
from rtcnn_perception.saliency.network_graph import Operation
from rtcnn_perception.saliency.pooling_rules import averaged_axes

SAME = ('Cast', 'Dropout', 'Identity')
SHAPES = ('Flatten', 'Reshape', 'Squeeze', 'Unsqueeze')
AVERAGES = ('GlobalAveragePool', 'ReduceMean')


@dataclass(frozen=True)
class ClassScores:
    """
    The scores of one head, before temperature and softmax, and what they are computed from.

    All are names of results or constants. ``maps`` (N, K, h, w) are maps of which each score is
    the average. Where the network averages features first and weighs them then, ``maps`` is empty
    and ``weights`` (K, C, 1, 1) and ``bias`` (K,) give the same maps as a 1x1 convolution of the
    features. ``features`` (N, C, h, w) is the input of the classifying layer. A network that does
    not end in an average has neither maps nor weights.
    """

    head: AttributeHead
    scores: str
    features: str
    maps: str
    weights: str
    bias: str

    @property
    def has_maps(self) -> bool:
        """Whether there is a map for each class, in the network or by weighing its features."""
        return bool(self.maps or self.weights)


def find_scores(graph: NetworkGraph, head: AttributeHead) -> str:
    """
    Return the name of the class scores: the input of softmax, before any temperature.

    :raises ModelError: if the output is missing or does not come from a softmax over the classes
    """
    if head.output not in {info.name for info in graph.output_infos}:
        names = [info.name for info in graph.output_infos]
        raise ModelError(
            f'expected an output {head.output} by the card, got {names}; '
            f'export model and card together with `rtcnn_perception export`'
        )
    name = _skip(graph, head.output, SAME)
    softmax = graph.producer(name)
    if softmax is not None and class_order(graph, head) is not None:
        softmax = graph.producer(_skip(graph, softmax.inputs[0], SAME))
    if softmax is None or softmax.op != 'Softmax':
        origin = 'the input itself' if softmax is None else softmax.op
        raise ModelError(
            f'expected output {head.output} to come from Softmax, got {origin}; only networks '
            f'that choose one class of several are covered'
        )
    name = softmax.inputs[0]
    while True:
        name = _skip(graph, name, SAME)
        scaling = graph.producer(name)
        if scaling is None or scaling.op not in ('Div', 'Mul') or not _is_scalar(graph, scaling):
            break
        name = scaling.inputs[0]
    if graph.shape(name) != (len(head.labels),):
        raise ModelError(
            f'expected {len(head.labels)} class scores for output {head.output} by the card, got '
            f'shape {graph.shape(name)}; export model and card together'
        )
    return name


def class_order(graph: NetworkGraph, head: AttributeHead) -> Array | None:
    """Return the place (C,) of each class in the scores, None where the order is the same."""
    gather = graph.producer(_skip(graph, head.output, SAME))
    if gather is None or gather.op != 'Gather' or gather.attributes.get('axis', 0) not in (1, -1):
        return None
    order = graph.constants.get(gather.inputs[1])
    is_order = order is not None and sorted(order.ravel().tolist()) == [*range(len(head.labels))]
    return order if is_order else None


def class_scores(context: GradientContext, head: AttributeHead, scores: str) -> ClassScores:
    """Find the maps or features that scores are averaged from."""
    graph = context.graph
    weights, bias = '', ''
    name = scores
    dense = graph.producer(name)
    if dense is not None and dense.op == 'Add' and dense.inputs[1] in graph.constants:
        product = graph.producer(dense.inputs[0])
        if product is not None and product.op == 'MatMul':
            bias, dense = dense.inputs[1], product
    if dense is not None and dense.op in ('Gemm', 'MatMul') and dense.inputs[1] in graph.constants:
        weights, bias, name = _dense(context, dense, bias)
    averaged = _averaged(context, name)
    if not averaged:
        return ClassScores(head, scores, _last_feature_map(context, scores), '', '', '')
    if weights:
        return ClassScores(head, scores, averaged, '', weights, bias)
    convolution = graph.producer(averaged)
    is_classifying = convolution is not None and convolution.op == 'Conv'
    features = convolution.inputs[0] if convolution and is_classifying else averaged
    return ClassScores(head, scores, features, averaged, '', '')


def _dense(context: GradientContext, dense: Operation, bias: str) -> tuple[str, str, str]:
    """Return weights (K, C, 1, 1), their bias, and the features that they weigh."""
    matrix = context.graph.constants[dense.inputs[1]].astype(np.float32)
    if dense.op == 'Gemm':
        matrix = matrix * np.float32(dense.attributes.get('alpha', 1.0))
        if not dense.attributes.get('transB', 0):
            matrix = matrix.T
        has_bias = len(dense.inputs) > 2 and dense.attributes.get('beta', 1.0) == 1.0
        bias = dense.inputs[2] if has_bias else ''
    else:
        matrix = matrix.T
    weights = np.ascontiguousarray(matrix)[:, :, None, None]
    return context.builder.constant(weights), bias, dense.inputs[0]


def _averaged(context: GradientContext, name: str) -> str:
    """Return the (C, h, w) result of which this is the average over h and w, or nothing."""
    graph = context.graph
    name = _skip(graph, name, (*SAME, *SHAPES))
    average = graph.producer(name)
    if average is None or average.op not in AVERAGES:
        return ''
    source = average.inputs[0]
    has_places = len(graph.shape(source)) == 3
    return source if has_places and averaged_axes(context, average) == {2, 3} else ''


def _last_feature_map(context: GradientContext, name: str) -> str:
    """Return the last result with rows and columns before the scores."""
    while len(context.shape(name)) != 3:
        operation = context.graph.producer(name)
        inputs = [] if operation is None else [n for n in operation.inputs if n in context.active]
        if not inputs:
            raise ModelError(
                f'expected the class scores to come from an image, got {name!r}, which has no '
                f'rows and columns; such a network is not covered'
            )
        name = inputs[0]
    return name


def _skip(graph: NetworkGraph, name: str, ops: tuple[str, ...]) -> str:
    operation = graph.producer(name)
    while operation is not None and operation.op in ops:
        name = operation.inputs[0]
        operation = graph.producer(name)
    return name


def _is_scalar(graph: NetworkGraph, operation: Operation) -> bool:
    divisor = graph.constants.get(operation.inputs[1])
    if divisor is None or divisor.size != 1:
        return False
    value = float(divisor.reshape(()))
    return value > 0.0 and math.isfinite(value)


def seed(context: GradientContext, found: ClassScores, target: str) -> tuple[str, str]:
    """
    Write the gradient of the target with respect to the last maps, or to the scores.

    :param target: name of the (N,) int64 input: a class, or one of the numbers below 0
    :returns: the result that the backward pass starts from, and its gradient
    """
    if not found.has_maps:
        return found.scores, _of_scores(context, found, target)
    if found.maps:
        return found.maps, _of_maps(context, found, found.maps, target)
    inputs = [found.features, found.weights, *([found.bias] if found.bias else [])]
    maps = context.builder.add('Conv', *inputs)
    gradient = _of_maps(context, found, maps, target)
    transposed = context.builder.add('Transpose', found.weights, perm=[1, 0, 2, 3])
    return found.features, context.builder.add('Conv', gradient, transposed)


def target_in_scores(context: GradientContext, head: AttributeHead, target: str) -> str:
    """Write the target as a place in the scores, whose order may be another than the output's."""
    order, builder = class_order(context.graph, head), context.builder
    if order is None:
        return target
    is_class = builder.add('Less', builder.integers(-1), target)
    place = builder.add('Where', is_class, target, builder.integers(0))
    place = builder.add('Gather', builder.constant(order.astype(np.int64)), place, axis=0)
    return builder.add('Where', is_class, place, target)


def _chosen(context: GradientContext, found: ClassScores, target: str) -> str:
    """Write the class of each sample; a target below 0 becomes the one with the highest score."""
    builder = context.builder
    top = builder.add('ArgMax', found.scores, axis=1, keepdims=0)
    return builder.add('Where', builder.add('Less', target, builder.integers(0)), top, target)


def _of_scores(context: GradientContext, found: ClassScores, target: str) -> str:
    """Write 1 for the class of the target; without class maps, CLASS_MAPS and NOTHING give 0."""
    builder = context.builder
    classes = builder.constant(np.arange(len(found.head.labels), dtype=np.int64)[None])
    chosen = builder.reshape(_chosen(context, found, target), -1, 1)
    is_class = builder.add('Cast', builder.add('Equal', chosen, classes), to=1)
    is_score = builder.add('Greater', target, builder.integers(CLASS_MAPS))
    mask = builder.reshape(builder.add('Cast', is_score, to=1), -1, 1)
    return builder.add('Mul', is_class, mask)


def _of_maps(context: GradientContext, found: ClassScores, maps: str, target: str) -> str:
    """
    Write 1 / (h w) at every place of a class's map, or 1 for the largest map of each place.

    The second is the target of the paper: the sum over all places of the largest class map.
    Source: Arriaga, Ploeger, Valdenegro 2017; github.com/oarriaga/face_classification (MIT),
    ``src/utils/grad_cam.py``, ``compile_saliency_function``.
    """
    builder = context.builder
    height, width = context.shape(found.maps or found.features)[1:]
    classes = np.arange(len(found.head.labels), dtype=np.int64).reshape(1, -1, 1, 1)
    largest = builder.add('ArgMax', maps, axis=1, keepdims=1)  # (N, 1, h, w)
    chosen = builder.reshape(_chosen(context, found, target), -1, 1, 1, 1)
    wanted = builder.reshape(target, -1, 1, 1, 1)
    is_by_place = builder.add('Equal', wanted, builder.integers(CLASS_MAPS))
    index = builder.add('Where', is_by_place, largest, chosen)
    is_class = builder.add('Equal', index, builder.constant(classes))
    # The share of one place, by target: NOTHING, CLASS_MAPS, and all others after them.
    shares = np.array([0.0, 1.0, 1.0 / (height * width)], dtype=np.float32)
    row = builder.add('Sub', wanted, builder.integers(NOTHING))
    row = builder.add('Min', row, builder.integers(len(shares) - 1))
    share = builder.add('Gather', builder.constant(shares), row, axis=0)
    return builder.add('Mul', builder.add('Cast', is_class, to=1), share)
