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

from rtcnn_perception.core.frame import NOMINAL_STEP_S


class ForwardClock:
    """
    Adds up the time between frames.

    Where stamps stand still or go back, ``NOMINAL_STEP_S`` is assumed to have passed; what was
    assumed is taken from the next step, so that a coarse clock runs no faster than it says.
    """

    def __init__(self) -> None:
        """Start at 0, before the first stamp."""
        self.now = 0.0
        self._stamp: float | None = None
        self._ahead = 0.0

    def advance(self, stamp: float) -> float:
        """Take the stamp of a frame in seconds, and return how much of them has passed."""
        step = 0.0 if self._stamp is None else stamp - self._stamp
        is_first, self._stamp = self._stamp is None, stamp
        if is_first:
            return 0.0
        if step > 0.0:
            passed, self._ahead = max(step - self._ahead, 0.0), 0.0
        else:
            passed = NOMINAL_STEP_S
            self._ahead = 0.0 if step < 0.0 else self._ahead + passed
        self.now += passed
        return passed

    def restart(self) -> None:
        """Take the next stamp as the first one; ``now`` stays."""
        self._stamp, self._ahead = None, 0.0
