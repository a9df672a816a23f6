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

"""What is found in the rotated image of a camera that is mounted on its side or upside down."""

from __future__ import annotations

import numpy as np
from rtcnn_perception.core.arrays import Landmarks
from rtcnn_perception.core.detection.base import Detection
from rtcnn_perception.core.geometry.boxes import BoundingBox


def in_source(detection: Detection, size_wh: tuple[int, int], degrees: int) -> Detection:
    """
    Return a detection of a rotated image in pixels of the image before it was rotated.

    :param size_wh: width and height of the image before
    :param degrees: by which it was rotated clockwise, one of ``RIGHT_ANGLES``
    """
    if not degrees:
        return detection
    x0, y0, x1, y1 = detection.box.as_tuple()
    corners = _points_in_source(np.array([[x0, y0], [x1, y1]]), size_wh, degrees)
    (left, top), (right, bottom) = corners.min(0).tolist(), corners.max(0).tolist()
    points = detection.landmarks
    if points is not None:
        points = _points_in_source(points, size_wh, degrees).astype(np.float32)
    return Detection(BoundingBox(left, top, right, bottom), detection.score, points)


def _points_in_source(points: Landmarks, size_wh: tuple[int, int], degrees: int) -> Landmarks:
    width, height = size_wh
    x, y = points[:, 0], points[:, 1]
    columns = {90: (y, height - x), 180: (width - x, height - y), 270: (width - y, x)}
    return np.stack(columns[degrees], axis=1)
