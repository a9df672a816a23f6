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

"""The health of a node: errors by cause, rates and latencies, and the /diagnostics message."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
import math
import threading

from diagnostic_msgs.msg import DiagnosticStatus
from diagnostic_msgs.msg import KeyValue
from rtcnn_perception.core.statistics import LatencySummary
from rtcnn_perception.core.statistics import LatencyWindow
from rtcnn_perception.core.statistics import RateMeter
from rtcnn_perception.exceptions import PerceptionError
from rtcnn_perception.nodes.log_text import cause_of
from rtcnn_perception.nodes.log_text import message_of
from rtcnn_perception.nodes.log_text import report_of
from rtcnn_perception.one_line import bounded

SILENCE = 10.0
"""Seconds for which a cause is not logged again."""

CLOCKS_APART = 60.0
"""Seconds of latency that only different clocks or a recording can cause."""

OK: bytes = DiagnosticStatus.OK
WARN: bytes = DiagnosticStatus.WARN
ERROR: bytes = DiagnosticStatus.ERROR

LATENCIES_KEPT, LATENCIES_FOR = 300, 10.0
"""The last ten seconds, at up to 30 Hz: percentiles that show the present."""


@dataclass(frozen=True)
class Finding:
    """A finding about a node: a level of DiagnosticStatus, and a short message."""

    level: bytes
    message: str


class ErrorLog:
    """
    Count errors by cause, and log each cause once in ten seconds.

    Errors of one class that were raised at one place have one cause, whatever they quote: so the
    code bounds the number of causes, and no sender does. Any thread may report.
    """

    def __init__(self, log: Callable[[str], None], clock: Callable[[], float]) -> None:
        """
        Start without errors.

        :param log: writes one message
        :param clock: seconds of a clock that does not jump back
        """
        self._log = log
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: dict[str, int] = {}
        self._logged: dict[str, float] = {}
        self._last = ''
        self._last_by_level: dict[bytes, tuple[float, str]] = {}

    def report(self, error: Exception) -> None:
        """Count an error; what is not a PerceptionError is a defect and keeps its traceback."""
        cause, text = cause_of(error), message_of(error)
        now = self._clock()
        with self._lock:
            self._counts[cause] = self._counts.get(cause, 0) + 1
            self._last = text
            level = WARN if isinstance(error, PerceptionError) else ERROR
            self._last_by_level[level] = now, text
            is_silent = now - self._logged.get(cause, -math.inf) < SILENCE
            if not is_silent:
                self._logged[cause] = now
        if not is_silent:
            self._log(report_of(error))

    @property
    def total(self) -> int:
        """How many errors were reported."""
        with self._lock:
            return sum(self._counts.values())

    def findings(self) -> Iterable[Finding]:
        """Warn of the last bad input and the last defect, which is worse, within ten seconds."""
        with self._lock:
            last = dict(self._last_by_level)
        now = self._clock()
        return [
            Finding(level, text) for level, (time, text) in last.items() if now - time < SILENCE
        ]

    def values(self) -> dict[str, str]:
        """Return counts by cause and the last error, as texts."""
        with self._lock:
            counts = {f'errors: {cause}': str(count) for cause, count in self._counts.items()}
            return {
                'errors': str(sum(self._counts.values())),
                'last error': self._last or 'none',
                **counts,
            }


def status(
    name: str, findings: Iterable[Finding], values: Mapping[str, str], hardware: str
) -> DiagnosticStatus:
    """
    Make a status of the worst level found, the worst first in its message.

    Its texts are bounded: values and messages may quote what was received.

    :param name: the node and what of it
    :param values: what is measured, by name
    :param hardware: what the node runs on or reads, such as a machine or a camera
    """
    by_level = sorted(findings, key=lambda finding: finding.level, reverse=True)
    return DiagnosticStatus(
        name=name,
        level=by_level[0].level if by_level else OK,
        message='; '.join(bounded(finding.message) for finding in by_level),
        hardware_id=bounded(hardware),
        values=[KeyValue(key=key, value=bounded(value)) for key, value in values.items()],
    )


def latency_values(what: str, summary: LatencySummary) -> dict[str, str]:
    """Return the percentiles of a latency as texts."""
    return {
        f'{what} p50 [ms]': f'{summary.p50 * 1e3:.1f}',
        f'{what} p95 [ms]': f'{summary.p95 * 1e3:.1f}',
    }


def latency_findings(
    summary: LatencySummary, limit_ms: float, clock_step: float | None = None
) -> Iterable[Finding]:
    """
    Warn of a latency above the limit, or of stamps that another clock must have made.

    :param clock_step: seconds by which simulated time advances at once, so that stamps made in
        between lie ahead; None where time is not simulated
    """
    if summary.count == 0:
        return
    if summary.p50 < -(clock_step or 0.0) or summary.p50 > CLOCKS_APART:
        side = 'ahead of' if summary.p50 < 0.0 else 'behind'
        advice = (
            "set the machines' clocks by NTP or PTP, or use_sim_time where a recording is played"
            if clock_step is None
            else 'what stamps the images must take its time from /clock as well'
        )
        yield Finding(
            WARN, f"stamps lie {abs(summary.p50):.3f} s {side} this node's clock: {advice}"
        )
    elif summary.p95 * 1e3 > limit_ms:
        yield Finding(WARN, f'p95 latency {summary.p95 * 1e3:.0f} ms is above {limit_ms:.0f} ms')


class Meter:
    """
    Rates and latencies of a node since it was activated.

    Times are seconds of one clock that does not jump; ``begin`` is that of the activation.
    """

    def __init__(self, begin: float = 0.0) -> None:
        self.received = RateMeter()
        self.published = RateMeter()
        self.work = LatencyWindow(LATENCIES_KEPT, LATENCIES_FOR)
        self.latency = LatencyWindow(LATENCIES_KEPT, LATENCIES_FOR)
        self._last_received = begin
        self._unanswered_since: float | None = None

    def count_received(self, now: float) -> None:
        """Count what came to be worked on."""
        self.received.tick(now)
        self._last_received = now
        if self._unanswered_since is None:
            self._unanswered_since = now

    def count_published(self, now: float, work_s: float, latency_s: float) -> None:
        """Count a result, its seconds of work, and those since its stamp."""
        self.work.add(work_s, now)
        self.latency.add(latency_s, now)
        self.published.tick(now)
        self._unanswered_since = None

    def silent_for(self, now: float) -> float:
        """Return for how many seconds nothing came to be worked on."""
        return now - self._last_received

    def unanswered_for(self, now: float) -> float:
        """Return for how many seconds nothing was published of what came."""
        since = self._unanswered_since
        return 0.0 if since is None else now - since

    def values(self, now: float) -> dict[str, str]:
        """Return all as texts."""
        return {
            'received [Hz]': f'{self.received.rate(now):.1f}',
            'published [Hz]': f'{self.published.rate(now):.1f}',
            **latency_values('work', self.work.summary(now)),
            **latency_values('stamp to publication', self.latency.summary(now)),
        }
