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

"""Pictures as a source of frames: one, or those of a folder."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from pathlib import Path
import re

import numpy as np
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.decoding.animation import is_animated
from rtcnn_perception.core.decoding.limits import MAX_FILE_BYTES
from rtcnn_perception.core.decoding.limits import MAX_PICTURE_PIXELS
from rtcnn_perception.core.decoding.picture import decode_picture
from rtcnn_perception.core.sources.base import FrameSource
from rtcnn_perception.core.sources.base import frozen
from rtcnn_perception.core.sources.base import size_of
from rtcnn_perception.core.sources.capture import open_capture
from rtcnn_perception.exceptions import ImageFormatError
from rtcnn_perception.exceptions import SourceError
from rtcnn_perception.files import read_bytes

ATOMIC_SUFFIXES = frozenset(
    {'.bmp', '.jfif', '.jpe', '.jpeg', '.jpg', '.pgm', '.png', '.ppm', '.tif', '.tiff', '.webp'}
)
"""Files of pictures that every OpenCV reads; what it refuses is damaged, whatever FFmpeg finds."""
STILL_SUFFIXES = ATOMIC_SUFFIXES | {'.avif', '.heic', '.heif', '.jp2', '.jxl', '.pbm', '.pnm'}
"""Names of files that hold one picture, whether or not this OpenCV decodes them."""
PICTURE_SUFFIXES = STILL_SUFFIXES | {'.gif'}
"""What counts as a picture in every folder, of frames and of data; a GIF by its first picture."""
FILM_SUFFIXES = frozenset({'.avi', '.m4v', '.mkv', '.mov', '.mp4', '.mpg', '.webm', '.wmv'})
"""Names of files that are left out of a folder of pictures, and reported."""
OTHER_SUFFIXES = frozenset(
    {'.arw', '.cr2', '.cr3', '.dng', '.exr', '.hdr', '.ico', '.nef', '.pcx', '.psd', '.tga'}
)
"""Names of pictures that no OpenCV shows as they are meant, likewise."""
KNOWN_PICTURES = f'that end in {", ".join(sorted(PICTURE_SUFFIXES))} and can be decoded'
STILL_FPS = 10.0
"""Frames per second of a picture, which is repeated like a static scene."""
HELD_FRAMES = 10
"""Frames for which each of several pictures is shown: a second of them."""


class PictureSource(FrameSource):
    """
    One or more pictures, each repeated for a while; a single one without end.

    A track is confirmed by several frames, which is why a picture is shown longer than one frame.
    A dark frame separates two pictures: where tracks do not coast (``max_coast_s`` 0) and every
    frame is searched for faces, none is followed from one picture into the next. Files that
    cannot be read or decoded are skipped; ``skipped`` names them, each with the reason, and those
    of which the first picture alone is shown.
    """

    fps = STILL_FPS

    def __init__(
        self, name: str, paths: tuple[Path, ...], left_out: Mapping[Path, str] | None = None
    ) -> None:
        """
        Decode the first picture.

        :param left_out: files that are no pictures of this source, each with the reason
        :raises SourceError: if none can be decoded
        """
        self.name = name
        self._left_out = dict(left_out or {})
        self.skipped: dict[Path, str] = {}
        self._paths = paths
        if len(paths) > 1:  # if every one can be decoded
            self.frame_count = len(paths) * (HELD_FRAMES + 1) - 1
        first = next(self._pictures(), None)
        if first is None:
            raise SourceError(
                f'no picture of {name} can be decoded ({len(paths)} tried; {paths[0].name}: '
                f'{self.skipped[paths[0]]}); expected files {KNOWN_PICTURES}'
            )
        self.size = size_of(first)

    def __iter__(self) -> Iterator[ImageBGR]:
        """Yield each picture as often as it is repeated."""
        for number, picture in enumerate(self._pictures()):
            if number:
                yield frozen(np.zeros_like(picture))
            times = 0
            while len(self._paths) == 1 or times < HELD_FRAMES:
                yield picture
                times += 1

    def _pictures(self) -> Iterator[ImageBGR]:
        self.skipped = dict(self._left_out)
        for path in self._paths:
            try:
                data = _read(path)
                picture = _decoded(path, data)
            except SourceError as error:  # noqa: PERF203 - decoding takes far longer
                self.skipped[path] = str(error)
            else:
                if is_animated(data):
                    self.skipped[path] = 'animated, and only its first picture is shown'
                yield picture


def natural_order(paths: Iterable[Path]) -> list[Path]:
    """Sort paths by the numbers in their names: ``2.png`` before ``10.png``."""

    def key(path: Path) -> list[tuple[int, str]]:
        parts = re.split(r'([0-9]+)', path.name.lower())
        # Odd parts are digits; the length before the text would do but for leading zeros.
        return [(int(p) if i % 2 else -1, p) for i, p in enumerate(parts)]

    return sorted(paths, key=key)


def decode_file(path: Path) -> ImageBGR:
    """
    Decode a picture, upright as its EXIF says.

    :raises SourceError: with the reason, if it cannot be read, or not decoded within the limits
    """
    return _decoded(path, _read(path))


def is_picture(path: Path) -> bool:
    """Return whether a file holds a picture, whatever its name."""
    try:
        decode_picture(_read(path), MAX_PICTURE_PIXELS)
    except (SourceError, ImageFormatError):
        return False
    return True


def _read(path: Path) -> bytes:
    try:
        data = read_bytes(path, MAX_FILE_BYTES + 1)
    except OSError as error:
        raise SourceError(error.strerror or str(error)) from error
    if not data:
        raise SourceError('it is empty')
    if len(data) > MAX_FILE_BYTES:
        raise SourceError(f'it has more than {MAX_FILE_BYTES} bytes')
    return data


def _decoded(path: Path, data: bytes) -> ImageBGR:
    try:
        return frozen(decode_picture(data, MAX_PICTURE_PIXELS))
    except ImageFormatError as error:
        if path.suffix.lower() in ATOMIC_SUFFIXES:
            raise SourceError(str(error)) from error
    # A video of one frame, a GIF before OpenCV 4.11, and what only FFmpeg decodes.
    capture = open_capture(path)
    _, image = capture.read()
    capture.release()
    if image is None:
        raise SourceError('damaged, or of an unknown format')
    return frozen(image)
