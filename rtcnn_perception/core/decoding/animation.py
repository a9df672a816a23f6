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

"""
Whether the file of a picture holds further ones, of which decoding shows the first.

Sources of the formats: RFC 9649 (WebP), the third edition of PNG (chunk ``acTL``), GIF89a,
ISO/IEC 23008-12 (sequences of AVIF).
"""

from __future__ import annotations

from typing import Final

_MAX_BLOCKS: Final = 1_000_000
"""Of a PNG or a GIF, before its second picture is given up: 250 MB of a GIF, half a second."""
_WEBP_ANIMATION: Final = 0x02
_PNG_BEGIN, _PNG_AROUND = 8, 12
_GIF_BEGIN, _GIF_IMAGE, _GIF_EXTENSION = 13, 0x2C, 0x21
_GIF_TABLE: Final = 0x80


def is_animated(data: bytes) -> bool:
    """Return whether a WebP, PNG, GIF or AVIF has several pictures; damaged ones have not."""
    if data.startswith(b'RIFF'):
        return data[12:16] == b'VP8X' and bool(data[20:21]) and bool(data[20] & _WEBP_ANIMATION)
    if data.startswith(b'\x89PNG'):
        return _is_animated_png(data)
    if data.startswith(b'GIF8'):
        try:
            return _is_animated_gif(data)
        except IndexError:  # cut off
            return False
    return data[4:12] == b'ftypavis'


def _is_animated_png(data: bytes) -> bool:
    at = _PNG_BEGIN
    for _ in range(_MAX_BLOCKS):
        name = data[at + 4 : at + 8]
        if name in {b'acTL', b'IDAT', b''}:
            return name == b'acTL'  # which comes before the pixels
        at += _PNG_AROUND + int.from_bytes(data[at : at + 4], 'big')
    return False


def _is_animated_gif(data: bytes) -> bool:
    at = _GIF_BEGIN + _table_bytes(data[10])
    images = blocks = 0
    while blocks < _MAX_BLOCKS:
        blocks += 1
        if data[at] == _GIF_IMAGE:
            images += 1
            if images > 1:
                return True
            at += 11 + _table_bytes(data[at + 9])
        elif data[at] == _GIF_EXTENSION:
            at += 2
        else:
            return False
        while data[at] and blocks < _MAX_BLOCKS:
            at += 1 + data[at]
            blocks += 1
        at += 1
    return False


def _table_bytes(flags: int) -> int:
    """Return the size of the table of colors that flags announce."""
    return 3 * 2 ** ((flags & 0x07) + 1) if flags & _GIF_TABLE else 0
