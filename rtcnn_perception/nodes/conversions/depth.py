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

"""Depth images from messages: raw, and as compressed_depth_image_transport sends them."""

from __future__ import annotations

import math
import struct
from typing import Final

import numpy as np
from rtcnn_perception.core.decoding.limits import MEGA
from rtcnn_perception.core.decoding.png import decode_gray16
from rtcnn_perception.core.pose.depth_image import DepthImage
from rtcnn_perception.exceptions import ImageFormatError
from rtcnn_perception.nodes.conversions.encodings import MOST_PADDED
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image

MILLIMETRE: Final = 0.001

TYPES: Final = {'16UC1': 'u2', 'mono16': 'u2', '32FC1': 'f4'}
"""Of the values, by encoding: millimetres, some drivers call them mono16, or metres."""

MOST_MEGAPIXELS: Final = 32.0
"""Pixels of a depth image; sensors have 1 to 2 million."""

_HEADER: Final = struct.Struct('<iff')
# Before the PNG: an enumeration that is not used, and A and B of what was metres.


def depth_from_image(msg: Image) -> DepthImage:
    """
    Read a depth image; it is a view of the message's bytes.

    :raises ImageFormatError: if its encoding is none of depth, or its bytes do not fit its size
    """
    kind = TYPES.get(msg.encoding)
    if kind is None:
        raise ImageFormatError(
            f'expected a depth image in 16UC1 or 32FC1, got encoding {msg.encoding!r}'
        )
    dtype = np.dtype(('>' if msg.is_bigendian else '<') + kind)
    height, width, step = msg.height, msg.width, msg.step
    row = width * dtype.itemsize
    data = np.frombuffer(msg.data, np.uint8)
    if (
        min(height, width) < 1
        or step < row
        or not (step * (height - 1) + row <= data.size <= step * height)
    ):
        raise ImageFormatError(
            f'a depth image of {width}x{height} in {msg.encoding} with a step of {step} has '
            f'{step * height} bytes, got {data.size}'
        )
    if step % dtype.itemsize or step > MOST_PADDED * row:  # not aligned, or kept with its padding
        data = np.stack([data[step * y : step * y + row] for y in range(height)]).ravel()
        step = row
    values = np.ndarray((height, width), dtype, data.data, strides=(step, dtype.itemsize))
    return DepthImage(values, MILLIMETRE if kind == 'u2' else 1.0)


def depth_from_compressed(msg: CompressedImage) -> DepthImage:
    """
    Read a depth image as compressed_depth_image_transport sends it: a header and a PNG.

    :raises ImageFormatError: if it is damaged, or of another encoding or compression
    """
    encoding, _, rest = msg.format.partition(';')
    encoding, transport = encoding.strip(), rest.split()
    if encoding not in TYPES or transport not in (['compressedDepth'], ['compressedDepth', 'png']):
        raise ImageFormatError(
            "expected a depth image of format '16UC1; compressedDepth png' or '32FC1; "
            f"compressedDepth png', got {msg.format!r}: set its format to png"
        )
    data = bytes(msg.data)
    if len(data) <= _HEADER.size:
        raise ImageFormatError(f'a compressed depth image of {len(data)} bytes, which has none')
    _, factor, offset = _HEADER.unpack_from(data)
    values = decode_gray16(data[_HEADER.size :], MOST_MEGAPIXELS * MEGA)
    if TYPES[encoding] == 'u2':
        return DepthImage(values, MILLIMETRE)
    if not (math.isfinite(offset) and 0.0 < factor < math.inf):
        raise ImageFormatError(
            f'a compressed depth image in 32FC1 needs a quantisation, got {factor} and {offset}'
        )
    return DepthImage(values, inverse=(factor, offset))
