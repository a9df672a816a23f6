"""Figures from what a detector marks and what is marked by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
import itertools

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import BoxesXYXY
from rtcnn_perception.training.data.photographs import Photograph
from rtcnn_perception.training.tasks.detector.metrics import FALSE
from rtcnn_perception.training.tasks.detector.metrics import match
from rtcnn_perception.training.tasks.detector.metrics import precision_recall
from rtcnn_perception.training.tasks.detector.metrics import PrecisionRecall
from rtcnn_perception.training.tasks.detector.predictions import Marks

MIN_HEIGHTS = (20, 40)
"""Faces count from these heights up, in pixels of the photograph as it lies in the set."""

BAND_EDGES = (10, 20, 40, 80, 160)
"""Heights in pixels that part the faces whose recall is given; the last band has no end."""


@dataclass(frozen=True)
class SizeFigures:
    """Faces of a height in pixels and above: over all thresholds, and at the default one."""

    min_height: int
    faces: int
    average_precision: float
    highest_recall: float
    precision: float
    recall: float


@dataclass(frozen=True)
class BandFigures:
    """Recall at the default threshold of faces from one height up to another, in pixels."""

    name: str
    faces: int
    recall: float


@dataclass(frozen=True)
class Agreement:
    """
    How the true marks lie on their faces, at the default threshold; medians.

    Shifts of the centre are in widths and heights of the face, to the right and down; ``width``
    and ``height`` are those of the mark by the face's. ``landmark_error`` is the mean distance of
    five points by the box's longer side, over ``landmark_faces``; None where nobody knows them.
    """

    faces: int
    shift_right: float
    shift_down: float
    width: float
    height: float
    landmark_faces: int
    landmark_error: float | None


@dataclass(frozen=True)
class NegativeFigures:
    """False faces at the default threshold in photographs that show none."""

    photographs: int
    false_faces: int
    photographs_with_any: int
    false_faces_per_thousand: float


@dataclass(frozen=True)
class WidthFigures:
    """All that is known about a detector at one width in pixels; None where it marks nothing."""

    width: int
    sizes: tuple[SizeFigures, ...]
    bands: tuple[BandFigures, ...]
    agreement: Agreement | None
    negatives: NegativeFigures | None


def true_boxes(photograph: Photograph, min_height: float) -> tuple[BoxesXYXY, NDArray[np.bool_]]:
    """
    Return the boxes that are marked by hand, and which of them count.

    :returns: (N + M, 4), the N faces before the M ignored regions, and (N + M,)
    """
    boxes = np.concatenate([photograph.boxes, photograph.ignored]).astype(np.float64)
    is_face = np.arange(len(boxes)) < len(photograph.boxes)
    return boxes, is_face & (boxes[:, 3] - boxes[:, 1] >= min_height)


def curve(
    photographs: Sequence[Photograph], marks: Sequence[Marks], min_height: float, min_iou: float
) -> tuple[PrecisionRecall, int]:
    """Return precision and recall over all photographs, and how many faces count."""
    scores, answers, faces = scored_answers(photographs, marks, min_height, min_iou)
    return precision_recall(scores, answers, faces), faces


def scored_answers(
    photographs: Sequence[Photograph], marks: Sequence[Marks], min_height: float, min_iou: float
) -> tuple[NDArray[np.float64], NDArray[np.int64], int]:
    """Return every mark's score and what :func:`match` says of it, and how many faces count."""
    answers, faces = [np.empty(0, np.int64)], 0
    for photograph, marked in zip(photographs, marks, strict=True):
        boxes, counts = true_boxes(photograph, min_height)
        answers.append(match(marked.boxes, boxes, counts, min_iou))
        faces += int(counts.sum())
    scores = np.concatenate([np.empty(0), *(marked.scores for marked in marks)])
    return scores, np.concatenate(answers), faces


def width_figures(
    photographs: Sequence[Photograph],
    marks: Sequence[Marks],
    *,
    width: int,
    min_iou: float,
    threshold: float,
) -> WidthFigures:
    """
    Return all figures at one width.

    :param marks: of each photograph, down to a very low score
    :param threshold: the least score of a mark that the pipeline would take
    """
    sizes = []
    for min_height in MIN_HEIGHTS:
        found, faces = curve(photographs, marks, min_height, min_iou)
        sizes.append(
            SizeFigures(
                min_height,
                faces,
                found.average_precision,
                found.highest_recall,
                *found.at(threshold),
            )
        )
    taken = [marked.from_score(threshold) for marked in marks]
    matched = []
    for photograph, marked in zip(photographs, taken, strict=True):
        matched.append(match(marked.boxes, *true_boxes(photograph, BAND_EDGES[0]), min_iou))
    return WidthFigures(
        width=width,
        sizes=tuple(sizes),
        bands=_bands(photographs, matched),
        agreement=_agreement(photographs, taken, matched),
        negatives=_negatives(photographs, taken),
    )


