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

"""Load the data that a configuration or a command names, whatever format it has."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.attributes.card import are_labels
from rtcnn_perception.core.attributes.card import EXPECTED_LABELS
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.core.models.fields import shown
from rtcnn_perception.training.data.classes import band_names
from rtcnn_perception.training.data.classes import bands_of
from rtcnn_perception.training.data.classes import same_attribute
from rtcnn_perception.training.data.classes import soft_bands
from rtcnn_perception.training.data.classes import UNLABELLED
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.faces import DividedFaces
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.data.faces import Fact
from rtcnn_perception.training.data.faces import join
from rtcnn_perception.training.data.faces import Labels
from rtcnn_perception.training.data.faces import PARTS
from rtcnn_perception.training.data.faces import ReadOptions
from rtcnn_perception.training.data.faces import Splits
from rtcnn_perception.training.data.readers import candidates
from rtcnn_perception.training.data.readers import fer
from rtcnn_perception.training.data.readers import folders
from rtcnn_perception.training.data.readers import npz
from rtcnn_perception.training.data.readers import table
from rtcnn_perception.training.data.readers.csv_file import columns_of
from rtcnn_perception.training.data.readers.csv_file import listed
from rtcnn_perception.training.data.sources import AttributeData
from rtcnn_perception.training.data.sources import check_pictures
from rtcnn_perception.training.data.sources import DataConfig
from rtcnn_perception.training.data.sources import find_data
from rtcnn_perception.training.data.sources import pictures_of
from rtcnn_perception.training.data.splits import duplicate_groups
from rtcnn_perception.training.data.splits import leave_copies_out

SPLIT_SEED = 1
"""
Divides data that does not say how, the same whatever the seed of a training.

