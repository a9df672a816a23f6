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
Names of classes: by them data, cards, checkpoints and teachers are matched, never by number.

Classes that are bands of whole numbers, such as '0-9', '10-19' and '20+', are ordered.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
import re

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.exceptions import PerceptionError
from scipy.special import ndtr

UNLABELLED = -1
"""The label of a face of which the class is unknown."""

AGE_BANDS = (0, 10, 20, 40, 60)
"""Lower edges of bands in years where none are given; FairFace's age groups end at these too."""

BAND = re.compile(r'(\d+)(?:-\d+|\+)')


VOTES = '_votes'
"""End of the name of an attribute whose labels are what people voted, such as emotion_votes."""


def same_attribute(first: str, second: str) -> bool:
    """Return whether two names are of one attribute: its labels, and the votes on them."""
    return first.removesuffix(VOTES) == second.removesuffix(VOTES)


class UnknownClassError(PerceptionError):
    """A class has a name that is not among those known."""


def positions(names: Sequence[str], known: Sequence[str], where: str) -> NDArray[np.int64]:
    """
    Return where each name stands among those known.

    :param where: what has the known names, for errors
    :returns: (len(names),) int64
    :raises UnknownClassError: naming those that are not known
    """
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UnknownClassError(
            f'{where} has no class {" or ".join(map(repr, unknown))}; it has {", ".join(known)}: '
            'give the classes the same names in both'
        )
    return np.array([known.index(name) for name in names], np.int64)


def band_names(edges: Sequence[int]) -> tuple[str, ...]:
    """Return the names of bands from their lower edges, in rising order; the last has no end."""
    closed = [f'{low}-{high - 1}' for low, high in pairwise(edges)]
    return (*closed, f'{edges[-1]}+')


def band_edges(names: Sequence[str]) -> tuple[int, ...] | None:
    """Return the lower edge of each class where the classes are bands, in any order, else None."""
    matches = [BAND.fullmatch(name) for name in names]
    edges = [int(match[1]) for match in matches if match is not None]
    is_complete = len(edges) == len(names) and bool(edges)
    if not is_complete or sorted(names) != sorted(band_names(sorted(edges))):
        return None
    return tuple(edges)


def band_ranks(names: Sequence[str]) -> NDArray[np.int64] | None:
    """Return the place of each class in rising order where the classes are bands, else None."""
    edges = band_edges(names)
    return None if edges is None else np.argsort(np.argsort(edges)).astype(np.int64)


def bands_of(numbers: NDArray[np.int64], names: Sequence[str]) -> NDArray[np.int64]:
    """
    Return the band of each number.

    :param numbers: (N,), such as years; below 0 where unknown
    :param names: of the bands
    :returns: (N,) indices of ``names``, ``UNLABELLED`` below the lowest band
    """
    edges = np.array(band_edges(names))
    order = np.argsort(edges)
    place = np.searchsorted(edges[order], numbers, side='right') - 1
    return np.where(place < 0, UNLABELLED, order[place]).astype(np.int64)


def soft_bands(
    numbers: NDArray[np.int64], names: Sequence[str], spread: float
) -> NDArray[np.float32]:
    """
    Return how likely each band is where numbers, such as years, are known roughly.

    :param numbers: (N,); below 0 where unknown
    :param names: of the bands
    :param spread: standard deviation as a share of the number; it is at least 1
    :returns: (N, C), a row of zeros where the number is unknown
    """
    edges = np.array(band_edges(names), np.float64)
    order = np.argsort(edges)
    inner = edges[order][1:] - 0.5  # whole numbers: the band of 10 and more begins at 9.5
    deviations = np.maximum(1.0, spread * numbers)
    below = ndtr((inner[None] - numbers[:, None]) / deviations[:, None])
    shares = np.diff(below, axis=1, prepend=0.0, append=1.0)
    targets = np.zeros((len(numbers), len(names)), np.float32)
    targets[:, order] = np.where((numbers >= edges.min())[:, None], shares, 0.0)
    return targets
