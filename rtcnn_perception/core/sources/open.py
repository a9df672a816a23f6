"""
Where frames come from when no camera node publishes them: devices, files and the built-in clip.

``open_source`` takes what a person types. A source is opened by decoding its first frame, so that
what cannot be read is refused at the start. Pacing is left to whoever reads: the frames of a file
come as fast as they are asked for, those of a device as fast as it gives them.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
import os.path
from pathlib import Path
import re
from typing import Protocol
from typing import TypeAlias

from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.sources.builtin import BuiltinClip
from rtcnn_perception.core.sources.video import AS_THE_DRIVER_HAS_IT
from rtcnn_perception.core.sources.video import BuiltinSource
from rtcnn_perception.core.sources.video import DeviceMode
from rtcnn_perception.core.sources.video import DeviceSource
from rtcnn_perception.core.sources.video import KNOWN_PICTURES
from rtcnn_perception.core.sources.video import natural_order
from rtcnn_perception.core.sources.video import PICTURE_SUFFIXES
from rtcnn_perception.core.sources.video import PictureSource
from rtcnn_perception.core.sources.video import VideoSource
from rtcnn_perception.exceptions import SourceError
from rtcnn_perception.paths import is_folder
from rtcnn_perception.paths import is_there
from rtcnn_perception.paths import with_home

BUILTIN = 'builtin'
EXPECTED = (
    "a source is 'builtin', a camera (/dev/video0 or its number), a video, a GIF, a picture, "
    'or a folder of pictures'
)


class FrameSource(Protocol):
    """
    Frames in order; iterating again starts again at the first frame, a device's at the present.

    Frames are BGR images that cannot be written to. ``close`` must not be called while another
    thread waits for the next frame.
    """

    @property
    def name(self) -> str:
        """What is read, as a person would call it."""
        ...

    @property
    def fps(self) -> float:
        """Frames per second to show it at, above 0."""
        ...

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the first frame in pixels."""
        ...

    @property
    def is_live(self) -> bool:
        """Whether frames come by themselves, at their own pace."""
        ...

    @property
    def frame_count(self) -> int | None:
        """About how many frames there are; None where there is no end to them."""
        ...

    def __iter__(self) -> Iterator[ImageBGR]:
        """
        Give the frames.

        :raises SourceError: if a device stops giving frames
        """
        ...

    def close(self) -> None:
        """Let go of the device or file; again is allowed."""
        ...


Opener: TypeAlias = Callable[[str, DeviceMode], FrameSource]
"""Opens a source, as ``open_source`` does."""


def open_source(text: str, mode: DeviceMode = AS_THE_DRIVER_HAS_IT) -> FrameSource:
    """
    Open what a person named.

    :param text: ``builtin``, a device, or the path of a file or folder
    :param mode: what a device is asked for; of no concern to a file
    :raises SourceError: if it does not exist or cannot be decoded
    """
    if text == BUILTIN:
        return BuiltinSource(BuiltinClip())
    path = with_home(text)
    is_number = re.fullmatch('[0-9]{1,3}', text) and not is_there(path)
    # What udev makes, such as /dev/v4l/by-id/..., are links to the numbered devices.
    target = f'/dev/video{text}' if is_number else os.path.realpath(path)
    device = re.fullmatch('/dev/video([0-9]{1,3})', target)
    if device:
        return DeviceSource(int(device[1]), mode)
    if not text or not is_there(path):
        raise SourceError(f'there is no source {text!r} that can be seen; {EXPECTED}')
    if is_folder(path):
        return _open_folder(path)
    if path.suffix.lower() in PICTURE_SUFFIXES:
        return PictureSource(str(path), (path,))
    video = VideoSource(path)
    return PictureSource(str(path), (path,)) if video.has_one_frame else video


def _open_folder(path: Path) -> PictureSource:
    try:
        pictures = natural_order(
            file
            for file in path.iterdir()
            if file.suffix.lower() in PICTURE_SUFFIXES
            and not file.name.startswith('.')
            and (file.is_file() or file.is_symlink())  # a broken link is told of as it is read
        )
    except OSError as error:
        raise SourceError(f'the folder {path} cannot be read: {error.strerror}') from error
    if not pictures:
        raise SourceError(f'the folder {path} holds no pictures; expected files {KNOWN_PICTURES}')
    return PictureSource(str(path), tuple(pictures))
