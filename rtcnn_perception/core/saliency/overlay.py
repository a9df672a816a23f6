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

"""Saliency maps as pictures: heat maps, overlays on an image, sheets of tiles."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
import math

import cv2
import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import Image
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.drawing.text import draw_text
from rtcnn_perception.core.drawing.text import fit_text
from rtcnn_perception.core.geometry.crops import Crop
from rtcnn_perception.core.geometry.crops import enclosing_box

COLOR_MAPS: Mapping[str, int] = {
    'inferno': cv2.COLORMAP_INFERNO,
    'viridis': cv2.COLORMAP_VIRIDIS,
    'turbo': cv2.COLORMAP_TURBO,
    'hot': cv2.COLORMAP_HOT,
    'bone': cv2.COLORMAP_BONE,
}
"""From weak to strong, by the names they have everywhere."""

FULL_PERCENTILE = 99.0
"""The strength that is drawn as the strongest: single pixels above it hide all others."""

BLUR_SHARE = 0.015
"""Standard deviation of the blur, as a share of the map's longer side: eyes are no wider."""

TILE_PX = 128
CAPTION_PX = 18
LETTER_PX = 9
GAP_PX = 4
GROUND, INK = (24, 24, 24), (230, 230, 230)


@dataclass(frozen=True, slots=True)
class PlacedMap:
    """
    A map (h, w) and the crop of the image that it belongs to.

    :raises ValueError: if the map is not (h, w)
    """

    crop: Crop
    values: NDArray[np.float32]

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.size == 0:
            raise ValueError(f'a map needs the shape (h, w), got {self.values.shape}')


@dataclass(frozen=True, slots=True)
class Tile:
    """A picture, gray or BGR, and the line under it."""

    picture: Image
    caption: str = ''


