"""Pictures whose faces nobody marked: what one detector finds of what another does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rtcnn_perception.core.detection.base import Detector
from rtcnn_perception.training.data.photographs import Photograph
from rtcnn_perception.training.data.pictures import COLOR
from rtcnn_perception.training.data.pictures import read_picture
from rtcnn_perception.training.tasks.detector.figures import MIN_HEIGHTS
from rtcnn_perception.training.tasks.detector.figures import true_boxes
from rtcnn_perception.training.tasks.detector.metrics import match
from rtcnn_perception.training.tasks.detector.predictions import Marks


@dataclass(frozen=True)
class RivalFigures:
    """How many of the faces that another detector finds in a picture are found."""

    picture: str
    width: int
    faces: int
    found: int


def marked_by(rival: Detector, path: Path, width: int) -> Photograph:
    """
    Return a picture with what a detector finds in it as its faces.

    Those lower than the least of ``MIN_HEIGHTS``, as the detector sees them, are ignored.

    :param width: from which on the detector shrinks the picture, in pixels
    :raises DataError: if the picture cannot be read
    """
    image = read_picture(path, COLOR)
    marks = Marks.of(rival.detect(image))
    shrunk = min(1.0, width / image.shape[1])
    is_fit = (marks.boxes[:, 3] - marks.boxes[:, 1]) * shrunk >= MIN_HEIGHTS[0]
    return Photograph(
        path=path,
        width=image.shape[1],
        height=image.shape[0],
        boxes=marks.boxes[is_fit].astype(np.float32),
        scores=marks.scores[is_fit].astype(np.float32),
        landmarks=marks.landmarks[is_fit].astype(np.float32),
        ignored=marks.boxes[~is_fit].astype(np.float32),
        split='test',
    )


def against(
    photographs: Sequence[Photograph], marks: Sequence[Marks], *, width: int, min_iou: float
) -> tuple[RivalFigures, ...]:
    """
    Count what is found of what another detector found.

    :param photographs: as :func:`marked_by` gives them
    """
    figures = []
    for photograph, marked in zip(photographs, marks, strict=True):
        answers = match(marked.boxes, *true_boxes(photograph, 0.0), min_iou)
        figures.append(
            RivalFigures(
                photograph.path.name, width, len(photograph.boxes), int((answers >= 0).sum())
            )
        )
    return tuple(figures)
