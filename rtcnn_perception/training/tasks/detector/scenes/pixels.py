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
Changes of the pixels of a composed scene: covers, drawings, light and colour.

A scene is (H, W, 3) uint8, BGR; boxes are (N, 4) float32, x0, y0, x1, y1 in its pixels.
"""

from __future__ import annotations

from collections.abc import Callable
import functools
import math
import string

import cv2
import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.training.tasks.detector.config import LARGEST
from rtcnn_perception.training.tasks.detector.config import SceneConfig

LEAST_LIGHT = 0.12
"""The least share of light in a darkened scene."""

MOST_HIDDEN = 0.6
"""The largest share of a face's box that a cover may hide."""

LIGHTNESS = (0.114, 0.587, 0.299)
"""Shares of blue, green and red in gray, as of ITU-R BT.601."""

MOST_MOTION = 9.0
"""Pixels of a scene by which it moves while it is exposed, at most."""

GRAIN_SIDE, GRAIN_STEPS = LARGEST, 100
"""Side of the noise in pixels, and what one standard deviation is in it."""

FONT = cv2.FONT_HERSHEY_SIMPLEX

HEAD = (1.5, 1.7)
"""Width and height of a head with its hair, in those of a face's box, from chin to forehead."""


def changed(
    image: ImageBGR,
    boxes: NDArray[np.float32],
    config: SceneConfig,
    rng: np.random.Generator,
    other: Callable[[], ImageBGR],
) -> ImageBGR:
    """
    Cover parts of some faces, draw on some scenes, and change light and colour of all.

    :param other: returns a picture of the size of the image, without a face: what covers faces
    """
    covers = covering(image.shape[:2], boxes, config.covered_share, rng)
    image = np.where(covers[..., None], other(), image) if covers.any() else image
    is_drawn_on = rng.random() < config.drawn_share
    is_drawn_first = is_drawn_on and rng.random() < 0.5
    if is_drawn_first:
        image = drawn_on(image, boxes, rng)
    image = recoloured(image, config, rng)
    if is_drawn_on and not is_drawn_first:  # so that gray pictures have coloured frames as well
        image = drawn_on(image, boxes, rng)
    return image


