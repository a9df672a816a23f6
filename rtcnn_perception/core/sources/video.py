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

"""A video file as a source of frames, each at the time that the film gives it."""

from __future__ import annotations

from collections.abc import Iterator
import math
from pathlib import Path

import cv2
import numpy as np
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.images import rotate
from rtcnn_perception.core.sources.base import FrameSource
from rtcnn_perception.core.sources.base import frozen
from rtcnn_perception.core.sources.base import sane_fps
from rtcnn_perception.core.sources.base import size_of
from rtcnn_perception.core.sources.capture import open_capture
from rtcnn_perception.core.sources.orientation import upright_turn
from rtcnn_perception.exceptions import SourceError

MAX_FAILURES = 1000
"""
Reads that may fail in a row before a film counts as ended; at its end they take no time.

OpenCV reports a damaged frame and the end of a film alike.
"""
MAX_MISSING_S = 0.5
"""A film that ends earlier than it says by more than this lacks its end."""
MAX_STEP_S = 60.0
"""Frames that are further apart have a damaged time, and follow each other at the rate."""


class VideoSource(FrameSource):
    """
    A video or an animated GIF, as OpenCV's backends decode it, upright as the file says.

    :raises SourceError: if it cannot be opened, or gives no frame
    """

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self.skipped: dict[Path, str] = {}
        self._path = path
        self._turn = upright_turn(path)
        capture = self._open()
        stated_fps = capture.get(cv2.CAP_PROP_FPS)
        self.fps = sane_fps(stated_fps)
        # A count is that of the stated rate, even where frames cannot come at that rate.
        self._counted_at = stated_fps if 0 < stated_fps < math.inf else self.fps
        count = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self.frame_count = round(count) if math.isfinite(count) and count >= 1 else None
        frames = self._frames(capture)
        first = next(frames, None)
        self.has_one_frame = first is not None and next(frames, None) is None
        capture.release()
        self.skipped.clear()
        self.time_s = None
        if first is None:
            raise SourceError(
                f'{path} cannot be decoded as a video or a picture; check that it is whole, or '
                'convert it, for instance to .mp4 or .png'
            )
        self.size = size_of(first)

    def __iter__(self) -> Iterator[ImageBGR]:
        """Decode the file from its start; ``skipped`` then says what of it is damaged."""
        self.skipped.clear()
        capture = self._open()
        try:
            yield from self._frames(capture)
        finally:
            capture.release()

    def _frames(self, capture: cv2.VideoCapture) -> Iterator[ImageBGR]:
        """Decode to the end, past damaged frames, and note them and a missing end."""
        read = damaged = failures = 0
        self.time_s = None
        while failures < MAX_FAILURES:
            is_read, frame = capture.read()
            if not is_read:
                failures += 1
                continue
            read += 1
            damaged += failures
            failures = 0
            if damaged:
                self.skipped[self._path] = f'frames that cannot be decoded: {damaged}'
            self.time_s = self._next_time(capture.get(cv2.CAP_PROP_POS_MSEC) / 1e3)
            yield frozen(rotate(np.asarray(frame, np.uint8), self._turn))
        length = self.length_s or 0.0
        if self.time_s is not None and self.time_s + 1 / self.fps + MAX_MISSING_S < length:
            self.skipped[self._path] = (
                f'{read} frames are read, up to {self.time_s:.1f} of {length:.1f} s'
                + (f'; {damaged} between cannot be decoded' if damaged else '')
            )

    @property
    def length_s(self) -> float | None:
        """Return the length by the file's own rate, which ``fps`` may not be."""
        return None if self.frame_count is None else self.frame_count / self._counted_at

    def _next_time(self, time_s: float) -> float:
        """Return the time of a frame: its own, unless that cannot be."""
        if self.time_s is None:
            return time_s if math.isfinite(time_s) else 0.0
        step = time_s - self.time_s
        return time_s if 0.0 < step <= MAX_STEP_S else self.time_s + 1 / self.fps

    def _open(self) -> cv2.VideoCapture:
        capture = open_capture(self._path)
        if self._turn:
            capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 0.0)
        return capture
