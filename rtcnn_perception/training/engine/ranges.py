"""What the numbers of a configuration may be, said once: beside each, in its type."""

from __future__ import annotations

from dataclasses import dataclass
import math
from typing import Annotated
from typing import get_type_hints


@dataclass(frozen=True)
class Range:
    """Numbers from ``low`` to ``high``; an open end is not among them, and neither is infinity."""

    low: float
    high: float = math.inf
    is_low_open: bool = False
    is_high_open: bool = False

    def __contains__(self, value: float) -> bool:
        """Return whether a number is in the range; NaN is in none."""
        is_high_enough = value > self.low if self.is_low_open else value >= self.low
        is_low_enough = value < self.high if self.is_high_open else value <= self.high
        return is_high_enough and is_low_enough and value < math.inf

    def __str__(self) -> str:
        """Say what a number must be."""
        if math.isinf(self.high):
            return f'above {self.low}' if self.is_low_open else f'at least {self.low}'
        opening, closing = '(' if self.is_low_open else '[', ')' if self.is_high_open else ']'
        return f'in {opening}{self.low}, {self.high}{closing}'


Share = Annotated[float, Range(0, 1)]
NotNegative = Annotated[float, Range(0)]
Positive = Annotated[float, Range(0, is_low_open=True)]
BelowOne = Annotated[float, Range(0, 1, is_high_open=True)]
Degrees = Annotated[float, Range(0, 180)]
Count = Annotated[int, Range(0)]
AtLeastOne = Annotated[int, Range(1)]
Seed = Annotated[int, Range(0, 2**31 - 1)]


def check_ranges(config: object) -> None:
    """
    Refuse a dataclass that has a number out of the range its type names.

    :raises ValueError: naming the number, its range and what came
    """
    for name, hint in get_type_hints(type(config), include_extras=True).items():
        for allowed in getattr(hint, '__metadata__', ()):
            value = getattr(config, name)
            if isinstance(allowed, Range) and value not in allowed:
                raise ValueError(f'{name} must be {allowed}, got {value}')
