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

"""The mean of an attribute's probabilities over the last seconds, in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from rtcnn_perception.core.arrays import Probabilities

MAX_SECONDS: Final = 60.0
"""Longest time that a mean may be taken over."""

BUCKET_S: Final = 0.2
"""Views of so many seconds share a row of sums: a mean reaches back by up to that much more."""

ROWS: Final = round(MAX_SECONDS / BUCKET_S) + 1


@dataclass(frozen=True, slots=True)
class StableAttribute:
    """
    An attribute of a face over some time.

    ``probabilities`` (C,) are the mean of those of single frames, weighted by the quality of the
    face, and (0,) without a view; ``label`` is the most probable class and ``confidence`` its
    probability, empty and 0 without a view. ``seconds`` lie between the first and the last of the
    ``views``, which are those with a label. Where most have none, it is as without a view.
    """

    label: str
    confidence: float
    probabilities: Probabilities
    seconds: float
    views: int


NOTHING: Final = StableAttribute('', 0.0, np.zeros(0, np.float32), 0.0, 0)
"""Without a view."""


class ViewAverage:
    """
    Sums of the probabilities of one attribute of one face, in a ring of short times.

    Its size depends on the number of classes alone, whatever the frame rate.
    """

    def __init__(self, labels: tuple[str, ...]) -> None:
        """Start without a view of an attribute of these classes."""
        self._labels = labels
        self._numbers = np.full(ROWS, -1, np.int64)  # which time a row is of
        self._sums = np.zeros((ROWS, len(labels)))
        self._weights = np.zeros(ROWS)
        self._views = np.zeros(ROWS, np.int64)
        self._bare = np.zeros(ROWS, np.int64)  # views that a rule leaves without a label
        self._first = np.zeros(ROWS)
        self._last = np.zeros(ROWS)

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the classes in order."""
        return self._labels

    def add(self, time: float, probabilities: Probabilities, weight: float) -> bool:
        """
        Add a view.

        :param time: seconds, 0 or above, that never go back
        :param probabilities: (C,) of this frame alone
        :param weight: above 0
        :returns: whether it is the first one of its bucket
        """
        row, is_first = self._row(time)
        self._sums[row] += weight * probabilities.astype(np.float64)
        self._weights[row] += weight
        self._views[row] += 1
        return is_first

    def add_bare(self, time: float) -> bool:
        """Add a view without a label; time and return value as of :meth:`add`."""
        row, is_first = self._row(time)
        self._bare[row] += 1
        return is_first

    def _row(self, time: float) -> tuple[int, bool]:
        number = int(time / BUCKET_S)
        row = number % ROWS
        is_first = bool(self._numbers[row] != number)
        if is_first:
            self._numbers[row] = number
            self._sums[row] = self._weights[row] = self._views[row] = self._bare[row] = 0
            self._first[row] = time
        self._last[row] = time
        return row, is_first

    def over(self, time: float, seconds: float, most_bare: float = 0.5) -> StableAttribute:
        """
        Return the mean over the last seconds.

        :param time: now, in seconds as in ``add``
        :param seconds: up to ``MAX_SECONDS``
        :param most_bare: share of the views without a label, above which nothing is returned
        """
        is_recent = (self._numbers >= 0) & (self._last >= time - min(seconds, MAX_SECONDS))
        chosen = is_recent & (self._views > 0)
        views, bare = (int(counts[is_recent].sum()) for counts in (self._views, self._bare))
        if not views or bare > most_bare * (views + bare):
            return NOTHING
        mean = self._sums[chosen].sum(axis=0) / self._weights[chosen].sum()
        best = int(mean.argmax())
        return StableAttribute(
            self._labels[best],
            float(mean[best]),
            mean.astype(np.float32),
            float(self._last[chosen].max() - self._first[chosen].min()),
            views,
        )
