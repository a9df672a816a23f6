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

"""
Latencies, rates and counts of a pipeline without end, in bounded memory.

Everything here may be used by several threads. No clock is read: times come as arguments, in
seconds of any clock that does not jump back.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from dataclasses import replace
import math
import threading

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class LatencySummary:
    """Percentiles, such as in seconds, and the total number of values; NaN for none."""

    count: int
    p50: float
    p95: float
    p99: float
    maximum: float


class LatencyWindow:
    """
    The last latencies, up to a capacity.

    :raises ValueError: if ``capacity`` is below 1
    """

    def __init__(self, capacity: int = 4096) -> None:
        """Keep at most ``capacity`` latencies."""
        if capacity < 1:
            raise ValueError(f'capacity must be 1 or more, got {capacity}')
        self._lock = threading.Lock()
        self._seconds: deque[float] = deque(maxlen=capacity)
        self._count = 0

    def add(self, seconds: float) -> None:
        """Add one latency; one that is not a number, of an image without stamp, is left out."""
        if math.isnan(seconds):
            return
        with self._lock:
            self._seconds.append(seconds)
            self._count += 1

    def summary(self) -> LatencySummary:
        """Return the percentiles of the window, as numpy.percentile interpolates them."""
        with self._lock:
            seconds = np.array(self._seconds, dtype=np.float64)
            count = self._count
        return replace(summarise(seconds), count=count)


def summarise(values: NDArray[np.float64]) -> LatencySummary:
    """Return the percentiles of values (N,), as numpy.percentile interpolates them."""
    if values.size == 0:
        return LatencySummary(0, math.nan, math.nan, math.nan, math.nan)
    return LatencySummary(values.size, *np.percentile(values, [50, 95, 99, 100]).tolist())


class RateMeter:
    """
    The rate of events over a sliding window.

    :raises ValueError: if ``window`` (seconds) or ``capacity`` is not above 0
    """

    def __init__(self, window: float = 5.0, capacity: int = 4096) -> None:
        """Keep events of the last ``window`` seconds, at most ``capacity``."""
        if not window > 0 or capacity < 1:
            raise ValueError(f'window and capacity must be above 0, got {window} and {capacity}')
        self._window = window
        self._lock = threading.Lock()
        self._times: deque[float] = deque(maxlen=capacity)
        self._first: float | None = None
        self._count = 0

    @property
    def count(self) -> int:
        """Return the number of events in all, however long ago."""
        with self._lock:
            return self._count

    def tick(self, now: float) -> None:
        """Count an event at ``now`` (seconds)."""
        with self._lock:
            if self._first is None:
                self._first = now
            self._times.append(now)
            self._count += 1

    def rate(self, now: float) -> float:
        """
        Return the events per second before ``now``: 0 for none, and falling once they stop.

        The first event starts the measurement and is not counted itself.
        """
        with self._lock:
            if self._first is None:
                return 0.0
            begin = max(self._first, now - self._window)
            if len(self._times) == self._times.maxlen:
                begin = max(begin, self._times[0])  # earlier ones were removed
            if now <= begin:
                return 0.0
            return sum(time > begin for time in self._times) / (now - begin)
