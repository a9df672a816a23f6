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
Fit the constants that make Haar's squares and weights comparable with the other detectors.

The cascade runs on photographs with annotated boxes. The script prints the constants of
``core/detection/haar.py``: the shift and size of the annotated box in sides of the square (median
over the pairs that overlap), and the logistic curve from the cascade's weight to the share of true
faces. As a check it prints the shifts and sizes in the clips, beside the boxes of a detector.

    python benchmarks/fit_haar.py ../shared/data --detector yunet=FILE
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
import sys

import cv2
import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.detection.base import Detector
from rtcnn_perception.core.detection.haar import HaarDetector
from rtcnn_perception.core.detection.registry import load_detector
from rtcnn_perception.core.detection.registry import parse_detector
from rtcnn_perception.core.geometry.boxes import iou_matrix
from rtcnn_perception.core.images import to_gray
from rtcnn_perception.core.sources.video import VideoSource
from rtcnn_perception.resources import models_search_path

PAIR_IOU = 0.3
"""Overlap above which square and box are one face; their shapes alone cost up to 0.25."""


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument('data', type=Path, help='the folder with detection/ and video/')
    parser.add_argument(
        '--detector', default='yunet', metavar='NAME[=MODEL]', help='default: yunet'
    )
    arguments = parser.parse_args()
    detector = load_detector(parse_detector(arguments.detector), models_search_path()).detector
    haar = HaarDetector.load()

    pairs, weights, is_face = read_photographs(arguments.data / 'detection' / 'train', haar)
    report('photographs', pairs)
    slope, offset = fit_logistic(weights, is_face)
    print(f'{len(weights)} squares, {is_face.mean():.3f} of them faces')
    print(f'score = 1 / (1 + exp(-({slope:.2f} * weight + {offset:.2f})))')

    for path in sorted((arguments.data / 'video').iterdir()):
        report(path.name, read_clip(path, haar, detector))
    return 0


def read_photographs(
    folder: Path, haar: HaarDetector
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Return (N, 8) squares and boxes of the same face, and all squares' weights and truth."""
    pairs, weights, is_face = [], [], []
    entries = json.loads((folder / 'annotations.json').read_text())
    for entry in entries:
        if entry['split'] != 'train':  # the others measure what is fitted
            continue
        path = next(
            p for p in (folder / entry['file'], folder / 'images' / entry['file']) if p.is_file()
        )
        gray = np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), np.uint8)
        squares, square_weights = haar.find_squares(gray)
        boxes = np.array([face['box'] for face in entry['faces']]).reshape(-1, 4)
        ignored = np.array([face['box'] for face in entry['ignore']]).reshape(-1, 4)
        matched, rows = pair(squares, boxes)
        is_ignored = (iou_matrix(corners(squares), ignored) > 0.1).any(axis=1)
        keep = matched | ~is_ignored
        pairs.append(rows)
        weights.append(square_weights[keep])
        is_face.append(matched[keep])
    return np.concatenate(pairs), np.concatenate(weights), np.concatenate(is_face)


def read_clip(path: Path, haar: HaarDetector, detector: Detector) -> NDArray[np.float64]:
    """Return (N, 8) squares and boxes of the same face."""
    pairs = [np.empty((0, 8))]
    for image in VideoSource(path):
        squares, _ = haar.find_squares(to_gray(image))
        boxes = np.array([found.box.as_tuple() for found in detector.detect(image)]).reshape(-1, 4)
        pairs.append(pair(squares, boxes)[1])
    return np.concatenate(pairs)


def corners(squares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn x, y, width, height into corners."""
    return np.hstack([squares[:, :2], squares[:, :2] + squares[:, 2:]])


def pair(
    squares: NDArray[np.float64], boxes: NDArray[np.float64]
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return which squares show a face (N,), and each such square with its box (M, 8)."""
    if not len(squares) or not len(boxes):
        return np.zeros(len(squares), bool), np.empty((0, 8))
    iou = iou_matrix(corners(squares), boxes)
    matched = iou.max(axis=1) > PAIR_IOU
    return matched, np.hstack([corners(squares), boxes[iou.argmax(axis=1)]])[matched]


def report(name: str, pairs: NDArray[np.float64]) -> None:
    """Print shift and size of the box in sides of the square: median, 5 and 95 % quantile."""
    if not len(pairs):
        print(f'{name}: no pairs')
        return
    side = pairs[:, 2] - pairs[:, 0]
    shift = (pairs[:, 4:6] + pairs[:, 6:8] - pairs[:, 0:2] - pairs[:, 2:4]) / 2 / side[:, None]
    size = (pairs[:, 6:8] - pairs[:, 4:6]) / side[:, None]
    print(f'{name}: {len(pairs)} pairs')
    for label, values in zip(
        ('shift x', 'shift y', 'width', 'height'), np.hstack([shift, size]).T, strict=True
    ):
        low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
        print(f'  {label:8}{middle:7.3f}   [{low:.3f}, {high:.3f}]')


def fit_logistic(weights: NDArray[np.float64], is_face: NDArray[np.bool_]) -> tuple[float, float]:
    """Fit slope and offset by Newton's method on the likelihood."""
    design = np.stack([weights, np.ones_like(weights)], axis=1)
    solution = np.zeros(2)
    for _ in range(50):
        share = 1.0 / (1.0 + np.exp(-design @ solution))
        hessian = (design * (share * (1.0 - share))[:, None]).T @ design
        solution += np.linalg.solve(hessian, design.T @ (is_face - share))
    return float(solution[0]), float(solution[1])


if __name__ == '__main__':
    sys.exit(main())
