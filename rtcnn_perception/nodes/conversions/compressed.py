"""
Decode JPEG and PNG as cameras send them.

OpenCV accepts damaged files, or takes long over them: it fills a truncated JPEG with gray without
an error, and takes seconds and gigabytes where a PNG has a wrong length of a chunk. So the
structure of a file is checked before it is decoded.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.exceptions import ImageFormatError

FileBytes = NDArray[np.uint8]

JPEG_START = b'\xff\xd8\xff'
JPEG_END = b'\xff\xd9'
PADDING_SEARCHED = 4096
"""Some cameras pad the end of a JPEG with zeros."""
NO_FRAME_MARKERS = (0xC4, 0xC8, 0xCC)
"""Markers among 0xC0 to 0xCF that begin no frame: tables and an extension."""

PNG_START = b'\x89PNG\r\n\x1a\n'
PNG_AROUND = 12
"""Bytes of a part of a PNG around its data: length, type, checksum."""


def decode_file(data: FileBytes, image_format: str, max_pixels: float) -> ImageBGR:
    """
    Decode a JPEG or PNG as compressed_image_transport sends it.

    :param data: the bytes of the file, one-dimensional
    :param image_format: such as ``jpeg``, or ``rgb8; jpeg compressed bgr8``
    :param max_pixels: an image of more pixels is refused before it is unpacked
    :raises ImageFormatError: if it is damaged, too large or neither of the two
    """
    head = data[:8].tobytes()
    read_size = next((read for start, read in SIZES.items() if head.startswith(start)), None)
    if read_size is None:
        raise ImageFormatError(
            f'expected a JPEG or PNG, got {data.size} bytes of format {image_format!r} '
            'that begin like neither'
        )
    width, height = read_size(data)
    if width * height > max_pixels:
        raise ImageFormatError(
            f'a compressed image of {width}x{height}, more than {max_pixels:.0f} pixels'
        )
    # Rotation by EXIF would make boxes differ from the pixels of the image.
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


def jpeg_size(data: FileBytes) -> tuple[int, int]:
    """
    Read width and height from the frame of a JPEG.

    :raises ImageFormatError: if its end is missing, or what says its size
    """
    if JPEG_END not in data[-PADDING_SEARCHED:].tobytes():
        raise ImageFormatError(f'a truncated JPEG of {data.size} bytes')
    at = 2
    while at + 9 <= data.size and data[at] == 0xFF:
        marker = int(data[at + 1])
        if 0xC0 <= marker <= 0xCF and marker not in NO_FRAME_MARKERS:
            return _number(data, at + 7, 2), _number(data, at + 5, 2)
        is_fill = marker == 0xFF  # any number of these may stand before a marker
        at += 1 if is_fill else 2 + _number(data, at + 2, 2)
    raise ImageFormatError(f'a damaged JPEG of {data.size} bytes: it does not say its size')


def png_size(data: FileBytes) -> tuple[int, int]:
    """
    Read width and height from a PNG, and walk through its parts to its end.

    :raises ImageFormatError: if a part reaches beyond the file, or the end is missing
    """
    at = len(PNG_START)
    while at + PNG_AROUND <= data.size:
        if data[at + 4 : at + 8].tobytes() == b'IEND':
            return _number(data, 16, 4), _number(data, 20, 4)
        at += PNG_AROUND + _number(data, at, 4)
    raise ImageFormatError(f'a truncated or damaged PNG of {data.size} bytes')


def _number(data: FileBytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size].tobytes(), 'big')


SIZES: Mapping[bytes, Callable[[FileBytes], tuple[int, int]]] = {
    JPEG_START: jpeg_size,
    PNG_START: png_size,
}
"""How width and height are read, by the first bytes of a file."""
