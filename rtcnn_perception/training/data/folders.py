"""Pictures of faces in folders: one for each class, or named as UTKFace names them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import reduce
from pathlib import Path
import re
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.core.labels import LABELS
from rtcnn_perception.training.data.faces import box_of_crop
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.data.faces import join
from rtcnn_perception.training.data.faces import one_hot
from rtcnn_perception.training.data.faces import Splits
from rtcnn_perception.training.data.pictures import GRAY
from rtcnn_perception.training.data.pictures import read_picture
from rtcnn_perception.training.data.splits import duplicate_groups
from rtcnn_perception.training.data.splits import hold_out

SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp')
PARTS = ('train', 'val', 'test')
HELD_OUT = 0.1

UTKFACE_NAME = re.compile(r'^(\d{1,3})_([01])_([0-4])_\d+')
"""Age, gender (0 male, 1 female), race, date. Source: susanqq.github.io/UTKFace, "Labels"."""


def read_folder(path: Path, attribute: str, geometry: CropGeometry, seed: int) -> Splits:
    """
    Read pictures that are face crops already.

    Folders ``train``, ``val`` and ``test`` are the parts, and a part that has no folder is a tenth
    of the distinct pictures of train, by chance; where there is none of them, all are train. A
    picture of train or val that a later part has too is left out.

    :param path: the folder
    :param attribute: 'emotion' or 'gender'
    :param geometry: the crop the pictures are taken for
    :param seed: chooses what is held out where the folder does not say
    :raises DataError: if a picture is damaged or its label is no class, naming the file
    """
    given = _given_parts(path)
    read = [_read_part(path / name, attribute, geometry) for name in given or ['']]
    everyone = reduce(join, read)
    groups = duplicate_groups(everyone.pictures)
    part: NDArray[np.str_] = np.repeat(given or ['train'], [len(faces) for faces in read])
    notes = _leave_copies_out(part, groups)
    rng = np.random.default_rng(seed)
    for name in ('test', 'val'):
        if name not in given:
            rest = np.flatnonzero(part == 'train')
            part[rest[hold_out(groups[rest], HELD_OUT, rng)]] = name
    for name in PARTS:
        if not (part == name).any():
            raise DataError(f'{path} has too few pictures: there is none for the part {name}')
    train, val, test = (everyone.take(part == name) for name in PARTS)
    return Splits(replace(train, notes=notes), val, test)


def _leave_copies_out(part: NDArray[np.str_], groups: NDArray[np.int64]) -> tuple[str, ...]:
    """Empty the part (N,) of each picture that a later part has too, and tell how many."""
    notes = []
    for name, later in (('val', ['test']), ('train', ['val', 'test'])):
        copies = (part == name) & np.isin(groups, groups[np.isin(part, later)])
        part[copies] = ''
        if copies.any():
            notes.append(
                f'{int(copies.sum())} pictures of {name} also occur in {" or ".join(later)} '
                'and are left out'
            )
    return tuple(notes)


def _given_parts(path: Path) -> list[str]:
    """Return the parts that have a folder; none where the folders are classes."""
    folders = [entry.name for entry in entries_of(path) if entry.is_dir()]
    given = [part for part in PARTS if part in folders]
    others = [name for name in folders if name not in PARTS and not name.startswith('.')]
    if given and (others or 'train' not in given):
        raise DataError(
            f'{path} has the folders {", ".join(sorted(folders))}; expected train, and maybe val '
            'and test, or else one for each class'
        )
    return given


def likeness(path: Path, attribute: str) -> int:
    """
    Return how many classes of an attribute have a folder; UTKFace has none, for gender.

    :raises DataError: if a folder cannot be looked into
    """
    places = [path / part for part in _given_parts(path)] or [path]
    folders = {entry.name for place in places for entry in entries_of(place) if entry.is_dir()}
    return len(folders & set(LABELS[attribute])) if folders else int(attribute == 'gender')


def entries_of(folder: Path) -> list[Path]:
    """
    Return what is in a folder, in order.

    :raises DataError: if it cannot be looked into
    """
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise DataError(f'cannot look into the folder {folder}: {error.strerror}') from error


def _read_part(path: Path, attribute: str, geometry: CropGeometry) -> FaceSet:
    folders = [entry for entry in entries_of(path) if entry.is_dir()]
    if folders:
        return _read_classes(folders, attribute, geometry)
    if attribute == 'gender':
        return _read_utkface(path, geometry)
    raise DataError(f'{path} has no folders; expected one each of {", ".join(LABELS[attribute])}')


def _read_classes(folders: list[Path], attribute: str, geometry: CropGeometry) -> FaceSet:
    classes = LABELS[attribute]
    unknown = [folder.name for folder in folders if folder.name not in classes]
    if unknown:
        raise DataError(
            f'{folders[0].parent} has the folder {unknown[0]}, which is no class; '
            f'expected {", ".join(classes)}'
        )
    files = [(file, classes.index(folder.name)) for folder in folders for file in _files(folder)]
    labels = np.array([label for _, label in files], np.int64)
    return _face_set([file for file, _ in files], attribute, labels, geometry)


def _read_utkface(path: Path, geometry: CropGeometry) -> FaceSet:
    files = _files(path)
    facts: dict[str, list[int]] = {'age': [], 'race': [], 'source': []}
    labels = []
    for file in files:
        match = UTKFACE_NAME.match(file.name)
        if match is None:
            raise DataError(
                f'{file} is not named as UTKFace does: [age]_[gender]_[race]_[date].jpg'
            )
        age, gender, race = map(int, match.groups())
        labels.append(1 - gender)  # UTKFace counts men as 0
        for name, value in (('age', age), ('race', race), ('source', 2)):
            facts[name].append(value)
    arrays = {name: np.array(values, np.int64) for name, values in facts.items()}
    return _face_set(files, 'gender', np.array(labels, np.int64), geometry, arrays)


def _files(folder: Path) -> list[Path]:
    files = [file for file in entries_of(folder) if file.suffix.lower() in SUFFIXES]
    if not files:
        raise DataError(f'{folder} has no pictures ({", ".join(SUFFIXES)})')
    return files


def _face_set(
    files: list[Path],
    attribute: str,
    labels: NDArray[np.int64],
    geometry: CropGeometry,
    facts: Mapping[str, NDArray[np.int64]] = MappingProxyType({}),
) -> FaceSet:
    pictures = [read_picture(file, GRAY) for file in files]
    boxes = [box_of_crop(geometry, p.shape[1], p.shape[0]) for p in pictures]
    return FaceSet(
        pictures=pictures,
        boxes=np.array(boxes),
        labels={attribute: labels},
        targets={attribute: one_hot(labels, len(LABELS[attribute]))},
        names=[str(file) for file in files],
        facts=facts,
    )
