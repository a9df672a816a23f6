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

"""Metrics of attribute networks, by the kind of their classes: any, or ordered ones."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import Probabilities
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.training.data.classes import band_ranks
from rtcnn_perception.training.data.classes import same_attribute
from rtcnn_perception.training.data.classes import UNLABELLED
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.data.faces import Indices
from rtcnn_perception.training.data.faces import Labels
from rtcnn_perception.training.tasks.attributes.calibration import calibration_error
from rtcnn_perception.training.tasks.attributes.calibration import log_loss
from rtcnn_perception.training.tasks.attributes.calibration import reliability
from scipy import stats

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
    """
    How a metric is computed from scores (N, C), labels (N,) and class names.

    Faces of one class say nothing of a metric that ``is_over_classes``.
    """

    compute: Callable[[NDArray[np.float32], Indices, Sequence[str]], float]
    is_for_ordered: bool = False
    is_better_higher: bool = True
    is_over_classes: bool = False


METRICS: Mapping[str, Metric] = {
    'accuracy': Metric(lambda scores, labels, _: accuracy(scores, labels)),
    'balanced_accuracy': Metric(
        lambda scores, labels, _: float(np.mean(recalls(scores, labels) or [0.0])),
        is_over_classes=True,
    ),
    'worst_recall': Metric(
        lambda scores, labels, _: min(recalls(scores, labels), default=0.0), is_over_classes=True
    ),
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

    A head is also compared with the votes on its attribute, and one of votes with its labels, as
    'attribute.accuracy_on_other'.

    :param scores: (N, C) by attribute, in the order of the labels' classes
    """
    summary: dict[str, float] = {}
    for name, rows in scores.items():
        for other, labels in faces.labels.items():
            if not has_labels(faces, other):
                continue
            if other == name:
                for metric, each in metrics_for(labels.classes).items():
                    summary[f'{name}.{metric}'] = each.compute(
                        rows, labels.indices, labels.classes
                    )
            elif same_attribute(name, other) and _has_classes_of(faces, name, labels):
                same = labels.with_classes(faces.labels[name].classes, name)
                summary[f'{name}.accuracy_on_{other}'] = accuracy(rows, same.indices)
    return summary


def summarise_part(scores: Mapping[str, NDArray[np.float32]], faces: FaceSet) -> dict[str, float]:
    """Return the same, without metrics over all classes where the faces are of one alone."""
    summary = summarise(scores, faces)
    for name, labels in faces.labels.items():
        if len(np.unique(labels.indices[labels.indices != UNLABELLED])) == 1:
            for metric, each in METRICS.items():
                if each.is_over_classes:
                    summary.pop(f'{name}.{metric}', None)
    return summary


def _has_classes_of(faces: FaceSet, name: str, labels: Labels) -> bool:
    return name in faces.labels and set(labels.classes) == set(faces.labels[name].classes)


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
class GroupFigures:
    """
    The figures of a group of faces.

    ``interval`` is the 95 % interval of the accuracy; ``surely_wrong`` the share that is wrong
    with a probability of ``SURE`` and more.
    """

    group: str
    faces: int
    accuracy: float
    interval: tuple[float, float]
    surely_wrong: float
    calibration_error: float


@dataclass(frozen=True)
class ClassFigures:
    """One class: how many faces it has, precision, recall and their harmonic mean."""

    label: str
    faces: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class Figures(GroupFigures):
    """
    The figures of one attribute.

    ``log_loss`` is in nats; ``confusion`` has a row for each true class and a column for each
    predicted one; ``reliability`` a row for each bin of confidence, with count, confidence and
    accuracy.
    """

    log_loss: float
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
    found = stats.binomtest(hits, count).proportion_ci(method='wilson')
    return float(found.low), float(found.high)


def surely_wrong(probabilities: Probabilities, labels: Indices) -> float:
    """Return the share of labelled faces that are wrong with ``SURE`` and more; 0 of none."""
    known = labels != UNLABELLED
    rows = probabilities[known]
    wrong = (rows.argmax(1) != labels[known]) & (rows.max(1) >= SURE)
    return float(wrong.mean()) if known.any() else 0.0


def figures_of(name: str, probabilities: Probabilities, labels: Indices) -> GroupFigures:
    """Return the figures of a group of faces, all labelled."""
    correct, count = int((probabilities.argmax(1) == labels).sum()), len(labels)
    return GroupFigures(
        group=name,
        faces=count,
        accuracy=correct / count if count else 0.0,
        interval=wilson_interval(correct, count),
        surely_wrong=surely_wrong(probabilities, labels),
        calibration_error=calibration_error(probabilities, labels),
    )


def has_labels(faces: FaceSet, attribute: str) -> bool:
    """Return whether any of the faces has a label of an attribute."""
    labels = faces.labels.get(attribute)
    return labels is not None and bool((labels.indices != UNLABELLED).any())


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
    matrix = np.zeros((len(names), len(names)), np.int64)
    np.add.at(matrix, (labels, probabilities.argmax(1)), 1)
    columns = matrix.diagonal(), matrix.sum(1), matrix.sum(0)
    hits, truths, predicted = (column.tolist() for column in columns)
    classes = []
    for name, hit, truth, found in zip(names, hits, truths, predicted, strict=True):
        precision, recall = hit / max(found, 1), hit / max(truth, 1)
        f1 = 2 * hit / max(truth + found, 1)
        classes.append(ClassFigures(name, truth, precision, recall, f1))
    return Figures(
        **vars(figures_of('all', probabilities, labels)),
        log_loss=log_loss(probabilities, labels),
        classes=tuple(classes),
        confusion=matrix.tolist(),
        reliability=reliability(probabilities, labels).tolist(),
    )
