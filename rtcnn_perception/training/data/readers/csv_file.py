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

"""Files of comma-separated values: their lines and the names of their columns."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence
import csv
from pathlib import Path

from rtcnn_perception.core.models.fields import shown
from rtcnn_perception.files import check_file
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.pictures import some_of

LONGEST_NAME = 100
"""Characters; a longer name of a column is cut in errors."""


def csv_lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """
    Yield the number of the line and the cells of each row of a file, the names of columns first.

    :raises DataError: if it is missing or no .csv file
    """
    try:
        check_file(path)
        with path.open(newline='', encoding='utf-8-sig') as file:
            reader = csv.reader(file)
            for cells in reader:
                if cells:
                    yield reader.line_num, cells
    except FileNotFoundError:
        raise DataError(f'there is no data file {path}') from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f'{path} is no readable .csv file: {error}') from error


def columns_of(path: Path) -> list[str]:
    """Return the names of the columns of a file; errors as of :func:`csv_lines`."""
    _, names = next(csv_lines(path), (0, []))
    return [name.strip() for name in names]


def listed(names: Sequence[str]) -> str:
    """Return some names of columns, each cut where it is long."""
    texts = [
        name if len(name) <= LONGEST_NAME and name.isprintable() else shown(name)
        for name in names
        if name
    ]
    return some_of(texts) or 'none'
