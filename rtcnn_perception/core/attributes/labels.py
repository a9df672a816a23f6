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
Which label an attribute of a face has: steady over time, unsure, or none where it means nothing.

Probabilities flicker where a network wavers between two classes, and a label that follows them
flickers too. Here another class must lead for a while before the label changes; the probabilities
stay what they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
import math
import re
from typing import Final

from rtcnn_perception.core.arrays import Probabilities
from rtcnn_perception.exceptions import ConfigurationError

UNSURE: Final = 'unsure'
"""What is shown in place of a label whose certainty is too low."""

DEFAULT_SKIP_WHERE = ('gender if age is 0-9',)
"""Which attribute is not labelled where another has a certain label."""

_RULE: Final = re.compile(r'([a-z][a-z0-9_]*) if ([a-z][a-z0-9_]*) is (.+)')


@dataclass(frozen=True, slots=True)
class SkipRule:
    """An attribute gets no label where that of ``other``, as messages have it, is ``label``."""

    attribute: str
    other: str
    label: str

    @classmethod
    def parse(cls, text: str) -> SkipRule:
        """
        Read ``ATTRIBUTE if OTHER is LABEL``.

        :raises ConfigurationError: if it is written otherwise
        """
        match = _RULE.fullmatch(text)
        if match is None:
            raise ConfigurationError(
                f'expected a rule such as {DEFAULT_SKIP_WHERE[0]!r}, the names of two attributes '
                f'and a label of the second, got {text!r}'
            )
        return cls(*match.groups())

    def never_holds(self, labels: Mapping[str, Sequence[str]]) -> str:
        """
        Return why the rule can never hold; empty where it can, or OTHER is not predicted at all.

        :param labels: the classes of all attributes that are predicted
        """
        classes = labels.get(self.other, ())
        if not classes or self.label in classes:
            return ''
        return f'the rule {self} never holds: {self.other} has {", ".join(classes)}'

    def __str__(self) -> str:
        return f"'{self.attribute} if {self.other} is {self.label}'"


@dataclass(frozen=True, slots=True)
class LabelConfig:
    """
    When a label changes, and when there is none.

    A label changes once others have led by ``margin`` (a difference of probabilities) for
    ``hold_s`` seconds, to the one that leads then. It is unsure while its certainty, which is 0
    where all classes are as probable and 1 where it has all, stays below ``min_certainty``;
    ``empty_if_unsure`` leaves it empty then.

    :raises ConfigurationError: if a value is out of range
    """

    margin: float = 0.1
    hold_s: float = 0.2
    min_certainty: float = 0.2
    empty_if_unsure: bool = False
    skip_where: tuple[SkipRule, ...] = tuple(map(SkipRule.parse, DEFAULT_SKIP_WHERE))

    def __post_init__(self) -> None:
        """Reject values out of range."""
        for name, value, highest, expected in (
            ('margin', self.margin, 1.0, 'in [0, 1]'),
            ('hold_s', self.hold_s, math.inf, 'a finite time of 0 s or more'),
            ('min_certainty', self.min_certainty, 1.0, 'in [0, 1]'),
        ):
            if not (0.0 <= value <= highest and math.isfinite(value)):
                raise ConfigurationError(f'{name} must be {expected}, got {value}')


@dataclass(frozen=True, slots=True)
class SteadyLabel:
    """
    The label of an attribute as it stands at a time in seconds.

    ``led_s`` is for how many seconds other classes have led by the margin, and ``doubted_s`` for
    how many the certainty contradicts ``is_unsure``; None where that is not so.
    """

    index: int
    is_unsure: bool
    time: float
    led_s: float | None = None
    doubted_s: float | None = None


def next_label(
    before: SteadyLabel | None, probabilities: Probabilities, time: float, config: LabelConfig
) -> SteadyLabel:
    """
    Return the label after a frame.

    :param before: the one of the frame before; None starts anew
    :param probabilities: (C,) of this frame, smoothed
    :param time: of the frame, in seconds that never go back
    """
    best = int(probabilities.argmax())
    if before is None:
        is_unsure = certainty(probabilities, best) < config.min_certainty
        return SteadyLabel(best, is_unsure, time)
    index, is_unsure = before.index, before.is_unsure
    passed = time - before.time
    lead = float(probabilities[best] - probabilities[index])
    led_s = _lasted(before.led_s, passed, best != index and lead >= config.margin)
    if led_s is not None and led_s >= config.hold_s:
        index, led_s = best, None
    seems_unsure = certainty(probabilities, index) < config.min_certainty
    doubted_s = _lasted(before.doubted_s, passed, seems_unsure != is_unsure)
    if doubted_s is not None and doubted_s >= config.hold_s:
        is_unsure, doubted_s = seems_unsure, None
    return SteadyLabel(index, is_unsure, time, led_s, doubted_s)


def certainty(probabilities: Probabilities, index: int) -> float:
    """Return how far a class lies above chance: from 0 (or below it) to 1, which is all of it."""
    chance = 1.0 / len(probabilities)
    return (float(probabilities[index]) - chance) / (1.0 - chance)


def skipped(rules: tuple[SkipRule, ...], labels: Mapping[str, str]) -> frozenset[str]:
    """
    Return which attributes of a face get no label.

    :param rules: one on what is not predicted has no effect
    :param labels: of everything that is predicted for the face, by attribute
    """
    return frozenset(rule.attribute for rule in rules if labels.get(rule.other) == rule.label)


def _lasted(before_s: float | None, passed: float, holds: bool) -> float | None:
    """Return for how long something has held, 0 in the first frame, None if it does not."""
    if not holds:
        return None
    return 0.0 if before_s is None else before_s + passed
