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

"""Record a run: a video with the faces drawn in, and its best frame as a picture."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import pairwise
import os
from pathlib import Path
import threading

import cv2
import numpy as np
from rtcnn_perception.commands.options import check_output
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.drawing.annotate import annotate
from rtcnn_perception.core.results import FrameResult
from rtcnn_perception.exceptions import PerceptionError

QUEUE_BYTES = 96 * 1024 * 1024
"""Pixels that wait for the encoder at most; further frames are left out of the video."""
RATE_FRAMES = 8
"""Frames from whose intervals the rate of the video is computed."""
MAX_FPS = 60.0
DEFAULT_FPS = 30.0
MAX_PAUSE_S = 5.0
"""Longest pause in the video, whatever the pause of the source."""
MAX_SIDE = 1920
"""Longer side of the video in pixels, at most."""
NICENESS = 10
"""The pipeline has priority where there are too few cores for both."""
CODEC = 'mp4v'
"""MPEG-4 part 2: OpenCV's wheels can encode it without further libraries, and players play it."""
SEGMENT = b'\x18\x53\x80\x67'
"""
What the frames of a Matroska file are in; its size, 8 bytes, is written when the file is finished.

An MP4 file would be unreadable until then. Source: RFC 9559, section 5.1.
"""


def recorded_files(folder: Path, *, has_video: bool = True) -> list[Path]:
    """Return the paths of the picture and, where there is one, of the video of a recording."""
    names = ['annotated.png', *(['annotated.mkv'] if has_video else [])]
    return [folder / name for name in names]


class RecordingError(PerceptionError):
    """A file of the recording cannot be written, or not whole."""


class Recorder:
    """
    Draws and encodes in a thread of its own, so that the pipeline never waits for it.

    The video keeps time: a dropped frame is replaced by the one before.

    :param folder: where ``annotated.mkv`` and ``annotated.png`` go; made if need be
    :param draw: makes the picture of a result
    :param has_video: whether to write the video, or the picture alone
    :param fps: rate of the video; None takes it from the first frames
    :raises PerceptionError: if they cannot be written there
    """

    def __init__(
        self,
        folder: Path,
        draw: Callable[[FrameResult], ImageBGR] = annotate,
        *,
        has_video: bool = True,
        fps: float | None = None,
    ) -> None:
        self.left_out = 0
        self.missing: list[str] = []
        self.error: Exception | None = None
        self._draw = draw
        self._changed = threading.Condition()
        self._waiting: deque[FrameResult] = deque()
        self._waiting_bytes = 0
        self._is_closed = False
        self._best: tuple[tuple[int, float], FrameResult] | None = None
        self._picture, *video = files = recorded_files(folder, has_video=has_video)
        self._video = _Video(video[0], fps) if video else None
        for path in files:
            check_output(path, '--output')
        self._thread = threading.Thread(target=self._work, name='recorder', daemon=True)
        self._thread.start()

    def add(self, result: FrameResult) -> None:
        """Take a result, or leave it out if the encoder is too far behind; return at once."""
        score = (len(result.faces), sum(face.quality for face in result.faces))
        with self._changed:
            if self._is_closed:
                return
            if self._best is None or score >= self._best[0]:
                self._best = (score, result)
            size = result.frame.image.nbytes
            if self._video is None or self.error is not None:
                return
            if self._waiting and self._waiting_bytes + size > QUEUE_BYTES:
                self.left_out += 1
                return
            self._waiting.append(result)
            self._waiting_bytes += size
            self._changed.notify()

    def close(self) -> list[Path]:
        """
        Write the frames that still wait, and the picture.

        ``missing`` then names what could not be written, or not whole, each with the reason.

        :returns: the files that were written; none if there was no frame
        :raises Exception: what drawing raised, as it was
        """
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        self._thread.join()
        written = []
        for finish in (self._finish_video, self._finish_picture):
            try:
                written += finish()
            except RecordingError as error:  # noqa: PERF203 - two files
                self.missing.append(str(error))
        return written

    def _finish_video(self) -> list[Path]:
        if self.error is not None:
            raise self.error
        return [] if self._video is None else self._video.close()

    def _finish_picture(self) -> list[Path]:
        if self._best is None:
            return []
        content = cv2.imencode(self._picture.suffix, self._draw(self._best[1]))[1].tobytes()
        try:
            self._picture.write_bytes(content)
        except OSError as error:
            self._picture.unlink(missing_ok=True)
            raise RecordingError(f'{self._picture} is not written: {error.strerror}') from error
        return [self._picture]

    def _work(self) -> None:
        try:
            _lower_priority()
            self._encode()
        except Exception as error:  # noqa: BLE001  # handed to close(), which raises it
            with self._changed:
                self.error = error
                self._waiting.clear()

    def _encode(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._is_closed)
                if not self._waiting:
                    return
                result = self._waiting.popleft()
                self._waiting_bytes -= result.frame.image.nbytes
            assert self._video is not None, 'without a video nothing waits'
            self._video.add(self._draw(result), result.frame.time)


