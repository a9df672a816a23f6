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
The pixels of an image message, by its encoding.

Names are those of sensor_msgs/image_encodings.hpp; the pixels are those that cv_bridge makes.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.images import stretched
from rtcnn_perception.exceptions import ImageFormatError

Pixels = NDArray[np.uint8]
"""(rows, row bytes): the rows of an image without their padding."""


MOST_PADDED = 2
"""Times the bytes of its pixels that a row may have for the message to be kept as it is."""


@dataclass(frozen=True)
class Encoding:
    """
    How rows of bytes become BGR.

    ``pixel_bytes`` are those of one pixel in its row; ``rows_per_2`` is how many rows of bytes
    there are for two rows of pixels, 3 where colour follows brightness in a plane of its own.
    """

    pixel_bytes: int
    to_bgr: Callable[[Pixels, bool], ImageBGR]
    rows_per_2: int = 2
    needs_even_width: bool = False


def check_rows(
    data: NDArray[np.uint8], *, height: int, width: int, step: int, encoding: str
) -> Pixels:
    """
    Return the rows of an image without their padding: a view, where most of its bytes are pixels.

    :param data: all bytes of the image, one-dimensional
    :param step: bytes from one row to the next, padding included
    :raises ImageFormatError: if the encoding is unknown, or the bytes are not those of an image of
        this size
    """
    form = _form_of(encoding)
    if height < 1 or width < 1:
        raise ImageFormatError(f'an image needs pixels, got {width}x{height}')
    if (form.needs_even_width and width % 2) or (form.rows_per_2 != 2 and height % 2):
        raise ImageFormatError(f'{encoding} needs an even size, got {width}x{height}')
    row_bytes = width * form.pixel_bytes
    if step < row_bytes:
        raise ImageFormatError(
            f'a row of {width} pixels in {encoding} has {row_bytes} bytes or more, '
            f'got a step of {step}'
        )
    rows = height * form.rows_per_2 // 2
    # The last row may come without its padding.
    if not step * (rows - 1) + row_bytes <= data.size <= step * rows:
        raise ImageFormatError(
            f'{width}x{height} in {encoding} with a step of {step} has {step * rows} bytes, '
            f'got {data.size}: the image is truncated or its step is wrong'
        )
    view = np.lib.stride_tricks.as_strided(data, (rows, row_bytes), (step, 1), writeable=False)
    # What is little but padding would be kept in memory with it, and counted without.
    return view.copy() if step > MOST_PADDED * row_bytes else view


def _form_of(encoding: str) -> Encoding:
    if encoding in DEPTH:
        raise ImageFormatError(
            f'{encoding} is the encoding of depth images; subscribe to a colour or infrared '
            'image, which has mono16 where it is of 16 bits'
        )
    if encoding not in ENCODINGS:
        raise ImageFormatError(
            f'unknown image encoding {encoding!r}; known are {", ".join(ENCODINGS)}'
        )
    return ENCODINGS[encoding]


def decompressed(image: ImageBGR, compressed_format: str) -> ImageBGR:
    """
    Return the pixels of a picture that was decoded from a compressed message.

    compressed_image_transport converts colour encodings alone. Others are in the picture as they
    are, and stand before the semicolon of the message's format, as in
    ``bayer_rggb8; png compressed``.

    :param image: (H, W, 3) uint8, decoded as if its colours were those of a picture
    :raises ImageFormatError: if the picture is a depth image, or a Bayer pattern that is not known
    """
    encoding = compressed_format.partition(';')[0].strip()
    _, is_packed, rest = compressed_format.rpartition('compressed')
    target = rest.strip() if is_packed else ''
    if target.startswith('rgb'):  # old publishers packed rgb8 as if it were BGR
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2BGR), np.uint8)
    if target or not encoding.startswith(('bayer_', *DEPTH)):
        return image
    return _form_of(encoding).to_bgr(np.ascontiguousarray(image[:, :, 0]), False)


def decode_rows(rows: Pixels, encoding: str, *, is_bigendian: bool) -> ImageBGR:
    """
    Turn checked rows into BGR; bgr8 is a view of them, without a copy.

    :param is_bigendian: order of the bytes of 16-bit pixels
    """
    return ENCODINGS[encoding].to_bgr(rows, is_bigendian)


def _converted(pixel_bytes: int, code: int | None) -> Callable[[Pixels, bool], ImageBGR]:
    def to_bgr(rows: Pixels, is_bigendian: bool) -> ImageBGR:  # noqa: ARG001 - 8 bits have no order
        image = rows if pixel_bytes == 1 else rows.reshape(rows.shape[0], -1, pixel_bytes)
        if code is None:
            return image
        return np.asarray(cv2.cvtColor(np.ascontiguousarray(image), code), dtype=np.uint8)

    return to_bgr


def _mono16(rows: Pixels, is_bigendian: bool) -> ImageBGR:
    return stretched(np.ascontiguousarray(rows).view('>u2' if is_bigendian else '<u2'))


def _packed(pixel_bytes: int, code: int | None) -> Encoding:
    return Encoding(pixel_bytes, _converted(pixel_bytes, code))


def _yuv422(code: int) -> Encoding:
    return Encoding(2, _converted(2, code), needs_even_width=True)


def _yuv420(code: int) -> Encoding:
    return Encoding(1, _converted(1, code), rows_per_2=3, needs_even_width=True)


ENCODINGS: Mapping[str, Encoding] = {
    'bgr8': _packed(3, None),
    '8UC3': _packed(3, None),
    'rgb8': _packed(3, cv2.COLOR_RGB2BGR),
    'bgra8': _packed(4, cv2.COLOR_BGRA2BGR),
    '8UC4': _packed(4, cv2.COLOR_BGRA2BGR),
    'rgba8': _packed(4, cv2.COLOR_RGBA2BGR),
    'mono8': _packed(1, cv2.COLOR_GRAY2BGR),
    '8UC1': _packed(1, cv2.COLOR_GRAY2BGR),
    'mono16': Encoding(2, _mono16),
    # OpenCV names the pattern by the second row's second and third pixel, ROS by the first two.
    'bayer_rggb8': _packed(1, cv2.COLOR_BayerBG2BGR),
    'bayer_bggr8': _packed(1, cv2.COLOR_BayerRG2BGR),
    'bayer_gbrg8': _packed(1, cv2.COLOR_BayerGR2BGR),
    'bayer_grbg8': _packed(1, cv2.COLOR_BayerGB2BGR),
    'yuv422': _yuv422(cv2.COLOR_YUV2BGR_UYVY),
    'uyvy': _yuv422(cv2.COLOR_YUV2BGR_UYVY),
    'yuv422_yuy2': _yuv422(cv2.COLOR_YUV2BGR_YUY2),
    'yuyv': _yuv422(cv2.COLOR_YUV2BGR_YUY2),
    'nv12': _yuv420(cv2.COLOR_YUV2BGR_NV12),
    'nv21': _yuv420(cv2.COLOR_YUV2BGR_NV21),
    'i420': _yuv420(cv2.COLOR_YUV2BGR_I420),
}
"""How each encoding becomes BGR; 8UC3 and the like are taken for what they most often hold."""

DEPTH = ('16UC1', '32FC1')
"""The encodings of depth images, by REP-118; no face is found in them."""
