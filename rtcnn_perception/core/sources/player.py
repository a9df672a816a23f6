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

"""Play a source of frames in a thread, at its own pace."""

from __future__ import annotations

from collections.abc import Callable
import math
import threading
import time

from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.sources.base import FrameSource
from rtcnn_perception.exceptions import SourceError

RETRY_AFTER = 1.0
"""Seconds between attempts to open a source that failed."""

LONGEST_WAIT = 0.5
"""Seconds at once until a frame is due, after which the rate is read again."""


class SourcePlayer:
    """
    Emit the frames of a source at its pace, in a loop or to its end.

    Failures are reported. A device is then opened again until ``stop``, as it may come back, and
    so is a file that is played in a loop; a file that is played once has ended. ``rate`` (Hz, 0
    for the source's own) and ``is_looping`` may be set while it plays. ``ended`` is set when no
    more frames will come, though not by ``stop``.
    """

    def __init__(
        self,
        open_source: Callable[[], FrameSource],
        emit: Callable[[ImageBGR, float], None],
        report: Callable[[Exception], None],
        *,
        rate: float,
        is_looping: bool,
    ) -> None:
        """
        Open the source and start playing.

        :param open_source: opens it, also again after it failed
        :param emit: called with each frame when it is due, and the seconds since then
        :param report: called with each error
        :raises SourceError: if the source cannot be opened
        """
        self._open = open_source
        self._emit = emit
        self._report = report
        self.rate = rate
        self.is_looping = is_looping
        self.ended = threading.Event()
        self._stopped = threading.Event()
        source = open_source()
        self._source: FrameSource | None = source
        self._is_live = source.is_live
        self._thread = threading.Thread(target=self._run, name='source', daemon=True)
        self._thread.start()

    def halt(self) -> None:
        """Let the thread end, without waiting for it."""
        self._stopped.set()

    def stop(self, timeout: float) -> bool:
        """End the thread and close the source; return whether it ended in time (seconds)."""
        self.halt()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        due: float | None = None
        while not self._stopped.is_set():
            try:
                self._source = self._source or self._open()
                due = self._play(self._source, due)
            except Exception as error:  # noqa: BLE001 - reported and counted, whatever it is
                self._report(error)
                self._close()
                due = None
                if self._is_live or self.is_looping:
                    self._stopped.wait(RETRY_AFTER)
                    continue
            if not self.is_looping:
                break
        self._close()
        if not self._stopped.is_set():
            self.ended.set()

    def _play(self, source: FrameSource, due: float | None) -> float | None:
        """Play to the end; take and return when the last frame was due, None before the first."""
        before: float | None = None
        is_empty = True
        for image in source:
            is_empty = False
            now = time.monotonic()
            due = now if source.is_live or due is None else self._wait(source, before, due)
            before = source.time_s
            if self._stopped.is_set():
                return due
            self._emit_frame(image, max(time.monotonic() - due, 0.0))
        if source.skipped:
            # In one error: an error of the same cause is not logged again at once.
            reasons = '; '.join(f'{path.name}: {why}' for path, why in source.skipped.items())
            self._report(SourceError(f'not read whole: {reasons}'))
        if is_empty:
            raise SourceError(f'{source.name} has no more frames')
        return due

    def _wait(self, source: FrameSource, before: float | None, due: float) -> float:
        """Wait until the frame after the one due at ``due`` is due; return when that is."""
        begin = now = time.monotonic()
        earliest = -math.inf
        while True:
            # In slices, so that a new rate holds soon; a frame is not due before it was set.
            following = max(next_due(due, begin, self._step(source, before)), earliest)
            left = following - now
            if self._stopped.wait(max(min(left, LONGEST_WAIT), 0.0)) or left <= LONGEST_WAIT:
                return following
            earliest, now = now, time.monotonic()

    def _emit_frame(self, image: ImageBGR, late: float) -> None:
        """Emit a frame; an error costs this one, and is none of the source's."""
        try:
            self._emit(image, late)
        except Exception as error:  # noqa: BLE001 - reported and counted, whatever it is
            self._report(error)

    def _step(self, source: FrameSource, before: float | None) -> float:
        """Return the seconds from the frame at ``before`` to the last one that was given."""
        if self.rate or before is None or source.time_s is None:
            return 1.0 / (self.rate or source.fps)
        return source.time_s - before

    def _close(self) -> None:
        source, self._source = self._source, None
        if source is not None:
            source.close()


def next_due(due: float, now: float, period: float) -> float:
    """
    Return when the next frame is due, a period after ``due``, all in seconds.

    A delay of up to a period is caught up with; after a longer one frames keep their distance.
    """
    following = due + period
    return now if now - following > period else following
