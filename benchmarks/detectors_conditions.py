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
Measure the recall of detectors on the same faces in the dark, blurred, half hidden and drawn on.

The held-out photographs of ``detection/train`` are used unchanged and changed, at the default
threshold and a detection width of 320 pixels. Faces of 26 pixels and more in the photograph count,
with an intersection over union of 0.4 and more.

    python benchmarks/detectors_conditions.py ../shared/data rtcnn yunet=FILE
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.detection.base import Detector
from rtcnn_perception.core.detection.registry import load_detector
from rtcnn_perception.core.detection.registry import parse_detector
from rtcnn_perception.resources import models_search_path
from rtcnn_perception.training.data.photographs import Photograph
from rtcnn_perception.training.data.photographs import read_photographs
from rtcnn_perception.training.tasks.detector.predictions import annotated_boxes
from rtcnn_perception.training.tasks.detector.predictions import match
from rtcnn_perception.training.tasks.detector.predictions import Predictions

WIDTH = 320
LEAST_HEIGHT = 26.0
MIN_IOU = 0.4
COVER = (160, 120, 60)
FRAME = (0, 0, 255)

Change = Callable[[ImageBGR, NDArray[np.float32]], ImageBGR]


def darkened(light: float) -> Change:
    """Return a change that leaves a share of the light."""
    return lambda image, _: (image * light).astype(np.uint8)


def blurred(image: ImageBGR, _: NDArray[np.float32]) -> ImageBGR:
    """Blur by a Gaussian of 2.5 pixels."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), 2.5), np.uint8)


def covered(part: tuple[float, float, float, float]) -> Change:
    """Return a change that covers a part of every face, in shares of its box, with one colour."""

    def change(image: ImageBGR, boxes: NDArray[np.float32]) -> ImageBGR:
        image = image.copy()
        sides = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
        parts = np.tile(boxes[:, :2], 2) + sides * np.float32(part)
        for x0, y0, x1, y1 in np.maximum(parts, 0).astype(int).tolist():
            image[y0:y1, x0:x1] = COVER
        return image

    return change


def framed(image: ImageBGR, boxes: NDArray[np.float32]) -> ImageBGR:
    """Draw a thin red frame on every face, a tenth of it inside, and two words above it."""
    image = image.copy()
    for x0, y0, x1, y1 in boxes.tolist():
        inside = (x1 - x0) / 10
        corner = (round(x0 + inside), round(y0 + inside))
        cv2.rectangle(
            image, corner, (round(x1 - inside), round(y1 - inside)), FRAME, 1, cv2.LINE_AA
        )
        size = (x1 - x0) / 100
        for line, word in enumerate(('neutral', 'woman')):
            place = (corner[0], round(corner[1] - 3 - line * 24 * size))
            cv2.putText(image, word, place, cv2.FONT_HERSHEY_PLAIN, size, FRAME, 1, cv2.LINE_AA)
    return image


CHANGES: dict[str, Change] = {
    'unchanged': lambda image, _: image,
    **{f'{light:g} of the light': darkened(light) for light in (0.3, 0.2, 0.12)},
    'blurred by 2.5 pixels': blurred,
    'the lower 0.4 of the face hidden': covered((0.0, 0.6, 1.0, 1.0)),
    'the left half of the face hidden': covered((0.0, 0.0, 0.5, 1.0)),
    'framed and named': framed,
}


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument('data', type=Path, help='the folder with detection/')
    parser.add_argument('detectors', nargs='+', metavar='NAME[=MODEL]', help='detectors')
    arguments = parser.parse_args()
    photographs = [
        photograph
        for photograph in read_photographs(arguments.data / 'detection' / 'train')
        if photograph.split == 'val' and len(photograph.boxes)
    ]
    configs = [replace(parse_detector(text), width=WIDTH) for text in arguments.detectors]
    loaded = [load_detector(config, models_search_path()).detector for config in configs]
    print(f'| | {" | ".join(detector.tag for detector in loaded)} |')
    print(f'|{" --- |" * (len(loaded) + 1)}')
    for name, change in CHANGES.items():
        shares = (f'{recall(detector, photographs, change):.1%}' for detector in loaded)
        print(f'| {name} | {" | ".join(shares)} |', flush=True)


def recall(detector: Detector, photographs: list[Photograph], change: Change) -> float:
    """Return the share of the faces that a detector finds in changed photographs."""
    found = faces = 0
    for photograph in photographs:
        image = change(photograph.read(), photograph.boxes)
        boxes, counts = annotated_boxes(photograph, LEAST_HEIGHT)
        matches = match(Predictions.of(detector, image).boxes, boxes, counts, MIN_IOU)
        found += int((matches >= 0).sum())
        faces += int(counts.sum())
    return found / faces


if __name__ == '__main__':
    main()
