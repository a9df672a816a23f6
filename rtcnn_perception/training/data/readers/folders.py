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

"""Folders of face crops: one folder for each class, or files named as UTKFace names them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
import os.path
from pathlib import Path
import re

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.sources.pictures import PICTURE_SUFFIXES
from rtcnn_perception.training.data.faces import boxes_of_crops
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.faces import DividedFaces
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.data.faces import Fact
from rtcnn_perception.training.data.faces import join
from rtcnn_perception.training.data.faces import Labels
from rtcnn_perception.training.data.faces import PARTS
from rtcnn_perception.training.data.faces import ReadOptions
from rtcnn_perception.training.data.pictures import left_out
from rtcnn_perception.training.data.pictures import read_complete
from rtcnn_perception.training.data.pictures import some_of
from rtcnn_perception.training.data.readers.npz import UTKFACE_RACES
from rtcnn_perception.training.data.splits import complete_parts

UTKFACE_NAME = re.compile(r'^(\d{1,3})_([01])_([0-4])_\d+')
"""Age, gender (0 male, 1 female), race, date. Source: susanqq.github.io/UTKFace, "Labels"."""

UTKFACE_EXPECTED = 'named as UTKFace does, [age]_[gender]_[race]_[date].jpg'

UTKFACE_GENDERS = ('man', 'woman')
"""The classes in the order of UTKFace's numbers."""


def entries_of(folder: Path) -> list[Path]:
    """
    Return what is in a folder, in order; hidden entries are left out.

    :raises DataError: if it cannot be listed
    """
    try:
        return sorted(entry for entry in folder.iterdir() if not entry.name.startswith('.'))
    except OSError as error:
        raise DataError(f'cannot list the folder {folder}: {error.strerror}') from error


def folders_of(folder: Path) -> list[Path]:
    """Return the folders in a folder; errors as of :func:`entries_of`."""
    return [entry for entry in entries_of(folder) if entry.is_dir()]


def is_named_as_utkface(path: Path) -> bool:
    """
    Return whether a folder, or its parts, has files alone, named as UTKFace names them.

    :raises DataError: if it has files alone, and none has such a name
    """
    places = _given_parts(path) or [path]
    if any(map(folders_of, places)):
        return False
    names = [file.name for place in places for file in _files(place)]
    if not any(map(UTKFACE_NAME.match, names)):
        raise DataError(
            f'{path} has {len(names)} pictures without labels: {some_of(names)}; expected a '
            f'folder for each class, files {UTKFACE_EXPECTED}, or a table (.csv) that names them'
        )
    return True


def read_unlabelled(path: Path, options: ReadOptions) -> DividedFaces:
    """
    Read the pictures in a folder and below it, of ``train`` where it is there, all as training.

    :raises DataError: if pictures are damaged, naming some, or there are none
    """
    place = path / PARTS[0] if (path / PARTS[0]).is_dir() else path
    files = [
        file
        for file in sorted(place.rglob('*'))
        if file.suffix.lower() in PICTURE_SUFFIXES
        and not any(part.startswith('.') for part in file.relative_to(place).parts)
    ]
    if not files:
        raise DataError(f'{place} has no pictures ({", ".join(sorted(PICTURE_SUFFIXES))})')
    faces = _crops(files, options)
    return DividedFaces(faces, np.full(len(faces), PARTS[0], f'<U{max(map(len, PARTS))}'))


def read_class_folders(path: Path, options: ReadOptions) -> DividedFaces:
    """
    Read one folder of pictures for each class, whose names are those of the folders.

    :raises DataError: if pictures are damaged, naming some, or there are too few
    """
    places = _given_parts(path) or [path]
    classes = sorted({folder.name for place in places for folder in folders_of(place)})
    if len(classes) < 2:
        raise DataError(
            f'{path} has the folders {", ".join(classes) or "none"}; expected one for each class'
        )

    def read(place: Path) -> FaceSet:
        files = [file for folder in folders_of(place) for file in _files(folder)]
        faces = _crops(files, options)
        names = [Path(name).parent.name for name in faces.names]
        indices = np.array([classes.index(name) for name in names], np.int64)
        return replace(faces, labels={'': Labels.of(classes, indices)})

    faces, part = _divided(path, read, options)
    absent = sorted(set(classes) - {folder.name for folder in folders_of(places[0])})
    if absent:
        note = f'{places[0]} has no folder for {some_of(absent)}: nothing of that is learnt'
        faces = replace(faces, notes=(*faces.notes, note))
    return DividedFaces(faces, part)


