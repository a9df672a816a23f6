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
from rtcnn_perception.exceptions import ImageFormatError

Pixels = NDArray[np.uint8]
"""(rows, row bytes): the rows of an image without their padding."""


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
    Return the rows of an image without their padding, as a view of its bytes.

    :param data: all bytes of the image, one-dimensional
    :param step: bytes from one row to the next, padding included
    :raises ImageFormatError: if the encoding is unknown, or the bytes are not those of an image of
        this size
    """
    form = ENCODINGS.get(encoding)
    if form is None:
        raise ImageFormatError(
            f'unknown image encoding {encoding!r}; known are {", ".join(ENCODINGS)}'
        )
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
    return np.lib.stride_tricks.as_strided(data, (rows, row_bytes), (step, 1), writeable=False)


def decode_rows(rows: Pixels, encoding: str, *, is_bigendian: bool) -> ImageBGR:
    """
    Turn checked rows into BGR; bgr8 is a view of them, without a copy.

    :param is_bigendian: order of the bytes of 16-bit pixels
    """
    return ENCODINGS[encoding].to_bgr(rows, is_bigendian)


def decode_file(data: NDArray[np.uint8], image_format: str, max_pixels: float) -> ImageBGR:
    """
    Decode a JPEG or PNG as compressed_image_transport sends it.

    :param data: the bytes of the file, one-dimensional
    :param image_format: such as ``jpeg``, or ``rgb8; jpeg compressed bgr8``
    :param max_pixels: an image of more pixels is refused before it is unpacked
    :raises ImageFormatError: if it is damaged, too large or neither of the two
    """
    size = _claimed_size(data, image_format)
    if size[0] * size[1] > max_pixels:
        raise ImageFormatError(
            f'a compressed image of {size[0]}x{size[1]}, more than {max_pixels:.0f} pixels'
        )
    # Turning by the camera's own note would part the boxes from the pixels that others see.
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        image = cv2.imdecode(data, flags)
    except cv2.error as error:
        raise ImageFormatError(f'a compressed image that cannot be decoded: {error}') from error
    if image is None:
        raise ImageFormatError(
            f'a damaged compressed image of {data.size} bytes, format {image_format!r}'
        )
    # Old publishers packed the channels of rgb8 as if they were BGR, and say so.
    if 'compressed rgb' in image_format:
        image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    return np.asarray(image, dtype=np.uint8)


JPEG_START = b'\xff\xd8\xff'
JPEG_END = b'\xff\xd9'
PADDING_SEARCHED = 4096
PNG_START = b'\x89PNG\r\n\x1a\n'


def _claimed_size(data: NDArray[np.uint8], image_format: str) -> tuple[int, int]:
    """Read width and height from a file's head, before anything is unpacked."""
    head = data[:24].tobytes()
    if head.startswith(PNG_START):
        return int.from_bytes(head[16:20], 'big'), int.from_bytes(head[20:24], 'big')
    if not head.startswith(JPEG_START):
        raise ImageFormatError(
            f'expected a JPEG or PNG, got {data.size} bytes of format {image_format!r} '
            f'that begin with {head[:4].hex() or "nothing"}'
        )
    # OpenCV fills up a truncated JPEG with gray and says nothing; some cameras pad the end.
    if JPEG_END not in data[-PADDING_SEARCHED:].tobytes():
        raise ImageFormatError(f'a truncated JPEG of {data.size} bytes')
    at = 2
    while at + 9 <= data.size and data[at] == 0xFF:
        marker, length = int(data[at + 1]), int(data[at + 2]) << 8 | int(data[at + 3])
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = data[at + 5 : at + 9].astype(int).reshape(2, 2) @ (256, 1)
            return int(width), int(height)
        at += 2 + length
    raise ImageFormatError(f'a damaged JPEG of {data.size} bytes: it does not say its size')


def _converted(pixel_bytes: int, code: int | None) -> Callable[[Pixels, bool], ImageBGR]:
    def to_bgr(rows: Pixels, is_bigendian: bool) -> ImageBGR:  # noqa: ARG001 - 8 bits have no order
        image = rows if pixel_bytes == 1 else rows.reshape(rows.shape[0], -1, pixel_bytes)
        if code is None:
            return image
        return np.asarray(cv2.cvtColor(np.ascontiguousarray(image), code), dtype=np.uint8)

    return to_bgr


def _mono16(rows: Pixels, is_bigendian: bool) -> ImageBGR:
    values = np.ascontiguousarray(rows).view('>u2' if is_bigendian else '<u2')
    # 255 for 65535, rounded, as cv_bridge does.
    gray = cv2.convertScaleAbs(values.astype(np.uint16), alpha=255.0 / 65535.0)
    return np.asarray(cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR), dtype=np.uint8)


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
    '16UC1': Encoding(2, _mono16),
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
"""How each encoding becomes BGR; 16UC1 and the like are taken for what they most often hold."""
