"""What a detector marks in photographs that are shown to it at a given width."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import BoxesXYXY
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.detection.base import Detection
from rtcnn_perception.core.detection.base import Detector
from rtcnn_perception.core.geometry.boxes import boxes_to_array
from rtcnn_perception.training.data.photographs import Photograph


@dataclass(frozen=True)
class Marks:
    """
    The faces that a detector sees in one picture, the surest first, in pixels of the picture.

    ``boxes`` are (N, 4), ``scores`` (N,), ``landmarks`` (N, 5, 2) with NaN where there are none.
    """

    boxes: BoxesXYXY
    scores: NDArray[np.float64]
    landmarks: NDArray[np.float64]

    @classmethod
    def of(cls, detections: tuple[Detection, ...], scale: float = 1.0) -> Marks:
        """
        Gather detections.

        :param scale: pixels of the picture for one of the image that the detector saw
        """
        unknown = np.full((5, 2), np.nan)
        points = [unknown if d.landmarks is None else d.landmarks for d in detections]
        return cls(
            boxes_to_array(tuple(d.box for d in detections)) * scale,
            np.array([d.score for d in detections], np.float64),
            np.array(points, np.float64).reshape(-1, 5, 2) * scale,
        )

    def from_score(self, min_score: float) -> Marks:
        """Return those of this score and above, as the detector gives them at that threshold."""
        count = int((self.scores >= min_score).sum())
        return Marks(self.boxes[:count], self.scores[:count], self.landmarks[:count])


def enlarge_to_width(image: ImageBGR, width: int) -> ImageBGR:
    """Scale a narrower image up to a width, in pixels; what is wider comes back as it is."""
    height, source_width = image.shape[:2]
    if source_width >= width:
        return image
    size = (width, max(1, round(height * width / source_width)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def mark_faces(
    detector: Detector, photographs: Iterable[Photograph], width: int
) -> Iterator[Marks]:
    """
    Give what a detector marks in each photograph.

    :param detector: one that shrinks to ``width``; detectors never enlarge, which is done here
    :param width: of every photograph as the detector sees it, in pixels
    :raises DataError: if a photograph cannot be read
    """
    for photograph in photographs:
        image = photograph.read()
        shown = enlarge_to_width(image, width)
        yield Marks.of(detector.detect(shown), image.shape[1] / shown.shape[1])
