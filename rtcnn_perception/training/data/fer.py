"""
FER-2013, with the votes of FER+ where there are any: two attributes of the same faces.

``emotion`` is FER-2013's label; ``emotion_votes`` the distribution of FER+'s votes, with their
majority as the label.
"""

from __future__ import annotations

from collections.abc import Iterator
import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import ImageGray
from rtcnn_perception.training.data.classes import UNLABELLED
from rtcnn_perception.training.data.faces import boxes_of_crops
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.faces import DividedFaces
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.data.faces import Indices
from rtcnn_perception.training.data.faces import Labels
from rtcnn_perception.training.data.faces import ReadOptions
from rtcnn_perception.training.data.npz import decode_pictures
from rtcnn_perception.training.data.npz import labels_of
from rtcnn_perception.training.data.npz import load_arrays
from rtcnn_perception.training.data.npz import parts_of
from rtcnn_perception.training.data.splits import duplicate_groups
from rtcnn_perception.training.data.splits import hold_out
from rtcnn_perception.training.data.splits import is_blank

FER_CLASSES = ('angry', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral')
"""The classes in the order of FER-2013's numbers."""

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

FERPLUS_TO_FER = (4, 5, 6, 1, 3, 2, 0)
"""Columns of FER+ in the order of ``FER_CLASSES``; the last three have no class here."""

USAGES = ('Training', 'PublicTest', 'PrivateTest')
"""The parts of FER-2013; nothing here uses the last."""

HELD_OUT = 0.1
"""Of the distinct Training pictures; some 2,800, so that one point is 28 pictures."""

SIDE = 48
CSV_COLUMNS = ('emotion', 'pixels', 'Usage')
NPZ_KEYS = ('offset', 'labels', 'split', 'split_names')


@dataclass(frozen=True)
class FerRows:
    """Rows of FER-2013 as they stand in a file; ``votes`` (N, 10) are -1 where there are none."""

    pictures: list[ImageGray]
    labels: Labels
    votes: NDArray[np.int64]
    usage: NDArray[np.str_]
    names: list[str]
    origin: Path


def read_fer_npz(path: Path, options: ReadOptions) -> DividedFaces:
    """
    Read FER-2013 in packed form, with FER+'s votes where the file has them.

    :raises DataError: if the file is damaged or mislabelled
    """
    arrays = load_arrays(path, NPZ_KEYS)
    columns = tuple(map(str, arrays.get('ferplus_columns', np.array(FERPLUS_COLUMNS)).flat))
    if columns != FERPLUS_COLUMNS:
        raise DataError(f'{path} has the ferplus_columns {columns}, expected {FERPLUS_COLUMNS}')
    pictures = decode_pictures(arrays, path)
    none = np.full((len(pictures), len(FERPLUS_COLUMNS)), -1)
    rows = FerRows(
        pictures=pictures,
        labels=labels_of(arrays, path),
        votes=np.asarray(arrays.get('ferplus_votes', none)).astype(np.int64),
        usage=parts_of(arrays, path, USAGES),
        names=[f'{path.name}[{index}]' for index in range(len(pictures))],
        origin=path,
    )
    return divide_fer(rows, options)


def read_fer_csv(path: Path, options: ReadOptions) -> DividedFaces:
    """
    Read ``fer2013.csv`` as its authors distribute it, with FER+'s votes where options name them.

    :raises DataError: if a file is damaged or mislabelled, naming the row
    """
    pictures: list[ImageGray] = []
    labels: list[int] = []
    usage: list[str] = []
    for index, row in enumerate(_rows(path, CSV_COLUMNS)):
        where = f'row {index + 1} of {path}'
        labels.append(_whole_number(row['emotion'], 'emotion', where))
        if not 0 <= labels[-1] < len(FER_CLASSES):
            raise DataError(
                f'{where} has the label {labels[-1]}, expected 0 to {len(FER_CLASSES) - 1}'
            )
        pictures.append(_picture(row['pixels'] or '', where))
        usage.append((row['Usage'] or '').strip())
        if usage[-1] not in USAGES:
            raise DataError(
                f'{where} has the usage {usage[-1]!r}, expected one of {", ".join(USAGES)}'
            )
    if not pictures:
        raise DataError(f'{path} has no rows')
    rows = FerRows(
        pictures=pictures,
        labels=Labels.of(FER_CLASSES, np.array(labels, np.int64)),
        votes=_read_votes(options.votes, len(pictures)),
        usage=np.array(usage),
        names=[f'row {index + 1} of {path}' for index in range(len(pictures))],
        origin=path,
    )
    return divide_fer(rows, options)


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """Yield a file's rows by column, after checking that the columns exist."""
    try:
        with path.open(newline='', encoding='utf-8-sig') as file:
            reader = csv.DictReader(file)
            found = tuple(name.strip() for name in reader.fieldnames or ())
            missing = [name for name in columns if name not in found]
            if missing:
                raise DataError(
                    f'{path} lacks the column {", ".join(missing)}; it has {", ".join(found)}'
                )
            for row in reader:
                yield {name.strip(): value for name, value in row.items() if name}
    except FileNotFoundError:
        raise DataError(f'there is no data file {path}') from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f'{path} is no readable .csv file: {error}') from error


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


