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

"""YuNet, the small face network of OpenCV Zoo, run by OpenCV."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import cast
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.detection.base import Detection
from rtcnn_perception.core.detection.base import DetectorConfig
from rtcnn_perception.core.detection.base import DetectorRow
from rtcnn_perception.core.detection.base import shrink_to_width
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.landmarks import FIVE_POINTS
from rtcnn_perception.core.images import check_bgr
from rtcnn_perception.core.models.files import find_model
from rtcnn_perception.core.models.files import PublishedFile
from rtcnn_perception.core.models.files import read_published
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.paths import is_file

DEFAULT_CONFIG: Final = DetectorConfig('yunet')
_NAME: Final = 'face_detection_yunet_2023mar.onnx'

PUBLISHED: Final = PublishedFile(
    path=Path('yunet') / _NAME,
    sha256='8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4',
    size=232_589,
    url=f'https://github.com/opencv/opencv_zoo/raw/4.10.0/models/face_detection_yunet/{_NAME}',
    origin='OpenCV Zoo, MIT licence',
    advice=f"get {_NAME} elsewhere and run 'rtcnn_perception fetch yunet --from FILE', or use the "
    'detector rtcnn, which comes with this package',
)
"""Size and sum are those of the Git LFS pointer at the address, OpenCV Zoo's release 4.10.0."""

DEFAULT_WIDTH: Final = 320
"""
Pixels. The network finds faces of about 10 to 300 pixels (README of the model in OpenCV Zoo): at
this width, and with a camera that sees 60 degrees, those up to some 4 m away.
"""

MIN_OPENCV: Final = (4, 8)
"""The first version that reads the file of March 2023."""

DEFAULT_MIN_SCORE: Final = 0.6
"""Precision 0.85 and recall 0.63 at 416; ``docs/models.md`` compares it with ``rtcnn``."""

_NMS_IOU: Final = 0.3
_TOP_K: Final = 5000
# Both are FaceDetectorYN's own defaults.

_MIN_SIDE: Final = 64
# Pixels. The network pads to multiples of 32; where a side comes to 32 and the other to 32 or 640,
# OpenCV 4.14 finds faces at infinity.


def obstacle(version: str | None = None) -> str:
    """
    Return why this OpenCV cannot run YuNet, empty if it can.

    :param version: OpenCV's version, for tests
    """
    version = cv2.__version__ if version is None else version
    major, minor = (int(part) for part in version.split('.')[:2])
    if (major, minor) < MIN_OPENCV:
        return f'OpenCV {version} cannot read {_NAME}: install 4.8 or newer'
    if not hasattr(cv2, 'FaceDetectorYN'):
        return f'OpenCV {version} was built without FaceDetectorYN: install one that has it'
    return ''


class YuNetDetector:
    """Faces with landmarks, also from the side, tilted and small; one instance per thread."""

    tag: Final = 'yunet'
    landmark_names: Final = FIVE_POINTS

    def __init__(
        self, network: cv2.FaceDetectorYN, *, width: int = 0, min_score: float = DEFAULT_MIN_SCORE
    ) -> None:
        """
        Take a loaded network.

        :param width: detection width in pixels, 0 for :data:`DEFAULT_WIDTH`
        """
        self._network = network
        self._width = width or DEFAULT_WIDTH
        self._input_size: tuple[int, int] | None = None
        self._threshold: float | None = None
        self.min_score = min_score

    @classmethod
    def load(cls, path: Path, config: DetectorConfig = DEFAULT_CONFIG) -> YuNetDetector:
        """
        Load the network and run it once.

        A file with the name of the published one must be that one to the last bit; under other
        names other versions of YuNet are accepted, where they run.

        :raises ModelError: if there is no such file, it is damaged or no YuNet, or OpenCV cannot
            run it
        """
        if obstacle():
            raise ModelError(obstacle())
        if not is_file(path):
            raise ModelError(
                f'expected {_NAME} at {path}, there is no such file; get it with '
                "'rtcnn_perception fetch yunet'"
            )
        if path.name == _NAME:
            read_published(PUBLISHED, path)
        min_score = config.min_score or DEFAULT_MIN_SCORE
        try:
            network = cv2.FaceDetectorYN.create(
                str(path), '', (_MIN_SIDE, _MIN_SIDE), min_score, _NMS_IOU, _TOP_K
            )
            detector = cls(network, width=config.width, min_score=min_score)
            detector.detect(np.zeros((_MIN_SIDE, _MIN_SIDE, 3), np.uint8))
        except cv2.error as error:
            raise ModelError(
                f'{path} is damaged or no YuNet of March 2023 or later; OpenCV '
                f'{cv2.__version__} says: {error.err or error}'
            ) from error
        return detector

    def detect(self, image: ImageBGR) -> tuple[Detection, ...]:
        """
        Find the faces of an image.

        :returns: detections of ``min_score`` and more, best first, in pixels of the image
        :raises ImageFormatError: if the image is not (H, W, 3) uint8
        :raises ModelError: if the network returns values that no face can have
        """
        check_bgr(image)
        shrunk, scale = shrink_to_width(image, self._width)
        self._prepare(shrunk)
        # OpenCV's type annotations omit the None that stands for no face.
        rows = cast(
            'NDArray[np.float32] | None', self._network.detect(_pad_to_least_size(shrunk))[1]
        )
        if rows is None:
            return ()
        is_face = np.isfinite(rows).all(axis=1) & (rows[:, 2:4] > 0.0).all(axis=1)
        if not is_face.all():
            raise ModelError(
                'this YuNet returns what is no face: expected finite numbers and sizes above 0, '
                f"got {rows[np.argmin(is_face)].tolist()}; 'rtcnn_perception fetch yunet' gets "
                'the published one'
            )
        # A row is a corner, a size and five landmarks, each x and y, then the score.
        points = rows[:, :14].reshape(-1, 7, 2) * scale.astype(np.float32)
        found = [
            Detection(BoundingBox.from_xywh(*corner, *size), min(score, 1.0), landmarks)
            for corner, size, landmarks, score in zip(
                points[:, 0].tolist(),
                points[:, 1].tolist(),
                points[:, 2:],
                rows[:, 14].tolist(),
                strict=True,
            )
        ]
        return tuple(sorted(found, key=lambda detection: -detection.score))

    def _prepare(self, image: ImageBGR) -> None:
        """Pass changed settings to the network; a new size makes it allocate its memory anew."""
        size = (max(image.shape[1], _MIN_SIDE), max(image.shape[0], _MIN_SIDE))
        if size != self._input_size:
            self._network.setInputSize(size)
            self._input_size = size
        threshold = self.min_score
        if threshold != self._threshold:
            self._network.setScoreThreshold(threshold)
            self._threshold = threshold


def _pad_to_least_size(image: ImageBGR) -> ImageBGR:
    bottom, right = (max(_MIN_SIDE - side, 0) for side in image.shape[:2])
    if not bottom and not right:
        return image
    padded = cv2.copyMakeBorder(image, 0, bottom, 0, right, cv2.BORDER_CONSTANT)
    return np.asarray(padded, dtype=np.uint8)


ROW: Final = DetectorRow(
    name='yunet',
    load=YuNetDetector.load,
    locate=partial(
        find_model, path=PUBLISHED.path, advice="'rtcnn_perception fetch yunet' gets it"
    ),
    default_width=DEFAULT_WIDTH,
    default_min_score=DEFAULT_MIN_SCORE,
    recognises=lambda path: path.suffix == '.onnx',
    model_description='an .onnx file without a card',
    published=PUBLISHED,
    obstacle=obstacle,
)
