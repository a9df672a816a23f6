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

"""Copies of pictures, found by their pixels, and parts held out by chance, copies together."""

from __future__ import annotations

from collections.abc import Sequence
import hashlib

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import ImageGray


def duplicate_groups(pictures: Sequence[ImageGray]) -> NDArray[np.int64]:
    """
    Give each picture a number that it shares with its exact copies.

    :returns: (N,) int64; groups are numbered in the order of their first picture
    """
    numbers: dict[bytes, int] = {}
    groups = np.empty(len(pictures), np.int64)
    for index, picture in enumerate(pictures):
        digest = hashlib.sha256(np.ascontiguousarray(picture).tobytes()).digest()
        groups[index] = numbers.setdefault(digest, len(numbers))
    return groups


def hold_out(
    groups: NDArray[np.int64], share: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """
    Choose a share of the groups at random, whole groups only.

    :param groups: (N,) number of each picture's group
    :param share: in (0, 1)
    :param rng: where chance comes from
    :returns: (N,) bool, true for the pictures held out
    """
    distinct = np.unique(groups)
    chosen = rng.permutation(distinct)[: round(share * len(distinct))]
    return np.isin(groups, chosen)


def is_blank(picture: ImageGray) -> bool:
    """Return whether a picture has a single value, and so shows nothing."""
    return bool(picture.min() == picture.max())
