"""Figures from probabilities and labels."""

from __future__ import annotations

from dataclasses import dataclass
import math

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import Probabilities
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.faces import UNLABELLED
from rtcnn_perception.training.tasks.attributes.calibration import calibration_error
from rtcnn_perception.training.tasks.attributes.calibration import reliability


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

    ``log_loss`` is the mean of the negative logarithm of what the true class was given, in nats.
    ``confusion`` has a row for each true class and a column for each answer; ``reliability`` a row
    for each bin of confidence, with count, confidence and accuracy.
    """

    faces: int
    accuracy: float
    interval: tuple[float, float]
    balanced_accuracy: float
    calibration_error: float
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
    z, share = 1.96, hits / count
    middle = share + z * z / (2 * count)
    spread = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    scale = 1 + z * z / count
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def confusion_matrix(
    answers: NDArray[np.int64], labels: NDArray[np.int64], classes: int
) -> NDArray[np.int64]:
    """Return (C, C) counts, a row for each true class and a column for each answer."""
    matrix = np.zeros((classes, classes), np.int64)
    np.add.at(matrix, (labels, answers), 1)
    return matrix


def log_loss(probabilities: Probabilities, labels: NDArray[np.int64]) -> float:
    """Return the mean of -log p of the true class, in nats; no p counts as less than 1e-7."""
    given = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(given, 1e-7)).mean())


def judge_figures(
    probabilities: Probabilities, labels: NDArray[np.int64], names: tuple[str, ...]
) -> Figures:
    """
    Return all figures over the labelled faces.

    :raises DataError: if no face has a label
    """
    known = labels != UNLABELLED
    probabilities, labels = probabilities[known], labels[known]
    if not len(labels):
        raise DataError('there is no labelled face to judge by')
    matrix = confusion_matrix(probabilities.argmax(1).astype(np.int64), labels, len(names))
    hits, truths, answers = matrix.diagonal(), matrix.sum(1), matrix.sum(0)
    classes = []
    for index, name in enumerate(names):
        precision = float(hits[index] / answers[index]) if answers[index] else 0.0
        recall = float(hits[index] / truths[index]) if truths[index] else 0.0
        total = precision + recall
        f1 = 2 * precision * recall / total if total else 0.0
        classes.append(ClassFigures(name, int(truths[index]), precision, recall, f1))
    right, count = int(hits.sum()), len(labels)
    return Figures(
        faces=count,
        accuracy=right / count,
        interval=wilson_interval(right, count),
        balanced_accuracy=float(np.mean([c.recall for c in classes if c.count])),
        calibration_error=calibration_error(probabilities, labels),
        log_loss=log_loss(probabilities, labels),
        classes=tuple(classes),
        confusion=matrix.tolist(),
        reliability=reliability(probabilities, labels).tolist(),
    )


@dataclass(frozen=True)
class GroupFigures:
    """How well a group of people is judged."""

    group: str
    count: int
    accuracy: float
    interval: tuple[float, float]


AGE_BANDS = ((0, 9), (10, 15), (16, 29), (30, 44), (45, 59), (60, 150))
RACES = ('white', 'black', 'Asian', 'Indian', 'other')
"""The words of UTKFace's file names, in the order of its numbers; what annotators wrote down."""


def share_in(group: str, hits: NDArray[np.bool_], chosen: NDArray[np.bool_]) -> GroupFigures:
    """Return the accuracy of the chosen faces."""
    right, count = int(hits[chosen].sum()), int(chosen.sum())
    return GroupFigures(
        group, count, right / count if count else 0.0, wilson_interval(right, count)
    )


def people_figures(
    hits: NDArray[np.bool_], ages: NDArray[np.int64], races: NDArray[np.int64]
) -> dict[str, tuple[GroupFigures, ...]]:
    """
    Return accuracy for each age band and, from age 16, for each race group that occurs.

    :param hits: (N,) whether each face was judged right
    :param ages: (N,) years, -1 where unknown
    :param races: (N,) as UTKFace numbers them, -1 where unknown
    """
    bands = [
        share_in(f'{low} to {high}' if high < 150 else f'{low} and over', hits, inside)
        for low, high in AGE_BANDS
        if (inside := (ages >= low) & (ages <= high)).any()
    ]
    groups = [
        share_in(name, hits, inside)
        for number, name in enumerate(RACES)
        if (inside := (races == number) & (ages >= 16)).any()
    ]
    return {'age': tuple(bands), 'race': tuple(groups)}


def gap(groups: tuple[GroupFigures, ...]) -> float:
    """Return the difference between the best and the worst group, 0 where there is none."""
    shares = [group.accuracy for group in groups]
    return max(shares) - min(shares) if shares else 0.0
