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

"""Seconds that only go forward, from stamps that may stand still or jump back."""

from __future__ import annotations

from typing import Final

NOMINAL_STEP_S: Final = 1 / 30
"""Seconds that are assumed to have passed from frame to frame where the stamps stand still."""

LONGEST_STEP_BACK_S = 1.0
"""Where stamps go back further, as where a recording begins anew, all who were there are gone."""

MOST_REPEATS = 30
"""Frames of one stamp that belong to a coarse clock; after them it stands still."""


class ForwardClock:
    """
    Adds up the time between frames.

    Where stamps stand still or go back, ``NOMINAL_STEP_S`` is assumed to have passed. Of frames
    that share a stamp, as of a clock that is coarser than they come, no more is assumed than the
    last step was, and it is taken from the next one: time runs no faster than the stamps.
    """

    def __init__(self) -> None:
        """Start at 0, before the first stamp."""
        self.now = 0.0
        self.step = 0.0  # from the stamp before the last one, as they say
        self._stamp: float | None = None
        self._last_step: float | None = None
        self._ahead = 0.0
        self._repeats = 0

    def advance(self, stamp: float) -> float:
        """Take the stamp of a frame in seconds, and return how much of them has passed."""
        is_first, self.step = self._stamp is None, self.step_to(stamp)
        self._stamp = stamp
        passed = 0.0 if is_first else self._passed(self.step)
        self.now += passed
        return passed

    def step_to(self, stamp: float) -> float:
        """Return the seconds from the last stamp to another one, as they say; 0 for the first."""
        return 0.0 if self._stamp is None else stamp - self._stamp

    def _passed(self, step: float) -> float:
        if step == 0.0:
            self._repeats += 1
            if self._last_step is None or self._repeats > MOST_REPEATS:
                return NOMINAL_STEP_S
            passed = min(NOMINAL_STEP_S, max(self._last_step - self._ahead, 0.0))
            self._ahead += passed
            return passed
        ahead, self._ahead, self._repeats = self._ahead, 0.0, 0
        if step < 0.0:
            return NOMINAL_STEP_S
        self._last_step = step
        return max(step - ahead, 0.0)

    def restart(self) -> None:
        """Take the next stamp as the first one; ``now`` stays."""
        self._stamp, self._last_step, self._ahead, self._repeats = None, None, 0.0, 0
