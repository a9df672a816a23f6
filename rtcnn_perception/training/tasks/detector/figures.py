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

"""Figures from the predictions of a detector and the annotations of photographs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
import itertools

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.training.data.photographs import Photograph
from rtcnn_perception.training.tasks.detector.predictions import annotated_boxes
from rtcnn_perception.training.tasks.detector.predictions import FALSE
from rtcnn_perception.training.tasks.detector.predictions import MIN_HEIGHTS
from rtcnn_perception.training.tasks.detector.predictions import precision_recall
from rtcnn_perception.training.tasks.detector.predictions import PrecisionRecall
from rtcnn_perception.training.tasks.detector.predictions import Predictions

BAND_EDGES = (10, 20, 40, 80, 160)
"""Limits in pixels of the bands of height whose recall is given; the last band has no end."""


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
    How true predictions fit their faces, at the default threshold; medians.

    Shifts of the centre are in widths and heights of the face, to the right and down; ``width``
    and ``height`` are those of the prediction by the face's. ``landmark_error`` is the mean
    distance of five points by the box's longer side, over ``landmark_faces``; None where they are
    unknown.
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
    """All figures of a detector at one width in pixels; none where there is nothing to count."""

    width: int
    sizes: tuple[SizeFigures, ...]
    bands: tuple[BandFigures, ...]
    agreement: Agreement | None
    negatives: NegativeFigures | None


def curve(
    photographs: Sequence[Photograph],
    predictions: Sequence[Predictions],
    min_height: float,
    min_iou: float,
) -> tuple[PrecisionRecall, int]:
    """Return precision and recall over all photographs, and how many faces count."""
    scores, matched, faces = matched_scores(photographs, predictions, min_height, min_iou)
    return precision_recall(scores, matched, faces), faces


def average_precisions(
    photographs: Sequence[Photograph], predictions: Sequence[Predictions], min_iou: float
) -> dict[str, float]:
    """Return the average precision of faces of each of ``MIN_HEIGHTS`` and more, by name."""
    return {
        f'average_precision_{height}': found.average_precision
        for height in MIN_HEIGHTS
        for found, _ in [curve(photographs, predictions, height, min_iou)]
    }


def matched_scores(
    photographs: Sequence[Photograph],
    predictions: Sequence[Predictions],
    min_height: float,
    min_iou: float,
) -> tuple[NDArray[np.float64], NDArray[np.int64], int]:
    """Return the score and the match of every prediction, and how many faces count."""
    matched = [
        predicted.match(photograph, min_height, min_iou)
        for photograph, predicted in zip(photographs, predictions, strict=True)
    ]
    faces = sum(int(annotated_boxes(each, min_height)[1].sum()) for each in photographs)
    scores = np.concatenate([np.empty(0), *(predicted.scores for predicted in predictions)])
    return scores, np.concatenate([np.empty(0, np.int64), *matched]), faces


def width_figures(
    photographs: Sequence[Photograph],
    predictions: Sequence[Predictions],
    *,
    width: int,
    min_iou: float,
    threshold: float,
) -> WidthFigures:
    """
    Return all figures at one width.

    :param predictions: for each photograph, down to a very low score
    :param threshold: the lowest score that the pipeline would take
    """
    sizes = []
    for height in MIN_HEIGHTS:
        found, faces = curve(photographs, predictions, height, min_iou)
        if not faces:
            continue
        overall = found.average_precision, found.highest_recall
        sizes.append(SizeFigures(height, faces, *overall, *found.at(threshold)))
    taken = [predicted.from_score(threshold) for predicted in predictions]
    matched = [
        predicted.match(photograph, BAND_EDGES[0], min_iou)
        for photograph, predicted in zip(photographs, taken, strict=True)
    ]
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
    hits = [
        np.isin(np.arange(len(photograph.boxes)), found)
        for photograph, found in zip(photographs, matched, strict=True)
    ]
    boxes = np.concatenate([np.empty((0, 4)), *(photograph.boxes for photograph in photographs)])
    height, hit = boxes[:, 3] - boxes[:, 1], np.concatenate([np.empty(0, np.bool_), *hits])
    bands = []
    for low, high in itertools.pairwise((*BAND_EDGES, np.inf)):
        inside = (height >= low) & (height < high)
        name = f'{low} to {high}' if np.isfinite(high) else f'{low} and over'
        if inside.any():
            bands.append(BandFigures(name, int(inside.sum()), float(hit[inside].mean())))
    return tuple(bands)


def _agreement(
    photographs: Sequence[Photograph],
    predictions: Sequence[Predictions],
    matched: Sequence[NDArray[np.int64]],
) -> Agreement | None:
    shifts, ratios, errors = [], [], []
    for photograph, predicted, faces_of in zip(photographs, predictions, matched, strict=True):
        hits = np.flatnonzero(faces_of >= 0)
        faces = photograph.boxes[faces_of[hits]].astype(np.float64).reshape(-1, 2, 2)
        found = predicted.boxes[hits].reshape(-1, 2, 2)
        sides, found_sides = faces[:, 1] - faces[:, 0], found[:, 1] - found[:, 0]
        shifts.append((found.mean(1) - faces.mean(1)) / sides)
        ratios.append(found_sides / sides)
        apart = predicted.landmarks[hits] - photograph.landmarks[faces_of[hits]]  # (K, 5, 2)
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
    photographs: Sequence[Photograph], predictions: Sequence[Predictions]
) -> NegativeFigures | None:
    counts = [
        len(predicted.boxes)
        for photograph, predicted in zip(photographs, predictions, strict=True)
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


def false_predictions(
    photographs: Sequence[Photograph], predictions: Sequence[Predictions], min_iou: float
) -> list[tuple[int, int]]:
    """
    Return which predictions are on nothing at all, by falling score.

    Where there are photographs without a face, only theirs: in others, a face may lack its
    annotation.

    :returns: index of the photograph and of the prediction
    """
    has_negatives = any(photograph.is_negative for photograph in photographs)
    found = [
        (index, int(number))
        for index, (photograph, predicted) in enumerate(zip(photographs, predictions, strict=True))
        if photograph.is_negative or not has_negatives
        for number in np.flatnonzero(predicted.match(photograph, 0.0, min_iou) == FALSE)
    ]
    return sorted(found, key=lambda at: -predictions[at[0]].scores[at[1]])


def missed_faces(
    photographs: Sequence[Photograph], predictions: Sequence[Predictions], min_iou: float
) -> list[tuple[int, int]]:
    """
    Return which faces no prediction is on, the highest first.

    :returns: index of the photograph and of the face
    """
    found = []
    for index, (photograph, predicted) in enumerate(zip(photographs, predictions, strict=True)):
        heights = photograph.boxes[:, 3] - photograph.boxes[:, 1]
        matched = predicted.match(photograph, 0.0, min_iou)
        missed = np.setdiff1d(np.arange(len(heights)), matched)
        found += [(-float(heights[face]), index, int(face)) for face in missed]
    return [(index, face) for _, index, face in sorted(found)]
