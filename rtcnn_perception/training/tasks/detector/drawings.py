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

"""Pictures of the faces that a detector finds, of its false ones, and of those it misses."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import BoxesXYXY
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.drawing.rect import Rect
from rtcnn_perception.core.drawing.text import draw_text
from rtcnn_perception.core.drawing.text import set_text
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.crops import Crop
from rtcnn_perception.core.geometry.crops import cut_crop
from rtcnn_perception.training.data.photographs import Photograph
from rtcnn_perception.training.tasks.detector.figures import curve
from rtcnn_perception.training.tasks.detector.figures import false_predictions
from rtcnn_perception.training.tasks.detector.figures import missed_faces
from rtcnn_perception.training.tasks.detector.predictions import annotated_boxes
from rtcnn_perception.training.tasks.detector.predictions import FALSE
from rtcnn_perception.training.tasks.detector.predictions import MIN_HEIGHTS
from rtcnn_perception.training.tasks.detector.predictions import Predictions
from rtcnn_perception.training.tasks.reporting import draw_faces
from rtcnn_perception.training.tasks.reporting import draw_lines
from rtcnn_perception.training.tasks.reporting import Line

GREEN, RED, YELLOW = (90, 210, 60), (60, 60, 235), (40, 210, 255)
GRAY, DARK = (180, 180, 180), (24, 24, 24)
WIDTH_COLORS = ((190, 110, 40), (60, 130, 230), (90, 160, 60), (150, 70, 150), (60, 60, 200))

SHEET_COLUMNS, SHEET_ROWS, SHEET_CELL = 3, 2, 480
WORST, WORST_COLUMNS, WORST_SIDE = 24, 6, 180
LONGEST_NAME = 22
"""Characters below a face in the pictures of the worst."""


def draw_curves(
    photographs: Sequence[Photograph],
    predictions: dict[int, list[Predictions]],
    *,
    min_iou: float,
    threshold: float,
) -> ImageBGR:
    """
    Draw precision over recall, a line for each width and least height of a face.

    :param predictions: by width in pixels
    """
    lines = []
    for number, (width, predicted) in enumerate(predictions.items()):
        color = WIDTH_COLORS[number % len(WIDTH_COLORS)]
        for thickness, min_height in zip((2, 1), MIN_HEIGHTS, strict=True):
            found, _ = curve(photographs, predicted, min_height, min_iou)
            points = np.stack([found.recall, found.interpolated], 1)
            label = f'{width} wide, {min_height} px and over'
            dot = found.at(threshold)[::-1]
            lines.append(Line(points, label, color, thickness, [dot]))
    return draw_lines('recall', 'precision', lines, f'dots: score {threshold:g}')


def draw_sheet(
    photographs: Sequence[Photograph], predictions: Sequence[Predictions], min_iou: float
) -> ImageBGR:
    """Draw predictions in a few photographs with faces, the same for every detector."""
    shown = [
        index
        for index, photograph in enumerate(photographs)
        if annotated_boxes(photograph, MIN_HEIGHTS[0])[1].any()
    ]
    count = min(SHEET_COLUMNS * SHEET_ROWS, len(shown))
    chosen = [shown[(2 * cell + 1) * len(shown) // (2 * count)] for cell in range(count)]
    cells = [_draw_found(photographs[i], predictions[i], min_iou) for i in chosen]
    rows = [_legend(SHEET_COLUMNS * SHEET_CELL)]
    for first in range(0, len(cells), SHEET_COLUMNS):
        last = first + SHEET_COLUMNS
        rows.append(_side_by_side(cells[first:last]))
    return np.vstack(rows)


def _side_by_side(cells: list[ImageBGR]) -> ImageBGR:
    """Put pictures into a row of the sheet, each in the middle of its column."""
    row = np.full((max(map(len, cells)) + 8, SHEET_COLUMNS * SHEET_CELL, 3), 255, np.uint8)
    for number, cell in enumerate(cells):
        height, width = cell.shape[:2]
        left = number * SHEET_CELL + (SHEET_CELL - width) // 2
        row[:height, left : left + width] = cell
    return row


def _draw_found(photograph: Photograph, predicted: Predictions, min_iou: float) -> ImageBGR:
    """Return the photograph with its boxes, as large as fits a square of the sheet."""
    scale = (SHEET_CELL - 8) / max(photograph.width, photograph.height)
    width, height = (max(1, round(side * scale)) for side in (photograph.width, photograph.height))
    image = np.asarray(cv2.resize(photograph.read(), (width, height)), np.uint8)
    boxes, counts = annotated_boxes(photograph, MIN_HEIGHTS[0])
    matched = predicted.match(photograph, MIN_HEIGHTS[0], min_iou)
    missed = np.setdiff1d(np.flatnonzero(counts), matched)
    for box in boxes[missed] * scale:
        _draw_box(image, box, YELLOW)
    for box, face in zip(predicted.boxes * scale, matched, strict=True):
        _draw_box(image, box, GREEN if face >= 0 else RED if face == FALSE else GRAY)
    return image


def _draw_box(image: ImageBGR, box: NDArray[np.float64], color: tuple[int, int, int]) -> None:
    left, top, right, bottom = (round(side) for side in box.tolist())
    cv2.rectangle(image, (left - 1, top - 1), (right + 1, bottom + 1), DARK, 3, cv2.LINE_8)
    cv2.rectangle(image, (left, top), (right, bottom), color, 2, cv2.LINE_8)


def _legend(width: int) -> ImageBGR:
    strip = np.full((36, width, 3), 255, np.uint8)
    left = 8
    for color, name in (
        (GREEN, 'a face, found'),
        (YELLOW, 'a face, missed'),
        (RED, 'false: no face, a box far off, or a second one'),
        (GRAY, f'found, and not counted: below {MIN_HEIGHTS[0]} px, or an ignored region'),
    ):
        _draw_box(strip, np.array([left, 10, left + 16, 26]), color)
        text = set_text(name, left + 24, 9, 11)
        draw_text(strip, text, DARK)
        left = text.right + 24
    return strip


def draw_worst_false(
    photographs: Sequence[Photograph], predictions: Sequence[Predictions], min_iou: float
) -> ImageBGR:
    """Draw the false predictions of the highest scores, of those at the threshold that counts."""
    tiles = []
    for index, number in false_predictions(photographs, predictions, min_iou)[:WORST]:
        found = predictions[index]
        tiles.append((photographs[index], found.boxes[number], f'{found.scores[number]:.2f}'))
    return _draw_tiles(tiles, RED)


def draw_worst_misses(
    photographs: Sequence[Photograph], predictions: Sequence[Predictions], min_iou: float
) -> ImageBGR:
    """Draw the largest faces missed by the predictions, those at the threshold that counts."""
    worst = missed_faces(photographs, predictions, min_iou)[:WORST]
    tiles = [(photographs[index], photographs[index].boxes[face], '') for index, face in worst]
    return _draw_tiles(tiles, YELLOW)


def _draw_tiles(
    worst: list[tuple[Photograph, BoxesXYXY | NDArray[np.float32], str]],
    color: tuple[int, int, int],
) -> ImageBGR:
    """Draw each box with its surroundings, over its text, height and file."""
    if not worst:
        strip = np.full((36, SHEET_CELL, 3), 255, np.uint8)
        draw_text(strip, set_text('none', 8, 9, 11), DARK)
        return strip
    tiles, captions = [], []
    for photograph, corners, text in worst:
        box = BoundingBox(*corners.tolist())
        half = max(box.width, box.height)
        x, y = box.center
        square = Rect.about(BoundingBox(x - half, y - half, x + half, y + half))
        around = BoundingBox(square.left, square.top, square.right, square.bottom)
        tile = cut_crop(photograph.read(), Crop(around), (WORST_SIDE, WORST_SIDE))
        scale = WORST_SIDE / square.width
        origin = (square.left, square.top, square.left, square.top)
        _draw_box(tile, (corners.astype(np.float64) - origin) * scale, color)
        tiles.append(tile)
        name = photograph.path.name
        name = name if len(name) <= LONGEST_NAME else f'..{name[2 - LONGEST_NAME :]}'
        captions.append((f'{text} {box.height:.0f} px high'.strip(), name))
    return draw_faces(tiles, captions, columns=WORST_COLUMNS, side=WORST_SIDE)