def covering(
    size_hw: tuple[int, int], boxes: NDArray[np.float32], share: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """
    Return where (H, W) faces are covered: by ovals and rectangles, small and large.

    No face is hidden by more than ``MOST_HIDDEN``: a cover that would hide more is left out.

    :param share: of the faces that get a cover
    """
    covers = np.zeros(size_hw, np.uint8)
    for box in boxes[rng.random(len(boxes)) < share]:
        sides = box[2:] - box[:2]
        middle = box[:2] + rng.uniform(-0.15, 1.15, 2) * sides
        size = sides * rng.uniform(0.25, 1.3, 2)
        shape = (middle.tolist(), size.tolist(), rng.uniform(0, 180))
        more = covers.copy()
        if rng.random() < 0.5:
            cv2.ellipse(more, shape, 1, cv2.FILLED)
        else:
            cv2.fillConvexPoly(more, cv2.boxPoints(shape).round().astype(np.int32), 1)
        if (hidden_shares(more, boxes) <= MOST_HIDDEN).all():
            covers = more
    return covers.astype(np.bool_)


def heads(size_hw: tuple[int, int], boxes: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return where (H, W) heads are, 1 or 0: ovals about faces, with hair and ears."""
    found = np.zeros(size_hw, np.uint8)
    for x0, y0, x1, y1 in boxes.tolist():
        wide, high = HEAD[0] * (x1 - x0), HEAD[1] * (y1 - y0)
        cv2.ellipse(found, (((x0 + x1) / 2, y1 - 0.45 * high), (wide, high), 0.0), 1, cv2.FILLED)
    return found


def hidden_shares(covers: NDArray[np.uint8], boxes: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the share of each box (N, 4) that is covered; 0 of one outside the scene."""
    height, width = covers.shape
    sums = cv2.integral(covers)
    x0, y0, x1, y1 = np.clip(boxes.round().astype(int), 0, (width, height, width, height)).T
    hidden = sums[y1, x1] - sums[y0, x1] - sums[y1, x0] + sums[y0, x0]
    return np.asarray(hidden / np.maximum((x1 - x0) * (y1 - y0), 1), np.float64)


def drawn_on(image: ImageBGR, boxes: NDArray[np.float32], rng: np.random.Generator) -> ImageBGR:
    """
    Draw frames and words, as in pictures that another detector has annotated.

    Most faces get one, and so does a place anywhere, as a frame is no sign of a face. Lines are
    translucent, as in pictures that were shrunk afterwards.
    """
    bare, image = image, image.copy()
    height, width = image.shape[:2]
    side = rng.uniform(0.1, 0.5) * min(height, width)
    corner = rng.uniform(0, 1, 2) * (width - side, height - side)
    elsewhere = np.concatenate([corner, corner + side])[None].astype(np.float32)
    color = rng.choice((0, 128, 255), 3).tolist()  # loud, as such frames are
    for box in np.concatenate([boxes[rng.random(len(boxes)) < 0.7], elsewhere]):
        longer = float((box[2:] - box[:2]).max())
        grown = box + rng.uniform(-0.2, 0.4, 4) * longer * (-1, -1, 1, 1)
        x0, y0, x1, y1 = grown.round().astype(int).tolist()
        thickness = int(rng.integers(1, 4)) if longer > 40 else 1
        cv2.rectangle(image, (x0, y0), (x1, y1), color, thickness, cv2.LINE_AA)
        if rng.random() < 0.7:
            size = max(0.2, float(rng.uniform(0.004, 0.014)) * longer)
            bottom, step = (y0, -30 * size) if rng.random() < 0.8 else (y1, 30 * size)
            for line in range(int(rng.integers(1, 3))):
                word = ''.join(rng.choice(list(string.ascii_lowercase), int(rng.integers(3, 9))))
                place = (x0, round(bottom + line * step))
                cv2.putText(image, word, place, FONT, size, color, thickness, cv2.LINE_AA)
    opacity = rng.uniform(0.3, 1.0)
    return np.asarray(cv2.addWeighted(image, opacity, bare, 1.0 - opacity, 0.0), np.uint8)


@functools.cache
def grains() -> NDArray[np.int16]:
    """Return normal noise, of which each scene gets another part: drawing it is slow."""
    values = np.random.default_rng(0).standard_normal((GRAIN_SIDE, GRAIN_SIDE, 3), np.float32)
    return (values * GRAIN_STEPS).astype(np.int16)


def toned(image: ImageBGR, rng: np.random.Generator) -> ImageBGR:
    """Give half of the gray pictures a tone of skin, so that gray is no sign of a face."""
    if rng.random() < 0.5:
        return image
    tone = np.array([rng.uniform(0.5, 0.9), rng.uniform(0.7, 0.95), 1.0], np.float32)
    return (image * tone).astype(np.uint8)


def blurred(image: ImageBGR, rng: np.random.Generator) -> ImageBGR:
    """Blur a scene evenly or, as often, along a line, as a camera that moves does."""
    if rng.random() < 0.5:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.5, 1.5)), np.uint8)
    reach, angle = rng.uniform(1.0, MOST_MOTION / 2), rng.uniform(0.0, math.pi)
    side = 2 * math.ceil(reach) + 1
    middle = np.array([side // 2, side // 2])
    step = reach * np.array([math.cos(angle), math.sin(angle)])
    line = np.zeros((side, side), np.uint8)
    start, end = np.round((middle + np.stack([-step, step])) * 16).astype(int).tolist()
    cv2.line(line, start, end, 255, 1, cv2.LINE_AA, 4)  # in sixteenths of a pixel
    return np.asarray(cv2.filter2D(image, -1, line / line.sum(dtype=np.float64)), np.uint8)


def recoloured(image: ImageBGR, config: SceneConfig, rng: np.random.Generator) -> ImageBGR:
    """Change light, contrast and colour; blur some, add noise to some, compress some."""
    if rng.random() < config.blur_share:
        image = blurred(image, rng)
    levels = (np.arange(256) / 255.0) ** math.exp(rng.uniform(-config.gamma, config.gamma))
    gain = rng.uniform(1 - config.light, 1 + config.light)
    offset = rng.uniform(-config.light, config.light) / 2
    levels = (levels - 0.5) * gain + 0.5 + offset
    if rng.random() < config.dark_share:
        levels = levels * math.exp(rng.uniform(math.log(LEAST_LIGHT), 0.0))
    tints = 1 + rng.uniform(-config.colour, config.colour, 3) / 4
    table = (np.clip(levels[:, None] * tints, 0, 1) * 255).astype(np.uint8).reshape(256, 1, 3)
    image = np.asarray(cv2.LUT(image, table), np.uint8)
    is_gray = rng.random() < config.gray_share
    if is_gray or config.colour:
        share = 0.0 if is_gray else rng.uniform(1 - config.colour, 1 + config.colour)
        mix = share * np.eye(3) + (1 - share) * np.array(LIGHTNESS)
        image = np.asarray(cv2.transform(image, mix), np.uint8)
    if rng.random() < config.noise_share:
        top, left = rng.integers(0, GRAIN_SIDE - np.array(image.shape[:2]) + 1)
        grain = grains()[top : top + image.shape[0], left : left + image.shape[1]]
        strength = rng.uniform(0, config.noise) / GRAIN_STEPS
        noise = cv2.multiply(grain, np.float64(strength))
        image = np.asarray(cv2.add(image, noise, dtype=cv2.CV_8U), np.uint8)
    if rng.random() < config.jpeg_share:
        quality = int(rng.integers(30, 90))
        encoded = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        image = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)
    return image
