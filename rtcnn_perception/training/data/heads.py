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

"""The labels of data sets that the heads of a model can be compared with."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path

from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.training.data.classes import band_edges
from rtcnn_perception.training.data.classes import same_attribute
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.faces import Fact
from rtcnn_perception.training.data.faces import join
from rtcnn_perception.training.data.faces import Labels
from rtcnn_perception.training.data.faces import PARTS
from rtcnn_perception.training.data.faces import ReadOptions
from rtcnn_perception.training.data.faces import Splits
from rtcnn_perception.training.data.load import divided_with
from rtcnn_perception.training.data.load import labels_of_fact
from rtcnn_perception.training.data.load import offered_labels
from rtcnn_perception.training.data.load import read_pictures
from rtcnn_perception.training.data.load import SPLIT_SEED
from rtcnn_perception.training.data.sources import AttributeData
from rtcnn_perception.training.data.sources import check_pictures
from rtcnn_perception.training.data.sources import find_data
from rtcnn_perception.training.data.sources import pictures_of


def load_for_heads(
    heads: Mapping[str, Sequence[str]],
    source: AttributeData,
    geometry: CropGeometry,
    seed: int = SPLIT_SEED,
) -> Splits:
    """
    Load the labels that the heads of a model can be compared with, in the order of their classes.

    Labels without a name, and numbers, go to the heads that have their classes; where these are
    several attributes, to that of the file's or folder's name. Votes on a head's attribute, and
    labels of it where the head is of votes, are kept under their own names; others are facts.

    :param heads: the classes of each attribute, in order
    :param source: the data, joined, and the options of its reader
    :raises DataError: if something is missing, damaged or mislabelled, or fits no head
    :raises UnknownClassError: if the data has a class that a head of these labels lacks
    """
    check_pictures(source)
    found = []
    for path in map(find_data, source.path):
        pictures = pictures_of(path, source)
        read = read_pictures(pictures, [source], ReadOptions(geometry, seed))
        offered = offered_labels(read, path, pictures)
        is_own = path.resolve() == pictures
        labels, facts = _for_heads(offered, read.faces.facts, heads, path, prefers_facts=is_own)
        if labels.keys().isdisjoint(heads):
            known = {**read.faces.labels, **offered}
            has = '; '.join(
                [f'{n or "labels"}: {", ".join(e.classes)}' for n, e in known.items()]
                + [f'{n}: {", ".join(e.names) or "numbers"}' for n, e in read.faces.facts.items()]
            )
            expected = '; '.join(f'{name}: {", ".join(names)}' for name, names in heads.items())
            raise DataError(
                f'{path} has no labels of any head ({expected}); it has {has or "none"}'
            )
        found.append(divided_with(read, labels, facts))
    return Splits(*(join(*(getattr(each, part) for each in found)) for part in PARTS))


def _for_heads(
    offered: Mapping[str, Labels],
    facts: Mapping[str, Fact],
    heads: Mapping[str, Sequence[str]],
    path: Path,
    *,
    prefers_facts: bool,
) -> tuple[dict[str, Labels], dict[str, Fact]]:
    """
    Return the labels for heads, and the facts, to which the labels for none are added.

    :param path: of the data, whose name may be that of an attribute
    :param prefers_facts: whether a fact goes before labels without a name: of a file of labels
        alone, those are what it was named for
    :raises DataError: if labels without a name may be of several attributes
    """
    labels: dict[str, Labels] = {}
    facts = dict(facts)
    unnamed: set[str] = set() if prefers_facts or '' not in offered else set(offered[''].classes)
    for head, classes in heads.items():
        fact = None if unnamed & set(classes) else facts.get(head)
        if head in offered:
            labels[head] = offered[head].with_classes(classes, f'{head} of the model')
        elif fact is not None and (fact.names or band_edges(classes)):
            labels[head] = labels_of_fact(fact, classes).with_classes(
                classes, f'{head} of the model'
            )
    for name, each in offered.items():
        fit = [head for head in heads if set(each.classes) <= set(heads[head])]
        near = [head for head in heads if set(each.classes) & set(heads[head])]
        if name:
            fit = [head for head in fit if same_attribute(head, name)]
        elif any(not same_attribute(head, fit[0]) for head in fit):
            fit = [head for head in fit if same_attribute(head, path.stem)]
            if not fit:
                raise DataError(
                    f'{path} may have labels of {" or of ".join(near)}: call it by the attribute, '
                    'or give a table with a column of that name'
                )
        for head in fit or ([] if name else near):
            if (name or head) not in labels:
                labels[name or head] = each.with_classes(heads[head], f'{head} of the model')
        if name not in labels and not fit:
            facts[name or 'label'] = Fact(each.indices, each.classes)
    return labels, facts
