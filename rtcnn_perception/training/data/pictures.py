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

"""Pictures in files: decoded completely or refused, and written."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence
import contextlib
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.arrays import ImageGray
from rtcnn_perception.core.decoding import jpeg
from rtcnn_perception.core.decoding.limits import MAX_PICTURE_PIXELS
from rtcnn_perception.core.decoding.opencv import decode_by_opencv
from rtcnn_perception.core.decoding.picture import decode_picture as decode_within
from rtcnn_perception.core.images import to_gray
from rtcnn_perception.core.sources.pictures import ATOMIC_SUFFIXES
from rtcnn_perception.core.sources.pictures import decode_file
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import ImageFormatError
from rtcnn_perception.exceptions import SourceError
from rtcnn_perception.files import read_bytes
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.faces import ReadOptions

GRAY, COLOR = cv2.IMREAD_GRAYSCALE, cv2.IMREAD_COLOR

T = TypeVar('T')
R = TypeVar('R')

NAMED = 5
"""So many files or folders an error or a note names at most: there may be 70,000 more."""


def some_of(names: Sequence[str]) -> str:
    """Return the first names, and how many there are beyond them."""
    more = f' and {len(names) - NAMED} more' if len(names) > NAMED else ''
    return ', '.join(names[:NAMED]) + more


def for_all(read: Callable[[T], R], items: Iterable[T], what: str) -> list[R]:
    """
    Read every item, so that all faulty ones are known after one try.

    :param what: the items are called, for the error
    :raises DataError: the one that was raised, or with how many there are and the first of them
    """
    found, faults = [], []

    def attempt(item: T) -> None:
        try:
            found.append(read(item))
        except DataError as error:
            faults.append(error)

    for item in items:
        attempt(item)
    if len(faults) == 1:
        raise faults[0]
    if faults:
        named = '; '.join(map(str, faults[:NAMED]))
        more = f'; and {len(faults) - NAMED} more' if len(faults) > NAMED else ''
        raise DataError(f'{len(faults)} {what} are faulty: {named}{more}')
    return found


def left_out(
    source: Path, faulty: Sequence[str], expected: str, options: ReadOptions
) -> list[str]:
    """
    Return the note on files that are left out, where that is chosen.

    :raises DataError: naming some of them, where it is not
    """
    found = f'{source} has {len(faulty)} files that are not {expected}: {some_of(faulty)}'
    if faulty and not options.leave_out_faulty:
        raise DataError(
            f'{found}; mend or remove them, or leave them out with leave_out_faulty = true in the '
            'table of [data], or with --leave-out-faulty'
        )
    return [f'{found}; they are left out'] if faulty else []


def read_complete(paths: Iterable[Path]) -> dict[Path, ImageGray]:
    """Return the pictures (H, W) of the files that are complete ones, gray."""
    decoded: dict[Path, ImageGray] = {}
    for path in paths:
        with contextlib.suppress(DataError):
            decoded[path] = read_picture(path, GRAY)
    return decoded


def read_picture(path: Path, mode: int) -> NDArray[np.uint8]:
    """
    Read a picture from its file.

    :param mode: ``GRAY`` or ``COLOR``
    :returns: (H, W) or (H, W, 3) uint8, BGR
    :raises DataError: if there is no such file, or it is no complete picture
    """
    name = f'the picture {path}'
    try:
        if path.suffix.lower() in ATOMIC_SUFFIXES:
            return decode_picture(read_bytes(path), mode, name)
        picture = decode_file(path)
    except OSError as error:
        raise DataError(f'cannot read {name}: {error.strerror}') from error
    except SourceError as error:
        raise DataError(f'{name} cannot be decoded: {error}') from error
    return to_gray(picture) if mode == GRAY else picture


def decode_picture(encoded: bytes, mode: int, name: str) -> NDArray[np.uint8]:
    """
    Decode a picture, upright as its EXIF says, to the pixels that the pipeline has of it.

    :param mode: ``GRAY`` or ``COLOR``
    :param name: what an error calls it
    :returns: (H, W) or (H, W, 3) uint8, BGR
    :raises DataError: if it is no picture, or damaged, or beyond a limit
    """
    try:
        if encoded.startswith(jpeg.START):
            jpeg.walk(encoded, MAX_PICTURE_PIXELS)  # OpenCV 4.5 to 4.8 fills the rest with gray
            picture = decode_by_opencv(encoded, is_upright=True)
        else:
            picture = decode_within(encoded, MAX_PICTURE_PIXELS)
    except ImageFormatError as error:
        raise DataError(
            f'{name} cannot be decoded: {error}; expected a complete picture file'
        ) from error
    # Decoded as gray, a coloured PNG that names its gamma would be another gray than the camera's.
    return to_gray(picture) if mode == GRAY else picture


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
