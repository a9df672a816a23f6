"""
Matching of predictions to annotated faces, precision, recall and average precision.

What counts:

- A prediction is true where it overlaps a face that counts, and that no prediction of higher score
  has taken: the one of highest score chooses first, the face that it overlaps most.
- A prediction that overlaps only what is neutral (a face too small to count, an ignored region) is
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
"""What :func:`match` returns for a prediction that is on no face."""


def match(
    predictions: BoxesXYXY, faces: BoxesXYXY, counts: NDArray[np.bool_], min_iou: float
) -> NDArray[np.int64]:
    """
    Match the predictions in one picture to its faces.

    :param predictions: (N, 4), the one of highest score first
    :param faces: (M, 4) annotated, neutral or not
    :param counts: (M,) whether to find it; the others are neutral
    :param min_iou: intersection over union from which on a prediction is on a face
    :returns: (N,) index of the face, :data:`FALSE` or :data:`NEUTRAL`
    """
    matched = np.full(len(predictions), FALSE, np.int64)
    if not len(faces):
        return matched
    overlaps = iou_matrix(predictions, faces)
    is_free = counts.copy()
    for index, row in enumerate(overlaps):
        best = int(np.where(is_free, row, -1.0).argmax())
        if is_free[best] and row[best] >= min_iou:
            is_free[best] = False
            matched[index] = best
        elif (row[~counts] >= min_iou).any():
            matched[index] = NEUTRAL
    return matched


@dataclass(frozen=True)
class PrecisionRecall:
    """
    Precision and recall as the threshold falls, a point for each prediction that counts.

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
        """Share of the faces that is found with every prediction taken."""
        return float(self.recall[-1]) if len(self.recall) else 0.0

    def at(self, min_score: float) -> tuple[float, float]:
        """Return precision and recall at a threshold; precision 1 where nothing is predicted."""
        taken = int((self.scores >= min_score).sum())
        if not taken:
            return 1.0, 0.0
        return float(self.precision[taken - 1]), float(self.recall[taken - 1])


def precision_recall(
    scores: NDArray[np.float64], matched: NDArray[np.int64], faces: int
) -> PrecisionRecall:
    """
    Return the curve over all pictures.

    :param scores: (N,) of every prediction
    :param matched: (N,) what :func:`match` returns for it
    :param faces: how many there are to find
    """
    counted = matched != NEUTRAL
    scores, hits = scores[counted], matched[counted] >= 0
    order = np.argsort(-scores, kind='stable')
    found = np.cumsum(hits[order])
    return PrecisionRecall(
        scores=scores[order],
        precision=found / np.arange(1, len(found) + 1),
        recall=found / max(faces, 1),
    )
