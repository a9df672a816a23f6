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

"""How large a picture may be."""

from __future__ import annotations

from typing import Final

from rtcnn_perception.exceptions import ImageFormatError

MEGA: Final = 1e6

MAX_MEGAPIXELS: Final = 100.0
"""Of any image; ``max_megapixels`` of the camera node may be less."""

MAX_PICTURE_PIXELS: Final = MAX_MEGAPIXELS * MEGA

MAX_JPEG_BYTES: Final = 32 * 2**20
"""100 megapixels of a photograph; what is not a JPEG at all is walked in a second."""

MAX_FILE_BYTES: Final = 512 * 2**20
"""Bytes of a picture of any kind: more than 100 megapixels take in full."""


def check_megapixels(width: int, height: int, most: float) -> None:
    """
    Refuse an image that is unpacked already.

    :raises ImageFormatError: if it has more than ``most`` megapixels
    """
    if width * height > most * MEGA:
        raise ImageFormatError(f'an image of {width}x{height}, more than {most:g} megapixels')


def check_pixels(what: str, width: int, height: int, max_pixels: float) -> None:
    """
    Refuse a picture before it is unpacked.

    :param what: what an error calls it, such as 'a JPEG'
    :raises ImageFormatError: if it has more pixels, or none
    """
    if width <= 0 or height <= 0 or width * height > max_pixels:
        raise ImageFormatError(
            f'{what} of {width}x{height} pixels; expected 1 to {max_pixels:.0f} pixels'
        )
