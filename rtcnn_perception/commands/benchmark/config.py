"""How long a benchmark measures, and how it reports progress."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

ReportProgress = Callable[[str, float], None]
"""Takes what is being measured, and the share of the part that is done, in [0, 1]."""


@dataclass(frozen=True)
class BenchmarkConfig:
    """How long and how often to measure."""

    repeats: int
    seconds: float
    soak_frames: int
    stage_frames: int
