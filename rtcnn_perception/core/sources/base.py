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

"""What every source of frames offers, and what their kinds have in common."""

from __future__ import annotations

from abc import ABC
from abc import abstractmethod
from collections.abc import Iterator
from collections.abc import Mapping
import math
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike
from rtcnn_perception.core.arrays import ImageBGR

NOMINAL_FPS = 30.0
"""Frames per second where a video or a device does not say."""
MAX_FPS = 240.0
"""Above this a file's frame rate is a time base that was taken for one."""


class FrameSource(ABC):
    """
    Frames in order; iterating again starts again at the first frame, a device's at the present.

    Frames are BGR images that cannot be written to. ``fps`` is above 0, ``size`` width and height
    of the first frame in pixels. A source is live where frames arrive at their own pace, as those
    of a device; ``frame_count`` is about how many there are, None for an endless source;
    ``skipped`` names the files that were not read whole, each with the reason. ``time_s`` is the
    time of the last frame in a film, in seconds, None where all are equally far apart.
    """

    name: str
    fps: float
    size: tuple[int, int]
    is_live = False
    frame_count: int | None = None
    skipped: Mapping[Path, str] = MappingProxyType({})
    time_s: float | None = None

    @abstractmethod
    def __iter__(self) -> Iterator[ImageBGR]:
        """
        Yield the frames.

        :raises SourceError: if a device stops giving frames
        """

    @property
    def length_s(self) -> float | None:
        """Return how long all frames take in seconds, None for an endless source."""
        return None if self.frame_count is None else self.frame_count / self.fps

    def close(self) -> None:  # noqa: B027 - most have nothing to release
        """Release a device or file that is open; not while a thread waits for the next frame."""


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
