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

"""What reports are made of: Markdown tables, drawings with OpenCV, and the folder."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import Image
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.drawing.text import draw_text
from rtcnn_perception.core.drawing.text import fit_text
from rtcnn_perception.core.drawing.text import set_text
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.training.data.pictures import write_picture


def percent(share: float) -> str:
    """Return a share as per cent with one decimal."""
    return f'{100 * share:.1f} %'


def span(interval: tuple[float, float]) -> str:
    """Return an interval of shares as per cent."""
    return ' to '.join(percent(bound) for bound in interval)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """Return the lines of a Markdown table, and an empty one."""
    columns, *others = ([cell.replace('|', '\\|') for cell in row] for row in (head, *rows))
    lines = [f'| {" | ".join(columns)} |', f'|{" --- |" * len(columns)}']
    return [*lines, *(f'| {" | ".join(row)} |' for row in others), '']


def write_report(
    figures: Mapping[str, Any], page: str, pictures: Mapping[str, ImageBGR], folder: Path
) -> Path:
    """
    Write report.md, report.json and the pictures.

    :param figures: the content of report.json
    :returns: where the page lies
    :raises ConfigurationError: if the folder cannot be written to
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, picture in pictures.items():
            write_picture(picture, folder / name)
        content = json.dumps(figures, indent=1)
        (folder / 'report.json').write_text(content + '\n', encoding='utf-8')
        (folder / 'report.md').write_text(page, encoding='utf-8')
    except OSError as error:
        raise ConfigurationError(f'cannot write to the folder {folder}: {error}') from error
    return folder / 'report.md'


LETTER_PX = 8
"""Height of a capital."""
BLACK, GRAY, BLUE, RED = (30, 30, 30), (170, 170, 170), (190, 110, 40), (60, 60, 200)
LEFT, TOP, SIDE = 70, 30, 320
LEGEND_WIDTH = 240
CELL, WIDEST_CELL, WIDEST_NAME = 56, 110, 200
"""Of a confusion, in pixels: a cell for short names of classes, the widest one, a row's name."""


def _canvas(height: int, width: int) -> ImageBGR:
    return np.full((height, width, 3), 255, np.uint8)


def _text(
    image: ImageBGR,
    text: str,
    at: tuple[int, int],
    color: tuple[int, int, int] = BLACK,
    width: int | None = None,
) -> None:
    """Write a text from its lower left corner on, no wider than ``width`` or the picture."""
    left, baseline = at
    most = image.shape[1] - left if width is None else width
    draw_text(image, replace(fit_text(text, left, 0, LETTER_PX, most), baseline=baseline), color)


