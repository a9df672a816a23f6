"""What every source of frames offers, and what their kinds have in common."""

from __future__ import annotations

from collections.abc import Iterator
import math
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike
from rtcnn_perception.core.arrays import ImageBGR

NOMINAL_FPS = 30.0
"""Frames per second where a video or a device does not say."""
MAX_FPS = 240.0
"""Above this a file's frame rate is a time base that was taken for one."""


class FrameSource(Protocol):
    """
    Frames in order; iterating again starts again at the first frame, a device's at the present.

    Frames are BGR images that cannot be written to. ``close`` must not be called while another
    thread waits for the next frame.
    """

    @property
    def name(self) -> str:
        """Name of the source, for messages."""
        ...

    @property
    def fps(self) -> float:
        """Frames per second, above 0."""
        ...

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the first frame in pixels."""
        ...

    @property
    def is_live(self) -> bool:
        """Whether frames arrive at their own pace, as those of a device."""
        ...

    @property
    def frame_count(self) -> int | None:
        """About how many frames there are; None for an endless source."""
        ...

    def __iter__(self) -> Iterator[ImageBGR]:
        """
        Yield the frames.

        :raises SourceError: if a device stops giving frames
        """
        ...

    def close(self) -> None:
        """Release the device or file; may be called again."""
        ...


def frozen(frame: ArrayLike) -> ImageBGR:
    """Return a frame that cannot be written to."""
    image: ImageBGR = np.asarray(frame, dtype=np.uint8)
    image.flags.writeable = False
    return image


def size_of(frame: ArrayLike) -> tuple[int, int]:
    """Return width and height in pixels."""
    image = np.asarray(frame)
    return int(image.shape[1]), int(image.shape[0])


def sane_fps(fps: float) -> float:
    """Return a frame rate as OpenCV reports it, or the nominal one where that cannot be."""
    return float(fps) if math.isfinite(fps) and 0 < fps <= MAX_FPS else NOMINAL_FPS
