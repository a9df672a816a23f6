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

"""Pictures of single faces for other programs: padded with black, or with the eyes horizontal."""

from __future__ import annotations

import math

import cv2
import numpy as np
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.crops import cut_rotated
from rtcnn_perception.core.geometry.landmarks import FaceRegion


def padded_crop(image: ImageBGR, box: BoundingBox, size_hw: tuple[int, int]) -> ImageBGR | None:
    """
    Scale a face to fit, as wide or as high as the result, and put it in the middle of black.

    :param image: (H, W, 3) uint8, BGR
    :param box: in pixels; only its part inside the image is shown
    :param size_hw: height and width of the result in pixels
    :returns: (h, w, 3) uint8; None for a box outside the image
    """
    inside = box.clip_to(image.shape[1], image.shape[0])
    if inside is None:
        return None
    x0, y0, x1, y1 = inside.whole_pixels()
    x0, y0 = min(x0, image.shape[1] - 1), min(y0, image.shape[0] - 1)
    part = image[y0:y1, x0:x1]
    height, width = size_hw
    scale = min(height / part.shape[0], width / part.shape[1])
    fit_h = min(max(round(part.shape[0] * scale), 1), height)
    fit_w = min(max(round(part.shape[1] * scale), 1), width)
    interpolation = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LINEAR
    result = np.zeros((height, width, 3), np.uint8)
    top, left = (height - fit_h) // 2, (width - fit_w) // 2
    bottom, right = top + fit_h, left + fit_w
    if part.shape[:2] == (1, 1):
        result[top:bottom, left:right] = part  # OpenCV 4.5 does not resize a single pixel
    else:
        result[top:bottom, left:right] = cv2.resize(
            part, (fit_w, fit_h), interpolation=interpolation
        )
    return result


def aligned_crop(image: ImageBGR, region: FaceRegion, size_hw: tuple[int, int]) -> ImageBGR | None:
    """
    Cut a face with its eyes on a horizontal, the person's right eye on the left.

    It is framed about the box, wider or higher where the result is; the border of the image is
    repeated outside it.

    :param image: (H, W, 3) uint8, BGR
    :param region: with eyes among its landmarks
    :param size_hw: height and width of the result in pixels
    :returns: (h, w, 3) uint8; None without the eyes, or where they coincide
    """
    roll = eye_roll(region)
    if roll is None:
        return None
    height, width = size_hw
    box = region.box
    scale = max(box.width / width, box.height / height)
    x, y = box.center
    area = BoundingBox.from_xywh(
        x - width * scale / 2, y - height * scale / 2, width * scale, height * scale
    )
    return cut_rotated(image, area, size_hw, roll)


def eye_roll(region: FaceRegion) -> float | None:
    """
    Return the direction from the right eye to the left one.

    :returns: degrees in [-180, 180], clockwise in the image, 0 for eyes on a horizontal; None
        without the eyes, or where they coincide
    """
    names = region.landmark_names
    if region.landmarks is None or not {'right_eye', 'left_eye'} <= set(names):
        return None
    x, y = region.landmarks[names.index('left_eye')] - region.landmarks[names.index('right_eye')]
    if not 0.0 < math.hypot(x, y) < math.inf:
        return None
    return math.degrees(math.atan2(y, x))
