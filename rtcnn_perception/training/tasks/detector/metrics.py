"""
Which of the faces that a detector marks are true, and how good that is over all thresholds.

What counts:

- A mark is true where it overlaps a face that counts, and that no surer mark has taken: the surest
  chooses first, and takes the face that it overlaps most.
- A mark that overlaps only what is neutral (a face too small to count, an ignored region) is
  neither true nor false, however many there are.
- Any other is false, whatever its size; so is the second on one face.

Source: Everingham, Van Gool, Williams, Winn, Zisserman: The PASCAL visual object classes (VOC)
challenge, 2010, section 4.2, with the area under the whole interpolated curve as since VOC 2010.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import BoxesXYXY
from rtcnn_perception.core.geometry.boxes import iou_matrix

FALSE, NEUTRAL = -1, -2
"""What :func:`match` says of a mark that is on no face."""


def match(
    marks: BoxesXYXY, faces: BoxesXYXY, counts: NDArray[np.bool_], min_iou: float
) -> NDArray[np.int64]:
    """
    Say for each mark in one picture which face it is on.

    :param marks: (N, 4), the surest first
    :param faces: (M, 4) what is marked by hand, neutral or not
    :param counts: (M,) whether to find it; the others are neutral
    :param min_iou: intersection over union from which on a mark is on a face
    :returns: (N,) index of the face, :data:`FALSE` or :data:`NEUTRAL`
    """
    answers = np.full(len(marks), FALSE, np.int64)
    if not len(faces):
        return answers
    overlaps = iou_matrix(marks, faces)
    is_free = counts.copy()
    for index, row in enumerate(overlaps):
        best = int(np.where(is_free, row, -1.0).argmax())
        if is_free[best] and row[best] >= min_iou:
            is_free[best] = False
            answers[index] = best
        elif (row[~counts] >= min_iou).any():
            answers[index] = NEUTRAL
    return answers


@dataclass(frozen=True)
class PrecisionRecall:
    """
    Precision and recall as the threshold falls, a point for each mark that counts.

    ``precision`` is not smoothed; ``average_precision`` is the area under the curve that has at
    each recall the best precision of that recall and above.
    """

    scores: NDArray[np.float64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]

    @property
    def average_precision(self) -> float:
        """Area under the interpolated curve; 0 where nothing was found."""
        steps = np.diff(self.recall, prepend=0.0)
        return float((steps * self.interpolated).sum())

    @property
    def interpolated(self) -> NDArray[np.float64]:
        """At each point the best precision there and further on."""
        return np.maximum.accumulate(self.precision[::-1])[::-1]

    @property
    def highest_recall(self) -> float:
        """Share of the faces that is found with every mark taken."""
        return float(self.recall[-1]) if len(self.recall) else 0.0

    def at(self, min_score: float) -> tuple[float, float]:
        """Return precision and recall at a threshold; precision 1 where nothing is marked."""
        taken = int((self.scores >= min_score).sum())
        if not taken:
            return 1.0, 0.0
        return float(self.precision[taken - 1]), float(self.recall[taken - 1])


def precision_recall(
    scores: NDArray[np.float64], answers: NDArray[np.int64], faces: int
) -> PrecisionRecall:
    """
    Return the curve over all pictures.

    :param scores: (N,) of every mark
    :param answers: (N,) what :func:`match` says of it
    :param faces: how many there are to find
    """
    counted = answers != NEUTRAL
    scores, hits = scores[counted], answers[counted] >= 0
    order = np.argsort(-scores, kind='stable')
    found = np.cumsum(hits[order])
    return PrecisionRecall(
        scores=scores[order],
        precision=found / np.arange(1, len(found) + 1),
        recall=found / max(faces, 1),
    )
