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

"""A table of pictures: a .csv with a row for each, and a column for each thing known of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from itertools import zip_longest
import os.path
from pathlib import Path
import re
from typing import NamedTuple

import numpy as np
from rtcnn_perception.core.arrays import ImageGray
from rtcnn_perception.core.attributes.card import LONGEST_LABEL
from rtcnn_perception.core.models.fields import shown
from rtcnn_perception.paths import is_there
from rtcnn_perception.training.data.boxes import check_box
from rtcnn_perception.training.data.boxes import check_pixels
from rtcnn_perception.training.data.classes import UNLABELLED
from rtcnn_perception.training.data.faces import boxes_of_crops
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.faces import DividedFaces
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.data.faces import Fact
from rtcnn_perception.training.data.faces import Labels
from rtcnn_perception.training.data.faces import PARTS
from rtcnn_perception.training.data.faces import ReadOptions
from rtcnn_perception.training.data.pictures import for_all
from rtcnn_perception.training.data.pictures import left_out
from rtcnn_perception.training.data.pictures import read_complete
from rtcnn_perception.training.data.readers.csv_file import columns_of
from rtcnn_perception.training.data.readers.csv_file import csv_lines
from rtcnn_perception.training.data.readers.csv_file import listed
from rtcnn_perception.training.data.splits import complete_parts

FILE, PART, BOX = 'file', 'part', ('x0', 'y0', 'x1', 'y1')
"""The columns that say of what a row is; any other has labels or facts."""

WHOLE_NUMBER = re.compile(r'-?\d+(?:\.0+)?', re.ASCII)
"""Also as pandas writes one in a column with an empty cell: 34.0."""
DECIMAL = re.compile(r'-?(?:\d+\.?\d*|\.\d+)', re.ASCII)
UNKNOWN = frozenset({'nan', 'NaN', '<NA>'})
"""What pandas and NumPy write for an empty cell."""
MOST_DIGITS = 18
"""Numbers of more may not fit into 64 bits."""

MOST_CLASSES = 100
"""A column of more different texts, or of longer ones, has no classes but names or remarks."""


class Row(NamedTuple):
    """A row: its line in the file, what an error calls it, and its cells by column."""

    line: int
    where: str
    cells: dict[str, str]


def read_table(path: Path, options: ReadOptions) -> DividedFaces:
    """
    Read a table: columns of texts are labels by their names, those of whole numbers facts.

    A row without a part is of train, of which the parts that no row names are held out, and
    copies are left out, as :func:`complete_parts` says. A row without a box is a crop.

    :raises DataError: naming the file, a line or some of them, what was expected and what came
    """
    rows = _rows(path)
    files = _files(path, rows)
    marks = for_all(lambda row: (_part(row), _box(row)), rows, 'lines')
    parts, boxes = [part for part, _ in marks], [box for _, box in marks]
    check_pixels(path, np.array([box for box in boxes if box is not None]))
    labels, facts, notes = _known(path, rows, needs_labels=options.needs_labels)
    pictures, notes_on_files = _pictures(path, rows, files, options)
    kept = np.array([index for index, file in enumerate(files) if file in pictures], np.int64)
    faces = FaceSet(
        pictures=[pictures[files[index]] for index in kept],
        boxes=np.array(
            [_corners(rows[i], boxes[i], pictures[files[i]], options) for i in kept], np.float64
        ),
        names=[str(files[index]) for index in kept],
        labels={name: each.take(kept) for name, each in labels.items()},
        facts={name: Fact(each.values[kept]) for name, each in facts.items()},
    )
    part = np.array([name or 'train' for name in parts])[kept].astype(f'<U{max(map(len, PARTS))}')
    given = {name or 'train' for name in parts}
    notes += [*notes_on_files, *complete_parts(part, faces.pictures, given, options.seed, path)]
    return DividedFaces(replace(faces, notes=tuple(notes)), part)


def _rows(path: Path) -> list[Row]:
    names = columns_of(path)
    missing = [FILE] if FILE not in names else [name for name in BOX if name not in names]
    if FILE not in names or 0 < len(missing) < len(BOX):
        raise DataError(
            f'{path} lacks the column {" and ".join(missing)}; it has {listed(names)}: expected '
            'names, separated by commas, in the first line'
        )
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise DataError(f'{path} has two columns of the name {listed(twice)}, expected one')
    rows = []
    for line, cells in islice(csv_lines(path), 1, None):
        where = f'line {line} of {path}'
        texts = [cell.strip() for cell in cells]
        if any(texts[len(names) :]):
            raise DataError(
                f'{where} has {len(texts)} cells, expected {len(names)}: put a text with a comma '
                'between quotation marks'
            )
        if any(texts):
            values = zip_longest(names, texts[: len(names)], fillvalue='')
            known = {name: '' if text in UNKNOWN else text for name, text in values if name}
            rows.append(Row(line, where, known))
    if not rows:
        raise DataError(f'{path} has no rows; expected one for each picture')
    return rows


def _files(path: Path, rows: list[Row]) -> list[Path]:
    """Return the file of each row; refuse one that two rows name."""
    found: dict[str, Row] = {}
    for row in rows:
        name = row.cells[FILE]
        if not name:
            raise DataError(f'{row.where} names no {FILE}')
        first = found.setdefault(os.path.normpath(path.parent.absolute() / name), row)
        if first is not row:
            raise DataError(
                f'{row.where} names {shown(name)}, as line {first.line} does; expected each '
                'picture once'
            )
    return [path.parent / row.cells[FILE] for row in rows]


def _part(row: Row) -> str:
    """Return the part of a row, empty where it has none."""
    part = row.cells.get(PART, '')
    if part and part not in PARTS:
        raise DataError(
            f'{row.where} has the part {shown(part)}, expected one of {", ".join(PARTS)}'
        )
    return part


def _box(row: Row) -> list[float] | None:
    """Return x0, y0, x1, y1 in pixels, None where all are empty."""
    texts = [row.cells.get(name, '') for name in BOX]
    if not any(texts):
        return None
    try:
        return [float(text) for text in texts]
    except ValueError:
        raise DataError(
            f'{row.where}: {", ".join(BOX)} must be numbers of pixels, or all empty for a crop; '
            f'got {shown(", ".join(texts))}'
        ) from None


def _corners(
    row: Row, box: list[float] | None, picture: ImageGray, options: ReadOptions
) -> list[float]:
    """Return the box of a picture; of a crop, the one whose crop it is."""
    if box is None:
        corners: list[float] = boxes_of_crops([picture], options.geometry)[0].tolist()
        return corners
    height, width = picture.shape
    check_box(f'{row.where}: its picture', np.array(box), width, height)
    return box


def _pictures(
    path: Path, rows: list[Row], files: list[Path], options: ReadOptions
) -> tuple[dict[Path, ImageGray], list[str]]:
    """Return the pictures of files, and notes on those that are left out by choice."""

    def named(faulty: Sequence[Path]) -> list[str]:
        known = set(faulty)
        lines = [row for row, file in zip(rows, files, strict=True) if file in known]
        return [f'{shown(row.cells[FILE])} (line {row.line})' for row in lines]

    missing = named([file for file in files if not is_there(file)])
    notes = left_out(path, missing, 'there, beside the table or by an absolute path', options)
    pictures = read_complete(files)
    damaged = named([file for file in files if file not in pictures and is_there(file)])
    notes += left_out(path, damaged, 'complete pictures', options)
    if not pictures:
        raise DataError(f'{path} names no complete picture')
    return pictures, notes


def _known(
    path: Path, rows: list[Row], *, needs_labels: bool
) -> tuple[dict[str, Labels], dict[str, Fact], list[str]]:
    """
    Return labels and facts by column, and a note on each column that has neither.

    :raises DataError: if there are none and labels are needed, or a column has both texts and
        numbers
    """
    labels, facts, notes = {}, {}, []
    for name in rows[0].cells:
        known = [row for row in rows if row.cells[name]]
        if name in (FILE, PART, *BOX) or not known:
            continue
        classes = sorted({row.cells[name] for row in known})
        why = _why_neither(classes)
        if why:
            notes.append(f'{path.name}: the column {shown(name)} is left out: {why}')
        elif _has_numbers(name, known):
            facts[name] = Fact(np.array([_number(row, name) for row in rows], np.int64))
        else:
            if twice := _spellings(classes):
                notes.append(
                    f'{path.name}: the column {shown(name)} has {shown(twice[0])} and '
                    f'{shown(twice[1])}, which are two classes'
                )
            places = {text: index for index, text in enumerate(classes)}
            indices = [places.get(row.cells[name], UNLABELLED) for row in rows]
            labels[name] = Labels.of(classes, np.array(indices, np.int64))
    if needs_labels and not labels and not facts:
        raise DataError(
            f'{path} has no labels: expected a column of texts or whole numbers beside {FILE}, '
            f'{PART} and {", ".join(BOX)}; it has {"; ".join((listed([*rows[0].cells]), *notes))}'
        )
    return labels, facts, notes


def _why_neither(texts: Sequence[str]) -> str:
    """Return why the different texts of a column are neither classes nor whole numbers."""
    decimals = [text for text in texts if not WHOLE_NUMBER.fullmatch(text)]
    if decimals and all(map(DECIMAL.fullmatch, texts)):
        return f'expected whole numbers, or texts for classes, got {decimals[0]}'
    longest = max(map(len, texts))
    if len(decimals) < len(texts) or (len(texts) <= MOST_CLASSES and longest <= LONGEST_LABEL):
        return ''  # with whole numbers a text among them is named by its line
    return (
        f'it has {len(texts)} different texts of up to {longest} characters, and classes are '
        f'{MOST_CLASSES} of {LONGEST_LABEL} at most'
    )


def _spellings(classes: Sequence[str]) -> list[str]:
    """Return two classes that differ in case alone, or none."""
    first: dict[str, str] = {}
    for text in classes:
        other = first.setdefault(text.casefold(), text)
        if other is not text:
            return [other, text]
    return []


def _has_numbers(name: str, rows: list[Row]) -> bool:
    """Return whether a column has whole numbers in these rows; refuse it if in some alone."""
    others = [row for row in rows if not WHOLE_NUMBER.fullmatch(row.cells[name])]
    if others and len(others) < len(rows):
        number = next(row for row in rows if WHOLE_NUMBER.fullmatch(row.cells[name]))
        raise DataError(
            f'{others[0].where}: {shown(name)} must be a whole number as in line {number.line}, '
            f'or a text in every line; got {shown(others[0].cells[name])}'
        )
    return not others


def _number(row: Row, name: str) -> int:
    """Return a whole number, ``UNLABELLED`` where there is none."""
    text = (row.cells[name] or str(UNLABELLED)).partition('.')[0]
    if len(text) > MOST_DIGITS or int(text) < UNLABELLED:
        raise DataError(
            f'{row.where}: {shown(name)} must be 0 or above, or {UNLABELLED} where it is unknown; '
            f'got {shown(text)}'
        )
    return int(text)
