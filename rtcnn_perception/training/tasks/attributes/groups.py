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

"""How an attribute network fares in groups of faces, by all that is known of them."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import Probabilities
from rtcnn_perception.training.data.classes import same_attribute
from rtcnn_perception.training.data.classes import UNLABELLED
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.data.faces import Fact
from rtcnn_perception.training.data.faces import Indices
from rtcnn_perception.training.tasks.attributes.metrics import figures_of
from rtcnn_perception.training.tasks.attributes.metrics import GroupFigures

LEAST_FACES = 10
"""Groups of fewer faces are left out: their figures would be chance."""

MOST_FACTS = 3
"""So many facts make groups together at most, such as race by gender by age."""


Groups = dict[str, tuple[GroupFigures, ...]]
"""Groups by the facts that make them, such as 'race by gender', the worst first."""


def group_figures(
    probabilities: Probabilities, attribute: str, faces: FaceSet, most_facts: int = MOST_FACTS
) -> Groups:
    """
    Return the figures of every group that one, two or three facts make.

    Facts of which all faces have the same value make no groups, nor does a fact together with
    another that it determines, such as fine and coarse groups.

    :param probabilities: (N, C) of the attribute, in the order of its classes
    """
    labels = faces.labels[attribute].indices
    known = labels != UNLABELLED
    others = [name for name in faces.labels if not same_attribute(name, attribute)]
    facts = {name: faces.groups(name) for name in (*faces.facts, attribute, *others)}
    found: Groups = {}
    for count in range(1, most_facts + 1):
        for names in itertools.combinations(facts, count):
            chosen = [facts[name] for name in names]
            inside = known & np.all([fact.values != UNLABELLED for fact in chosen], axis=0)
            if _make_groups([fact.values[inside] for fact in chosen]):
                groups = _figures(probabilities, labels, chosen, inside)
                if len(groups) > 1:
                    found[' by '.join(names)] = groups
    return found


def _make_groups(columns: list[Indices]) -> bool:
    """Return whether every fact divides the faces that the others have together."""
    if not len(columns[0]):
        return False
    together = len(np.unique(np.stack(columns, axis=1), axis=0))
    without = [
        len(np.unique(np.stack([*columns[:i], *columns[i + 1 :]], axis=1), axis=0))
        if len(columns) > 1
        else 1
        for i in range(len(columns))
    ]
    return together > max(without)


def _figures(
    probabilities: Probabilities, labels: Indices, facts: list[Fact], inside: NDArray[np.bool_]
) -> tuple[GroupFigures, ...]:
    rows, counts = np.unique(
        np.stack([fact.values[inside] for fact in facts], axis=1), axis=0, return_counts=True
    )
    found = []
    for row in rows[counts >= LEAST_FACES].tolist():
        chosen = inside.copy()
        for fact, value in zip(facts, row, strict=True):
            chosen &= fact.values == value
        name = ', '.join(fact.names[value] for fact, value in zip(facts, row, strict=True))
        found.append(figures_of(name, probabilities[chosen], labels[chosen]))
    return tuple(sorted(found, key=lambda group: group.accuracy))
