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
Measure in which groups detectors miss faces: FairFace's, in pictures as small as they come.

Each picture, gray and of 112 pixels, is shown to a detector as it is, at the default threshold. A
face counts as found where a detection overlaps its box by an intersection over union of 0.3.

    python benchmarks/detectors_groups.py test rtcnn yunet=FILE

Data is searched for below ``../shared/data``, or where ``RTCNN_DATA`` points.
"""

from __future__ import annotations

import argparse

import cv2
import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.detection.base import Detector
from rtcnn_perception.core.detection.registry import load_detector
from rtcnn_perception.core.detection.registry import parse_detector
from rtcnn_perception.core.geometry.boxes import boxes_to_array
from rtcnn_perception.core.geometry.boxes import iou_matrix
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.resources import models_search_path
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.data.faces import PARTS
from rtcnn_perception.training.data.load import load_faces
from tqdm import tqdm

DATA = 'gender/gender_fairface_{}.npz'
GROUPS = ('race7', 'age')
MIN_IOU = 0.3


def found_in(faces: FaceSet, detector: Detector) -> NDArray[np.bool_]:
    """Return (N,) whether each face is found."""
    found = np.zeros(len(faces), np.bool_)
    for index, picture in enumerate(tqdm(faces.pictures, desc=detector.tag, disable=None)):
        detections = detector.detect(np.asarray(cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)))
        boxes = boxes_to_array(tuple(each.box for each in detections))
        overlaps = iou_matrix(boxes, boxes_to_array((faces.box(index),)))
        found[index] = bool((overlaps >= MIN_IOU).any())
    return found


def main() -> None:
    """Print a table, the worst group first."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument('part', choices=PARTS, help='of the data')
    parser.add_argument('detectors', nargs='+', metavar='NAME[=MODEL]', help='detectors')
    arguments = parser.parse_args()
    sets = [
        load_faces(DATA.format(each), CropGeometry(margin=0.0)).part(arguments.part)
        for each in 'ab'
    ]
    print('| detector | group | faces | found |')
    print('| --- | --- | --- | --- |')
    for text in arguments.detectors:
        detector = load_detector(parse_detector(text), models_search_path()).detector
        found = np.concatenate([found_in(each, detector) for each in sets])
        rows = [('all', len(found), found.mean())]
        for group in GROUPS:
            facts = [each.groups(group) for each in sets]
            values = np.concatenate([fact.values for fact in facts])
            for number, name in enumerate(facts[0].names):
                if (values == number).any():
                    chosen = found[values == number]
                    rows.append((name, len(chosen), chosen.mean()))
        for name, count, share in sorted(rows, key=lambda row: row[2]):
            print(f'| {detector.tag} | {name} | {count} | {share:.1%} |', flush=True)


if __name__ == '__main__':
    main()
