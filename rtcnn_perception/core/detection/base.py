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
What every face detector has: what it takes and returns, its settings, its row in the registry.

An image is scaled down for detection here, by one function for all.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import Image
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.arrays import Landmarks
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.models.files import PublishedFile
from rtcnn_perception.core.models.precision import AUTO
from rtcnn_perception.core.models.precision import PRECISIONS
from rtcnn_perception.exceptions import ConfigurationError

LEAST_WIDTH = 32
"""Pixels; no detector finds a face in less."""

MAX_WIDTH = 8192
"""Pixels; anything above is a typing error."""


@dataclass(frozen=True, slots=True)
class Detection:
    """
    A face in one image.

    ``box`` is in pixels of the image, from forehead to chin and cheek to cheek, and may reach
    beyond the image; ``score`` in [0, 1] grows with the detector's confidence, and is a calibrated
    probability of ``rtcnn`` alone; ``landmarks`` are in the same pixels, a row for each of the
    detector's ``landmark_names``, where it finds any.

    :raises ValueError: if ``score`` is not in [0, 1] or ``landmarks`` are not (K, 2)
    """

    box: BoundingBox
    score: float
    landmarks: Landmarks | None = None

    def __post_init__(self) -> None:
        if not 0.0 <= self.score <= 1.0:
            raise ValueError(f'a score must be in [0, 1], got {self.score}')
        points = self.landmarks
        if points is not None and (points.ndim != 2 or points.shape[1] != 2):
            raise ValueError(f'landmarks must be (K, 2), got {points.shape}')


class Detector(Protocol):
    """
    Finds faces; one instance serves one thread.

    ``min_score`` may be set at any time and applies from the next image on.
    """

    min_score: float

    @property
    def tag(self) -> str:
        """Name in the registry, with name and short sha256 of its models that have a card."""
        ...

    @property
    def landmark_names(self) -> tuple[str, ...]:
        """Return what the landmarks of a detection are, in order; empty if it finds none."""
        ...

    def detect(self, image: ImageBGR) -> tuple[Detection, ...]:
        """
        Find the faces of an image of any size.

        :returns: detections of ``min_score`` and more, best first, in pixels of the image
        :raises ImageFormatError: if the image is not (H, W, 3) uint8
        """
        ...


@dataclass(frozen=True)
class DetectorConfig:
    """
    Choice and settings of a detector.

    ``width`` is the width in pixels to which an image is scaled down for detection, 0 for the
    detector's default; images are never scaled up, so that any width above the camera's leaves
    them unchanged. ``min_score`` 0 means the detector's default too, and an empty ``model_path``
    the default model. ``threads`` is what the detector may use, and OpenCV in the whole process:
    it has one count for all. ``precision``, one of ``models.precision.PRECISIONS``, chooses among
    the graphs of a model that has several, and among those of its check. ``check`` False
    leaves the check of a model that has one out, so that its scores are the detector's own.

    :raises ConfigurationError: if a value is out of range
    """

    name: str = 'auto'
    model_path: str = ''
    width: int = 0
    min_score: float = 0.0
    threads: int = 1
    precision: str = AUTO
    check: bool = True

    def __post_init__(self) -> None:
        if self.width != 0 and not LEAST_WIDTH <= self.width <= MAX_WIDTH:
            raise ConfigurationError(
                f'the detection width must be 0, or {LEAST_WIDTH} to {MAX_WIDTH} pixels, '
                f'got {self.width}'
            )
        if not 0.0 <= self.min_score <= 1.0:
            raise ConfigurationError(
                f'the minimum score of a detection must be in [0, 1], got {self.min_score}'
            )
        if self.threads < 1:
            raise ConfigurationError(f'threads must be at least 1, got {self.threads}')
        if self.precision not in PRECISIONS:
            known = ', '.join(PRECISIONS)
            raise ConfigurationError(f'expected a precision among {known}, got {self.precision!r}')


LARGEST_FACE = 3.0
"""Longer sides of the image that a face may have: of a larger one an image shows no part."""

MOST_HIGH = 8
"""Detection widths that the input of a detector may be high."""


def shrink_to_width(image: Image, width: int) -> tuple[Image, NDArray[np.float64]]:
    """
    Scale an image down for detection, keeping its aspect.

    No image becomes higher than ``MOST_HIGH`` times that width: memory and time of a detector are
    those of its input.

    :param width: in pixels, 1 and above; an image that is not larger comes back as it is
    :returns: the image, and (2,) factors x, y from its pixels to those of the one it is made from
    """
    height, source_width = image.shape[:2]
    highest = MOST_HIGH * width
    width = min(width, source_width, max(1, round(source_width * highest / height)))
    size = (width, min(highest, max(1, round(height * width / source_width))))
    if size == (source_width, height):
        return image, np.ones(2)
    # Linear interpolation alone would skip pixels where it shrinks by more than two.
    is_strong = source_width > 2 * width or height > 2 * size[1]
    interpolation = cv2.INTER_AREA if is_strong else cv2.INTER_LINEAR
    shrunk = np.asarray(cv2.resize(image, size, interpolation=interpolation), dtype=np.uint8)
    return shrunk, np.array([source_width / size[0], height / size[1]])


@dataclass(frozen=True, slots=True)
class DetectorRow:
    """
    A detector in the registry.

    ``load`` makes it from the path of its model and a configuration; ``locate`` returns where its
    default model lies, given folders of models, and raises a ModelError where it lies in none of
    them; ``default_width``, in pixels, and ``default_min_score`` hold where none is configured;
    ``recognises`` says whether an existing path is a model of this detector, and
    ``model_description`` what those are; ``published`` is the model where it can be downloaded;
    ``obstacle`` says what prevents it from running with this installation, and what to do about
    it, or nothing.
    """

    name: str
    load: Callable[[Path, DetectorConfig], Detector]
    locate: Callable[[Sequence[Path]], Path]
    default_width: int
    default_min_score: float
    recognises: Callable[[Path], bool]
    model_description: str
    published: PublishedFile | None = None
    obstacle: Callable[[], str] = str  # which returns nothing
