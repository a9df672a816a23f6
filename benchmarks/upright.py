"""
What turning the crop upright brings: accuracy by how far heads lean, found as they lean.

Each picture is enlarged, laid on its border repeated to a width, and turned about the face; a
detector then finds box and landmarks. Run `python benchmarks/upright.py MODEL DATA PART WIDTH
[DETECTOR]`, such as `models/gender gender/gender_faces_112.npz val 640`, with the file of a
detector or else the default one; data is sought below `../shared/data`, or where `RTCNN_DATA`
points. A detector that looks at 320 pixels sees half of what there is at 640. The last column has
all landmarks off by 3 % of the box's longer side, at random.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
import sys

import cv2
import numpy as np
from rtcnn_perception.core.detection.registry import Detector
from rtcnn_perception.core.detection.registry import DetectorConfig
from rtcnn_perception.core.detection.registry import load_detector
from rtcnn_perception.core.geometry.boxes import boxes_to_array
from rtcnn_perception.core.geometry.boxes import iou_matrix
from rtcnn_perception.resources import models_search_path
from rtcnn_perception.training.data import find_data
from rtcnn_perception.training.data import load_any
from rtcnn_perception.training.faces import FaceSet
from rtcnn_perception.training.judges import Judge
from rtcnn_perception.training.judges import load_judge
from rtcnn_perception.training.metrics import judge_figures
from rtcnn_perception.training.robustness import turned
from rtcnn_perception.training.through_pipeline import MIN_OVERLAP

ROLLS = (-30, -20, -10, 0, 10, 20, 30)
"""Degrees by which heads are turned, clockwise, beyond how they lean anyway."""

PICTURE_PX = 192
"""What a picture is enlarged to, or a little more: of FER-2013 that is the face alone."""

OFF = 0.03
"""Standard deviation of wrong landmarks, in longer sides of the box."""


def enlarged(faces: FaceSet, width: int) -> FaceSet:
    """Enlarge pictures and repeat their border; boxes move along."""
    pictures, boxes = [], []
    for index, picture in enumerate(faces.pictures):
        factor = max(1, round(PICTURE_PX / max(picture.shape)))
        large = cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
        pad = max(0, width - max(large.shape)) // 2
        around = cv2.copyMakeBorder(large, *[pad] * 4, cv2.BORDER_REPLICATE)
        pictures.append(np.asarray(around, np.uint8))
        boxes.append(faces.boxes[index] * factor + pad)
    return replace(faces, pictures=pictures, boxes=np.array(boxes), landmarks=None)


def found_by(detector: Detector, faces: FaceSet) -> FaceSet:
    """Return those faces that the detector finds, where it finds them."""
    rows, boxes, landmarks = [], [], []
    for index, picture in enumerate(faces.pictures):
        found = detector.detect(np.asarray(cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR), np.uint8))
        places = boxes_to_array(tuple(each.box for each in found))
        overlaps = iou_matrix(places, faces.boxes[index : index + 1])[:, 0]
        if len(found) and overlaps.max() >= MIN_OVERLAP:
            best = int(overlaps.argmax())
            rows.append(index)
            boxes.append(places[best])
            landmarks.append(found[best].landmarks)
    return replace(
        faces.take(np.array(rows)), boxes=np.array(boxes), landmarks=np.array(landmarks)
    )


def off(faces: FaceSet, rng: np.random.Generator) -> FaceSet:
    """Move every landmark at random."""
    longer = np.maximum(*(faces.boxes[:, 2:] - faces.boxes[:, :2]).T)
    noise = rng.normal(0.0, OFF, (len(faces), 5, 2)) * longer[:, None, None]
    return replace(faces, landmarks=np.asarray(faces.landmarks + noise, np.float32))


def accuracy(judge: Judge, faces: FaceSet, *, upright: bool) -> float:
    """Return the accuracy of the one attribute that model and data share."""
    asked = replace(judge, geometry=replace(judge.geometry, upright=upright))
    answers = asked.probabilities(faces)
    (name,) = (name for name in answers if name in faces.labels)
    return judge_figures(answers[name], faces.labels[name], judge.labels[name]).accuracy


def main() -> None:
    """Print a table."""
    model, data, part, width, *detectors = sys.argv[1:]
    judge = load_judge(Path(model))
    faces = load_any(find_data(data), judge.geometry, tuple(judge.labels)).part(part)
    faces = enlarged(faces, int(width))
    config = DetectorConfig(model_path=next(iter(detectors), ''))
    detector = load_detector(config, models_search_path()).detector
    rng = np.random.default_rng(0)
    print(f'{judge.name} on {data}, {part}, at {width} pixels; found by {detector.name}\n')
    print('| turned by, degrees | faces found | as it is | upright | landmarks off by 3 % |')
    print('| --- | --- | --- | --- | --- |')
    for roll in ROLLS:
        seen = found_by(detector, turned(faces, -roll) if roll else faces)
        shares = [
            accuracy(judge, seen, upright=False),
            accuracy(judge, seen, upright=True),
            accuracy(judge, off(seen, rng), upright=True),
        ]
        cells = ' | '.join(f'{share:.1%}'.replace('%', ' %') for share in shares)
        print(f'| {roll} | {len(seen)} of {len(faces)} | {cells} |', flush=True)


if __name__ == '__main__':
    main()
