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
Measure the noise of a detector's boxes, for the constants of ``core/tracking/kalman.py``.

The second differences of centre and logarithmic size over three frames in a row leave out steady
motion. They are taken of the highest face in each frame. Their median gives the standard deviation
of one box, as now and then another face is the highest. The column `with more` counts the frames
with more than one face; in a clip of one person all but one are false.

    python benchmarks/box_noise.py ../shared/data/video/*.m* --detectors rtcnn yunet=FILE
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.detection.base import Detector
from rtcnn_perception.core.detection.registry import load_detector
from rtcnn_perception.core.detection.registry import parse_detector
from rtcnn_perception.core.sources.video import VideoSource
from rtcnn_perception.resources import models_search_path

MEDIAN_OF_NORMAL = 0.6745
"""Median of the absolute value of a normal variable of standard deviation 1."""

SECOND_DIFFERENCE = 6**0.5
"""Standard deviation of x[0] - 2 x[1] + x[2] by that of one, if they are independent."""


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument('clips', type=Path, nargs='+', help='videos of one person each')
    parser.add_argument(
        '--detectors', nargs='+', default=['rtcnn'], metavar='NAME[=MODEL]', help='default: rtcnn'
    )
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    print('| detector | clip | frames | with more | centre x, y | width, height |')
    print('| --- | --- | --- | --- | --- | --- |')
    for text in arguments.detectors:
        detector = load_detector(parse_detector(text), models_search_path()).detector
        for clip in arguments.clips:
            boxes, several = highest_faces(detector, clip)
            spread = noise(boxes)
            cells = [f'{first:.3f}, {second:.3f}' for first, second in (spread[:2], spread[2:])]
            row = (detector.tag, clip.name, str(len(boxes)), str(several), *cells)
            print(f'| {" | ".join(row)} |', flush=True)


def highest_faces(detector: Detector, clip: Path) -> tuple[NDArray[np.float64], int]:
    """
    Find the highest face of each frame.

    :returns: (N, 4) centre x, y, width and height in pixels, NaN where there is none, and in how
        many frames there are more
    """
    rows, several = [], 0
    for frame in VideoSource(clip):
        found = detector.detect(frame)
        several += len(found) > 1
        box = max((each.box for each in found), key=lambda box: box.height, default=None)
        rows.append((*box.center, box.width, box.height) if box else (np.nan,) * 4)
    return np.array(rows), several


def noise(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """
    Return the standard deviation of one box.

    :param boxes: (N, 4) as :func:`highest_faces` returns them
    :returns: (4,) of the centre's x and y in geometric means of the face's sides, of the
        logarithms of width and height
    """
    values = np.column_stack([boxes[:, :2], np.log(boxes[:, 2:])])
    second = values[2:] - 2 * values[1:-1] + values[:-2]
    second[:, :2] /= np.sqrt(boxes[1:-1, 2:3] * boxes[1:-1, 3:4])
    second = second[np.isfinite(second).all(1)]
    if not len(second):
        raise SystemExit('no three frames in a row show a face')
    spread = np.median(np.abs(second), axis=0) / MEDIAN_OF_NORMAL / SECOND_DIFFERENCE
    return np.asarray(spread, np.float64)


if __name__ == '__main__':
    main()
