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
Prints that look like faces and are none: skulls, drawn faces, stencils of people, as on shirts.

A print is (H, W, 4) uint8: BGR, and how opaque it is.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.arrays import ImageGray

SIDE = 128
"""Pixels of the side of a print before it is scaled."""

LEAST = 20.0
"""Pixels of the side of the smallest print in a scene."""

TRIES = 4
"""Places that are tried for a print, as it must not touch a face."""

CHEST_SHARE = 0.5
"""Of the prints, those below a face, as a shirt has them."""

Print = NDArray[np.uint8]
Colour = tuple[int, ...]


def drawn_face(rng: np.random.Generator) -> Print:
    """Return a skull or a drawn face in two or three flat colours, on cloth or on nothing."""
    light, dark, cloth = _colours(rng)
    picture = np.empty((SIDE, SIDE, 4), np.uint8)
    picture[..., :3] = cloth
    picture[..., 3] = 255 if rng.random() < 0.5 else 0
    wide, high = rng.uniform(0.3, 0.42) * SIDE, rng.uniform(0.38, 0.47) * SIDE
    x, y = SIDE / 2, SIDE * 0.48
    is_skull = rng.random() < 0.65
    if is_skull:
        _oval(picture, (x, y - 0.12 * high), (wide, 0.85 * high), light)
        jaw = rng.uniform(0.45, 0.75)
        _oval(picture, (x, y + 0.5 * high), (jaw * wide, 0.55 * high), light)
    elif rng.random() < 0.7:
        _oval(picture, (x, y), (wide, high if rng.random() < 0.5 else wide), light)
    apart, level = rng.uniform(0.35, 0.5) * wide, y - rng.uniform(0.05, 0.25) * high
    eye = np.array([rng.uniform(0.15, 0.36), rng.uniform(0.15, 0.4)]) * wide
    eye *= 1.0 if is_skull else 0.5
    slant = rng.uniform(-30, 30)
    for side in (-1, 1):
        middle = (x + side * apart, level)
        _oval(picture, middle, eye.tolist(), dark, side * slant)
        if rng.random() < 0.6:  # an eye, or light in it
            inner = eye * rng.uniform(0.25, 0.75, 2)
            _oval(picture, middle, inner.tolist(), light, side * slant)
            _oval(picture, middle, (inner * rng.uniform(0.0, 0.6)).tolist(), dark)
    if is_skull or rng.random() < 0.4:
        top, reach = y + rng.uniform(0.05, 0.2) * high, rng.uniform(0.08, 0.2) * wide
        nose = np.array([[x, top], [x - reach, top + 1.8 * reach], [x + reach, top + 1.8 * reach]])
        cv2.fillPoly(picture, [nose.round().astype(np.int32)], (*dark, 255))
    mouth, half = y + rng.uniform(0.45, 0.65) * high, rng.uniform(0.25, 0.6) * wide
    thickness = int(rng.integers(1, 5))
    if is_skull:
        left, right = np.array([x - half, mouth]), np.array([x + half, mouth])
        _line(picture, left, right, (*dark, 255), thickness)
        up = np.array([0, 0.12 * high])
        for share in np.linspace(0, 1, int(rng.integers(4, 11))):
            tooth = left + share * (right - left)
            _line(picture, tooth - up, tooth + up, (*dark, 255), thickness)
    else:
        bend = rng.uniform(-0.3, 0.5) * high
        axes = (max(1, round(half)), max(1, round(abs(bend))))
        middle = (round(x), round(mouth - bend / 2))
        arc = (0, 180) if bend > 0 else (180, 360)
        cv2.ellipse(picture, middle, axes, 0, *arc, (*dark, 255), thickness)
    return picture


def _inside(first: float, last: float, size: int) -> tuple[int, int]:
    """Return a stretch of a picture's side in whole pixels, one of them at least."""
    start = min(max(0, round(first)), size - 1)
    return start, min(max(start + 1, round(last)), size)


def stencil(
    face: ImageGray,
    box: NDArray[np.float32],
    landmarks: NDArray[np.float32],
    rng: np.random.Generator,
) -> Print:
    """
    Return a face in a few flat colours, as printed on cloth, often made a skull.

    :param box: (4,) x0, y0, x1, y1 in pixels of ``face``, partly inside
    :param landmarks: (5, 2) in pixels of ``face``; NaN where unknown: it is not made a skull then
    """
    x0, y0, x1, y1 = box.tolist()
    grown = rng.uniform(-0.05, 0.3) * (x1 - x0)
    height, width = face.shape
    left, right = _inside(x0 - grown, x1 + grown, width)
    top, bottom = _inside(y0 - grown, y1 + grown, height)
    part = face[top:bottom, left:right]
    scale = SIDE / np.array(part.shape[1::-1])
    part = np.asarray(cv2.resize(part, (SIDE, SIDE)), np.uint8)
    smooth = np.asarray(cv2.GaussianBlur(part, (0, 0), rng.uniform(0.7, 3.0)), np.uint8)
    if np.isfinite(landmarks).all() and rng.random() < 0.6:
        smooth = _hollowed(smooth, (landmarks - (left, top)) * scale, rng)
    light, dark, _ = _colours(rng)
    levels = np.percentile(smooth, np.sort(rng.uniform(15, 75, int(rng.integers(1, 4)))))
    shade = (np.searchsorted(levels, smooth) / len(levels))[..., None]  # 0 dark to 1 light
    picture = np.empty((SIDE, SIDE, 4), np.uint8)
    picture[..., :3] = shade * light + (1 - shade) * dark
    is_on_cloth = rng.random() < 0.5  # whose colour is the dark one
    picture[..., 3] = np.where(shade[..., 0] > 0, 255, 0) if is_on_cloth else 255
    if rng.random() < 0.5:  # an oval, not a square
        mask = np.zeros((SIDE, SIDE), np.uint8)
        sides = (rng.uniform(0.65, 0.95) * SIDE, rng.uniform(0.8, 1.0) * SIDE)
        cv2.ellipse(mask, ((SIDE / 2, SIDE / 2), sides, 0.0), 255, cv2.FILLED, cv2.LINE_AA)
        picture[..., 3] = np.minimum(picture[..., 3], mask)
    return picture