def heat_of(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """
    Return how strongly each pixel counts, whatever its sign.

    :param values: (h, w), signed
    :returns: (h, w) in [0, 1]; all 0 where the map is
    """
    magnitude = np.abs(values).astype(np.float32)
    sigma = BLUR_SHARE * max(values.shape)
    if min(values.shape) > 8:  # the coarse maps of Grad-CAM are smooth by themselves
        magnitude = np.asarray(cv2.GaussianBlur(magnitude, (0, 0), sigma), dtype=np.float32)
    full = float(np.percentile(magnitude, FULL_PERCENTILE))
    if full <= 0.0:
        full = float(magnitude.max())
    if full <= 0.0:
        return np.zeros_like(magnitude)
    heat: NDArray[np.float32] = np.minimum(magnitude / np.float32(full), np.float32(1.0))
    return heat


def paint(heat: NDArray[np.float32], color_map: str, size_hw: tuple[int, int]) -> ImageBGR:
    """
    Paint a heat.

    :param heat: (h, w) in [0, 1]
    :param color_map: one of ``COLOR_MAPS``
    :param size_hw: height and width of the result in pixels
    :raises ValueError: if there is no such colour map
    """
    code = _code_of(color_map)
    resized = cv2.resize(heat, (size_hw[1], size_hw[0]), interpolation=cv2.INTER_LINEAR)
    levels = np.rint(np.clip(resized, 0.0, 1.0) * 255).astype(np.uint8)
    return np.asarray(cv2.applyColorMap(levels, code), dtype=np.uint8)


def blend(image: ImageBGR, maps: Sequence[PlacedMap], strength: float, color_map: str) -> ImageBGR:
    """
    Blend maps into a copy of an image at their places; pixels without weight stay unchanged.

    :param image: (H, W, 3) uint8
    :param strength: from 0, nothing, to 1, the strongest places are covered
    :param color_map: one of ``COLOR_MAPS``
    :raises ValueError: if there is no such colour map, or the strength is out of bounds
    """
    code = _code_of(color_map)
    if not 0.0 <= strength <= 1.0:
        raise ValueError(f'strength must be in [0, 1], got {strength}')
    canvas: ImageBGR = image.copy()
    height, width = image.shape[:2]
    for placed in maps:
        x0, y0, x1, y1 = enclosing_box(placed.crop.square, placed.crop.roll).whole_pixels()
        left, top, right, bottom = max(x0, 0), max(y0, 0), min(x1, width), min(y1, height)
        if left >= right or top >= bottom:
            continue
        # Only pixels of the image are computed, however large the square is.
        heat = _heat_at(placed, (left, top, right, bottom))
        under = canvas[top:bottom, left:right]
        color = cv2.applyColorMap(np.rint(heat * 255).astype(np.uint8), code)
        weight = (heat * np.float32(strength))[..., None]
        under[...] = np.rint(under + weight * (color.astype(np.float32) - under)).astype(np.uint8)
    return canvas


def _heat_at(placed: PlacedMap, part: tuple[int, int, int, int]) -> NDArray[np.float32]:
    """Return the heat at the pixels of a part of the image, 0 outside the rotated square."""
    heat = heat_of(placed.values)
    x0, y0, x1, y1 = placed.crop.square.whole_pixels()
    left, top, right, bottom = part
    x = np.arange(left, right) + 0.5 - (x0 + x1) / 2
    y = (np.arange(top, bottom) + 0.5 - (y0 + y1) / 2)[:, None]
    roll = math.radians(placed.crop.roll)
    cosine, sine = math.cos(roll), math.sin(roll)
    across, down = cosine * x + sine * y, cosine * y - sine * x
    map_x = (across + (x1 - x0) / 2) * (heat.shape[1] / (x1 - x0)) - 0.5
    map_y = (down + (y1 - y0) / 2) * (heat.shape[0] / (y1 - y0)) - 0.5
    resampled = cv2.remap(
        heat,
        map_x.astype(np.float32),
        map_y.astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    is_inside = (np.abs(across) <= (x1 - x0) / 2) & (np.abs(down) <= (y1 - y0) / 2)
    found = np.where(is_inside, np.asarray(resampled, dtype=np.float32), np.float32(0.0))
    return np.clip(found, 0.0, 1.0)


def sheet(rows: Sequence[Sequence[Tile]], tile_px: int = TILE_PX) -> ImageBGR:
    """
    Arrange pictures side by side, each with its caption.

    :param rows: from top to bottom, each from left to right; they need not be of equal length
    :param tile_px: width and height of a picture in pixels
    :returns: (H, W, 3) uint8; one empty tile where there are no pictures
    """
    columns = max([1, *(len(row) for row in rows)])
    step_x, step_y = tile_px + GAP_PX, tile_px + CAPTION_PX + GAP_PX
    height, width = max(len(rows), 1) * step_y + GAP_PX, columns * step_x + GAP_PX
    canvas = np.full((height, width, 3), GROUND, dtype=np.uint8)
    for number, row in enumerate(rows):
        for column, tile in enumerate(row):
            left, top = GAP_PX + column * step_x, GAP_PX + number * step_y
            resized = cv2.resize(tile.picture, (tile_px, tile_px), interpolation=cv2.INTER_LINEAR)
            if resized.ndim == 2:
                resized = cv2.cvtColor(resized, cv2.COLOR_GRAY2BGR)
            canvas[top : top + tile_px, left : left + tile_px] = resized
            _write_caption(canvas, tile.caption, left, top + tile_px, tile_px)
    return canvas


def _write_caption(canvas: ImageBGR, caption: str, left: int, top: int, width: int) -> None:
    """Write a line no wider than its picture."""
    text = fit_text(caption, left, top + 2, LETTER_PX, width)
    if text.content:
        draw_text(canvas, text, INK)


def _code_of(color_map: str) -> int:
    if color_map not in COLOR_MAPS:
        raise ValueError(f'color_map must be one of {", ".join(COLOR_MAPS)}, got {color_map!r}')
    return COLOR_MAPS[color_map]
