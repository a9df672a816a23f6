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

"""Depth images of composed scenes: a wall, and heads or pictures of heads before it."""

from __future__ import annotations

import numpy as np

SURFACE = (
    # How far the surface of a head lies behind its sellion [mm], by rows from the forehead to the
    # chin and columns from its middle to the side, seen from the front.
    (8, 10, 10, 15, 15, 26),
    (6, 8, 10, 15, 26, 26),
    (2, 2, 5, 10, 19, 33),
    (-1, 0, 2, 6, 14, 31),
    (0, 8, 11, 12, 19, 31),
    (-11, 4, 14, 16, 22, 31),
    (-21, -6, 9, 13, 19, 30),
    (-20, -4, 7, 10, 18, 32),
    (-7, -3, 4, 12, 21, 36),
    (-1, 2, 9, 14, 25, 48),
    (1, 4, 10, 17, 31, 58),
    (1, 3, 10, 22, 45, 45),
)
"""Read off MediaPipe's canonical face (Apache-2.0), rounded."""

COLUMN, ROW = 0.012, 0.0155
"""Metres between the columns and the rows of ``SURFACE``."""


def wall(size_wh, distance=3.0):
    """Return a depth image [m], (H, W) float32, of a wall."""
    return np.full((size_wh[1], size_wh[0]), distance, np.float32)


def put_head(depth, camera, position, scale=1.0):
    """Put a head that faces the camera plane into a depth image, its sellion at a position."""
    rows, columns = depth.shape
    y, x = np.mgrid[0.5:rows, 0.5:columns]
    pixels = np.stack([x.ravel(), y.ravel()], axis=1)
    right, down = (camera.directions(pixels) * position[2] - position[:2]).T
    column = np.abs(right) / (COLUMN * scale)
    row = down / (ROW * scale) + 4.0
    surface = np.array(SURFACE, float)
    inside = (column < surface.shape[1] - 1) & (row >= 0) & (row < surface.shape[0] - 1)
    c, r = np.floor(column[inside]).astype(int), np.floor(row[inside]).astype(int)
    u, v = column[inside] - c, row[inside] - r
    behind = (surface[r, c] * (1 - u) + surface[r, c + 1] * u) * (1 - v) + (
        surface[r + 1, c] * (1 - u) + surface[r + 1, c + 1] * u
    ) * v
    depth.reshape(-1)[inside] = position[2] + behind / 1000 * scale


def put_picture(depth, box, distance, slope=(0.0, 0.0)):
    """Put a flat picture into a depth image, inclined by metres of depth across its box."""
    x0, y0, x1, y1 = (round(each) for each in box.as_tuple())
    across, down = np.meshgrid(np.linspace(-0.5, 0.5, x1 - x0), np.linspace(-0.5, 0.5, y1 - y0))
    inverse = 1.0 / distance - (slope[0] * across + slope[1] * down) / distance**2
    depth[y0:y1, x0:x1] = 1.0 / inverse
