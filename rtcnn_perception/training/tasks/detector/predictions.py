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

"""
The predictions of a detector, matched to annotated faces; precision, recall, average precision.

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

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import BoxesXYXY
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.detection.base import Detector
from rtcnn_perception.core.detection.base import MOST_HIGH
from rtcnn_perception.core.geometry.boxes import boxes_to_array
from rtcnn_perception.core.geometry.boxes import iou_matrix
from rtcnn_perception.core.geometry.landmarks import FIVE_POINTS
from rtcnn_perception.training.data.photographs import Photograph
from rtcnn_perception.training.data.pictures import COLOR
from rtcnn_perception.training.data.pictures import read_picture
from rtcnn_perception.training.tasks.detector.config import MULTIPLE

MIN_HEIGHTS = (20, 40)
"""Faces count from these heights up, in pixels of the photograph as it is in the set."""


def annotated_boxes(
    photograph: Photograph, min_height: float
) -> tuple[BoxesXYXY, NDArray[np.bool_]]:
    """
    Return the annotated boxes, and which of them count.

    :returns: (N + M, 4), the N faces before the M ignored regions, and (N + M,)
    """
    boxes = np.concatenate([photograph.boxes, photograph.ignored]).astype(np.float64)
    is_face = np.arange(len(boxes)) < len(photograph.boxes)
    return boxes, is_face & (boxes[:, 3] - boxes[:, 1] >= min_height)


@dataclass(frozen=True)
class Predictions:
    """
    The faces that a detector finds in one picture, by falling score, in pixels of the picture.

    ``boxes`` are (N, 4), ``scores`` (N,), ``landmarks`` (N, 5, 2) with NaN where there are none.
    """

    boxes: BoxesXYXY
    scores: NDArray[np.float64]
    landmarks: NDArray[np.float64]

    @classmethod
    def of(cls, detector: Detector, image: ImageBGR, scale: float = 1.0) -> Predictions:
        """
        Run a detector; landmarks other than the five points count as unknown.

        :param scale: pixels of the picture for one of the image
        """
        detections = detector.detect(image)
        unknown, is_known = np.full((5, 2), np.nan), detector.landmark_names == FIVE_POINTS
        points = [
            d.landmarks if is_known and d.landmarks is not None else unknown for d in detections
        ]
        return cls(
            boxes_to_array(tuple(d.box for d in detections)) * scale,
            np.array([d.score for d in detections], np.float64),
            np.array(points, np.float64).reshape(-1, 5, 2) * scale,
        )

    def match(
        self, photograph: Photograph, min_height: float, min_iou: float
    ) -> NDArray[np.int64]:
        """Match them to the annotated faces of a height and above, as :func:`match` does."""
        return match(self.boxes, *annotated_boxes(photograph, min_height), min_iou)

    def from_score(self, min_score: float) -> Predictions:
        """Return those of this score and above, as the detector gives them at that threshold."""
        count = int((self.scores >= min_score).sum())
        return Predictions(self.boxes[:count], self.scores[:count], self.landmarks[:count])


def enlarge_to_width(image: ImageBGR, width: int) -> ImageBGR:
    """
    Scale a narrower image up to a width, in pixels; what is wider comes back as it is.

    No image becomes higher than a detector's input at that width.
    """
    height, source_width = image.shape[:2]
    scale = min(width / source_width, MOST_HIGH * width / height)
    if scale <= 1.0:
        return image
    size = (round(source_width * scale), round(height * scale))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def padded_input(image: ImageBGR) -> NDArray[np.uint8]:
    """Return an image as the network takes it, (1, H, W, 3): black at the right and below."""
    height, width = (-(-side // MULTIPLE) * MULTIPLE for side in image.shape[:2])
    padded = np.zeros((1, height, width, 3), np.uint8)
    padded[0, : image.shape[0], : image.shape[1]] = image
    return padded


def predict_faces(
    detector: Detector, photographs: Iterable[Photograph], width: int
) -> Iterator[Predictions]:
    """
    Give the predictions of a detector for each photograph.

    :param detector: one that shrinks to ``width``; detectors never enlarge, which is done here
    :param width: of every photograph as the detector takes it, in pixels
    :raises DataError: if a photograph cannot be read
    """
    for photograph in photographs:
        image = photograph.read()
        shown = enlarge_to_width(image, width)
        yield Predictions.of(detector, shown, image.shape[1] / shown.shape[1])


@dataclass(frozen=True)
class BaselineFigures:
    """How many of the faces that a baseline finds in a picture are found."""

    picture: str
    width: int
    faces: int
    found: int


def annotated_by(baseline: Detector, path: Path, width: int) -> Photograph:
    """
    Return a picture with the predictions of a detector as its annotations.

    Those lower than the least of ``MIN_HEIGHTS``, as the detector takes them, are ignored.

    :param width: from which on the detector shrinks the picture, in pixels
    :raises DataError: if the picture cannot be read
    """
    image = read_picture(path, COLOR)
    found = Predictions.of(baseline, image)
    shrunk = min(1.0, width / image.shape[1])
    is_fit = (found.boxes[:, 3] - found.boxes[:, 1]) * shrunk >= MIN_HEIGHTS[0]
    return Photograph(
        path=path,
        width=image.shape[1],
        height=image.shape[0],
        boxes=found.boxes[is_fit].astype(np.float32),
        scores=found.scores[is_fit].astype(np.float32),
        landmarks=found.landmarks[is_fit].astype(np.float32),
        ignored=found.boxes[~is_fit].astype(np.float32),
        split='test',
    )


def compare(
    photographs: Sequence[Photograph],
    predictions: Sequence[Predictions],
    *,
    width: int,
    min_iou: float,
) -> tuple[BaselineFigures, ...]:
    """
    Count how many of the faces of a baseline are found.

    :param photographs: as :func:`annotated_by` returns them
    """
    figures = []
    for photograph, predicted in zip(photographs, predictions, strict=True):
        found = int((predicted.match(photograph, 0.0, min_iou) >= 0).sum())
        figures.append(BaselineFigures(photograph.path.name, width, len(photograph.boxes), found))
    return tuple(figures)


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
