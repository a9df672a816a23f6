"""Metrics of attribute networks, by the kind of their classes: any, or ordered ones."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import Probabilities
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.training.data.classes import band_ranks
from rtcnn_perception.training.data.classes import UNLABELLED
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.data.faces import Indices
from rtcnn_perception.training.tasks.attributes.calibration import calibration_error
from rtcnn_perception.training.tasks.attributes.calibration import log_loss
from rtcnn_perception.training.tasks.attributes.calibration import reliability

SURE = 0.9
"""A wrong prediction of this probability and more is surely wrong."""


def accuracy(scores: NDArray[np.float32], labels: Indices) -> float:
    """Return the share of labelled faces whose highest score is at their label; 0 of none."""
    known = labels != UNLABELLED
    return float((scores[known].argmax(1) == labels[known]).mean()) if known.any() else 0.0


def recalls(scores: NDArray[np.float32], labels: Indices) -> list[float]:
    """Return the recall of each class that occurs."""
    hits = scores.argmax(1) == labels
    return [float(hits[labels == value].mean()) for value in np.unique(labels[labels >= 0])]


def band_errors(scores: NDArray[np.float32], labels: Indices, classes: Sequence[str]) -> Indices:
    """Return by how many bands (K,) the prediction is off, for the labelled faces."""
    ranks = band_ranks(classes)
    if ranks is None:
        raise ValueError(f'expected classes that are bands, got {classes}')
    known = labels != UNLABELLED
    return np.abs(ranks[scores[known].argmax(1)] - ranks[labels[known]])


class Metric(NamedTuple):
    """How a metric is computed from scores (N, C), labels (N,) and class names."""

    compute: Callable[[NDArray[np.float32], Indices, Sequence[str]], float]
    is_for_ordered: bool = False
    is_better_higher: bool = True


METRICS: Mapping[str, Metric] = {
    'accuracy': Metric(lambda scores, labels, _: accuracy(scores, labels)),
    'balanced_accuracy': Metric(
        lambda scores, labels, _: float(np.mean(recalls(scores, labels) or [0.0]))
    ),
    'worst_recall': Metric(lambda scores, labels, _: min(recalls(scores, labels), default=0.0)),
    'within_one_band': Metric(
        lambda *given: float((band_errors(*given) <= 1).mean()), is_for_ordered=True
    ),
    'mean_band_error': Metric(
        lambda *given: float(band_errors(*given).mean()),
        is_for_ordered=True,
        is_better_higher=False,
    ),
}
"""Metrics by name; those of ordered classes are computed where the classes are bands."""


def metrics_for(classes: Sequence[str]) -> dict[str, Metric]:
    """Return the metrics that classes of this kind have."""
    is_ordered = band_ranks(classes) is not None
    return {name: each for name, each in METRICS.items() if is_ordered or not each.is_for_ordered}


def summarise(scores: Mapping[str, NDArray[np.float32]], faces: FaceSet) -> dict[str, float]:
    """
    Return every metric of every head, as 'attribute.metric'.

    A head is also compared with other labels over its classes, as 'attribute.accuracy_on_other'.

    :param scores: (N, C) by attribute, in the order of the labels' classes
    """
    summary: dict[str, float] = {}
    for name, rows in scores.items():
        for other, labels in faces.labels.items():
            if not (labels.indices != UNLABELLED).any():
                continue
            if other == name:
                for metric, each in metrics_for(labels.classes).items():
                    summary[f'{name}.{metric}'] = each.compute(
                        rows, labels.indices, labels.classes
                    )
            elif name in faces.labels and labels.classes == faces.labels[name].classes:
                summary[f'{name}.accuracy_on_{other}'] = accuracy(rows, labels.indices)
    return summary


def check_selected(names: Sequence[str], classes: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """
    Return the metrics by whose mean the best epoch is chosen.

    :param names: as configured; none for the balanced accuracy of every head
    :param classes: of the network, by attribute
    :raises ConfigurationError: if a metric does not exist, or is better when it is lower
    """
    known = [
        f'{attribute}.{metric}'
        for attribute, each in classes.items()
        for metric, found in metrics_for(each).items()
        if found.is_better_higher
    ]
    for name in names:
        if name not in known:
            raise ConfigurationError(
                f'[select] metrics must be of {", ".join(known)}; got {name!r}'
            )
    return tuple(names) or tuple(f'{attribute}.balanced_accuracy' for attribute in classes)


@dataclass(frozen=True)
class ClassFigures:
    """One class: how many there are, precision, recall and their harmonic mean."""

    label: str
    count: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class Figures:
    """
    What is known about one attribute.

    ``interval`` is the 95 % interval of the accuracy. ``surely_wrong`` is the share that is wrong
    with a probability of ``SURE`` and more. ``metrics`` are by name; ``log_loss`` is in nats.
    ``confusion`` has a row for each true class and a column for each predicted one;
    ``reliability`` a row for each bin of confidence, with count, confidence and accuracy.
    """

    faces: int
    accuracy: float
    interval: tuple[float, float]
    surely_wrong: float
    calibration_error: float
    log_loss: float
    metrics: dict[str, float]
    classes: tuple[ClassFigures, ...]
    confusion: list[list[int]]
    reliability: list[list[float]]


def wilson_interval(hits: int, count: int) -> tuple[float, float]:
    """
    Return the 95 % interval of a share.

    Source: Wilson: Probable inference, the law of succession, and statistical inference, 1927.

    :returns: low and high; 0 and 1 where nothing was counted
    """
    if not count:
        return 0.0, 1.0
    z, share = 1.96, hits / count
    middle = share + z * z / (2 * count)
    spread = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    scale = 1 + z * z / count
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def confusion_matrix(predicted: Indices, labels: Indices, classes: int) -> Indices:
    """Return (C, C) counts, a row for each true class and a column for each predicted one."""
    matrix = np.zeros((classes, classes), np.int64)
    np.add.at(matrix, (labels, predicted), 1)
    return matrix


def surely_wrong(probabilities: Probabilities, labels: Indices) -> float:
    """Return the share of labelled faces that are wrong with ``SURE`` and more; 0 of none."""
    known = labels != UNLABELLED
    rows = probabilities[known]
    wrong = (rows.argmax(1) != labels[known]) & (rows.max(1) >= SURE)
    return float(wrong.mean()) if known.any() else 0.0


def compute_figures(
    probabilities: Probabilities, labels: Indices, names: Sequence[str]
) -> Figures:
    """
    Return all figures over the labelled faces.

    :param names: of the classes
    :raises DataError: if no face has a label
    """
    known = labels != UNLABELLED
    probabilities, labels = probabilities[known], labels[known]
    if not len(labels):
        raise DataError('there is no labelled face to evaluate on')
    matrix = confusion_matrix(probabilities.argmax(1).astype(np.int64), labels, len(names))
    hits, truths, predicted = matrix.diagonal(), matrix.sum(1), matrix.sum(0)
    classes = []
    for index, name in enumerate(names):
        precision = float(hits[index] / predicted[index]) if predicted[index] else 0.0
        recall = float(hits[index] / truths[index]) if truths[index] else 0.0
        total = precision + recall
        f1 = 2 * precision * recall / total if total else 0.0
        classes.append(ClassFigures(name, int(truths[index]), precision, recall, f1))
    correct, count = int(hits.sum()), len(labels)
    return Figures(
        faces=count,
        accuracy=correct / count,
        interval=wilson_interval(correct, count),
        surely_wrong=surely_wrong(probabilities, labels),
        calibration_error=calibration_error(probabilities, labels),
        log_loss=log_loss(probabilities, labels),
        metrics={
            name: metric.compute(probabilities, labels, names)
            for name, metric in metrics_for(names).items()
        },
        classes=tuple(classes),
        confusion=matrix.tolist(),
        reliability=reliability(probabilities, labels).tolist(),
    )