def _lower_priority() -> None:
    """Lower the priority of this thread; the encoder's threads inherit it on Linux."""
    thread = threading.get_native_id()
    # Only root may raise a priority that is lower already.
    niceness = max(NICENESS, os.getpriority(os.PRIO_PROCESS, thread))
    os.setpriority(os.PRIO_PROCESS, thread, niceness)


class _Video:
    """A file of constant frame rate, from frames that come at any time."""

    def __init__(self, path: Path, fps: float | None) -> None:
        self._path = path
        self._pending: list[tuple[ImageBGR, float]] = []
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)
        self._wanted_fps = fps
        self._fps = DEFAULT_FPS
        self._start = 0.0
        self._written = 0
        self._last_time = 0.0

    def add(self, picture: ImageBGR, time: float) -> None:
        """Append a picture that was taken at ``time`` in seconds."""
        if self._writer is not None:
            self._write(picture, time)
            return
        if not self._pending:
            self._size = _size_of_video(picture)
        self._pending.append((_fit(picture, self._size), time))
        if self._wanted_fps is not None or len(self._pending) >= RATE_FRAMES:
            self._open()

    def close(self) -> list[Path]:
        """
        Finish the file.

        :returns: the file, or nothing if there was no frame
        :raises RecordingError: if frames are missing in it; OpenCV does not report them
        """
        if self._pending:
            self._open()
        if self._writer is None:
            return []
        self._writer.release()
        if not is_finished(self._path):
            raise RecordingError(
                f'{self._path} has {count_frames(self._path)} of {self._written} frames; is there '
                'room on the disk?'
            )
        return [self._path]

    def _open(self) -> None:
        times = [time for _, time in self._pending]
        if self._wanted_fps is not None:
            self._fps = min(self._wanted_fps, MAX_FPS)
        else:
            self._fps = _rate_of(times)
        code = cv2.VideoWriter.fourcc(*CODEC)
        self._writer = cv2.VideoWriter(str(self._path), code, self._fps, self._size)
        if not self._writer.isOpened():
            raise RecordingError(
                f'{self._path} is not written: this OpenCV cannot encode {CODEC}, or the folder '
                'is read-only; name another with --output, or turn it off with --no-video'
            )
        self._start = self._last_time = times[0]
        pending, self._pending = self._pending, []
        for picture, time in pending:
            self._write(picture, time)

    def _write(self, picture: ImageBGR, time: float) -> None:
        assert self._writer is not None
        if not 0.0 <= time - self._last_time <= MAX_PAUSE_S:
            # Stamps that jump, or a long pause: go on as if the frames followed each other.
            self._start += time - self._last_time - 1.0 / self._fps
        self._last_time = time
        due = round((time - self._start) * self._fps) + 1
        fitted = _fit(picture, self._size)
        for _ in range(max(due - self._written, 0)):
            self._writer.write(fitted)
            self._written += 1


def is_finished(path: Path) -> bool:
    """Return whether a Matroska file is as long as its header says."""
    with path.open('rb') as file:
        head = file.read(128)
    begin = head.find(SEGMENT) + len(SEGMENT)
    end = begin + 8
    # The first byte is a mark; all ones stand for an unknown size.
    size = int.from_bytes(head[begin + 1 : end], 'big')
    return SEGMENT in head and end + size == path.stat().st_size


def count_frames(path: Path) -> int:
    """Return how many frames of a video can be read."""
    capture = cv2.VideoCapture(str(path))
    count = 0
    while capture.grab():
        count += 1
    capture.release()
    return count


def _size_of_video(picture: ImageBGR) -> tuple[int, int]:
    """Return width and height of the video that begins with a picture; encoders want even ones."""
    height, width = picture.shape[:2]
    shrink = min(1.0, MAX_SIDE / max(height, width))
    wide, high = (max(2, round(side * shrink) // 2 * 2) for side in (width, height))
    return wide, high


def _fit(picture: ImageBGR, size: tuple[int, int]) -> ImageBGR:
    """Scale a picture into (width, height), keeping its aspect, on black."""
    width, height = size
    if picture.shape[:2] == (height, width):
        return picture
    scale = min(width / picture.shape[1], height / picture.shape[0])
    inner = (
        max(1, min(width, round(picture.shape[1] * scale))),
        max(1, min(height, round(picture.shape[0] * scale))),
    )
    canvas = np.zeros((height, width, 3), np.uint8)
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    canvas[top : top + inner[1], left : left + inner[0]] = cv2.resize(
        picture, inner, interpolation=cv2.INTER_AREA
    )
    return canvas


def _rate_of(times: list[float]) -> float:
    """Return the frames per second of a camera, some of whose frames may have been dropped."""
    steps = [later - earlier for earlier, later in pairwise(times) if later > earlier]
    if not steps:
        return DEFAULT_FPS
    return float(np.clip(round(1.0 / float(np.percentile(steps, 25)), 2), 1.0, MAX_FPS))