def read_utkface(path: Path, options: ReadOptions) -> DividedFaces:
    """
    Read files named as UTKFace names them, with gender as a label, age and race as facts.

    :raises DataError: if pictures are damaged or named otherwise, naming some
    """
    files = [file for place in _given_parts(path) or [path] for file in _files(place)]
    wrong = [file.name for file in files if not UTKFACE_NAME.match(file.name)]
    notes = left_out(path, wrong, UTKFACE_EXPECTED, options)

    def read(place: Path) -> FaceSet:
        files = [file for file in _files(place) if UTKFACE_NAME.match(file.name)]
        faces = _crops(files, options)
        matches = [UTKFACE_NAME.match(Path(name).name) for name in faces.names]
        rows = [[int(number) for number in match.groups()] for match in matches if match]
        age, gender, race = np.array(rows, np.int64).reshape(-1, 3).T
        return replace(
            faces,
            labels={'gender': Labels.of(UTKFACE_GENDERS, gender)},
            facts={'age': Fact(age), 'race': Fact(race, UTKFACE_RACES)},
        )

    faces, part = _divided(path, read, options)
    return DividedFaces(replace(faces, notes=(*notes, *faces.notes)), part)


def _divided(path: Path, read: Callable[[Path], FaceSet], options: ReadOptions) -> DividedFaces:
    """
    Read every part of a folder.

    Folders ``train``, ``val`` and ``test`` are the parts; where there is none of them, all are
    train. Copies, and parts without a folder, are as :func:`complete_parts` says.
    """
    given = _given_parts(path)
    sets = [read(place) for place in given or [path]]
    faces = join(*sets)
    names = [place.name for place in given] or ['train']
    part: NDArray[np.str_] = np.repeat(names, list(map(len, sets)))
    part = part.astype(f'<U{max(map(len, PARTS))}')
    notes = complete_parts(part, faces.pictures, names, options.seed, path)
    return DividedFaces(replace(faces, notes=(*faces.notes, *notes)), part)


def _given_parts(path: Path) -> list[Path]:
    """Return the parts that have a folder; none where the folders are classes."""
    folders = [entry.name for entry in folders_of(path)]
    given = [part for part in PARTS if part in folders]
    if given and (set(folders) - set(PARTS) or 'train' not in given):
        raise DataError(
            f'{path} has the folders {some_of(sorted(folders))}; expected train, and maybe val '
            'and test, or else one for each class'
        )
    return [path / part for part in given]


def _files(folder: Path) -> list[Path]:
    files = [file for file in entries_of(folder) if file.suffix.lower() in PICTURE_SUFFIXES]
    if not files:
        raise DataError(f'{folder} has no pictures ({", ".join(sorted(PICTURE_SUFFIXES))})')
    return files


def _crops(files: list[Path], options: ReadOptions) -> FaceSet:
    """Return the pictures of files; what else lies beside them is noted."""
    others: list[str] = []
    for folder in dict.fromkeys(file.parent for file in files):
        others += [
            entry.name
            for entry in entries_of(folder)
            if entry.suffix.lower() not in PICTURE_SUFFIXES
        ]
    some = some_of(others)
    notes = [f'{len(others)} files are no pictures and left out: {some}'] if others else []
    decoded = read_complete(files)
    damaged = [file for file in files if file not in decoded]
    if damaged:
        folder = Path(os.path.commonpath([file.parent for file in files]))
        names = [str(file.relative_to(folder)) for file in damaged]
        notes += left_out(folder, names, 'complete pictures', options)
    pictures = [*decoded.values()]
    return FaceSet(
        pictures=pictures,
        boxes=boxes_of_crops(pictures, options.geometry),
        names=[*map(str, decoded)],
        notes=tuple(notes),
    )
