"""The kinds of sources behind ``sources.FrameSource``, one class each."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from dataclasses import dataclass
import math
from pathlib import Path
import re

import cv2
import numpy as np
from numpy.typing import ArrayLike
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.sources.builtin import BuiltinClip
from rtcnn_perception.exceptions import SourceError

PICTURE_SUFFIXES = frozenset(
    {'.bmp', '.jpeg', '.jpg', '.pgm', '.png', '.ppm', '.tif', '.tiff', '.webp'}
)
KNOWN_PICTURES = f'that end in {", ".join(sorted(PICTURE_SUFFIXES))} and are what they say'
STILL_FPS = 10.0
"""Frames per second of a picture: it is looked at again and again, as a still scene would be."""
HELD_FRAMES = 10
"""Frames for which each of several pictures is shown: a second of them."""
NOMINAL_FPS = 30.0
"""Frames per second where a video or a device does not say."""
MAX_FPS = 240.0
"""Above this a file's frame rate is a time base that was taken for one."""


@dataclass(frozen=True, slots=True)
class DeviceMode:
    """
    What a camera is asked for; 0 leaves it as its driver has it. It gives the nearest it has.

    Width and height are in pixels, and are asked for together.
    """

    width: int = 0
    height: int = 0
    fps: float = 0.0


AS_THE_DRIVER_HAS_IT = DeviceMode()


class BuiltinSource:
    """The clip that the package makes from a portrait, without end."""

    name = 'builtin'
    is_live = False
    frame_count: int | None = None

    def __init__(self, clip: BuiltinClip) -> None:
        self._clip = clip
        self.fps = clip.fps
        self.size = clip.size

    def __iter__(self) -> Iterator[ImageBGR]:
        """Give the frames of the clip over and over."""
        index = 0
        while True:
            yield _frozen(self._clip.frame(index))
            index += 1

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""


class PictureSource:
    """
    One or more pictures, each held for a while; a single one is held for ever.

    Faces must be seen in several frames before they count, which is why a picture is shown longer
    than one frame. A dark frame parts two pictures, as a slide projector has it, so that nobody is
    followed from one into the next. Files that cannot be read or decoded are passed over;
    ``skipped`` names them, each with the reason.
    """

    is_live = False
    fps = STILL_FPS

    def __init__(self, name: str, paths: tuple[Path, ...]) -> None:
        self.name = name
        self.skipped: dict[Path, str] = {}
        self._paths = paths
        first = next(self._pictures(), None)
        if first is None:
            raise SourceError(
                f'no picture of {name} can be decoded ({len(paths)} tried; {paths[0].name}: '
                f'{self.skipped[paths[0]]}); expected files {KNOWN_PICTURES}'
            )
        self.size = _size(first)

    @property
    def frame_count(self) -> int | None:
        """How many frames there are if every picture can be decoded; None for a single one."""
        return None if len(self._paths) == 1 else len(self._paths) * (HELD_FRAMES + 1) - 1

    def __iter__(self) -> Iterator[ImageBGR]:
        """Give each picture as often as it is held."""
        for number, picture in enumerate(self._pictures()):
            if number:
                yield _frozen(np.zeros_like(picture))
            times = 0
            while len(self._paths) == 1 or times < HELD_FRAMES:
                yield picture
                times += 1

    def close(self) -> None:
        """Do nothing: a picture's file is closed once it is read."""

    def _pictures(self) -> Iterator[ImageBGR]:
        for path in self._paths:
            try:
                picture = _decode(path)
            except SourceError as error:  # noqa: PERF203 - beside decoding it is nothing
                self.skipped[path] = str(error)
            else:
                yield picture


class VideoSource:
    """A video or an animated GIF, as OpenCV's backends decode it."""

    is_live = False

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._path = path
        capture = self._open()
        is_read, first = capture.read()
        if not is_read:
            capture.release()
            raise SourceError(
                f'{path} cannot be decoded as a video or a picture; check that it is whole, or '
                'convert it, for instance to .mp4 or .png'
            )
        self.fps = _sane_fps(capture.get(cv2.CAP_PROP_FPS))
        self.size = _size(first)
        count = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self.frame_count = round(count) if math.isfinite(count) and count >= 1 else None
        self.has_one_frame = not capture.grab()
        capture.release()

    def __iter__(self) -> Iterator[ImageBGR]:
        """Decode the file from its start; a damaged end is the end."""
        capture = self._open()
        try:
            is_read, frame = capture.read()
            while is_read:
                yield _frozen(frame)
                is_read, frame = capture.read()
        finally:
            capture.release()

    def close(self) -> None:
        """Do nothing: the file is closed when an iteration ends."""

    def _open(self) -> cv2.VideoCapture:
        return cv2.VideoCapture(str(self._path))


class DeviceSource:
    """A camera of this machine, by its number."""

    is_live = True
    frame_count: int | None = None

    def __init__(self, number: int, mode: DeviceMode) -> None:
        self.name = f'/dev/video{number}'
        if not Path(self.name).exists():
            found = ', '.join(str(path) for path in natural_order(Path('/dev').glob('video*')))
            raise SourceError(f'there is no camera {self.name}; found: {found or "none"}')
        self._capture = cv2.VideoCapture(number, cv2.CAP_V4L2)
        # The newest frame wins: the driver is to keep no more of them than it must.
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        for setting, wanted in (
            (cv2.CAP_PROP_FRAME_WIDTH, mode.width),
            (cv2.CAP_PROP_FRAME_HEIGHT, mode.height),
            (cv2.CAP_PROP_FPS, mode.fps),
        ):
            if wanted:
                self._capture.set(setting, wanted)
        is_read, first = self._capture.read()
        if not is_read:
            self._capture.release()
            raise SourceError(
                f'{self.name} gives no frames; check that it is a camera, that no other program '
                'uses it, and that you may read it (group video)'
            )
        self.fps = _sane_fps(self._capture.get(cv2.CAP_PROP_FPS))
        self.size = _size(first)

    def __iter__(self) -> Iterator[ImageBGR]:
        """Give frames as they come."""
        while True:
            is_read, frame = self._capture.read()
            if not is_read:
                raise SourceError(f'{self.name} stopped giving frames; is it still plugged in?')
            yield _frozen(frame)

    def close(self) -> None:
        """Let go of the camera."""
        self._capture.release()


def natural_order(paths: Iterable[Path]) -> list[Path]:
    """Sort paths as people count: ``2.png`` before ``10.png``."""

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
        data = np.frombuffer(path.read_bytes(), dtype=np.uint8)
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
    return _frozen(image)


def _frozen(frame: ArrayLike) -> ImageBGR:
    image: ImageBGR = np.asarray(frame, dtype=np.uint8)
    image.flags.writeable = False
    return image


def _size(frame: ArrayLike) -> tuple[int, int]:
    image = np.asarray(frame)
    return int(image.shape[1]), int(image.shape[0])


def _sane_fps(fps: float) -> float:
    return float(fps) if math.isfinite(fps) and 0 < fps <= MAX_FPS else NOMINAL_FPS
