"""Readers for the packed data sets: pictures in one blob, labels beside it."""

from __future__ import annotations

from pathlib import Path
import zipfile

import cv2
import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import ImageGray
from rtcnn_perception.core.labels import EMOTION_LABELS
from rtcnn_perception.core.labels import GENDER_LABELS
from rtcnn_perception.core.preprocessing import CropGeometry
from rtcnn_perception.training.emotion_splits import emotion_splits
from rtcnn_perception.training.emotion_splits import EmotionRecords
from rtcnn_perception.training.faces import DataError
from rtcnn_perception.training.faces import FaceSet
from rtcnn_perception.training.faces import one_hot
from rtcnn_perception.training.faces import Splits

Arrays = dict[str, NDArray[np.generic]]

EMOTION_KEYS = ('png', 'offset', 'labels', 'class_names', 'split', 'split_names', 'ferplus_votes')
GENDER_KEYS = ('jpeg', 'offset', 'labels', 'split', 'split_names', 'source', 'box', 'age', 'race')
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


def open_npz(path: Path) -> Arrays:
    """
    Load every array of a file, without unpickling anything.

    :raises DataError: if the file is missing or is no .npz
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            return {key: file[key] for key in file.files}
    except FileNotFoundError:
        raise DataError(f'there is no data file {path}') from None
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise DataError(f'{path} is no readable .npz file: {error}') from error


def require(arrays: Arrays, keys: tuple[str, ...], path: Path) -> None:
    """Refuse a file that lacks an array, or whose arrays differ in length."""
    missing = [key for key in keys if key not in arrays]
    if missing:
        raise DataError(f'{path} lacks {", ".join(missing)}; it has {", ".join(sorted(arrays))}')
    count = len(arrays['labels'])
    per_face = [k for k in keys if k in ('split', 'source', 'box', 'age', 'race', 'ferplus_votes')]
    for key in per_face:
        if len(arrays[key]) != count:
            raise DataError(f'{path} has {count} labels but {len(arrays[key])} of {key}')
    if len(arrays['offset']) != count + 1:
        raise DataError(f'{path} needs {count + 1} offsets, it has {len(arrays["offset"])}')


def decode_pictures(arrays: Arrays, blob: str, path: Path) -> list[ImageGray]:
    """Decode every picture to gray; refuse the file at the first that is damaged."""
    data, offsets = arrays[blob].astype(np.uint8), arrays['offset'].astype(np.int64)
    pictures: list[ImageGray] = []
    for index in range(len(offsets) - 1):
        encoded = data[offsets[index] : offsets[index + 1]]
        picture = cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE) if len(encoded) else None
        if picture is None:
            raise DataError(f'picture {index} of {path} cannot be decoded')
        pictures.append(np.asarray(picture, np.uint8))
    return pictures


def read_emotion(path: Path, geometry: CropGeometry, seed: int) -> Splits:
    """
    Read FER-2013 with FER+ votes; Training is parted by chance, PublicTest is the test part.

    :param path: an .npz file as the data's README describes it
    :param geometry: the crop the pictures are taken for
    :param seed: chooses the held-out part
    :raises DataError: if the file is damaged or mislabelled
    """
    arrays = open_npz(path)
    require(arrays, EMOTION_KEYS, path)
    names = tuple(str(name) for name in arrays['class_names'])
    if names != EMOTION_LABELS:
        raise DataError(f'{path} has the classes {names}, expected {EMOTION_LABELS}')
    pictures = decode_pictures(arrays, 'png', path)
    split_names = [str(name) for name in arrays['split_names']]
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
    require(arrays, GENDER_KEYS, path)
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
        landmarks=None if points is None else points.reshape(-1, 5, 2).astype(np.float32),
    )
    found = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    notes = (f'{int((~found).sum())} pictures without a box are left out',)
    split_names = [str(name) for name in arrays['split_names']]
    parts = {}
    for part in ('train', 'val', 'test'):
        if part not in split_names:
            raise DataError(f'{path} has no part {part!r}; it has {split_names}')
        chosen = found & (arrays['split'] == split_names.index(part))
        if not chosen.any():
            raise DataError(f'{path}: the part {part!r} is empty')
        parts[part] = everyone.take(chosen)
    train, val, test = (parts[part] for part in ('train', 'val', 'test'))
    train = FaceSet(**{**train.__dict__, 'notes': notes})
    return Splits(train, val, test)
