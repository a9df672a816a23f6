"""Pictures as a source of frames: one, or those of a folder."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from pathlib import Path
import re

import cv2
import numpy as np
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.sources.base import FrameSource
from rtcnn_perception.core.sources.base import frozen
from rtcnn_perception.core.sources.base import size_of
from rtcnn_perception.exceptions import SourceError
from rtcnn_perception.files import read_bytes

PICTURE_SUFFIXES = frozenset(
    {'.bmp', '.jpeg', '.jpg', '.pgm', '.png', '.ppm', '.tif', '.tiff', '.webp'}
)
KNOWN_PICTURES = f'that end in {", ".join(sorted(PICTURE_SUFFIXES))} and can be decoded'
STILL_FPS = 10.0
"""Frames per second of a picture, which is repeated like a static scene."""
HELD_FRAMES = 10
"""Frames for which each of several pictures is shown: a second of them."""


class PictureSource(FrameSource):
    """
    One or more pictures, each repeated for a while; a single one without end.

    A track is confirmed by several frames, which is why a picture is shown longer than one frame.
    A dark frame separates two pictures, so that no face is tracked from one into the next. Files
    that cannot be read or decoded are skipped; ``skipped`` names them, each with the reason.
    """

    fps = STILL_FPS

    def __init__(self, name: str, paths: tuple[Path, ...]) -> None:
        self.name = name
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
        for path in self._paths:
            try:
                picture = _decode(path)
            except SourceError as error:  # noqa: PERF203 - decoding takes far longer
                self.skipped[path] = str(error)
            else:
                yield picture


def natural_order(paths: Iterable[Path]) -> list[Path]:
    """Sort paths by the numbers in their names: ``2.png`` before ``10.png``."""

    def key(path: Path) -> list[tuple[int, str]]:
        parts = re.split(r'([0-9]+)', path.name.lower())
        # Odd parts are digits; the length before the text would do but for leading zeros.
        return [(int(p) if i % 2 else -1, p) for i, p in enumerate(parts)]

    return sorted(paths, key=key)


def _decode(path: Path) -> ImageBGR:
    """
    Decode a picture, upright as its EXIF says.

    :raises SourceError: with the reason, if it cannot be read or OpenCV cannot decode it
    """
    try:
        data = np.frombuffer(read_bytes(path), dtype=np.uint8)
    except OSError as error:
        raise SourceError(error.strerror or str(error)) from error
    try:
        image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    except cv2.error:  # an absurd size raises, where anything else gives None
        image = None
    if image is None and path.suffix.lower() not in PICTURE_SUFFIXES:
        # A video of one frame, and a GIF of one before OpenCV 4.11.
        capture = cv2.VideoCapture(str(path))
        _, image = capture.read()
        capture.release()
    if image is None:
        raise SourceError('it is empty' if not data.size else 'damaged, or of an unknown format')
    return frozen(image)
