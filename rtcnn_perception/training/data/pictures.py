"""Pictures in files: decoded completely or refused, and written."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.files import read_bytes
from rtcnn_perception.training.data.faces import DataError

GRAY, COLOR = cv2.IMREAD_GRAYSCALE, cv2.IMREAD_COLOR

JPEG_START, JPEG_SCAN, JPEG_END = b'\xff\xd8', b'\xff\xda', b'\xff\xd9'
"""Markers. Source: ITU-T T.81, table B.1."""


def read_picture(path: Path, mode: int) -> NDArray[np.uint8]:
    """
    Read a picture from its file.

    :param mode: ``GRAY`` or ``COLOR``
    :returns: (H, W) or (H, W, 3) uint8, BGR
    :raises DataError: if there is no such file, or it is no complete picture
    """
    try:
        encoded = read_bytes(path)
    except OSError as error:
        raise DataError(f'cannot read the picture {path}: {error.strerror}') from error
    return decode_picture(encoded, mode, f'the picture {path}')


def decode_picture(encoded: bytes, mode: int, name: str) -> NDArray[np.uint8]:
    """
    Decode a picture.

    :param mode: ``GRAY`` or ``COLOR``
    :param name: what an error calls it
    :returns: (H, W) or (H, W, 3) uint8, BGR
    :raises DataError: if it is no picture, or one whose end is missing
    """
    if encoded.startswith(JPEG_START) and lacks_end(encoded):
        raise DataError(f'{name} cannot be decoded: it is a JPEG whose end is missing')
    try:
        picture = cv2.imdecode(np.frombuffer(encoded, np.uint8), mode) if encoded else None
    except cv2.error:
        picture = None  # it claims to be larger than OpenCV takes
    if picture is None:
        raise DataError(f'{name} cannot be decoded; expected a complete picture file')
    return np.asarray(picture, np.uint8)


def lacks_end(jpeg: bytes) -> bool:
    """
    Return whether the scans of a JPEG are cut off; OpenCV 4.5 to 4.8 fills the rest with gray.

    Segments before the scans are skipped, as a thumbnail in one has an end of its own.
    """
    at = len(JPEG_START)
    while jpeg[at : at + 2] != JPEG_SCAN:
        if jpeg[at : at + 1] != b'\xff':
            return False  # no marker: OpenCV decodes or refuses it
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4], 'big')
    return jpeg.find(JPEG_END, at) < 0  # no two bytes of a scan are a marker


def write_picture(picture: ImageBGR, path: Path) -> None:
    """
    Write a PNG.

    :raises ConfigurationError: if the file cannot be written
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(cv2.imencode('.png', picture)[1].tobytes())
    except OSError as error:
        raise ConfigurationError(f'cannot write the picture {path}: {error}') from error
