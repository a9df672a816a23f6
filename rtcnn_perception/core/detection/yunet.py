"""YuNet, the small face network of OpenCV Zoo, run by OpenCV."""

from __future__ import annotations

from pathlib import Path
from typing import cast
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.detection.base import Detection
from rtcnn_perception.core.detection.base import require_bgr
from rtcnn_perception.core.detection.base import shrink_to_width
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.models.files import check_yunet_file
from rtcnn_perception.core.models.files import YUNET_NAME
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.paths import is_file

DEFAULT_WIDTH: Final = 320
"""
Pixels. The network finds faces of about 10 to 300 pixels (README of the model in OpenCV Zoo): at
this width, and with a camera that sees 60 degrees, those up to some 4 m away.
"""

MIN_OPENCV: Final = (4, 8)
"""The first version that reads the file of March 2023."""

_NMS_IOU: Final = 0.3
_TOP_K: Final = 5000
# Both are FaceDetectorYN's own defaults.

_MIN_SIDE: Final = 64
# Pixels. The network pads to multiples of 32; where a side comes to 32 and the other to 32 or 640,
# OpenCV 4.14 finds faces at infinity.


def why_opencv_cannot_run_yunet(version: str | None = None) -> str:
    """
    Return what stands between this OpenCV and YuNet, empty if nothing does.

    :param version: OpenCV's version, for tests
    """
    version = cv2.__version__ if version is None else version
    major, minor = (int(part) for part in version.split('.')[:2])
    if (major, minor) < MIN_OPENCV:
        return f'OpenCV {version} cannot read {YUNET_NAME}, which takes 4.8 or newer'
    if not hasattr(cv2, 'FaceDetectorYN'):
        return f'OpenCV {version} was built without FaceDetectorYN'
    return ''


class YuNetDetector:
    """Faces with landmarks, also from the side, tilted and small; one instance per thread."""

    name: Final = 'yunet'

    def __init__(
        self, network: cv2.FaceDetectorYN, *, width: int = 0, min_score: float = 0.6
    ) -> None:
        """
        Take a network that is loaded.

        :param width: width of detection in pixels, 0 for :data:`DEFAULT_WIDTH`
        """
        self._network = network
        self._width = width or DEFAULT_WIDTH
        self._input_size: tuple[int, int] | None = None
        self._threshold: float | None = None
        self.min_score = min_score

    @classmethod
    def load(cls, path: Path, *, width: int = 0, min_score: float = 0.6) -> YuNetDetector:
        """
        Load the network and try it once.

        A file that bears the name of the one this package knows must be that one to the last bit;
        under other names other versions of YuNet are taken, where they run.

        :raises ModelError: if there is no such file, it is damaged or no YuNet, or OpenCV cannot
            run it
        """
        obstacle = why_opencv_cannot_run_yunet()
        if obstacle:
            raise ModelError(f"{obstacle}; upgrade OpenCV or use the detector 'rtcnn'")
        if not is_file(path):
            raise ModelError(
                f'expected {YUNET_NAME} at {path}, there is no such file; get it with '
                "'rtcnn_perception fetch-yunet'"
            )
        if path.name == YUNET_NAME:
            check_yunet_file(path)
        try:
            network = cv2.FaceDetectorYN.create(
                str(path), '', (_MIN_SIDE, _MIN_SIDE), min_score, _NMS_IOU, _TOP_K
            )
            detector = cls(network, width=width, min_score=min_score)
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
        """
        require_bgr(image)
        shrunk = shrink_to_width(image, self._width)
        scale = np.array(
            [image.shape[1] / shrunk.shape[1], image.shape[0] / shrunk.shape[0]], np.float32
        )
        self._prepare(shrunk)
        # OpenCV's annotations do not know that there may be nothing.
        rows = cast(
            'NDArray[np.float32] | None', self._network.detect(_pad_to_least_size(shrunk))[1]
        )
        if rows is None:
            return ()
        points = rows[:, :14].reshape(-1, 7, 2) * scale  # corner, size, five landmarks
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
        """Tell the network what has changed; a new size makes it plan its memory anew."""
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
