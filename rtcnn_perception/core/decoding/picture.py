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

"""Decode pictures of others, each kind by its own rules; errors quote nothing but sizes."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from typing import Final

from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.decoding import jpeg
from rtcnn_perception.core.decoding import png
from rtcnn_perception.core.decoding.limits import check_pixels
from rtcnn_perception.core.decoding.opencv import decode_by_opencv
from rtcnn_perception.core.decoding.sizes import size_of_file
from rtcnn_perception.exceptions import ImageFormatError

DECODERS: Final[Mapping[bytes, Callable[..., ImageBGR]]] = {
    jpeg.START: jpeg.decode_jpeg,
    png.START: png.decode_png,
}
"""By the first bytes of a file."""


def decode_jpeg_or_png(data: bytes, max_pixels: float, *, is_upright: bool = False) -> ImageBGR:
    """
    Decode a JPEG or PNG completely or refuse it.

    :param is_upright: rotate it as its EXIF says
    :raises ImageFormatError: if it is damaged, beyond a limit or neither of the two
    """
    for start, decode in DECODERS.items():
        if data.startswith(start):
            return decode(data, max_pixels, is_upright=is_upright)
    raise ImageFormatError(
        f'expected a JPEG or PNG, got {len(data)} bytes that begin like neither'
    )


def decode_picture(data: bytes, max_pixels: float) -> ImageBGR:
    """
    Decode a picture of any kind that OpenCV knows, upright as its EXIF says.

    :raises ImageFormatError: if it is damaged, beyond a limit or of an unknown kind
    """
    if data.startswith(tuple(DECODERS)):
        return decode_jpeg_or_png(data, max_pixels, is_upright=True)
    size = size_of_file(data)
    if size is None:
        raise ImageFormatError('damaged, or of an unknown format')
    check_pixels('a picture', *size, max_pixels)
    return decode_by_opencv(data, is_upright=True)
