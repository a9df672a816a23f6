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

"""A detector that is no part of the package: one class and one row, as a user would add it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import cv2
import numpy as np
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.detection.base import Detection
from rtcnn_perception.core.detection.base import DetectorConfig
from rtcnn_perception.core.detection.base import DetectorRow
from rtcnn_perception.core.detection.base import shrink_to_width
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.images import check_bgr
from rtcnn_perception.core.images import to_gray
from rtcnn_perception.core.models.files import find_model

NAME = 'bright'
FILE = Path('bright') / 'model.level'
DEFAULT_WIDTH = 160
DEFAULT_MIN_SCORE = 0.5

SIX_POINTS = (
    'left_ear',
    'left_eye',
    'right_eye',
    'right_mouth_corner',
    'left_mouth_corner',
    'nose',
)
"""Other points than the package's own detectors have, and in another order."""

PLACES = np.float32([[1, 0.4], [0.7, 0.35], [0.3, 0.35], [0.35, 0.8], [0.65, 0.8], [0.5, 0.6]])
"""Of the six points, as parts of the width and the height of the box."""


class BrightDetector:
    """Takes bright rectangles for faces; the score is their mean brightness."""

    landmark_names = SIX_POINTS

    def __init__(self, level: int, *, width: int, min_score: float) -> None:
        self.tag = f'{NAME} (level {level})'
        self.min_score = min_score
        self._level = level
        self._width = width or DEFAULT_WIDTH

    def detect(self, image: ImageBGR) -> tuple[Detection, ...]:
        check_bgr(image)
        shrunk, (scale, _) = shrink_to_width(image, self._width)
        gray = to_gray(shrunk)
        is_bright = (gray >= self._level).astype(np.uint8)
        count, labels, stats, _ = cv2.connectedComponentsWithStats(is_bright)
        found = []
        for label in range(1, count):  # 0 is the background
            x, y, width, height = (scale * float(side) for side in stats[label, :4])
            points = PLACES * (width, height) + (x, y)
            score = float(gray[labels == label].mean()) / 255
            box = BoundingBox.from_xywh(x, y, width, height)
            found.append(Detection(box, score, points.astype(np.float32)))
        kept = [detection for detection in found if detection.score >= self.min_score]
        return tuple(sorted(kept, key=lambda detection: -detection.score))


def write_level(path: Path, level: int = 100) -> Path:
    """Write a model of this detector, and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(str(level))
    return path


def _load(path: Path, config: DetectorConfig) -> BrightDetector:
    level = int(path.read_text())
    min_score = config.min_score or DEFAULT_MIN_SCORE
    return BrightDetector(level, width=config.width, min_score=min_score)


ROW = DetectorRow(
    name=NAME,
    load=_load,
    locate=partial(find_model, path=FILE, advice='write it by write_level'),
    default_width=DEFAULT_WIDTH,
    default_min_score=DEFAULT_MIN_SCORE,
    recognises=lambda path: path.suffix == '.level',
    model_description='a .level file',
)
