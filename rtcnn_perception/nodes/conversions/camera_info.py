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

"""Intrinsics of a camera from its messages."""

from __future__ import annotations

from typing import Any

import numpy as np
from rtcnn_perception.core.pose.intrinsics import Intrinsics
from rtcnn_perception.exceptions import PerceptionError
from sensor_msgs.msg import CameraInfo

MOST_COEFFICIENTS = 14
"""Of a distortion, in OpenCV's longest model."""

MODELS = {
    '': 'plumb_bob',
    'plumb_bob': 'plumb_bob',
    'rational_polynomial': 'rational_polynomial',
    'equidistant': 'equidistant',
    'fisheye': 'equidistant',
}
"""The core's model by that of the message: sensor_msgs/distortion_models.hpp, and a synonym."""

_CENTRE_OF_PIXEL = 0.5


def identity_of(msg: CameraInfo) -> tuple[Any, ...]:
    """Return what makes two messages those of the same camera in the same mode."""
    roi = msg.roi
    return (
        msg.header.frame_id,
        msg.width,
        msg.height,
        msg.distortion_model,
        bytes(np.asarray(msg.k)),
        bytes(np.asarray(msg.p)),
        bytes(np.asarray(msg.d[: MOST_COEFFICIENTS + 1])),  # bytes, as NaN differs from itself
        (msg.binning_x, msg.binning_y),
        (roi.x_offset, roi.y_offset, roi.width, roi.height),
    )


def intrinsics_from_msg(msg: CameraInfo, *, is_rectified: bool) -> Intrinsics:
    """
    Read the intrinsics of the image as it is sent: the part in ``roi``, binned.

    :param is_rectified: whether the images are rectified: their camera is that of P, and has no
        distortion
    :raises PerceptionError: if they are zeros, not finite or of no camera, or the distortion is of
        an unknown model
    """
    matrix = np.asarray(msg.p).reshape(3, 4) if is_rectified else np.asarray(msg.k).reshape(3, 3)
    if not matrix.any():
        name = 'P' if is_rectified else 'K'
        raise PerceptionError(
            f'expected a calibrated camera, got camera_info whose {name} is 0: calibrate it '
            '(camera_calibration), or set pose.horizontal_fov'
        )
    if len(msg.d) > MOST_COEFFICIENTS:
        raise PerceptionError(
            f'camera_info with {len(msg.d)} coefficients of distortion, more than '
            f'{MOST_COEFFICIENTS}'
        )
    model, distortion = 'plumb_bob', ()
    if not is_rectified and any(msg.d):
        known = MODELS.get(msg.distortion_model)
        if known is None:
            raise PerceptionError(
                f'unknown distortion model {msg.distortion_model!r} in camera_info; known are '
                f'{", ".join(filter(None, MODELS))}'
            )
        model, distortion = known, tuple(msg.d)
    x, y = max(msg.binning_x, 1), max(msg.binning_y, 1)
    roi = msg.roi
    width, height = roi.width or msg.width, roi.height or msg.height
    fx, fy, cx, cy = (
        float(matrix[row, column]) for row, column in ((0, 0), (1, 1), (0, 2), (1, 2))
    )
    return Intrinsics(
        (width // x, height // y),
        (fx / x, fy / y),
        (
            (cx + _CENTRE_OF_PIXEL - roi.x_offset) / x,
            (cy + _CENTRE_OF_PIXEL - roi.y_offset) / y,
        ),
        model,
        distortion,
    )