def draw_confusion(matrix: Sequence[Sequence[int]], labels: Sequence[str]) -> ImageBGR:
    """Draw shares of each true class (rows) by predicted class (columns), darker for more."""
    counts = np.asarray(matrix, float)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    widest = max(set_text(name, 0, 0, LETTER_PX).right for name in labels) + 6
    left, cell = max(LEFT, min(widest, WIDEST_NAME)), max(CELL, min(widest, WIDEST_CELL))
    image = _canvas(TOP + CELL * len(labels) + 10, left + cell * len(labels) + 10)
    for row, name in enumerate(labels):
        _text(image, name, (4, TOP + row * CELL + CELL // 2), width=left - 10)
        _text(image, name, (left + row * cell + 2, TOP - 10), width=cell - 4)
        for column in range(len(labels)):
            x, y = left + column * cell, TOP + row * CELL
            shade = int(255 - 200 * shares[row, column])
            cv2.rectangle(image, (x, y), (x + cell, y + CELL), (255, shade, shade), -1)
            cv2.rectangle(image, (x, y), (x + cell, y + CELL), GRAY, 1)
            _text(image, f'{shares[row, column]:.0%}', (x + 12, y + CELL // 2 + 4))
    return image


@dataclass(frozen=True)
class Line:
    """
    A line to draw, through ``points`` (N, 2), with ``dots`` (M, 2) of some ``sizes`` in pixels.

    A ``label`` stands in the legend.
    """

    points: Sequence[Sequence[float]] | NDArray[np.float64]
    label: str = ''
    color: tuple[int, int, int] = BLUE
    thickness: int = 2
    dots: Sequence[Sequence[float]] = ()
    sizes: Sequence[int] = ()


def draw_reliability(table: Sequence[Sequence[float]]) -> ImageBGR:
    """Draw accuracy over confidence, larger for more; the diagonal is a calibrated model."""
    rows = [row for row in table if row[0]]
    largest = max((count for count, *_ in rows), default=1.0)
    sizes = [3 + round(7 * (count / largest) ** 0.5) for count, *_ in rows]
    diagonal = Line([(0.0, 0.0), (1.0, 1.0)], color=GRAY, thickness=1)
    dots = Line([], dots=[row[1:] for row in rows], sizes=sizes)
    return draw_lines('confidence', 'accuracy', [diagonal, dots])


def draw_curve(axis: str, points: Sequence[tuple[float, float]], base: float) -> ImageBGR:
    """Draw accuracy over one condition; the gray line is the accuracy without it."""
    ordered = sorted(points)
    low, high = (ordered[0][0], ordered[-1][0]) if ordered else (0.0, 1.0)
    span = (low, high if high > low else low + 1.0)
    level = Line([(span[0], base), (span[1], base)], color=GRAY, thickness=1)
    return draw_lines(axis, 'accuracy', [level, Line(ordered, dots=ordered)], span=span)


def draw_lines(
    across: str,
    up: str,
    lines: Sequence[Line],
    note: str = '',
    span: tuple[float, float] = (0.0, 1.0),
) -> ImageBGR:
    """
    Draw lines over axes, with a legend at the right where they have labels.

    :param note: a line below the legend
    :param span: of the axis across; the other is from 0 to 1
    """
    low, high = span

    def place(point: Sequence[float] | NDArray[np.float64]) -> tuple[int, int]:
        share = (float(point[0]) - low) / (high - low)
        return LEFT + round(share * SIDE), TOP + round((1 - float(point[1])) * SIDE)

    right = LEFT + SIDE + 30
    image = _canvas(TOP + SIDE + 50, right + LEGEND_WIDTH * any(line.label for line in lines))
    cv2.rectangle(image, (LEFT, TOP), (LEFT + SIDE, TOP + SIDE), BLACK, 1)
    _text(image, up, (4, TOP - 10))
    _text(image, across, (LEFT + SIDE // 3, TOP + SIDE + 38))
    for share in (0.0, 0.5, 1.0):
        value, at = low + share * (high - low), round(share * SIDE)
        _text(image, f'{value:g}', (LEFT + at - 8, TOP + SIDE + 18))
        _text(image, f'{share:g}', (LEFT - 34, TOP + SIDE - at + 4))
    for number, line in enumerate(lines):
        corners = np.array([place(point) for point in line.points], np.int32).reshape(-1, 1, 2)
        cv2.polylines(image, [corners], False, line.color, line.thickness, cv2.LINE_AA)
        if line.label:
            y, thickness = TOP + 8 + 20 * number, line.thickness
            cv2.line(image, (right, y), (right + 24, y), line.color, thickness, cv2.LINE_AA)
            _text(image, line.label, (right + 32, y + 4))
    for line in lines:
        for dot, size in zip(line.dots, line.sizes or [5] * len(line.dots), strict=True):
            cv2.circle(image, place(dot), size, line.color, -1, cv2.LINE_AA)
            cv2.circle(image, place(dot), size, BLACK, 1, cv2.LINE_AA)
    _text(image, note, (right, TOP + 24 + 20 * len(lines)))
    return image


def draw_faces(
    faces: Sequence[Image] | NDArray[np.uint8],
    captions: Sequence[Sequence[str]] = (),
    columns: int = 8,
    side: int = 112,
) -> ImageBGR:
    """
    Draw faces in rows, each over its lines of text.

    :param faces: (h, w) uint8 gray or (h, w, 3) BGR each
    :param captions: lines for each face; none at all is fine
    :param columns: faces in a row
    :param side: how large each is drawn, in pixels
    """
    lines = max((len(caption) for caption in captions), default=0)
    cell_h, cell_w = side + 14 * lines + 6, side + 6
    rows = max(1, -(-len(faces) // columns))
    image = _canvas(rows * cell_h, columns * cell_w)
    for index, face in enumerate(faces):
        x, y = (index % columns) * cell_w + 3, (index // columns) * cell_h + 3
        shown = cv2.resize(face, (side, side), interpolation=cv2.INTER_NEAREST)
        image[y : y + side, x : x + side] = shown if shown.ndim == 3 else shown[..., None]
        for number, line in enumerate(captions[index] if index < len(captions) else ()):
            color = RED if number else BLACK
            _text(image, line, (x, y + side + 12 + 14 * number), color, side)
    return image
