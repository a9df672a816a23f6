"""Readers for the packed data sets: pictures in one blob, labels beside it."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
import contextlib
from dataclasses import replace
from pathlib import Path
from tokenize import TokenError
import zipfile
import zlib

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import ImageGray
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.core.labels import EMOTION_LABELS
from rtcnn_perception.core.labels import GENDER_LABELS
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.data.faces import one_hot
from rtcnn_perception.training.data.faces import Splits
from rtcnn_perception.training.data.fer import emotion_splits
from rtcnn_perception.training.data.fer import EmotionRecords
from rtcnn_perception.training.data.pictures import decode_picture
from rtcnn_perception.training.data.pictures import GRAY

Arrays = dict[str, NDArray[np.generic]]

EMOTION_KEYS = ('png', 'offset', 'labels', 'class_names', 'split', 'split_names', 'ferplus_votes')
GENDER_KEYS = ('jpeg', 'offset', 'labels', 'split', 'split_names', 'source', 'box', 'age', 'race')
KEYS = {'emotion': frozenset(EMOTION_KEYS), 'gender': frozenset(GENDER_KEYS)}
FERPLUS_COLUMNS = (
    'neutral',
    'happiness',
    'surprise',
    'sadness',
    'anger',
    'disgust',
    'fear',
    'contempt',
    'unknown',
    'NF',
)
"""The ten columns of FER+ votes. Source: github.com/microsoft/FERPlus, README."""


PER_FACE: dict[str, tuple[int, ...]] = {
    'labels': (),
    'split': (),
    'ferplus_votes': (len(FERPLUS_COLUMNS),),
    'source': (),
    'age': (),
    'race': (),
    'box': (4,),
    'landmarks': (5, 2),
}
"""Arrays with an entry for each face, and what its shape is."""

FRACTIONAL = ('box', 'landmarks')
"""Arrays of numbers that need not be whole."""

MEANT: dict[str, tuple[str, ...]] = {
    'class_names': EMOTION_LABELS,
    'ferplus_columns': FERPLUS_COLUMNS,
    'label_names': GENDER_LABELS,
}
"""What a file that says what its numbers mean has to say."""


DAMAGE = (
    ValueError,
    OSError,
    EOFError,
    RuntimeError,
    MemoryError,
    TokenError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What NumPy, zipfile and zlib raise of a file that is not as it was written."""


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Mapping[str, NDArray[np.generic]]]:
    """
    Open a file whose arrays are loaded when they are asked for; nothing is unpickled.

    :raises DataError: if the file is missing or is no .npz, or an array is damaged
    """
    try:
        with path.open('rb') as opened:
            if not zipfile.is_zipfile(opened):
                raise DataError(f'{path} is no readable .npz file: cut off, or of another kind')
            opened.seek(0)
            with np.load(opened, allow_pickle=False) as file:
                yield file
    except FileNotFoundError:
        raise DataError(f'there is no data file {path}') from None
    except DAMAGE as error:
        raise DataError(f'{path} is no readable .npz file: {error}') from error


def open_npz(path: Path) -> Arrays:
    """
    Load every array of a file.

    :raises DataError: if the file is missing or is no .npz
    """
    with _opened(path) as file:
        return {key: np.asarray(file[key]) for key in file}


def likeness(path: Path, attribute: str) -> int:
    """
    Return how many of the arrays that an attribute's data has are in a file.

    :raises DataError: if the file is missing or is no .npz
    """
    with _opened(path) as file:
        return len(KEYS[attribute].intersection(file))


def require(arrays: Arrays, keys: tuple[str, ...], blob: str, path: Path) -> None:
    """
    Refuse a file that lacks an array, or whose arrays do not fit each other.

    :param keys: of the arrays that must be there
    :param blob: the key of the one that has the pictures
    :raises DataError: naming the array, what was expected and what came
    """
    missing = [key for key in keys if key not in arrays]
    if missing:
        raise DataError(f'{path} lacks {", ".join(missing)}; it has {", ".join(sorted(arrays))}')
    count = arrays['labels'].size
    shapes = {key: (count, *PER_FACE[key]) for key in PER_FACE if key in arrays}
    shapes |= {'offset': (count + 1,), blob: (arrays[blob].size,)}
    for key, shape in shapes.items():
        found, kinds = arrays[key], 'iuf' if key in FRACTIONAL else 'iu'
        if found.shape != shape or found.dtype.kind not in kinds:
            numbers = 'numbers' if key in FRACTIONAL else 'whole numbers'
            raise DataError(
                f'{path}: {key} must be {numbers} of the shape {shape} for {count} labels, '
                f'got {found.dtype} of the shape {found.shape}'
            )
    for key, names in MEANT.items():
        if key in arrays and tuple(map(str, arrays[key].flat)) != names:
            raise DataError(f'{path} has the {key} {arrays[key].tolist()}, expected {list(names)}')
    _require_order(arrays, blob, path)


