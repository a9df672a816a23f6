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
Measure what upright crops bring: accuracy by the roll of heads, found by a detector.

Each picture is enlarged, padded to a width by repeating its border, and rotated about the face; a
detector then finds box and landmarks. A detection width of 320 pixels halves a picture of 640. In
the last column all landmarks have a random error of 3 % of the box's longer side.

    python benchmarks/upright.py models/attributes gender/gender_faces_112.npz val 640

Data is searched for below ``../shared/data``, or where ``RTCNN_DATA`` points.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from rtcnn_perception.core.detection.base import Detector
from rtcnn_perception.core.detection.registry import load_detector
from rtcnn_perception.core.detection.registry import parse_detector
from rtcnn_perception.core.geometry.boxes import boxes_to_array
from rtcnn_perception.core.geometry.boxes import iou_matrix
from rtcnn_perception.core.geometry.landmarks import FIVE_POINTS
from rtcnn_perception.resources import models_search_path
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.data.heads import load_for_heads
from rtcnn_perception.training.data.sources import AttributeData
from rtcnn_perception.training.tasks.attributes.metrics import accuracy
from rtcnn_perception.training.tasks.attributes.predictor import load_predictor
from rtcnn_perception.training.tasks.attributes.predictor import Predictor
from rtcnn_perception.training.tasks.attributes.robustness import rotated
from rtcnn_perception.training.tasks.attributes.through_pipeline import MIN_OVERLAP

ROLLS = (-30, -20, -10, 0, 10, 20, 30)
"""Degrees by which heads are rotated, clockwise, in addition to their own roll."""

PICTURE_PX = 192
"""What a picture is enlarged to, or a little more: of FER-2013 that is the face alone."""

LANDMARK_ERROR = 0.03
"""Standard deviation of the landmarks' error, in longer sides of the box."""


def enlarged(faces: FaceSet, width: int) -> FaceSet:
    """Enlarge pictures and repeat their border; boxes move along."""
    pictures, boxes = [], []
    for index, picture in enumerate(faces.pictures):
        factor = max(1, round(PICTURE_PX / max(picture.shape)))
        large = cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
        pad = max(0, width - max(large.shape)) // 2
        padded = cv2.copyMakeBorder(large, *[pad] * 4, cv2.BORDER_REPLICATE)
        pictures.append(np.asarray(padded, np.uint8))
        boxes.append(faces.boxes[index] * factor + pad)
    return replace(faces, pictures=pictures, boxes=np.array(boxes), landmarks=None)


def found_by(detector: Detector, faces: FaceSet) -> FaceSet:
    """Return the faces that the detector finds, with its boxes and landmarks."""
    rows, boxes, landmarks = [], [], []
    for index, picture in enumerate(faces.pictures):
        found = detector.detect(np.asarray(cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR), np.uint8))
        found_boxes = boxes_to_array(tuple(each.box for each in found))
        overlaps = iou_matrix(found_boxes, faces.boxes[index : index + 1])[:, 0]
        if len(found) and overlaps.max() >= MIN_OVERLAP:
            best = int(overlaps.argmax())
            rows.append(index)
            boxes.append(found_boxes[best])
            landmarks.append(found[best].landmarks)
    return replace(
        faces.take(np.array(rows)), boxes=np.array(boxes), landmarks=np.array(landmarks)
    )


def with_landmark_error(faces: FaceSet, rng: np.random.Generator) -> FaceSet:
    """Move every landmark at random."""
    longer = np.maximum(*(faces.boxes[:, 2:] - faces.boxes[:, :2]).T)
    noise = rng.normal(0.0, LANDMARK_ERROR, (len(faces), 5, 2)) * longer[:, None, None]
    return replace(faces, landmarks=np.asarray(faces.landmarks + noise, np.float32))


def accuracies(predictor: Predictor, faces: FaceSet, *, upright: bool) -> str:
    """Return the accuracy of each attribute that model and data share."""
    geometry = replace(predictor.geometry, upright=upright)
    probabilities = replace(predictor, geometry=geometry).probabilities(faces)
    shares = [
        accuracy(rows, faces.labels[name].indices)
        for name, rows in probabilities.items()
        if name in faces.labels
    ]
    return ', '.join(f'{share:.1%}'.replace('%', ' %') for share in shares)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument('model', type=Path, help='a model or a checkpoint')
    parser.add_argument('data', help='labelled faces')
    parser.add_argument('part', choices=('train', 'val', 'test'))
    parser.add_argument('width', type=int, help='width of the pictures in pixels')
    parser.add_argument(
        'detector', nargs='?', default='auto', metavar='NAME[=MODEL]', help='default: auto'
    )
    parser.add_argument('--faces', type=int, help='at most (default: all)')
    arguments = parser.parse_args()
    predictor = load_predictor(arguments.model)
    source = AttributeData(path=(arguments.data,))
    splits = load_for_heads(predictor.classes, source, predictor.geometry)
    faces = splits.part(arguments.part)
    faces = enlarged(faces.take(np.arange(len(faces))[: arguments.faces]), arguments.width)
    detector = load_detector(parse_detector(arguments.detector), models_search_path()).detector
    if detector.landmark_names != FIVE_POINTS:
        raise SystemExit(f'{detector.tag} does not find the five landmarks that show the roll')
    rng = np.random.default_rng(0)
    names = ', '.join(name for name in predictor.classes if name in faces.labels)
    print(
        f'{names} by {predictor.name} on {arguments.data}, {arguments.part}, at '
        f'{arguments.width} pixels; found by {detector.tag}\n'
    )
    print('| rotated by, degrees | faces found | as it is | upright | landmark error of 3 % |')
    print('| --- | --- | --- | --- | --- |')
    for roll in ROLLS:
        found = found_by(detector, rotated(faces, -roll) if roll else faces)
        cells = (
            accuracies(predictor, found, upright=False),
            accuracies(predictor, found, upright=True),
            accuracies(predictor, with_landmark_error(found, rng), upright=True),
        )
        print(f'| {roll} | {len(found)} of {len(faces)} | {" | ".join(cells)} |', flush=True)


if __name__ == '__main__':
    main()