def _bands(
    photographs: Sequence[Photograph], matched: Sequence[NDArray[np.int64]]
) -> tuple[BandFigures, ...]:
    heights, hits = [np.empty(0, np.float32)], [np.empty(0, np.bool_)]
    for photograph, answers in zip(photographs, matched, strict=True):
        heights.append(photograph.boxes[:, 3] - photograph.boxes[:, 1])
        hits.append(np.isin(np.arange(len(photograph.boxes)), answers))
    height, hit = np.concatenate(heights), np.concatenate(hits)
    bands = []
    for low, high in itertools.pairwise((*BAND_EDGES, np.inf)):
        inside = (height >= low) & (height < high)
        name = f'{low} to {high}' if np.isfinite(high) else f'{low} and over'
        if inside.any():
            bands.append(BandFigures(name, int(inside.sum()), float(hit[inside].mean())))
    return tuple(bands)


def _agreement(
    photographs: Sequence[Photograph],
    marks: Sequence[Marks],
    matched: Sequence[NDArray[np.int64]],
) -> Agreement | None:
    shifts, ratios, errors = [], [], []
    for photograph, marked, answers in zip(photographs, marks, matched, strict=True):
        hits = np.flatnonzero(answers >= 0)
        faces = photograph.boxes[answers[hits]].astype(np.float64).reshape(-1, 2, 2)
        found = marked.boxes[hits].reshape(-1, 2, 2)
        sides, found_sides = faces[:, 1] - faces[:, 0], found[:, 1] - found[:, 0]
        shifts.append((found.mean(1) - faces.mean(1)) / sides)
        ratios.append(found_sides / sides)
        apart = marked.landmarks[hits] - photograph.landmarks[answers[hits]]  # (K, 5, 2)
        errors.append(np.linalg.norm(apart, axis=2).mean(1) / sides.max(1))
    if not any(map(len, shifts)):
        return None
    shift, ratio = np.concatenate(shifts), np.concatenate(ratios)
    error = np.concatenate(errors)
    known = error[np.isfinite(error)]
    return Agreement(
        faces=len(shift),
        shift_right=float(np.median(shift[:, 0])),
        shift_down=float(np.median(shift[:, 1])),
        width=float(np.median(ratio[:, 0])),
        height=float(np.median(ratio[:, 1])),
        landmark_faces=len(known),
        landmark_error=float(known.mean()) if len(known) else None,
    )


def _negatives(
    photographs: Sequence[Photograph], marks: Sequence[Marks]
) -> NegativeFigures | None:
    counts = [
        len(marked.boxes)
        for photograph, marked in zip(photographs, marks, strict=True)
        if photograph.is_negative
    ]
    if not counts:
        return None
    total = sum(counts)
    return NegativeFigures(
        photographs=len(counts),
        false_faces=total,
        photographs_with_any=sum(count > 0 for count in counts),
        false_faces_per_thousand=1000 * total / len(counts),
    )


def false_marks(
    photographs: Sequence[Photograph], marks: Sequence[Marks], min_iou: float
) -> list[tuple[int, int]]:
    """
    Return which marks are on nothing at all, the surest first.

    Where there are photographs without a face, only theirs: in others, a face may have been
    forgotten.

    :returns: index of the photograph and of the mark
    """
    has_negatives = any(photograph.is_negative for photograph in photographs)
    found = [
        (index, int(mark))
        for index, (photograph, marked) in enumerate(zip(photographs, marks, strict=True))
        if photograph.is_negative or not has_negatives
        for mark in np.flatnonzero(
            match(marked.boxes, *true_boxes(photograph, 0.0), min_iou) == FALSE
        )
    ]
    return sorted(found, key=lambda at: -marks[at[0]].scores[at[1]])


def missed_faces(
    photographs: Sequence[Photograph], marks: Sequence[Marks], min_iou: float
) -> list[tuple[int, int]]:
    """
    Return which faces no mark is on, the highest first.

    :returns: index of the photograph and of the face
    """
    found = []
    for index, (photograph, marked) in enumerate(zip(photographs, marks, strict=True)):
        answers = match(marked.boxes, *true_boxes(photograph, 0.0), min_iou)
        missed = np.setdiff1d(np.arange(len(photograph.boxes)), answers)
        found += [(index, int(face)) for face in missed]

    def height(at: tuple[int, int]) -> float:
        box = photographs[at[0]].boxes[at[1]]
        return float(box[3] - box[1])

    return sorted(found, key=height, reverse=True)
