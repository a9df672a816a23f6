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

"""Sets of photographs in which the tiny detector finds what is painted."""

from __future__ import annotations

import json

import cv2
import numpy as np
from predicted_faces import SIDE


def face_row(file, split, anchor=None):
    """Return what annotations.json says of a photograph with one face of 64 pixels, or none."""
    box = None if anchor is None else [32 * (anchor - 0.5), 16, 32 * (anchor + 1.5), 80]
    middle = [0, 0] if anchor is None else [32 * (anchor + 0.5), 48]
    faces = [{'box': box, 'score': 0.9, 'landmarks': [middle] * 5}] if box else []
    return {
        'file': file,
        'width': SIDE,
        'height': SIDE,
        'faces': faces,
        'ignore': [],
        'negative': not faces,
        'split': split,
    }


def write_set(folder, rows, painted=()):
    """Write photographs; ``painted`` has anchors of the first row and their scores."""
    (folder / 'images').mkdir(parents=True)
    (folder / 'annotations.json').write_text(json.dumps(rows))
    for index, row in enumerate(rows):
        image = np.zeros((SIDE, SIDE, 3), np.uint8)
        for anchor, score in painted[index] if index < len(painted) else ():
            image[48, 32 * anchor + 16, 0] = round(score * 255)  # as tiny_detector reads it
        cv2.imwrite(str(folder / 'images' / row['file']), image)
    return folder


def write_found(path):
    """Write a picture in which the tiny detector finds a face of 64 pixels, and Haar none."""
    image = np.zeros((SIDE, SIDE, 3), np.uint8)
    image[48, 32 * 4 + 16, 0] = 230
    cv2.imwrite(str(path), image)
    return path
