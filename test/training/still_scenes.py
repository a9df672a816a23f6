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

"""Scenes of which no pixel is changed, and photographs of white faces for them."""

from __future__ import annotations

import cv2
from drawn_faces import photograph
import numpy as np

STILL = {
    'rotation': 0.0,
    'stretch': 0.0,
    'light': 0.0,
    'gamma': 0.0,
    'colour': 0.0,
    'gray_share': 0.0,
    'blur_share': 0.0,
    'noise_share': 0.0,
    'jpeg_share': 0.0,
    'covered_share': 0.0,
    'drawn_share': 0.0,
    'dark_share': 0.0,
}

SIZE_HW = (96, 128)


def square(box, size_hw=SIZE_HW):
    """Return a black picture that is white in a box."""
    image = np.zeros((*size_hw, 3), np.uint8)
    x0, y0, x1, y1 = box
    image[y0:y1, x0:x1] = 255
    return image


def white_photograph(path, box=None, ignored=(), size_hw=SIZE_HW):
    """Write a black photograph that is white where its face is, or gray without one."""
    image = square(box, size_hw) if box else np.full((*size_hw, 3), 90, np.uint8)
    cv2.imwrite(str(path), image)
    boxes = [box] if box else []
    return photograph(path, size=size_hw[::-1], boxes=boxes, ignored=ignored)


def white_photographs(folder):
    """Write two photographs with a face and one without."""
    return [
        white_photograph(folder / 'a.png', (30, 20, 70, 60)),
        white_photograph(folder / 'b.png', (90, 50, 110, 80), size_hw=(200, 150)),
        white_photograph(folder / 'none.png'),
    ]