With parts of its own, a training would learn from faces that others are evaluated on.
"""

Reader = Callable[[Path, ReadOptions], DividedFaces]

READERS: Mapping[str, Reader] = {
    'packed': npz.read_packed,
    'fer2013': fer.read_fer_npz,
    'fer2013_csv': fer.read_fer_csv,
    'class_folders': folders.read_class_folders,
    'utkface': folders.read_utkface,
    'table': table.read_table,
    'candidates': candidates.read_candidates,
}
"""The readers by name; ``guessed_reader`` says which one is taken where none is named."""


def guessed_reader(path: Path) -> str:
    """
    Return the name of the reader for the kind of file or folder.

    :raises DataError: if there is none
    """
    if path.suffix == '.csv':
        columns = columns_of(path)
        if table.FILE not in columns and 'pixels' not in columns:
            raise DataError(
                f'{path} has the columns {listed(columns)}; expected {table.FILE}, of a '
                'table of pictures, or pixels, of fer2013.csv'
            )
        return 'table' if table.FILE in columns else 'fer2013_csv'
    if path.suffix == '.npz':
        return 'packed' if set(fer.USAGES).isdisjoint(npz.part_names(path)) else 'fer2013'
    if path.is_dir():
        return 'utkface' if folders.is_named_as_utkface(path) else 'class_folders'
    raise DataError(f'{path} is neither an .npz or .csv file nor a folder')


def load_faces(name: str, geometry: CropGeometry, seed: int = SPLIT_SEED) -> Splits:
    """
    Load a data set with the labels that its reader finds, whatever they are of.

    :raises DataError: if it is missing, damaged or mislabelled
    """
    return Splits.of(*read_pictures(find_data(name), (), ReadOptions(geometry, seed)))


def load_unlabelled(name: str, geometry: CropGeometry, seed: int = SPLIT_SEED) -> FaceSet:
    """
    Load the training faces of data whose labels, if it has any, are not used.

    :raises DataError: if it is missing or damaged
    """
    path, options = find_data(name), ReadOptions(geometry, seed, needs_labels=False)
    try:
        read = read_pictures(path, (), options)
    except DataError:
        if not path.is_dir():
            raise
        # Whatever is wrong with the names of classes or files, they are pictures.
        read = folders.read_unlabelled(path, options)
    return replace(Splits.of(*read).train, labels={})


def load_splits(data: DataConfig, geometry: CropGeometry, seed: int = SPLIT_SEED) -> Splits:
    """
    Load the data of every attribute, joined; a file is read once for all attributes it labels.

    Faces without any label are left out, but for those of the unlabelled data, and pictures of
    train and val that a later part of any of the data has too.

    :param geometry: the crop that pictures without boxes are taken for
    :param seed: chooses what is held out where the data does not say
    :raises DataError: if something is missing, damaged or mislabelled
    :raises UnknownClassError: if data sets of one attribute have different classes
    """
    sources: dict[Path, list[tuple[str, Path]]] = {}
    for name, wanted in data.attributes.items():
        check_pictures(wanted)
        for given in wanted.path:
            path = find_data(given)
            pictures = pictures_of(path, wanted)
            if given in data.shares and pictures != path.resolve():
                raise DataError(
                    f'[data.shares] has {given}, which has labels alone; give the share to the '
                    f'file of its pictures, {wanted.pictures}'
                )
            sources.setdefault(pictures, []).append((name, path))
    shares = {find_data(name).resolve(): share for name, share in data.shares.items()}
    reads = []
    for pictures, uses in sources.items():
        tables = [data.attributes[name] for name, _ in uses]
        read = read_pictures(pictures, tables, ReadOptions(geometry, seed))
        labels: dict[str, Labels] = {}
        for (name, path), wanted in zip(uses, tables, strict=True):
            offered = offered_labels(read, path, pictures)
            facts = read.faces.facts if path.resolve() == pictures else {}
            more = _labels_for(name, wanted, offered, facts, path)
            labels[name] = _merged(labels[name], more, path) if name in labels else more
        reads.append((pictures, read, labels))
    numbers = {n for _, read, _ in reads for n, fact in read.faces.facts.items() if not fact.names}
    found = []
    for pictures, read, labels in reads:
        # What is not learnt is known of the faces, unless others have numbers by that name.
        further = {
            name: Fact(each.indices, each.classes)
            for name, each in read.faces.labels.items()
            if name
            and name not in numbers
            and not any(same_attribute(name, learnt) for learnt in labels)
        }
        divided = divided_with(read, labels, {**further, **read.faces.facts})
        found.append(replace(divided, train=_drawn(divided.train, shares.get(pictures))))
    others = [
        _drawn(load_unlabelled(name, geometry, seed), shares.get(find_data(name).resolve()))
        for name in data.unlabelled
    ]
    train, *rest = ([getattr(each, part) for each in found] for part in PARTS)
    return _without_copies(Splits(join(*train, *others), *(join(*each) for each in rest)))


def _without_copies(splits: Splits) -> Splits:
    """Leave out of train and val the pictures that a later part has too, and note how many."""
    sets = [getattr(splits, part) for part in PARTS]
    lengths = list(map(len, sets))
    part: NDArray[np.str_] = np.repeat(PARTS, lengths)
    groups = duplicate_groups([picture for each in sets for picture in each.pictures])
    notes = leave_copies_out(part, groups, ' of the joined data')
    if not notes:
        return splits
    kept = np.split(part != '', np.cumsum(lengths)[:-1])
    train, val, test = (faces.take(chosen) for faces, chosen in zip(sets, kept, strict=True))
    return Splits(replace(train, notes=(*train.notes, *notes)), val, test)


def _drawn(faces: FaceSet, share: float | None) -> FaceSet:
    """Return faces that come so often in an epoch."""
    shares = None if share is None else np.full(len(faces), share, np.float32)
    return replace(faces, shares=shares)


def read_pictures(
    pictures: Path, tables: Sequence[AttributeData], options: ReadOptions
) -> DividedFaces:
    """Read a data set with the reader and the votes that its tables name."""
    readers = sorted({each.reader for each in tables if each.reader})
    detectors = sorted({each.detector for each in tables if each.detector})
    votes = next((each.votes for each in tables if each.votes), '')
    for what, names in (('reader', readers), ('detector', detectors)):
        if len(names) > 1:
            raise DataError(f'{pictures} can have one {what}, got {" and ".join(names)}')
    detector = detectors[0] if detectors else ''
    reader = readers[0] if readers else guessed_reader(pictures)
    if reader not in READERS:
        raise DataError(f'reader must be one of {", ".join(READERS)}, got {reader!r}')
    if votes and reader != 'fer2013_csv':
        raise DataError(f"{pictures}: FER+'s votes are read beside fer2013.csv alone, not {votes}")
    if detector and reader != 'candidates':
        raise DataError(f'{pictures}: a detector is for candidates in photographs, not {detector}')
    chosen = options._replace(
        votes=find_data(votes) if votes else None,
        leave_out_faulty=any(each.leave_out_faulty for each in tables),
        detector=detector,
    )
    return READERS[reader](pictures, chosen)


def offered_labels(read: DividedFaces, path: Path, pictures: Path) -> Mapping[str, Labels]:
    """Return the labels by attribute that a data set has for pictures, its own or others."""
    is_own = path.resolve() == pictures
    return read.faces.labels if is_own else {'': npz.read_row_labels(path, len(read.faces))}


def _labels_for(
    name: str,
    wanted: AttributeData,
    offered: Mapping[str, Labels],
    facts: Mapping[str, Fact],
    path: Path,
) -> Labels:
    """Return the labels of an attribute: by its name, from a fact, or those without a name."""
    found = offered.get(name)
    if found is None and name in facts:
        found = labels_of_fact(facts[name], band_names(wanted.bands), wanted.spread)
    if found is None:
        found = offered.get('')
    if found is None:
        known = ', '.join((*offered, *facts)) or 'none'
        raise DataError(f'{path} has no labels of {name}; it has {known}')
    found = found.with_classes(wanted.classes or found.classes, f'[data.{name}] classes')
    if len(found.classes) < 2:
        raise DataError(
            f'{path} has the one class {found.classes[0]} of {name}; expected two or more, or all '
            f'of them as [data.{name}] classes'
        )
    if not are_labels(found.classes):
        raise DataError(
            f'{path}: the classes of {name} must be {EXPECTED_LABELS}, got {shown(found.classes)}'
        )
    return found


def labels_of_fact(fact: Fact, bands: Sequence[str], spread: float = 0.0) -> Labels:
    if fact.names:
        return Labels.of(fact.names, fact.values)
    labels = Labels.of(bands, bands_of(fact.values, bands))
    return replace(labels, targets=soft_bands(fact.values, bands, spread)) if spread else labels


def divided_with(
    read: DividedFaces, labels: Mapping[str, Labels], facts: Mapping[str, Fact]
) -> Splits:
    """Divide the faces that have a label."""
    known = np.any([each.is_known for each in labels.values()], axis=0)
    faces = replace(read.faces, labels=labels, facts=facts)
    return Splits.of(faces, np.where(known, read.part, ''))


def _merged(labels: Labels, more: Labels, path: Path) -> Labels:
    """
    Return the labels of faces, and those of another file where there are none.

    :raises DataError: if a face has other labels in both
    :raises UnknownClassError: if the file has a class that the labels lack
    """
    more = more.with_classes(labels.classes, f'{path}, whose pictures have labels already')
    has_indices = (labels.indices != UNLABELLED) & (more.indices != UNLABELLED)
    is_other = np.where(
        has_indices,
        labels.indices != more.indices,
        labels.is_known & more.is_known & (labels.targets != more.targets).any(axis=1),
    )
    if is_other.any():
        raise DataError(
            f'{path} contradicts another file in {int(is_other.sum())} labels of the same '
            f'pictures, first in row {int(np.flatnonzero(is_other)[0])}; expected each face to '
            'have one'
        )
    known = labels.is_known
    return Labels(
        labels.classes,
        np.where(known, labels.indices, more.indices),
        np.where(known[:, None], labels.targets, more.targets),
    )