def _require_order(arrays: Arrays, blob: str, path: Path) -> None:
    offsets, splits = arrays['offset'].astype(np.int64), arrays['split'].astype(np.int64)
    if offsets[0] < 0 or (np.diff(offsets) < 0).any() or offsets[-1] > arrays[blob].size:
        raise DataError(
            f'{path}: offset must rise from 0 to the {arrays[blob].size} bytes of {blob}, '
            f'got {offsets.min()} to {offsets.max()}'
        )
    parts = arrays['split_names'].size
    wrong = np.flatnonzero((splits < 0) | (splits >= parts))
    if len(wrong):
        raise DataError(
            f'{path}: face {wrong[0]} has the split {splits[wrong[0]]}, '
            f'expected 0 to {parts - 1} as there are {parts} split_names'
        )


def decode_pictures(arrays: Arrays, blob: str, path: Path) -> list[ImageGray]:
    """Decode every picture to gray; refuse the file at the first that is damaged."""
    data, offsets = arrays[blob].astype(np.uint8), arrays['offset'].astype(np.int64)
    return [
        decode_picture(
            data[offsets[index] : offsets[index + 1]].tobytes(), GRAY, f'picture {index} of {path}'
        )
        for index in range(len(offsets) - 1)
    ]


def read_emotion(path: Path, geometry: CropGeometry, seed: int) -> Splits:
    """
    Read FER-2013 with FER+ votes; Training is parted by chance, PublicTest is the test part.

    :param path: an .npz file as the data's README describes it
    :param geometry: the crop the pictures are taken for
    :param seed: chooses the held-out part
    :raises DataError: if the file is damaged or mislabelled
    """
    arrays = open_npz(path)
    require(arrays, EMOTION_KEYS, 'png', path)
    pictures = decode_pictures(arrays, 'png', path)
    split_names = [str(name) for name in arrays['split_names'].flat]
    records = EmotionRecords(
        pictures=pictures,
        labels=arrays['labels'].astype(np.int64),
        votes=arrays['ferplus_votes'].astype(np.int64),
        usage=[split_names[i] for i in arrays['split'].astype(np.int64)],
        names=[f'{path.name}[{i}]' for i in range(len(pictures))],
        origin=str(path),
    )
    return emotion_splits(records, geometry, seed)


def read_gender(path: Path) -> Splits:
    """
    Read the gender faces, parted by identity as the file has it.

    :param path: an .npz file as the data's README describes it
    :raises DataError: if the file is damaged or mislabelled
    """
    arrays = open_npz(path)
    require(arrays, GENDER_KEYS, 'jpeg', path)
    labels = arrays['labels'].astype(np.int64)
    wrong = np.flatnonzero((labels < 0) | (labels >= len(GENDER_LABELS)))
    if len(wrong):
        raise DataError(f'{path}: face {wrong[0]} has the label {labels[wrong[0]]}, not 0 or 1')
    boxes = arrays['box'].astype(np.float64)
    points = arrays.get('landmarks')
    everyone = FaceSet(
        pictures=decode_pictures(arrays, 'jpeg', path),
        boxes=boxes,
        labels={'gender': labels},
        targets={'gender': one_hot(labels, len(GENDER_LABELS))},
        names=[f'{path.name}[{i}]' for i in range(len(labels))],
        facts={key: arrays[key].astype(np.int64) for key in ('source', 'age', 'race')},
        landmarks=None if points is None else points.astype(np.float32),
    )
    found = np.isfinite(boxes).all(1) & (boxes[:, :2] < boxes[:, 2:]).all(1)
    notes = (f'{int((~found).sum())} pictures without a box are left out',)
    split_names = [str(name) for name in arrays['split_names'].flat]
    parts = {}
    for part in ('train', 'val', 'test'):
        if part not in split_names:
            raise DataError(f'{path} has no part {part!r}; it has {split_names}')
        chosen = found & (arrays['split'] == split_names.index(part))
        if not chosen.any():
            raise DataError(f'{path}: the part {part!r} is empty')
        parts[part] = everyone.take(chosen)
    train, val, test = (parts[part] for part in ('train', 'val', 'test'))
    return Splits(replace(train, notes=notes), val, test)
