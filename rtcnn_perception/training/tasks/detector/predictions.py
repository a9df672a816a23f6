"""The predictions of a detector on photographs, and what it finds of those of a baseline."""

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
from rtcnn_perception.core.geometry.boxes import boxes_to_array
from rtcnn_perception.core.geometry.landmarks import FIVE_POINTS
from rtcnn_perception.training.data.photographs import Photograph
from rtcnn_perception.training.data.pictures import COLOR
from rtcnn_perception.training.data.pictures import read_picture
from rtcnn_perception.training.tasks.detector.config import MULTIPLE
from rtcnn_perception.training.tasks.detector.metrics import match

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
    """Scale a narrower image up to a width, in pixels; what is wider comes back as it is."""
    height, source_width = image.shape[:2]
    if source_width >= width:
        return image
    size = (width, max(1, round(height * width / source_width)))
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
