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

"""OpenCV's frontal face cascade, which comes with OpenCV."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.arrays import ImageGray
from rtcnn_perception.core.detection.base import Detection
from rtcnn_perception.core.detection.base import DetectorConfig
from rtcnn_perception.core.detection.base import DetectorRow
from rtcnn_perception.core.detection.base import shrink_to_width
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.landmarks import NO_POINTS
from rtcnn_perception.core.images import check_bgr
from rtcnn_perception.core.images import to_gray
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.paths import is_file

DEFAULT_CONFIG: Final = DetectorConfig('haar')
CASCADE_NAME: Final = 'haarcascade_frontalface_default.xml'
DEFAULT_MIN_SCORE: Final = 0.6
"""As of YuNet, to whose scores those of the cascade are mapped."""

DEFAULT_WIDTH: Final = 640
"""
Pixels. The cascade knows no face below 24 pixels, so that it needs a wider image than a network.
At 320 it finds no face at all in two of four clips in which it finds one in 74 and 94 % at 640.
"""

SCALE_FACTOR: Final = 1.3
MIN_NEIGHBORS: Final = 5
# The two are those of Arriaga, Valdenegro-Toro, Plöger, "Real-time Convolutional Neural Networks
# for Emotion and Gender Classification" (2017), in its published code; gray is not equalised
# there either: with equalisation the clips' dark backgrounds cost nearly every face.

# From the cascade's square to YuNet's box, in sides of the square: median over the 945 faces
# that both mark in the training photographs of detection/train. In six clips the medians are 0.00
# to 0.08, -0.07 to 0.05, 0.79 to 0.84 and 1.02 to 1.11.
# Source: python benchmarks/fit_haar.py ../shared/data --detector yunet=FILE
_SHIFT_X: Final = 0.0
_SHIFT_Y: Final = 0.007
_WIDTH: Final = 0.800
_HEIGHT: Final = 1.074

# Logistic curve from the cascade's weight to the share of true faces among 980 squares in the
# same photographs; the command above prints it.
_SCORE_SLOPE: Final = 0.88
_SCORE_OFFSET: Final = -0.71

# Where the packages of Debian and Ubuntu put what a wheel has in cv2.data.
_SYSTEM_DIRECTORIES: Final = (
    Path('/usr/share/opencv4/haarcascades'),
    Path('/usr/share/opencv/haarcascades'),
)


def find_cascade() -> Path:
    """
    Return where OpenCV keeps its frontal face cascade.

    :raises ModelError: if it is in none of the places it is known to be in
    """
    in_wheel: str = getattr(getattr(cv2, 'data', None), 'haarcascades', '')
    wheel = [Path(in_wheel)] if in_wheel else []
    candidates = [folder / CASCADE_NAME for folder in (*wheel, *_SYSTEM_DIRECTORIES)]
    for candidate in candidates:
        if is_file(candidate):
            return candidate
    raise ModelError(
        f'expected {CASCADE_NAME} at one of {", ".join(map(str, candidates))}; '
        'install the package opencv-data, or name the file by the path of the model'
    )


def square_to_box(x: float, y: float, side: float) -> BoundingBox:
    """
    Turn one of the cascade's squares into a box from forehead to chin.

    :param x: left border of the square in pixels
    :param y: upper border of the square in pixels
    :param side: side of the square in pixels
    """
    center_x = x + side * (0.5 + _SHIFT_X)
    center_y = y + side * (0.5 + _SHIFT_Y)
    width, height = side * _WIDTH, side * _HEIGHT
    return BoundingBox.from_xywh(center_x - width / 2, center_y - height / 2, width, height)


def weight_to_score(weight: float) -> float:
    """
    Map the margin by which a face passed the last stage of the cascade to (0, 1).

    It grows with the margin and orders faces as that does. It is no probability, though on the
    photographs it was fitted to it is near the share of true faces. Scores of other detectors mean
    something else.
    """
    return 0.5 + 0.5 * math.tanh((_SCORE_SLOPE * weight + _SCORE_OFFSET) / 2)


class HaarDetector:
    """
    The cascade of Viola and Jones, with boxes and scores like those of the other detectors.

    It finds frontal, upright faces only and has no landmarks.
    """

    tag: Final = 'haar'
    landmark_names: Final = NO_POINTS

    def __init__(
        self,
        cascade: cv2.CascadeClassifier,
        *,
        width: int = 0,
        min_score: float = DEFAULT_MIN_SCORE,
    ) -> None:
        """
        Take a loaded cascade.

        :param width: detection width in pixels, 0 for :data:`DEFAULT_WIDTH`
        """
        self._cascade = cascade
        self._width = width or DEFAULT_WIDTH
        self.min_score = min_score

    @classmethod
    def load(
        cls, path: Path | None = None, config: DetectorConfig = DEFAULT_CONFIG
    ) -> HaarDetector:
        """
        Load a cascade from a file, by default the frontal one that comes with OpenCV.

        :raises ModelError: if there is no such file, it is no cascade, or OpenCV cannot run it
        """
        if obstacle():
            raise ModelError(obstacle())
        path = find_cascade() if path is None else path
        if not is_file(path):
            raise ModelError(f'expected a Haar cascade (.xml) at {path}, there is no such file')
        cascade = cv2.CascadeClassifier()
        try:
            is_loaded = cascade.load(str(path))
        except cv2.error as error:
            raise ModelError(f'{path} is no Haar cascade, or damaged: {error.err}') from error
        if not is_loaded or cascade.empty():
            raise ModelError(f'{path} is no Haar cascade, or damaged')
        min_score = config.min_score or DEFAULT_MIN_SCORE
        return cls(cascade, width=config.width, min_score=min_score)

    def detect(self, image: ImageBGR) -> tuple[Detection, ...]:
        """
        Find the frontal faces of an image.

        :returns: detections of ``min_score`` and more, best first, in pixels of the image
        :raises ImageFormatError: if the image is not (H, W, 3) uint8
        """
        check_bgr(image)
        shrunk, (scale, _) = shrink_to_width(image, self._width)
        squares, weights = self.find_squares(to_gray(shrunk))
        found = [
            Detection(square_to_box(x * scale, y * scale, side * scale), weight_to_score(weight))
            for (x, y, side, _), weight in zip(squares.tolist(), weights.tolist(), strict=True)
        ]
        kept = [detection for detection in found if detection.score >= self.min_score]
        return tuple(sorted(kept, key=lambda detection: -detection.score))

    def find_squares(self, gray: ImageGray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """
        Run the cascade alone.

        :returns: (N, 4) squares as x, y, width, height in pixels, and (N,) weights: by how much
            each passed the last stage
        """
        squares, _, weights = self._cascade.detectMultiScale3(
            gray, SCALE_FACTOR, MIN_NEIGHBORS, outputRejectLevels=True
        )
        return (
            np.asarray(squares, np.float64).reshape(-1, 4),
            np.asarray(weights, np.float64).reshape(-1),
        )


def obstacle() -> str:
    """Return why this OpenCV cannot run a cascade, empty if it can."""
    if hasattr(cv2, 'CascadeClassifier'):
        return ''
    version = cv2.__version__
    return f'OpenCV {version} has no Haar cascades, which version 5 removed: install one below 5'


ROW: Final = DetectorRow(
    name='haar',
    load=HaarDetector.load,
    locate=lambda _folders: find_cascade(),
    default_width=DEFAULT_WIDTH,
    default_min_score=DEFAULT_MIN_SCORE,
    recognises=lambda path: path.suffix == '.xml',
    model_description='a cascade (.xml), of which OpenCV brings one',
    obstacle=obstacle,
)
