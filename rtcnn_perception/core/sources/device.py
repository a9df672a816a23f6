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

"""A camera of this machine as a source of frames; ``player`` opens it again when it fails."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.sources.base import FrameSource
from rtcnn_perception.core.sources.base import frozen
from rtcnn_perception.core.sources.base import sane_fps
from rtcnn_perception.core.sources.base import size_of
from rtcnn_perception.core.sources.pictures import natural_order
from rtcnn_perception.exceptions import SourceError


@dataclass(frozen=True, slots=True)
class DeviceMode:
    """
    What is requested of a camera; 0 leaves the driver's setting. The camera takes the nearest.

    Width and height are in pixels, and are requested together.
    """

    width: int = 0
    height: int = 0
    fps: float = 0.0


DRIVER_DEFAULTS = DeviceMode()


class DeviceSource(FrameSource):
    """
    A camera of this machine, by its number.

    :raises SourceError: if it does not exist, or gives no frame
    """

    is_live = True

    def __init__(self, number: int, mode: DeviceMode) -> None:
        self.name = f'/dev/video{number}'
        if not Path(self.name).exists():
            found = ', '.join(str(path) for path in natural_order(Path('/dev').glob('video*')))
            raise SourceError(f'there is no camera {self.name}; found: {found or "none"}')
        self._capture = cv2.VideoCapture(number, cv2.CAP_V4L2)
        # The newest frame wins: the driver buffers as few as it can.
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
        self.fps = sane_fps(self._capture.get(cv2.CAP_PROP_FPS))
        self.size = size_of(first)

    def __iter__(self) -> Iterator[ImageBGR]:
        while True:
            is_read, frame = self._capture.read()
            if not is_read:
                raise SourceError(f'{self.name} stopped giving frames; is it still plugged in?')
            yield frozen(frame)

    def close(self) -> None:
        """Release the camera."""
        self._capture.release()
