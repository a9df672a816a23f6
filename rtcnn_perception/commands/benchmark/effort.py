"""How long to measure, and what is said meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Tell = Callable[[str], None]
"""Takes what is being measured, for whoever waits."""


@dataclass(frozen=True)
class Effort:
    """How long and how often to measure."""

    repeats: int
    seconds: float
    soak_frames: int
    stage_frames: int
