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
Draw the faces that each detector finds: one face by size, by roll, and in bad conditions.

The scene is made from the package's portrait; every detector runs with its defaults. A line for
each detector gives the number of faces found.

    python benchmarks/detectors_picture.py OUTPUT.png haar yunet=FILE rtcnn
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.detection.base import Detector
from rtcnn_perception.core.detection.registry import load_detector
from rtcnn_perception.core.detection.registry import parse_detector
from rtcnn_perception.core.drawing.text import draw_text
from rtcnn_perception.core.drawing.text import set_text
from rtcnn_perception.core.geometry.boxes import boxes_to_array
from rtcnn_perception.core.geometry.boxes import iou_matrix
from rtcnn_perception.core.sources.builtin import load_portrait
from rtcnn_perception.resources import models_search_path

FACE = (178.0, 63.0, 269.0, 175.0)
"""Left, top, right and bottom of the portrait's face in its pixels, as YuNet boxes it."""

AROUND = 2.0
"""Side of a tile in heights of the face."""

WIDTH, GAP, MIN_IOU = 640, 8, 0.4
HEIGHTS = (12, 16, 20, 26, 34, 48, 64, 80)
ROLLS = (-60, -45, -30, -15, 15, 30, 45, 60)
HEIGHT_PX = 38
"""Height of a rolled face, and of one in bad conditions."""

FOUND, MISSED, FALSE, INK, PAPER = (90, 210, 60), (40, 210, 255), (60, 60, 235), 24, 255


def tile(height: float, roll: float = 0.0) -> ImageBGR:
    """Cut the portrait's head, its face ``height`` pixels high, rotated by ``roll`` degrees."""
    left, top, right, bottom = FACE
    side, scale = round(AROUND * height), height / (bottom - top)
    matrix = cv2.getRotationMatrix2D(((left + right) / 2, (top + bottom) / 2), -roll, scale)
    moved = np.array([side - left - right, side - top - bottom]) / 2
    matrix = np.hstack([matrix[:, :2], matrix[:, 2:] + moved[:, None]])
    # Blurred before it is scaled down, so that no pixel is a single hair.
    smooth = cv2.GaussianBlur(load_portrait(), (0, 0), max(0.1, 0.4 / scale))
    border = cv2.BORDER_REFLECT
    return np.asarray(cv2.warpAffine(smooth, matrix, (side, side), borderMode=border), np.uint8)


def covered(face: ImageBGR, first: float, last: float) -> ImageBGR:
    """Cover a tile between two shares of its height."""
    hidden: ImageBGR = face.copy()
    hidden[round(first * len(face)) : round(last * len(face))] = (110, 90, 80)
    return hidden


def noisy(face: ImageBGR) -> ImageBGR:
    """Add grain."""
    grain = np.random.default_rng(0).normal(0.0, 25.0, face.shape)
    return np.asarray(np.clip(face + grain, 0, 255), np.uint8)


HARD: tuple[Callable[[ImageBGR], ImageBGR], ...] = (
    lambda face: np.asarray(cv2.convertScaleAbs(face, alpha=0.2), np.uint8),
    lambda face: np.asarray(cv2.convertScaleAbs(face, alpha=1.0, beta=110), np.uint8),
    lambda face: np.asarray(cv2.GaussianBlur(face, (0, 0), 3.0), np.uint8),
    noisy,
    lambda face: np.asarray(cv2.resize(face[:, len(face) // 4 : -len(face) // 4], face.shape[:2])),
    lambda face: covered(face, 0.55, 1.0),
    lambda face: covered(face, 0.3, 0.48),
    lambda face: np.asarray(cv2.flip(face, 0), np.uint8),
)
"""Dark, bright, blurred, grainy, wide, mouth covered, eyes covered, upside down."""

WIDE = 4
"""Which of them is twice as wide as a face."""


def scene() -> tuple[ImageBGR, list[tuple[float, float, float, float]]]:
    """Return the scene, and the boxes of its faces."""
    rows = (
        [tile(height) for height in HEIGHTS],
        [tile(HEIGHT_PX, roll) for roll in ROLLS],
        [change(tile(HEIGHT_PX)) for change in HARD],
    )
    left, top, right, bottom = FACE
    aspect = (right - left) / (bottom - top)
    height = sum(max(map(len, row)) + GAP for row in rows) + GAP
    canvas: ImageBGR = np.full((height, WIDTH, 3), 128, np.uint8)
    boxes = []
    y = GAP
    for row in rows:
        room = (WIDTH - sum(map(len, row))) / (len(row) + 1)
        x = room
        for number, face in enumerate(row):
            side = len(face)
            wider = 2.0 if row is rows[-1] and number == WIDE else 1.0
            canvas[y : y + side, round(x) : round(x) + side] = face
            half, middle = side / AROUND / 2, (round(x) + side / 2, y + side / 2)
            boxes.append(
                (
                    middle[0] - half * aspect * wider,
                    middle[1] - half,
                    middle[0] + half * aspect * wider,
                    middle[1] + half,
                )
            )
            x += side + room
        y += max(map(len, row)) + GAP
    return canvas, boxes


def draw(
    image: ImageBGR, truth: list[tuple[float, float, float, float]], detector: Detector
) -> ImageBGR:
    """Draw found, missed and false faces, and print their numbers."""
    canvas = image.copy()
    found = detector.detect(image)
    boxes = boxes_to_array(tuple(each.box for each in found))
    overlaps = iou_matrix(boxes, np.array(truth))
    is_match = np.asarray(overlaps > MIN_IOU)
    is_true, is_found = np.any(is_match, axis=1), np.any(is_match, axis=0)
    drawn = [(box, MISSED) for box, each in zip(truth, is_found, strict=True) if not each]
    drawn += [
        (tuple(box), FOUND if each else FALSE) for box, each in zip(boxes, is_true, strict=True)
    ]
    for (x0, y0, x1, y1), color in drawn:
        corners = (round(x0), round(y0)), (round(x1), round(y1))
        cv2.rectangle(canvas, *corners, color, 1)
    line = f'{is_found.sum()} of {len(truth)} found, {(~is_true).sum()} false'
    print(f'{detector.tag}: {line}')
    strip = np.full((24, WIDTH, 3), PAPER, np.uint8)
    title = f'{detector.tag.split()[0]}: {line}'  # the names of its models are too long
    draw_text(strip, set_text(title, 6, 4, 11), (INK,) * 3)
    return np.vstack([strip, canvas])


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument('output', type=Path, help='picture to write')
    parser.add_argument(
        'detectors',
        nargs='*',
        default=['haar', 'rtcnn'],
        metavar='NAME[=MODEL]',
        help='default: haar rtcnn',
    )
    arguments = parser.parse_args()
    image, truth = scene()
    configs = [parse_detector(text) for text in arguments.detectors]
    detectors = [load_detector(config, models_search_path()).detector for config in configs]
    panels = [draw(image, truth, detector) for detector in detectors]
    if not cv2.imwrite(str(arguments.output), np.vstack(panels)):
        raise SystemExit(f'cannot write {arguments.output.absolute()}')


if __name__ == '__main__':
    main()
