"""Accuracy under changed conditions: small, blurred or rotated faces, boxes that are off."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import replace

import cv2
import numpy as np
from rtcnn_perception.core.arrays import ImageGray
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.tasks.attributes.metrics import accuracy
from rtcnn_perception.training.tasks.attributes.predictor import Predictor

NOMINAL_FACE = 48.0
"""Blur is given in pixels of a face this large, so that it means the same in any picture."""


Change = Callable[[FaceSet, float], FaceSet]


@dataclass(frozen=True)
class Condition:
    """A change of every face; ``axis`` groups those that make a curve."""

    axis: str
    value: float
    change: Callable[[FaceSet], FaceSet]
    margin: float | None = None


def with_boxes(faces: FaceSet, scale: float, shift_x: float, shift_y: float) -> FaceSet:
    """Scale boxes and shift them by fractions of their longer side."""
    x0, y0, x1, y1 = faces.boxes.T
    width, height = (x1 - x0) * scale, (y1 - y0) * scale
    longer = np.maximum(x1 - x0, y1 - y0)
    x, y = (x0 + x1) / 2 + longer * shift_x, (y0 + y1) / 2 + longer * shift_y
    corners = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    return replace(faces, boxes=np.stack(corners, axis=1))


def at_size(faces: FaceSet, size: float) -> FaceSet:
    """Shrink pictures until the box's longer side has ``size`` pixels; never enlarge."""
    pictures, boxes = [], faces.boxes.copy()
    landmarks = None if faces.landmarks is None else faces.landmarks.copy()
    for index, picture in enumerate(faces.pictures):
        box = faces.box(index)
        factor = size / max(box.width, box.height)
        if factor >= 1.0:
            pictures.append(picture)
            continue
        height, width = picture.shape
        new_hw = max(2, round(height * factor)), max(2, round(width * factor))
        small = cv2.resize(picture, (new_hw[1], new_hw[0]), interpolation=cv2.INTER_AREA)
        pictures.append(np.asarray(small, np.uint8))
        scale = new_hw[1] / width, new_hw[0] / height
        boxes[index] *= np.tile(scale, 2)
        if landmarks is not None:
            landmarks[index] *= scale
    return replace(faces, pictures=pictures, boxes=boxes, landmarks=landmarks)


def _each(faces: FaceSet, change: Callable[[ImageGray, int], ImageGray]) -> FaceSet:
    pictures = [change(picture, index) for index, picture in enumerate(faces.pictures)]
    return replace(faces, pictures=pictures)


def blurred(faces: FaceSet, sigma: float) -> FaceSet:
    """Blur by ``sigma`` pixels of a face of nominal size."""

    def blur(picture: ImageGray, index: int) -> ImageGray:
        box = faces.box(index)
        spread = sigma * max(box.width, box.height) / NOMINAL_FACE
        result = cv2.GaussianBlur(picture, (0, 0), spread, borderType=cv2.BORDER_REPLICATE)
        return np.asarray(result, np.uint8)

    return _each(faces, blur)


def rotated(faces: FaceSet, degrees: float) -> FaceSet:
    """Rotate each picture, and its landmarks with it, about the centre of the face's box."""
    landmarks = None if faces.landmarks is None else faces.landmarks.copy()

    def rotate(picture: ImageGray, index: int) -> ImageGray:
        matrix = cv2.getRotationMatrix2D(faces.box(index).center, degrees, 1.0)
        if landmarks is not None:
            landmarks[index] = landmarks[index] @ matrix[:, :2].T + matrix[:, 2]
        size = picture.shape[1], picture.shape[0]
        result = cv2.warpAffine(picture, matrix, size, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(result, np.uint8)

    return replace(_each(faces, rotate), landmarks=landmarks)


def _with_value(change: Change, value: float) -> Callable[[FaceSet], FaceSet]:
    return lambda faces: change(faces, value)


def conditions() -> tuple[Condition, ...]:
    """Return all conditions, curve by curve."""
    found: list[Condition] = []

    def add(axis: str, values: tuple[float, ...], change: Change) -> None:
        found.extend(Condition(axis, value, _with_value(change, value)) for value in values)

    shifts = (-0.2, -0.1, -0.05, 0.05, 0.1, 0.2)
    add('box shifted right', shifts, lambda f, v: with_boxes(f, 1.0, v, 0.0))
    add('box shifted down', shifts, lambda f, v: with_boxes(f, 1.0, 0.0, v))
    add('box scaled', (0.8, 0.9, 1.1, 1.2), lambda f, v: with_boxes(f, v, 0.0, 0.0))
    add('face size in pixels', (16.0, 24.0, 32.0), at_size)
    add('blur at 48 pixels', (1.0, 2.0, 3.0), blurred)
    add('rotation in degrees', (-30.0, -15.0, 15.0, 30.0), rotated)
    found.extend(
        Condition('crop margin', margin, lambda faces: faces, margin=margin)
        for margin in (-0.1, 0.0, 0.15, 0.3, 0.45)
    )
    return tuple(found)


def accuracy_by_condition(
    predictor: Predictor, faces: FaceSet
) -> Iterator[tuple[Condition, dict[str, float]]]:
    """Yield the accuracy of each labelled head under each condition."""
    for condition in conditions():
        changed = (
            predictor if condition.margin is None else predictor.with_margin(condition.margin)
        )
        found = changed.probabilities(condition.change(faces))
        yield (
            condition,
            {
                name: accuracy(rows, faces.labels[name].indices)
                for name, rows in found.items()
                if name in faces.labels
            },
        )


def jitter_loss(base: float, results: dict[tuple[str, float], float]) -> tuple[float, float]:
    """
    Return how much accuracy a box off by 10 % costs: on average and at worst.

    :param base: accuracy with the boxes as they are
    :param results: accuracy by axis and value
    """
    off = [
        value
        for (axis, amount), value in results.items()
        if (axis.startswith('box shifted') and abs(amount) == 0.1)
        or (axis == 'box scaled' and amount in (0.9, 1.1))
    ]
    losses = [base - value for value in off] or [0.0]
    return sum(losses) / len(losses), max(losses)
