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

"""Rate how well a face is visible, so that a behaviour can wait for a good view."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.arrays import ImageGray
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.core.geometry.crops import cut_gray_crop
from rtcnn_perception.core.geometry.landmarks import FaceRegion

FULL_SIZE = 48.0
"""Longer side in pixels from which on size takes nothing away: FER-2013's faces have no more."""

DETAIL_CROP = CropGeometry(margin=-0.1)
"""Where detail is measured: eyes to mouth; an outline may be sharp where the face is not."""

DETAIL_SIZE_HW = (64, 64)
"""Size at which detail is measured, that of the networks' inputs: finer detail is lost on them."""

DETAIL_SIGMA = 1.0
"""Smoothing before the Laplacian in pixels: sensor noise of 10 gray levels then adds under 2 %."""

FLAT_VARIANCE = 100.0
"""Variance in squared gray levels below which a crop holds little but noise."""

HALF_DETAIL = 0.004
"""
Detail of a face blurred by a Gaussian with sigma 3 % of its longer side; there sharpness is 1/2.

Medians over 120 faces of 90 pixels and more, from photographs of many people: 0.038 as they are,
0.0085 at 2 %, 0.0042 at 3 %, 0.0025 at 4 %, 0.0012 at 6 %.
"""


def face_quality(image: ImageBGR, box: BoundingBox) -> float:
    """
    Rate a face by its box: the product of size, sharpness and the share inside the image.

    Size is ``min(1, longer side / FULL_SIZE)``. Sharpness is ``d / (d + HALF_DETAIL)`` with the
    detail d, the variance of the Laplacian over that of the gray levels, so that contrast and
    light do not count. The rest is the part of the box's area that lies inside the image.

    :param image: (H, W, 3) uint8, BGR
    :param box: the face in pixels of the image; it may reach beyond it
    :returns: from 0, not visible at all, to 1
    """
    height, width = image.shape[:2]
    inside = box.clip_to(width, height)
    if inside is None:
        return 0.0
    size = min(1.0, max(box.width, box.height) / FULL_SIZE)
    detail = _detail(cut_gray_crop(image, DETAIL_CROP.crop(FaceRegion(box)), DETAIL_SIZE_HW))
    return size * detail / (detail + HALF_DETAIL) * inside.area / box.area


def _detail(face_gray: ImageGray) -> float:
    """
    Return the variance of the Laplacian over that of the gray levels.

    Source: J. L. Pech-Pacheco and others, Diatom autofocusing in brightfield microscopy: a
    comparative study, ICPR 2000 (variance of the Laplacian).
    """
    smooth = cv2.GaussianBlur(face_gray.astype(np.float32), (0, 0), DETAIL_SIGMA)
    curvature = cv2.Laplacian(smooth, cv2.CV_32F)
    return _variance(curvature) / (_variance(smooth) + FLAT_VARIANCE)


def _variance(values: NDArray[Any]) -> float:
    _, deviation = cv2.meanStdDev(values)  # in a seventh of numpy's time
    return float(np.asarray(deviation)[0, 0]) ** 2
