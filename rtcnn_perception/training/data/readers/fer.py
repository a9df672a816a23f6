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
FER-2013, with the votes of FER+ where there are any: two attributes of the same faces.

``emotion`` is FER-2013's label; ``emotion_votes`` the distribution of FER+'s votes, with their
majority as the label.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from itertools import zip_longest
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import ImageGray
from rtcnn_perception.training.data import splits
from rtcnn_perception.training.data.classes import UNLABELLED
from rtcnn_perception.training.data.faces import boxes_of_crops
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.faces import DividedFaces
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.data.faces import Indices
from rtcnn_perception.training.data.faces import Labels
from rtcnn_perception.training.data.faces import ReadOptions
from rtcnn_perception.training.data.readers import npz
from rtcnn_perception.training.data.readers.csv_file import columns_of
from rtcnn_perception.training.data.readers.csv_file import csv_lines
from rtcnn_perception.training.data.readers.csv_file import listed

FER_CLASSES = ('angry', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral')
"""The classes in the order of FER-2013's numbers."""

FERPLUS_COLUMNS = (
    *('neutral', 'happiness', 'surprise', 'sadness', 'anger', 'disgust', 'fear'),
    *('contempt', 'unknown', 'NF'),
)
"""The ten columns of FER+ votes. Source: github.com/microsoft/FERPlus, README."""

FERPLUS_TO_FER = (4, 5, 6, 1, 3, 2, 0)
"""Columns of FER+ in the order of ``FER_CLASSES``; the last three have no class here."""

USAGES = ('Training', 'PublicTest', 'PrivateTest')
"""The parts of FER-2013; nothing here uses the last."""

HELD_OUT = 0.1
"""Of the distinct Training pictures; some 2,800, so that one point is 28 pictures."""

SIDE = 48


def read_fer_npz(path: Path, options: ReadOptions) -> DividedFaces:
    """
    Read FER-2013 in packed form, with FER+'s votes where the file has them.

    :raises DataError: if the file is damaged or mislabelled
    """
    arrays = npz.load_arrays(path, ('offset', 'labels', 'split', 'split_names'))
    columns = tuple(map(str, arrays.get('ferplus_columns', np.array(FERPLUS_COLUMNS)).flat))
    if columns != FERPLUS_COLUMNS:
        raise DataError(f'{path} has the ferplus_columns {columns}, expected {FERPLUS_COLUMNS}')
    labels = {'emotion': npz.labels_of(arrays, path)}
    if 'ferplus_votes' in arrays:
        labels['emotion_votes'] = votes_to_labels(arrays['ferplus_votes'].astype(np.int64))
    pictures = npz.decode_pictures(arrays, path)
    names = [f'{path.name}[{index}]' for index in range(len(pictures))]
    boxes = boxes_of_crops(pictures, options.geometry)
    faces = FaceSet(pictures, boxes, names, labels)
    return divide(faces, npz.parts_of(arrays, path, USAGES), path, options.seed)


def read_fer_csv(path: Path, options: ReadOptions) -> DividedFaces:
    """
    Read ``fer2013.csv`` as its authors distribute it, with FER+'s votes where options name them.

    :raises DataError: if a file is damaged or mislabelled, naming the row
    """
    pictures: list[ImageGray] = []
    indices: list[int] = []
    usage: list[str] = []
    names: list[str] = []
    for where, row in _rows(path, ('emotion', 'pixels', 'Usage')):
        names.append(where)
        indices.append(_whole_number(row['emotion'], 'emotion', where))
        pictures.append(_picture(row['pixels'] or '', where))
        usage.append((row['Usage'] or '').strip())
        if not 0 <= indices[-1] < len(FER_CLASSES):
            last = len(FER_CLASSES) - 1
            raise DataError(f'{where} has the label {indices[-1]}, expected 0 to {last}')
        if usage[-1] not in USAGES:
            expected = ', '.join(USAGES)
            raise DataError(f'{where} has the usage {usage[-1]!r}, expected one of {expected}')
    if not pictures:
        raise DataError(f'{path} has no rows')
    labels = {'emotion': Labels.of(FER_CLASSES, np.array(indices, np.int64))}
    if options.votes is not None:
        labels['emotion_votes'] = votes_to_labels(_read_votes(options.votes, len(pictures)))
    faces = FaceSet(pictures, boxes_of_crops(pictures, options.geometry), names, labels)
    return divide(faces, np.array(usage), path, options.seed)


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield what to call each row of a file, and its values by column, which must exist."""
    found = columns_of(path)
    missing = ', '.join(name for name in columns if name not in found)
    if missing:
        raise DataError(f'{path} lacks the column {missing}; it has {listed(found)}')
    for number, (_, cells) in enumerate(islice(csv_lines(path), 1, None), start=1):
        values = zip_longest(found, cells[: len(found)], fillvalue='')
        yield f'row {number} of {path}', dict(values)


def _picture(text: str, where: str) -> ImageGray:
    values = text.split()
    if len(values) != SIDE * SIDE:
        raise DataError(
            f'{where} has a picture of {len(values)} pixels, expected {SIDE}x{SIDE} = {SIDE**2}'
        )
    try:
        picture = np.array(values, np.int64)
    except (ValueError, OverflowError) as error:
        raise DataError(f'{where} has a pixel that is no number: {error}') from error
    if picture.min() < 0 or picture.max() > 255:
        raise DataError(f'{where} has pixels outside 0 to 255')
    return picture.astype(np.uint8).reshape(SIDE, SIDE)


def _whole_number(text: str | None, column: str, where: str) -> int:
    try:
        return int(np.int64(int(text or '')))
    except (ValueError, OverflowError):
        raise DataError(f'{where}: {column} must be a whole number, got {text!r}') from None


def _read_votes(path: Path, count: int) -> NDArray[np.int64]:
    """Return the votes (N, 10), a row for each of ``fer2013.csv``."""
    rows = [
        [_whole_number(row[name], name, where) for name in FERPLUS_COLUMNS]
        for where, row in _rows(path, FERPLUS_COLUMNS)
    ]
    if len(rows) != count:
        raise DataError(f'{path} has {len(rows)} rows of votes for {count} pictures')
    return np.array(rows, np.int64)


def votes_to_labels(votes: NDArray[np.int64]) -> Labels:
    """
    Turn votes into distributions over the seven classes, labelled by their majority.

    There is no label where there are no votes, or where contempt, unknown or "no face" has as many
    as any class. A tie among the seven goes to the first class.

    :param votes: (N, 10) in the order of FER+, -1 where there are none
    """
    counts = np.clip(votes[:, list(FERPLUS_TO_FER)], 0, None)
    others = np.clip(votes[:, 7:], 0, None).max(axis=1)
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)
    majority = np.where(counts.max(axis=1) > others, counts.argmax(axis=1), UNLABELLED)
    return Labels(FER_CLASSES, majority.astype(np.int64), shares.astype(np.float32))


def divide(faces: FaceSet, usage: NDArray[np.str_], path: Path, seed: int) -> DividedFaces:
    """
    Divide rows into train, val (held out of Training) and test (PublicTest).

    Blank pictures are left out of train and val, and so is every Training picture that PublicTest
    has too. Copies within train and val become one picture with the average of their targets.

    :raises DataError: if a part is empty
    """
    training, test = usage == 'Training', usage == 'PublicTest'
    for name, chosen in (('Training', training), ('PublicTest', test)):
        if not chosen.any():
            raise DataError(f'{path}: the split {name} is empty')
    groups = splits.duplicate_groups(faces.pictures)
    blank = np.array([splits.is_blank(picture) for picture in faces.pictures])
    in_test = np.isin(groups, groups[test])
    usable = training & ~blank & ~in_test
    firsts = np.unique(np.where(usable, groups, -1), return_index=True)[1]
    firsts = np.sort(firsts[usable[firsts]])
    held_out = splits.hold_out(groups[firsts], HELD_OUT, np.random.default_rng(seed))
    if held_out.all() or not held_out.any():
        raise DataError(f'{path}: too few Training pictures to hold a part out')
    part = np.where(test, 'test', '').astype('<U5')
    part[firsts] = np.where(held_out, 'val', 'train')
    labels = {
        name: _averaged(each, groups, usable)
        for name, each in faces.labels.items()
        if each.is_known.any()
    }
    notes = (
        f'{int((training & blank).sum())} blank pictures of Training are left out',
        f'{int((training & ~blank & in_test).sum())} pictures of Training also occur in '
        'PublicTest and are left out',
        f'{int(usable.sum()) - len(firsts)} further copies within Training are merged',
    )
    return DividedFaces(replace(faces, labels=labels, notes=notes), part)


def _averaged(labels: Labels, groups: Indices, usable: NDArray[np.bool_]) -> Labels:
    """Give copies among the usable rows the average of their targets."""
    targets = labels.targets.copy()
    sums = np.zeros((int(groups.max()) + 1, targets.shape[1]), np.float32)
    np.add.at(sums, groups[usable], targets[usable])
    totals = sums.sum(axis=1, keepdims=True)
    means = np.divide(sums, totals, out=sums, where=totals > 0)
    targets[usable] = means[groups[usable]]
    return Labels(labels.classes, labels.indices, targets)
