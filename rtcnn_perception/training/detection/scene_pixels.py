"""
What happens to the pixels of a scene, once it is known what is to be seen where.

A scene is (H, W, 3) uint8, BGR; boxes are (N, 4) float32, x0, y0, x1, y1 in its pixels.
"""

from __future__ import annotations

import math
import string

import cv2
import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.training.detection.scene_config import SceneConfig

LEAST_LIGHT = 0.12
"""Of what a pixel would have: how dark a scene in the dark may be."""


def changed(
    image: ImageBGR, boxes: NDArray[np.float32], config: SceneConfig, rng: np.random.Generator
) -> ImageBGR:
    """Hide parts of some faces, draw on some scenes, and see all in another light."""
    image = image.copy()
    for box in boxes[rng.random(len(boxes)) < config.covered_share]:
        cover(image, box, rng)
    if rng.random() < config.drawn_share:
        draw_on(image, boxes, rng)
    return recoloured(image, config, rng)


def cover(image: ImageBGR, box: NDArray[np.float32], rng: np.random.Generator) -> None:
    """Put one colour, or a piece of the scene from elsewhere, over up to a quarter of a face."""
    height, width = image.shape[:2]
    sides = (box[2:] - box[:2]) * rng.uniform(0.15, 0.5, 2)
    first = box[:2] + rng.uniform(0.0, 1.0, 2) * (box[2:] - box[:2]) - sides / 2
    x0, y0 = np.maximum(first.round(), 0).astype(int).tolist()
    x1, y1 = np.minimum((first + sides).round(), (width, height)).astype(int).tolist()
    if x0 >= x1 or y0 >= y1:
        return
    if rng.random() < 0.5:
        image[y0:y1, x0:x1] = rng.integers(0, 256, 3)
        return
    left, top = int(rng.integers(width - (x1 - x0) + 1)), int(rng.integers(height - (y1 - y0) + 1))
    image[y0:y1, x0:x1] = image[top : top + y1 - y0, left : left + x1 - x0].copy()


def draw_on(image: ImageBGR, boxes: NDArray[np.float32], rng: np.random.Generator) -> None:
    """
    Draw frames and words, as pictures have them that something else has marked already.

    Most faces get one, and so does a place anywhere, as a frame is no sign of a face.
    """
    height, width = image.shape[:2]
    side = rng.uniform(0.1, 0.5) * min(height, width)
    corner = rng.uniform(0, 1, 2) * (width - side, height - side)
    elsewhere = np.concatenate([corner, corner + side])[None].astype(np.float32)
    color = rng.integers(0, 256, 3).tolist()
    for box in np.concatenate([boxes[rng.random(len(boxes)) < 0.7], elsewhere]):
        longer = float((box[2:] - box[:2]).max())
        grown = box + rng.uniform(-0.1, 0.4, 4) * longer * (-1, -1, 1, 1)
        x0, y0, x1, y1 = grown.round().astype(int).tolist()
        thickness = int(rng.integers(1, 4)) if longer > 40 else 1
        cv2.rectangle(image, (x0, y0), (x1, y1), color, thickness, cv2.LINE_AA)
        if rng.random() < 0.7:
            word = ''.join(rng.choice(list(string.ascii_lowercase), int(rng.integers(3, 9))))
            size = max(0.2, float(rng.uniform(0.004, 0.012)) * longer)
            place = (x0, y0 if rng.random() < 0.8 else y1)
            cv2.putText(
                image, word, place, cv2.FONT_HERSHEY_SIMPLEX, size, color, thickness, cv2.LINE_AA
            )


def toned(image: ImageBGR, rng: np.random.Generator) -> ImageBGR:
    """Give half of the gray pictures a tone of skin, so that gray is no sign of a face."""
    if rng.random() < 0.5:
        return image
    tone = np.array([rng.uniform(0.5, 0.9), rng.uniform(0.7, 0.95), 1.0], np.float32)
    return (image * tone).astype(np.uint8)


def recoloured(image: ImageBGR, config: SceneConfig, rng: np.random.Generator) -> ImageBGR:
    """Change light, contrast and colour; blur some, add noise to some, compress some."""
    if rng.random() < config.blur_share:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.5, 1.5)), np.uint8)
    levels = (np.arange(256) / 255.0) ** math.exp(rng.uniform(-config.gamma, config.gamma))
    gain = rng.uniform(1 - config.light, 1 + config.light)
    offset = rng.uniform(-config.light, config.light) / 2
    levels = (levels - 0.5) * gain + 0.5 + offset
    if rng.random() < config.dark_share:
        levels = levels * math.exp(rng.uniform(math.log(LEAST_LIGHT), 0.0))
    tints = 1 + rng.uniform(-config.colour, config.colour, 3) / 4
    table = (np.clip(levels[:, None] * tints, 0, 1) * 255).astype(np.uint8).reshape(256, 1, 3)
    image = np.asarray(cv2.LUT(image, table), np.uint8)
    gray = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)[..., None]
    if rng.random() < config.gray_share:
        image = np.repeat(gray, 3, axis=2)
    elif config.colour:
        share = rng.uniform(1 - config.colour, 1 + config.colour)
        three = np.repeat(gray, 3, axis=2)
        image = np.asarray(cv2.addWeighted(image, share, three, 1 - share, 0), np.uint8)
    if rng.random() < config.noise_share:
        grain = rng.standard_normal(image.shape, np.float32) * rng.uniform(0, config.noise)
        image = np.clip(image + grain, 0, 255).astype(np.uint8)
    if rng.random() < config.jpeg_share:
        quality = int(rng.integers(30, 90))
        encoded = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        image = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)
    return image
