"""What the gradient is taken of, chosen by numbers that are fed with the picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from rtcnn_perception.core.saliency.names import CLASS_MAPS
from rtcnn_perception.core.saliency.names import NOTHING
from rtcnn_perception.saliency.class_scores import ClassScores
from rtcnn_perception.saliency.gradient_context import GradientContext


@dataclass(frozen=True)
class Seed:
    """The gradient that the backward pass starts from, and the result that it is of."""

    result: str
    gradient: str


def seed(context: GradientContext, found: ClassScores, target: str) -> Seed:
    """
    Write the gradient of what is asked for with respect to the last maps, or to the scores.

    :param target: name of the (N,) int64 input: a class, or one of the numbers below 0
    """
    if not found.has_maps:
        return Seed(found.scores, _of_scores(context, found, target))
    if found.maps:
        return Seed(found.maps, _of_maps(context, found, found.maps, target))
    inputs = [found.features, found.weights, *([found.bias] if found.bias else [])]
    maps = context.writer.add('Conv', *inputs)
    gradient = _of_maps(context, found, maps, target)
    turned = context.writer.add('Transpose', found.weights, perm=[1, 0, 2, 3])
    return Seed(found.features, context.writer.add('Conv', gradient, turned))


def _chosen(context: GradientContext, found: ClassScores, target: str) -> str:
    """Write the class for each sample, -1 becoming the one with the highest score."""
    writer = context.writer
    top = writer.add('ArgMax', found.scores, axis=1, keepdims=0)
    return writer.add('Where', writer.add('Less', target, writer.integers(0)), top, target)


def _of_scores(context: GradientContext, found: ClassScores, target: str) -> str:
    """Write 1 for the class that is asked for; a target that is none gives 0 throughout."""
    writer = context.writer
    classes = writer.constant(np.arange(len(found.head.labels), dtype=np.int64)[None])
    chosen = writer.reshape(_chosen(context, found, target), -1, 1)
    is_class = writer.add('Cast', writer.add('Equal', chosen, classes), to=1)
    is_asked = writer.add('Greater', target, writer.integers(CLASS_MAPS))
    asked = writer.reshape(writer.add('Cast', is_asked, to=1), -1, 1)
    return writer.add('Mul', is_class, asked)


def _of_maps(context: GradientContext, found: ClassScores, maps: str, target: str) -> str:
    """
    Write 1 / (h w) at every place of a class's map, or 1 for the largest map of each place.

    The second is the rule of the paper: the sum over space of the largest class map.
    Source: Arriaga, Ploeger, Valdenegro 2017; github.com/oarriaga/face_classification (MIT),
    ``src/utils/grad_cam.py``, ``compile_saliency_function``.
    """
    writer = context.writer
    height, width = context.shape(found.maps or found.features)[1:]
    classes = np.arange(len(found.head.labels), dtype=np.int64).reshape(1, -1, 1, 1)
    largest = writer.add('ArgMax', maps, axis=1, keepdims=1)  # (N, 1, h, w)
    chosen = writer.reshape(_chosen(context, found, target), -1, 1, 1, 1)
    asked = writer.reshape(target, -1, 1, 1, 1)
    is_by_place = writer.add('Equal', asked, writer.integers(CLASS_MAPS))
    index = writer.add('Where', is_by_place, largest, chosen)
    is_class = writer.add('Equal', index, writer.constant(classes))
    # The share of one place, by target: NOTHING, CLASS_MAPS, and all others after them.
    shares = np.array([0.0, 1.0, 1.0 / (height * width)], dtype=np.float32)
    row = writer.add('Sub', asked, writer.integers(NOTHING))
    row = writer.add('Min', row, writer.integers(len(shares) - 1))
    share = writer.add('Gather', writer.constant(shares), row, axis=0)
    return writer.add('Mul', writer.add('Cast', is_class, to=1), share)
