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

"""Accuracy under changed conditions: small, blurred or rotated faces, boxes that are off."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import replace

import cv2
import numpy as np
from rtcnn_perception.core.arrays import ImageGray
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.tasks.attributes.metrics import accuracy
from rtcnn_perception.training.tasks.attributes.predictor import Predictor
from tqdm import tqdm

NOMINAL_FACE = 48.0
"""Blur is given in pixels of a face this large, so that it means the same in any picture."""


Change = Callable[[FaceSet, float], FaceSet]


Curves = dict[str, list[tuple[float, float]]]
"""Accuracy by condition and value."""


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
        # OpenCV's pixels have their centres at whole numbers, boxes are from edge to edge.
        x, y = faces.box(index).center
        matrix = cv2.getRotationMatrix2D((x - 0.5, y - 0.5), degrees, 1.0)
        if landmarks is not None:
            landmarks[index] = (landmarks[index] - 0.5) @ matrix[:, :2].T + matrix[:, 2] + 0.5
        size = picture.shape[1], picture.shape[0]
        result = cv2.warpAffine(picture, matrix, size, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(result, np.uint8)

    return replace(_each(faces, rotate), landmarks=landmarks)


SHIFTS = (-0.2, -0.1, -0.05, 0.05, 0.1, 0.2)
MARGIN = 'crop margin'
CONDITIONS: Mapping[str, tuple[tuple[float, ...], Change]] = {
    'box shifted right': (SHIFTS, lambda faces, value: with_boxes(faces, 1.0, value, 0.0)),
    'box shifted down': (SHIFTS, lambda faces, value: with_boxes(faces, 1.0, 0.0, value)),
    'box scaled': ((0.8, 0.9, 1.1, 1.2), lambda faces, value: with_boxes(faces, value, 0.0, 0.0)),
    'face size in pixels': ((16.0, 24.0, 32.0), at_size),
    'blur at 48 pixels': ((1.0, 2.0, 3.0), blurred),
    'rotation in degrees': ((-30.0, -15.0, 15.0, 30.0), rotated),
    MARGIN: ((-0.1, 0.0, 0.15, 0.3, 0.45), lambda faces, _: faces),
}
"""Values and change of each condition; the margin is changed in the predictor."""


def accuracy_curves(predictor: Predictor, faces: FaceSet) -> dict[str, Curves]:
    """Return the accuracy of each labelled head under every condition."""
    curves: dict[str, Curves] = {}
    wanted = [(axis, value) for axis, (values, _) in CONDITIONS.items() for value in values]
    for axis, value in tqdm(wanted, desc='conditions', disable=None):
        chosen = predictor.with_margin(value) if axis == MARGIN else predictor
        for name, rows in chosen.probabilities(CONDITIONS[axis][1](faces, value)).items():
            if name in faces.labels:
                share = accuracy(rows, faces.labels[name].indices)
                curves.setdefault(name, {}).setdefault(axis, []).append((value, share))
    return curves


def jitter_loss(base: float, curves: Curves) -> tuple[float, float]:
    """
    Return how much accuracy a box off by 10 % costs: on average and at worst.

    :param base: accuracy with the boxes as they are
    """
    losses = [
        base - share
        for axis, points in curves.items()
        for value, share in points
        if (axis.startswith('box shifted') and abs(value) == 0.1)
        or (axis == 'box scaled' and value in (0.9, 1.1))
    ] or [0.0]
    return sum(losses) / len(losses), max(losses)
