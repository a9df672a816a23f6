"""Pictures of faces in folders: one for each class, or named as UTKFace names them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
import re
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import ImageGray
from rtcnn_perception.core.labels import EMOTION_LABELS
from rtcnn_perception.core.labels import GENDER_LABELS
from rtcnn_perception.core.preprocessing import CropGeometry
from rtcnn_perception.training.duplicates import duplicate_groups
from rtcnn_perception.training.duplicates import hold_out
from rtcnn_perception.training.faces import box_of_crop
from rtcnn_perception.training.faces import DataError
from rtcnn_perception.training.faces import FaceSet
from rtcnn_perception.training.faces import one_hot
from rtcnn_perception.training.faces import Splits

SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp')
LABELS = {'emotion': EMOTION_LABELS, 'gender': GENDER_LABELS}
PARTS = ('train', 'val', 'test')
HELD_OUT = 0.1

UTKFACE_NAME = re.compile(r'^(\d{1,3})_([01])_([0-4])_\d+')
"""Age, gender (0 male, 1 female), race, date. Source: susanqq.github.io/UTKFace, "Labels"."""


def read_folder(path: Path, attribute: str, geometry: CropGeometry, seed: int) -> Splits:
    """
    Read pictures that are face crops already.

    With folders ``train``, ``val`` and ``test`` these are the parts; otherwise a tenth of the
    distinct pictures, by chance, is val and another test.

    :param path: the folder
    :param attribute: 'emotion' or 'gender'
    :param geometry: the crop the pictures are taken for
    :param seed: chooses what is held out where the folder does not say
    :raises DataError: if a picture is damaged or its label is no class, naming the file
    """
    if all((path / part).is_dir() for part in PARTS):
        return Splits(*(_read_part(path / part, attribute, geometry) for part in PARTS))
    everyone = _read_part(path, attribute, geometry)
    groups = duplicate_groups(everyone.pictures)
    rng = np.random.default_rng(seed)
    test = hold_out(groups, HELD_OUT, rng)
    val = np.zeros_like(test)
    val[~test] = hold_out(groups[~test], HELD_OUT, rng)
    for name, chosen in (('val', val), ('test', test)):
        if not chosen.any():
            raise DataError(f'{path} has too few pictures to hold a part out as {name}')
    return Splits(*(everyone.take(chosen) for chosen in (~test & ~val, val, test)))


def _read_part(path: Path, attribute: str, geometry: CropGeometry) -> FaceSet:
    folders = sorted(entry for entry in path.iterdir() if entry.is_dir())
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
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES)
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
    pictures = [_decode(file) for file in files]
    boxes = [box_of_crop(geometry, p.shape[1], p.shape[0]) for p in pictures]
    return FaceSet(
        pictures=pictures,
        boxes=np.array(boxes),
        labels={attribute: labels},
        targets={attribute: one_hot(labels, len(LABELS[attribute]))},
        names=[str(file) for file in files],
        facts=facts,
    )


def _decode(file: Path) -> ImageGray:
    encoded = np.frombuffer(file.read_bytes(), np.uint8)
    picture = cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE) if len(encoded) else None
    if picture is None:
        raise DataError(f'the picture {file} cannot be decoded')
    return np.asarray(picture, np.uint8)
