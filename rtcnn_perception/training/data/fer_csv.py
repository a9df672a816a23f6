"""The original ``fer2013.csv``, with FER+'s ``fer2013new.csv`` beside it where there is one."""

from __future__ import annotations

from collections.abc import Iterator
import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import ImageGray
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.faces import Splits
from rtcnn_perception.training.data.fer import emotion_splits
from rtcnn_perception.training.data.fer import EmotionRecords
from rtcnn_perception.training.data.npz import FERPLUS_COLUMNS

SIDE = 48
COLUMNS = ('emotion', 'pixels', 'Usage')


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """Yield a file's rows by column, after checking that the columns are there."""
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


def _number(text: str | None, column: str, where: str) -> int:
    try:
        return int(np.int64(int(text or '')))
    except (ValueError, OverflowError):
        raise DataError(f'{where}: {column} must be a whole number, got {text!r}') from None


def read_votes(path: Path, count: int) -> NDArray[np.int64]:
    """
    Read FER+'s votes, a row for each of ``fer2013.csv``.

    :returns: (N, 10) votes in the order of ``FERPLUS_COLUMNS``
    :raises DataError: if columns are missing or the rows are not as many
    """
    rows = [
        [_number(row[name], name, f'row {index + 1} of {path}') for name in FERPLUS_COLUMNS]
        for index, row in enumerate(_rows(path, FERPLUS_COLUMNS))
    ]
    if len(rows) != count:
        raise DataError(f'{path} has {len(rows)} rows of votes for {count} pictures')
    return np.array(rows, np.int64)


def read_fer_csv(path: Path, votes: Path | None, geometry: CropGeometry, seed: int) -> Splits:
    """
    Read FER-2013 as its authors distributed it.

    :param path: ``fer2013.csv``
    :param votes: FER+'s ``fer2013new.csv``, or None to learn from FER-2013's labels alone
    :param geometry: the crop the pictures are taken for
    :param seed: chooses the held-out part
    :raises DataError: if a file is damaged or mislabelled, naming the row
    """
    pictures: list[ImageGray] = []
    labels: list[int] = []
    usage: list[str] = []
    names: list[str] = []
    for index, row in enumerate(_rows(path, COLUMNS)):
        where = f'row {index + 1} of {path}'
        labels.append(_number(row['emotion'], 'emotion', where))
        pictures.append(_picture(row['pixels'] or '', where))
        usage.append((row['Usage'] or '').strip())
        names.append(where)
    if not pictures:
        raise DataError(f'{path} has no rows')
    nothing = np.full((len(pictures), len(FERPLUS_COLUMNS)), -1, np.int64)
    records = EmotionRecords(
        pictures=pictures,
        labels=np.array(labels, np.int64),
        votes=read_votes(votes, len(pictures)) if votes else nothing,
        usage=usage,
        names=names,
        origin=str(path),
    )
    return emotion_splits(records, geometry, seed)
