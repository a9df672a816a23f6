"""What a face detector takes and gives, whichever it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from rtcnn_perception.core.arrays import Image
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.arrays import Landmarks
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import ImageFormatError


@dataclass(frozen=True, slots=True)
class Detection:
    """
    A face in one image.

    ``box`` is in pixels of the image that was given, from forehead to chin and cheek to cheek, and
    may reach beyond the image; ``score`` in [0, 1] grows with the detector's confidence, and is no
    probability; ``landmarks`` are in the same pixels, where the detector finds any.

    :raises ValueError: if ``score`` is not in [0, 1] or ``landmarks`` are not (5, 2)
    """

    box: BoundingBox
    score: float
    landmarks: Landmarks | None = None

    def __post_init__(self) -> None:
        """Reject what no detector may say."""
        if not 0.0 <= self.score <= 1.0:
            raise ValueError(f'a score must be in [0, 1], got {self.score}')
        if self.landmarks is not None and self.landmarks.shape != (5, 2):
            raise ValueError(f'landmarks must be (5, 2), got {self.landmarks.shape}')


class Detector(Protocol):
    """
    Finds faces; one instance serves one thread.

    ``min_score`` may be set at any time and holds from the next image on.
    """

    min_score: float

    @property
    def name(self) -> str:
        """Name in the table of detectors."""
        ...

    def detect(self, image: ImageBGR) -> tuple[Detection, ...]:
        """
        Find the faces of an image of any size.

        :returns: detections of ``min_score`` and more, best first, in pixels of the image
        :raises ImageFormatError: if the image is not (H, W, 3) uint8
        """
        ...


LEAST_WIDTH = 32
"""Pixels; in less no detector finds a face."""

MAX_WIDTH = 8192
"""Pixels; anything above is a slip of the pen."""


@dataclass(frozen=True)
class DetectorConfig:
    """
    Choice and settings of a detector.

    ``width`` is the width in pixels to which an image is scaled down for detection, 0 for the one
    that suits the detector (rtcnn and YuNet 320, Haar 640); images are never scaled up, so that
    any width above the camera's leaves them as they are. ``model_path`` empty means the default
    model. ``threads`` is what the detector may use, and OpenCV in the whole process: it knows no
    other count.

    :raises ConfigurationError: if a value is out of range
    """

    name: str = 'auto'
    model_path: str = ''
    width: int = 0
    min_score: float = 0.6
    threads: int = 1

    def __post_init__(self) -> None:
        """Reject values out of range."""
        if self.width != 0 and not LEAST_WIDTH <= self.width <= MAX_WIDTH:
            raise ConfigurationError(
                f'the width of detection must be 0, or at least {LEAST_WIDTH} and at most '
                f'{MAX_WIDTH} pixels, got {self.width}'
            )
        if not 0.0 <= self.min_score <= 1.0:
            raise ConfigurationError(
                f'the least score of a detection must be in [0, 1], got {self.min_score}'
            )
        if self.threads < 1:
            raise ConfigurationError(f'threads must be at least 1, got {self.threads}')


def require_bgr(image: ImageBGR) -> None:
    """
    Refuse what is not an image of the core's contract.

    :raises ImageFormatError: if the image is not (H, W, 3) uint8 with pixels in it
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
        raise ImageFormatError(
            'a detector expects an image of shape (H, W, 3) and type uint8, '
            f'got shape {image.shape} and type {image.dtype}'
        )


def shrink_to_width(image: Image, width: int) -> Image:
    """
    Scale an image down to a width, keeping its aspect; one that is not wider comes back as it is.

    :param width: in pixels, 1 and above
    """
    height, source_width = image.shape[:2]
    if source_width <= width:
        return image
    size = (width, max(1, round(height * width / source_width)))
    # Linear interpolation alone would skip pixels where it shrinks by more than two.
    is_strong = source_width > 2 * width
    interpolation = cv2.INTER_AREA if is_strong else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size, interpolation=interpolation), dtype=np.uint8)
