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
What a detector takes for faces in annotated photographs, and whether each is one.

The faces of such a set are candidates, from which the check of a detector learns
(``core.detection.check``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import ImageGray
from rtcnn_perception.core.detection.base import Detection
from rtcnn_perception.core.detection.check import CLASSES
from rtcnn_perception.core.detection.check import FACE
from rtcnn_perception.core.detection.check import NONE
from rtcnn_perception.core.detection.registry import AUTO
from rtcnn_perception.core.detection.registry import load_detector
from rtcnn_perception.core.detection.registry import parse_detector
from rtcnn_perception.core.geometry.boxes import boxes_to_array
from rtcnn_perception.core.geometry.boxes import iou_matrix
from rtcnn_perception.core.images import to_gray
from rtcnn_perception.core.models.precision import FLOAT
from rtcnn_perception.resources import models_search_path
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.faces import DividedFaces
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.data.faces import Fact
from rtcnn_perception.training.data.faces import Labels
from rtcnn_perception.training.data.faces import ReadOptions
from rtcnn_perception.training.data.photographs import Photograph
from rtcnn_perception.training.data.photographs import read_photographs

WIDTHS = (192, 256, 320, 416, 512, 640)
"""Detection widths in pixels, so that a face is a candidate at several sizes."""

LEAST_SCORE = 0.03
"""Half of the least at which the pipeline looks again at a candidate by default."""

MIN_IOU, MAX_IOU = 0.5, 0.3
"""From the first on a candidate is the annotated face, below the second it is none."""

SCORES = (0.1, 0.5, 0.9)
"""Limits of the bands of the detector's score, by which reports group candidates."""

SCORE_BANDS = ('below 0.1', '0.1 to 0.5', '0.5 to 0.9', '0.9 and above')


class Candidate(NamedTuple):
    """A detection in a photograph, by the photograph's place, and whether it is a face."""

    photograph: int
    detection: Detection
    is_face: bool


def read_candidates(path: Path, options: ReadOptions) -> DividedFaces:
    """
    Run a detector, without its check, on annotated photographs at several widths.

    The labels stand under the empty name; the fact ``score`` has the band of the detector's score.
    Detections that fit an annotated face badly, or lie in an ignored region, are left out.

    :param path: a folder as :func:`read_photographs` reads it
    :raises DataError: if photographs or annotations are faulty, which none can be left out for, or
        nothing is found in them
    :raises PerceptionError: if the detector that the options name cannot be loaded
    """
    from tqdm import tqdm  # noqa: PLC0415  an extra

    if options.leave_out_faulty:
        raise DataError(f'{path}: faulty photographs cannot be left out; mend or remove them')
    photographs = read_photographs(path)
    named = parse_detector(options.detector or AUTO)
    config = replace(named, min_score=LEAST_SCORE, precision=FLOAT, check=False)
    detectors = [
        load_detector(replace(config, width=width), models_search_path()).detector
        for width in WIDTHS
    ]
    pictures: list[ImageGray] = []
    found: list[Candidate] = []
    progress = tqdm(photographs, f'candidates in {path.name}', leave=False, disable=None)
    for index, photograph in enumerate(progress):
        image = photograph.read()
        pictures.append(to_gray(image))
        # No detector enlarges a picture: from its own width on all see the same.
        count = 1 + sum(width < photograph.width for width in WIDTHS)
        for detector in detectors[:count]:
            for each in detector.detect(image):
                is_face = matches_face(each, photograph)
                if is_face is not None:
                    found.append(Candidate(index, each, is_face))
    if not found:
        raise DataError(f'{path}: {detectors[0].tag} finds nothing in its photographs')
    faces, part = _divided(found, photographs, pictures)
    note = f'{path.name}: {len(found)} candidates of {detectors[0].tag}'
    return DividedFaces(replace(faces, notes=(note,)), part)


def matches_face(detection: Detection, photograph: Photograph) -> bool | None:
    """Return whether a detection is an annotated face; None where that cannot be said."""
    box = boxes_to_array((detection.box,))
    overlap = iou_matrix(box, photograph.boxes.astype(np.float64)).max(initial=0.0)
    if overlap >= MIN_IOU:
        return True
    x, y = detection.box.center
    left, top, right, bottom = photograph.ignored.T
    is_ignored = ((left <= x) & (x <= right) & (top <= y) & (y <= bottom)).any()
    return None if overlap >= MAX_IOU or is_ignored else False


def _divided(
    found: Sequence[Candidate], photographs: Sequence[Photograph], pictures: Sequence[ImageGray]
) -> DividedFaces:
    """Return candidates as faces of the photographs that they are in, whose pixels they share."""
    places = [CLASSES.index(FACE if each.is_face else NONE) for each in found]
    scores = np.array([each.detection.score for each in found])
    faces = FaceSet(
        pictures=[pictures[each.photograph] for each in found],
        boxes=boxes_to_array(tuple(each.detection.box for each in found)),
        names=[photographs[each.photograph].path.name for each in found],
        labels={'': Labels.of(CLASSES, np.array(places, np.int64))},
        facts={'score': Fact(np.digitize(scores, SCORES).astype(np.int64), SCORE_BANDS)},
    )
    part: NDArray[np.str_] = np.array([photographs[each.photograph].split for each in found])
    return DividedFaces(faces, part)
