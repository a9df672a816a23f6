"""How long to measure, and what is said meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Tell = Callable[[str, float], None]
"""Takes what is being measured, and what share of the part is done, for whoever waits."""


@dataclass(frozen=True)
class Effort:
    """How long and how often to measure."""

    repeats: int
    seconds: float
    soak_frames: int
    stage_frames: int
