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

"""The table at the end of a run."""

from __future__ import annotations

from dataclasses import dataclass

from rtcnn_perception.core.results import FrameResult
from rtcnn_perception.core.statistics import LatencySummary
from rtcnn_perception.core.statistics import LatencyWindow

ARRIVAL = 'camera to pipeline'
LEAST_SHOWN_S = 5e-5
"""Anything below is shown as 0.0 ms."""
CAPACITY = 100_000
"""Frames of which percentiles are computed at most: an hour at 30 frames per second, in 3 MB."""


@dataclass(frozen=True)
class FrameCounts:
    """Counts of the images since activation; the rest is not processed yet."""

    received: int
    dropped: int
    failed: int = 0


class RunReport:
    """Collects the times of each frame."""

    def __init__(self) -> None:
        self.processed = 0
        self._first: float | None = None
        self._last = 0.0
        self._stages = {
            ARRIVAL: LatencyWindow(CAPACITY),
            'detection and tracking': LatencyWindow(CAPACITY),
            'classification': LatencyWindow(CAPACITY),
            'stamp to publication': LatencyWindow(CAPACITY),
        }

    def add(self, result: FrameResult, now: float) -> None:
        """Take a result that was published at ``now`` (seconds)."""
        frame = result.frame
        age = frame.seconds_since_stamp(frame.received_ns)
        parts = (age, result.detect_s, result.classify_s, result.latency_s)
        for window, seconds in zip(self._stages.values(), parts, strict=True):
            window.add(seconds)
        self.processed += 1
        self._first = now if self._first is None else self._first
        self._last = now

    @property
    def fps(self) -> float:
        """Frames per second from the first to the last one, 0 for fewer than two."""
        if self._first is None or self._last <= self._first:
            return 0.0
        return (self.processed - 1) / (self._last - self._first)

    def stages(self) -> dict[str, LatencySummary]:
        """Return the percentiles of each stage by its name."""
        return {name: window.summary() for name, window in self._stages.items()}

    def lines(self, counts: FrameCounts) -> list[str]:
        """Return the table, a line each."""
        rows = [f'{"":<24}{"p50":>9}{"p95":>9}{"p99":>9}{"max":>9}']
        for name, stage in self.stages().items():
            if name == ARRIVAL and stage.maximum < LEAST_SHOWN_S:
                continue  # images of the node's own source arrive when they are due
            values = (stage.p50, stage.p95, stage.p99, stage.maximum)
            cells = [
                f' {value * 1e3:>5.1f} ms' if stage.count else f'{"-":>9}' for value in values
            ]
            rows.append(f'{name:<24}{"".join(cells)}')
        frames = (
            f'{counts.received} frames in, {self.processed} processed, '
            f'{counts.dropped} dropped, {self.fps:.1f} fps'
        )
        if counts.failed:
            return [*rows, frames, f'{counts.failed} failed']
        return [*rows, frames]