def _read_votes(path: Path | None, count: int) -> NDArray[np.int64]:
    """Return the votes (N, 10), a row for each of ``fer2013.csv``; -1 without a file."""
    if path is None:
        return np.full((count, len(FERPLUS_COLUMNS)), -1, np.int64)
    rows = [
        [_whole_number(row[name], name, f'row {index + 1} of {path}') for name in FERPLUS_COLUMNS]
        for index, row in enumerate(_rows(path, FERPLUS_COLUMNS))
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


def divide_fer(rows: FerRows, options: ReadOptions) -> DividedFaces:
    """
    Divide the rows into train, val (held out of Training) and test (PublicTest).

    Blank pictures are left out of train and val, and so is every Training picture that PublicTest
    has too. Copies within train and val become one picture with the average of their targets.

    :raises DataError: if a part is empty
    """
    training, test = rows.usage == 'Training', rows.usage == 'PublicTest'
    for name, chosen in (('Training', training), ('PublicTest', test)):
        if not chosen.any():
            raise DataError(f'{rows.origin}: the split {name} is empty')
    groups = duplicate_groups(rows.pictures)
    blank = np.array([is_blank(picture) for picture in rows.pictures])
    in_test = np.isin(groups, groups[test])
    usable = training & ~blank & ~in_test
    firsts = np.unique(np.where(usable, groups, -1), return_index=True)[1]
    firsts = np.sort(firsts[usable[firsts]])
    held_out = hold_out(groups[firsts], HELD_OUT, np.random.default_rng(options.seed))
    if held_out.all() or not held_out.any():
        raise DataError(f'{rows.origin}: too few Training pictures to hold a part out')
    part = np.where(test, 'test', '').astype('<U5')
    part[firsts] = np.where(held_out, 'val', 'train')
    labels = {'emotion': rows.labels}
    if (rows.votes >= 0).any():
        labels['emotion_votes'] = votes_to_labels(rows.votes)
    faces = FaceSet(
        pictures=rows.pictures,
        boxes=boxes_of_crops(rows.pictures, options.geometry),
        names=rows.names,
        labels={name: _averaged(each, groups, usable) for name, each in labels.items()},
        notes=(
            f'{int((training & blank).sum())} blank pictures of Training are left out',
            f'{int((training & ~blank & in_test).sum())} pictures of Training also occur in '
            'PublicTest and are left out',
            f'{int(usable.sum()) - len(firsts)} further copies within Training are merged',
        ),
    )
    return DividedFaces(faces, part)


def _averaged(labels: Labels, groups: Indices, usable: NDArray[np.bool_]) -> Labels:
    """Give copies among the usable rows the average of their targets."""
    targets = labels.targets.copy()
    sums = np.zeros((int(groups.max()) + 1, targets.shape[1]), np.float32)
    np.add.at(sums, groups[usable], targets[usable])
    totals = sums.sum(axis=1, keepdims=True)
    means = np.divide(sums, totals, out=sums, where=totals > 0)
    targets[usable] = means[groups[usable]]
    return Labels(labels.classes, labels.indices, targets)
