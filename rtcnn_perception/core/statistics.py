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
    The last latencies, up to a capacity, and of the last seconds alone where ``window`` says so.

    :raises ValueError: if ``capacity`` is below 1
    """

    def __init__(self, capacity: int = 4096, window: float = math.inf) -> None:
        """Keep at most ``capacity`` latencies, each for ``window`` seconds."""
        if capacity < 1:
            raise ValueError(f'capacity must be 1 or more, got {capacity}')
        self._window = window
        self._lock = threading.Lock()
        self._added: deque[tuple[float, float]] = deque(maxlen=capacity)
        self._count = 0

    def add(self, seconds: float, now: float = 0.0) -> None:
        """Add one latency; one that is not a number, of an image without stamp, is left out."""
        if math.isnan(seconds):
            return
        with self._lock:
            self._added.append((now, seconds))
            self._count += 1

    def summary(self, now: float = 0.0) -> LatencySummary:
        """Return the percentiles of the window, as numpy.percentile interpolates them."""
        with self._lock:
            since = now - self._window
            seconds = np.array([each for time, each in self._added if time > since], np.float64)
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


@dataclass(frozen=True, slots=True)
class Delivered:
    """What was received and lost of a stream within some seconds."""

    seconds: float
    received: int
    lost: int

    @property
    def rate(self) -> float:
        """Received in a second."""
        return self.received / self.seconds

    @property
    def sent_rate(self) -> float:
        """Sent in a second: what was received or lost."""
        return (self.received + self.lost) / self.seconds


class DeliveryMeter:
    """
    How much of a stream is received, and at which rate it is sent where it is steady.

    Both are measured between samples of its counts, over a window of seconds. The rate counts as
    steady where two windows in a row have it: what is lost in a pause becomes known after it, all
    at once, and must not be taken for the rate of that moment.

    :raises ValueError: if ``window`` is not above 0
    """

    def __init__(self, window: float = 5.0) -> None:
        """Measure over at least ``window`` seconds."""
        if not window > 0.0:
            raise ValueError(f'window must be above 0, got {window}')
        self._window = window
        self._samples: deque[tuple[float, int, int]] = deque()
        self._best_rate = 0.0

    @property
    def best_rate(self) -> float:
        """Return the best steady rate at which it was sent since ``restart``; 0 for none yet."""
        return self._best_rate

    def restart(self) -> None:
        """Forget all, as the stream is another one."""
        self._samples.clear()
        self._best_rate = 0.0

    def sample(self, now: float, received: int, lost: int) -> Delivered | None:
        """
        Add a sample, and return what happened within the last window.

        :param now: seconds, not before those of the last sample
        :param received: in all, likewise ``lost``
        :returns: None where the window is not over yet
        """
        self._samples.append((now, received, lost))
        middle = self._newest_before(now - self._window)
        if middle is None:
            return None
        last = _between(middle, self._samples[-1])
        begin = self._newest_before(middle[0] - self._window)
        if begin is not None:
            steady = min(last.sent_rate, _between(begin, middle).sent_rate)
            self._best_rate = max(self._best_rate, steady)
            while self._samples[0] != begin:
                self._samples.popleft()
        return last

    def _newest_before(self, time: float) -> tuple[float, int, int] | None:
        return next((each for each in reversed(self._samples) if each[0] <= time), None)


def _between(begin: tuple[float, int, int], end: tuple[float, int, int]) -> Delivered:
    seconds, received, lost = (after - before for before, after in zip(begin, end, strict=True))
    return Delivered(seconds, int(received), int(lost))
