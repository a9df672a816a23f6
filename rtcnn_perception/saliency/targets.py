"""The target of a saliency map: the score that the gradient is of, an input of the graph."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from rtcnn_perception.core.saliency.names import CLASS_MAPS
from rtcnn_perception.core.saliency.names import NOTHING
from rtcnn_perception.saliency.class_scores import ClassScores
from rtcnn_perception.saliency.gradient_context import GradientContext


@dataclass(frozen=True)
class Seed:
    """A result that the backward pass starts from, and its gradient."""

    result: str
    gradient: str


def seed(context: GradientContext, found: ClassScores, target: str) -> Seed:
    """
    Write the gradient of the target with respect to the last maps, or to the scores.

    :param target: name of the (N,) int64 input: a class, or one of the numbers below 0
    """
    if not found.has_maps:
        return Seed(found.scores, _of_scores(context, found, target))
    if found.maps:
        return Seed(found.maps, _of_maps(context, found, found.maps, target))
    inputs = [found.features, found.weights, *([found.bias] if found.bias else [])]
    maps = context.builder.add('Conv', *inputs)
    gradient = _of_maps(context, found, maps, target)
    transposed = context.builder.add('Transpose', found.weights, perm=[1, 0, 2, 3])
    return Seed(found.features, context.builder.add('Conv', gradient, transposed))


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
