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

"""The checks and conversions that every stage makes of whole images."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import Image
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.arrays import ImageGray
from rtcnn_perception.exceptions import ImageFormatError

_TURNS: Final = {
    90: cv2.ROTATE_90_CLOCKWISE,
    180: cv2.ROTATE_180,
    270: cv2.ROTATE_90_COUNTERCLOCKWISE,
}

DARKEST: Final = 0.5
BRIGHTEST: Final = 99.5
"""Percentiles of the values of a 16-bit image that become 0 and 255."""

LEAST_SPAN: Final = 256.0
"""A 16-bit image with less between them is not stretched further: that would show its noise."""

STRIDE_16: Final = 4
"""Of the pixels of a 16-bit image every fourth of every fourth row says what values it has."""

RIGHT_ANGLES: Final = (0, *_TURNS)
"""Degrees clockwise by which a whole image may be rotated."""


def check_bgr(image: ImageBGR) -> None:
    """
    Refuse what is not an image of the core's contract.

    :raises ImageFormatError: if the image is not (H, W, 3) uint8 with at least one pixel
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
        raise _wrong_format('(H, W, 3)', image)


def check_image(image: Image) -> None:
    """
    Refuse what is neither BGR nor gray.

    :raises ImageFormatError: if the image is not (H, W) or (H, W, 3) uint8 with at least one pixel
    """
    is_image = image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)
    if not is_image or image.dtype != np.uint8 or image.size == 0:
        raise _wrong_format('(H, W) or (H, W, 3)', image)


def to_gray(image: Image) -> ImageGray:
    """Return (H, W) uint8 from BGR or gray, by the weights of ITU-R BT.601 as OpenCV has them."""
    if image.ndim == 2:
        return image
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), dtype=np.uint8)


def stretched(values: NDArray[np.uint16]) -> ImageBGR:
    """
    Stretch gray values of 16 bits over those of 8, as many cameras fill 10 to 14 of the 16.

    :param values: (H, W), in any order of bytes
    :returns: (H, W, 3) uint8, all channels alike
    """
    low, high = np.percentile(values[::STRIDE_16, ::STRIDE_16], (DARKEST, BRIGHTEST))
    darkest = np.uint16(round(low))
    above = np.maximum(values, darkest) - darkest  # in the order of bytes of this machine
    gray = cv2.convertScaleAbs(above, alpha=255.0 / max(high - low, LEAST_SPAN))
    return np.asarray(cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR), np.uint8)


def rotate(image: ImageBGR, degrees: int) -> ImageBGR:
    """
    Rotate an image clockwise.

    :param image: (H, W, 3) uint8
    :param degrees: one of ``RIGHT_ANGLES``
    :returns: the image itself for 0
    """
    return np.asarray(cv2.rotate(image, _TURNS[degrees]), np.uint8) if degrees else image


def _wrong_format(expected: str, image: Image) -> ImageFormatError:
    return ImageFormatError(
        f'expected an image of shape {expected} and type uint8, '
        f'got shape {image.shape} and type {image.dtype}'
    )