def _hollowed(face: ImageGray, points: NDArray[np.float64], rng: np.random.Generator) -> ImageGray:
    """Return a face with the hollows and the teeth of a skull at its landmarks."""
    face = face.copy()
    black = int(face.min())
    apart = float(np.linalg.norm(points[1] - points[0]))
    eye = (2 * rng.uniform(0.22, 0.42) * apart, 2 * rng.uniform(0.2, 0.38) * apart)
    slant = rng.uniform(-25, 25)
    for sign, point in zip((1, -1), points[:2], strict=True):
        middle = [point[0], point[1] + rng.uniform(-0.05, 0.1) * apart]
        cv2.ellipse(face, (middle, eye, sign * slant), black, cv2.FILLED)
    if rng.random() < 0.8:
        reach = rng.uniform(0.1, 0.25) * apart
        nose = points[2] + reach * np.array([[0, -1.8], [-1, 0.3], [1, 0.3]])
        cv2.fillPoly(face, [nose.round().astype(np.int32)], black)
    if rng.random() < 0.8:
        up = np.array([0, rng.uniform(0.1, 0.25) * apart])
        for share in np.linspace(-0.15, 1.15, int(rng.integers(4, 12))):
            tooth = points[3] + share * (points[4] - points[3])
            _line(face, tooth - up, tooth + up, black, int(rng.integers(1, 5)))
    return face


def laid_over(
    image: ImageBGR, boxes: NDArray[np.float32], picture: Print, rng: np.random.Generator
) -> ImageBGR:
    """
    Lay a print over a scene, rotated, of any size, on folded cloth.

    :param boxes: (N, 4) in pixels of the scene that it must not touch
    :returns: the scene as it is where no place is found
    """
    height, width = image.shape[:2]
    for _ in range(TRIES):
        if len(boxes) and rng.random() < CHEST_SHARE:
            x0, y0, x1, y1 = boxes[rng.integers(len(boxes))].tolist()
            side = max(LEAST, rng.uniform(0.8, 2.4) * (x1 - x0))
            down = rng.uniform(0.2, 0.8) * (y1 - y0) + 0.6 * side
            middle = np.array([rng.normal((x0 + x1) / 2, 0.2 * side), y1 + down])
        else:
            side = math.exp(rng.uniform(math.log(LEAST), math.log(0.9 * min(height, width))))
            middle = rng.uniform(0, 1, 2) * (width, height)
        low, high = middle - 0.6 * side, middle + 0.6 * side
        if not ((boxes[:, :2] < high) & (boxes[:, 2:] > low)).all(1).any():
            break
    else:
        return image
    shrink = side / SIDE
    turn = cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), rng.uniform(-20, 20), shrink)
    turn[:, 2] = turn[:, 2] + middle - SIDE / 2
    if shrink < 0.5:  # linear interpolation alone would skip pixels
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.4 / shrink), np.uint8)
    over = cv2.warpAffine(picture, turn, (width, height), flags=cv2.INTER_LINEAR)
    opacity = over[..., 3:].astype(np.float32) * (rng.uniform(0.6, 1.0) / 255)
    folds = 1.0 + 0.25 * rng.uniform(0, 1) * _folds(height, width, rng)
    colour = np.clip(over[..., :3] * folds[..., None], 0, 255)
    return np.asarray(image + (colour - image) * opacity).astype(np.uint8)


def _folds(height: int, width: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return light and shade of cloth, (H, W) of about -1 to 1."""
    coarse = rng.uniform(-1, 1, rng.integers(2, 7, 2).tolist()).astype(np.float32)
    smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(smooth, np.float32)


def _colours(rng: np.random.Generator) -> tuple[Colour, Colour, Colour]:
    """Return a light colour, a dark one, and one of cloth."""
    light = rng.integers(150, 256, 3) if rng.random() < 0.4 else np.full(3, rng.integers(170, 256))
    dark = rng.integers(0, 90, 3) if rng.random() < 0.4 else np.full(3, rng.integers(0, 60))
    cloth = rng.integers(0, 256, 3) if rng.random() < 0.5 else dark
    if rng.random() < 0.15:
        light, dark = dark, light
    return tuple(light.tolist()), tuple(dark.tolist()), tuple(cloth.tolist())


def _oval(
    picture: Print,
    middle: tuple[float, float],
    half: tuple[float, float],
    colour: Colour,
    angle: float = 0.0,
) -> None:
    sides = (max(1.0, 2 * half[0]), max(1.0, 2 * half[1]))
    cv2.ellipse(picture, (middle, sides, angle), (*colour, 255), cv2.FILLED, cv2.LINE_AA)


def _line(
    picture: NDArray[np.uint8],
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    colour: Colour | int,
    thickness: int,
) -> None:
    ends = (start.round().astype(int).tolist(), end.round().astype(int).tolist())
    cv2.line(picture, *ends, colour, thickness, cv2.LINE_AA)
