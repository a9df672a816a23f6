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

"""What OpenCV decodes, after it was checked."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.images import stretched
from rtcnn_perception.exceptions import ImageFormatError


def decode_by_opencv(data: bytes, *, is_upright: bool) -> ImageBGR:
    """
    Decode a picture; gray values of 16 bits are stretched, of which infrared cameras use few.

    :param is_upright: rotate it as its EXIF says
    :raises ImageFormatError: if OpenCV cannot; the text has nothing of the file but its length
    """
    image = _decode(data, cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH, is_upright=is_upright)
    if image.ndim == 2 and image.dtype == np.uint16:
        return stretched(image)
    if image.dtype != np.uint8:
        image = _decode(data, cv2.IMREAD_COLOR, is_upright=is_upright)
    elif image.ndim == 2:
        image = np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR))
    return np.asarray(image, np.uint8)


def decode_gray16_by_opencv(data: bytes) -> NDArray[np.uint16]:
    """
    Decode a picture of gray values of 16 bits, (H, W), as they are.

    :raises ImageFormatError: as above
    """
    return np.asarray(_decode(data, cv2.IMREAD_UNCHANGED, is_upright=False), np.uint16)


def _decode(data: bytes, flags: int, *, is_upright: bool) -> NDArray[Any]:
    flags |= 0 if is_upright else cv2.IMREAD_IGNORE_ORIENTATION
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        image = None
    if image is None:
        raise ImageFormatError(f'a picture of {len(data)} bytes that OpenCV cannot decode')
    return np.asarray(image)
