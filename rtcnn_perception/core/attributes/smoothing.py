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

"""Smooth the probabilities of single frames, for each track on its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
import math

import numpy as np
from rtcnn_perception.core.arrays import Probabilities

FORGET_AFTER = 5.0
"""A track that was neither updated nor held for so long (seconds) is forgotten."""

MAX_TRACKS = 1024
"""Above so many tracks the least recently used is forgotten: memory is bounded in any case."""


@dataclass(slots=True)
class _State:
    time: float  # of the last update
    probabilities: dict[str, Probabilities]
    used: float  # when it was last updated or held


class TrackSmoother:
    """
    Average probabilities over time, by a weight that falls exponentially with their age.

    Per track and attribute: ``s += (1 - exp(-dt / time_constant)) * (p - s)``, so that the result
    does not depend on the frame rate. The first probabilities of a track are taken as they are.
    ``time_constant`` is in seconds, 0 for no smoothing, and may be set at any time.
    """

    def __init__(self, time_constant: float) -> None:
        """
        Start without tracks.

        :raises ValueError: if ``time_constant`` is not 0 or above
        """
        self.time_constant = time_constant
        self._tracks: dict[int, _State] = {}  # in the order in which they were last used

    @property
    def time_constant(self) -> float:
        """Seconds after which the weight of a frame has fallen to 1/e; 0 for no smoothing."""
        return self._time_constant

    @time_constant.setter
    def time_constant(self, seconds: float) -> None:
        if not 0.0 <= seconds < math.inf:
            raise ValueError(f'time_constant must be 0 or above, in seconds, got {seconds}')
        self._time_constant = seconds

    def __len__(self) -> int:
        return len(self._tracks)

    def update(
        self, track_id: int, time: float, raw: Mapping[str, Probabilities]
    ) -> dict[str, Probabilities]:
        """
        Take a track's probabilities of one frame.

        :param track_id: number of the track
        :param time: of the frame, in seconds that never go back
        :param raw: (C,) probabilities by attribute
        :returns: the smoothed ones, in new arrays, for the attributes in ``raw``
        """
        before = self._tracks.pop(track_id, None)
        smoothed = {}
        for attribute, probabilities in raw.items():
            last = None if before is None else before.probabilities.get(attribute)
            if before is None or last is None or last.shape != probabilities.shape:
                smoothed[attribute] = probabilities.astype(np.float32)
            else:
                weight = self._weight(time - before.time)
                mixed = last + weight * (probabilities - last)
                smoothed[attribute] = mixed.astype(np.float32)
        self._store(track_id, time, smoothed)
        return {attribute: values.copy() for attribute, values in smoothed.items()}

    def hold(self, track_id: int, time: float) -> dict[str, Probabilities] | None:
        """
        Return the last probabilities of a track that could not be classified in this frame.

        :param track_id: number of the track
        :param time: as in :meth:`update`
        :returns: the smoothed probabilities by attribute, or None for an unknown track
        """
        before = self._tracks.get(track_id)
        if before is None:
            return None
        before.used = time
        self._tracks[track_id] = self._tracks.pop(track_id)  # now the one used last
        return {attribute: values.copy() for attribute, values in before.probabilities.items()}

    def reset(self) -> None:
        """Forget every track."""
        self._tracks.clear()

    def _weight(self, elapsed: float) -> float:
        time_constant = self._time_constant  # read once: another thread may set it
        return 1.0 if time_constant == 0.0 else -math.expm1(-elapsed / time_constant)

    def _store(self, track_id: int, time: float, values: dict[str, Probabilities]) -> None:
        self._tracks[track_id] = _State(time, values, used=time)
        # The track just updated is the last, and neither old nor one too many: this ends there.
        while True:
            oldest, state = next(iter(self._tracks.items()))
            if time - state.used <= FORGET_AFTER and len(self._tracks) <= MAX_TRACKS:
                return
            del self._tracks[oldest]
