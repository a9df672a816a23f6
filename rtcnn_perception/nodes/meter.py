"""What passes through a node: how much of it, and how long it takes."""

from __future__ import annotations

from rtcnn_perception.core.statistics import LatencyWindow
from rtcnn_perception.core.statistics import RateMeter
from rtcnn_perception.nodes.diagnostics import latency_values

LATENCIES_KEPT = 300
"""The last ten seconds at 30 Hz: percentiles that show the present."""


class Meter:
    """What passes through a node since it was activated: rates and latency."""

    def __init__(self) -> None:
        """Start with nothing measured."""
        self.received = RateMeter()
        self.published = RateMeter()
        self.work = LatencyWindow(LATENCIES_KEPT)
        self.latency = LatencyWindow(LATENCIES_KEPT)

    def values(self, now: float) -> dict[str, str]:
        """Return all as texts; ``now`` in the seconds of the ticks."""
        return {
            'received [Hz]': f'{self.received.rate(now):.1f}',
            'published [Hz]': f'{self.published.rate(now):.1f}',
            **latency_values('work', self.work.summary()),
            **latency_values('stamp to publication', self.latency.summary()),
        }
