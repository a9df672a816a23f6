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

"""Small photographs of drawn faces, and a detector small enough to learn them in seconds."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
from rtcnn_perception.training.data.photographs import Photograph
from rtcnn_perception.training.models.detector import DetectorArchitecture
from rtcnn_perception.training.models.detector import Level

TINY = DetectorArchitecture(
    source='a test',
    stem=(6, 3, 8),
    levels=(Level(12, blocks=0), Level(16, blocks=0), Level(16, blocks=0)),
)

POINTS = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]])
"""Of the person's right eye, left eye, nose, right and left mouth corner, in sides of the box."""

COLORS = ((200, 60, 20), (20, 160, 20), (60, 60, 200), (160, 20, 160), (20, 160, 160))
"""Of the points, each another, blue first."""


def landmarks_of(box):
    """Return the five points of the face that is drawn in a box."""
    x0, y0, x1, y1 = box
    return POINTS * [x1 - x0, y1 - y0] + [x0, y0]


def draw_face(image, box):
    """Draw a bright oval with five points of its own colours into an image."""
    x0, y0, x1, y1 = box
    center, half = ((x0 + x1) // 2, (y0 + y1) // 2), ((x1 - x0) // 2, (y1 - y0) // 2)
    cv2.ellipse(image, center, half, 0, 0, 360, (190, 215, 240), -1)
    for (x, y), color in zip(landmarks_of(box).round().astype(int), COLORS, strict=True):
        cv2.circle(image, (int(x), int(y)), max(1, (y1 - y0) // 12), color, -1)


def background(rng, side):
    """Return a dark picture with boxes of any colour, which are no faces."""
    image = np.full((side, side, 3), rng.integers(0, 90, 3), np.uint8)
    for _ in range(4):
        x, y, width, height = rng.integers(0, side // 2, 4).tolist()
        color = rng.integers(0, 256, 3).tolist()
        cv2.rectangle(image, (x, y), (x + width, y + height // 2), color, -1)
    return image


def draw_photograph(rng, side, faces):
    """Return a picture and the boxes of its faces, of which none overlaps another."""
    image, boxes = background(rng, side), []
    for place in range(faces):
        height = int(rng.integers(24, 44))
        width = round(0.8 * height)
        x, y = rng.integers(0, (side // 2 - width, side - height)).tolist()
        x += place * side // 2
        boxes.append([x, y, x + width, y + height])
        draw_face(image, boxes[-1])
    return image, boxes


def entry(file, side, boxes, split, ignored=()):
    """Return what the list of annotations says of a photograph."""
    return {
        'file': file,
        'width': side,
        'height': side,
        'faces': [
            {'box': box, 'score': 0.95, 'landmarks': landmarks_of(box).tolist()} for box in boxes
        ],
        'ignore': [{'box': box, 'score': 0.4} for box in ignored],
        'split': split,
    }


def write_photographs(folder: Path, counts, *, side=128, seed=0):
    """Write a set; ``counts`` has for each part how many faces each photograph shows."""
    rng = np.random.default_rng(seed)
    (folder / 'images').mkdir(parents=True)
    entries = []
    for split, faces in ((split, faces) for split, each in counts.items() for faces in each):
        file = f'{len(entries)}.png'
        image, boxes = draw_photograph(rng, side, faces)
        cv2.imwrite(str(folder / 'images' / file), image)
        entries.append(entry(file, side, boxes, split))
    (folder / 'annotations.json').write_text(json.dumps(entries))
    return folder


def photograph(path=Path('drawn.png'), *, size=(128, 128), boxes=(), ignored=(), **changes):
    """Return a photograph's marks; ``size`` is width and height, landmarks are unknown."""
    values = {
        'path': path,
        'width': size[0],
        'height': size[1],
        'boxes': np.array(boxes, np.float32).reshape(-1, 4),
        'scores': np.ones(len(boxes), np.float32),
        'landmarks': np.full((len(boxes), 5, 2), np.nan, np.float32),
        'ignored': np.array(ignored, np.float32).reshape(-1, 4),
        'split': 'train',
    }
    return Photograph(**{**values, **changes})
