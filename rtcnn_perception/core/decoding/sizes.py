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
Width and height of pictures that are neither JPEG nor PNG, before OpenCV unpacks them.

Sources of the formats: BITMAPINFOHEADER of Windows, netpbm's pnm(5), RFC 9649 (WebP), TIFF 6.0,
GIF89a, ISO/IEC 23008-12 (AVIF).
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
import re
import struct
from typing import Final

_PNM: Final = re.compile(
    # A comment ends at either end of a line.
    rb'P[1-6](?:\s|#[^\n\r]*[\n\r]){1,64}(\d{1,9})(?:\s|#[^\n\r]*[\n\r]){1,64}(\d{1,9})'
)
_AVIF: Final = re.compile(rb'ispe\0\0\0\0(.{8})', re.DOTALL)
_AVIF_HEADER_BYTES: Final = 2**16
_WIDTH_TAG, _HEIGHT_TAG = 256, 257
_MAX_TAGS: Final = 1000
_TIFF_NUMBERS: Final = {3: 'H', 4: 'I'}


def size_of_file(data: bytes) -> tuple[int, int] | None:
    """Return width and height as the header says; None if the kind is unknown or it is cut off."""
    read = next((read for start, read in _READERS.items() if data.startswith(start)), _read_avif)
    try:
        return read(data)
    except struct.error:
        return None


def _read_bmp(data: bytes) -> tuple[int, int]:
    is_old = struct.unpack_from('<I', data, 14)[0] == 12
    width, height = _pair('<HH' if is_old else '<ii', data, 18)
    return abs(width), abs(height)  # a negative height: the first row is the upper one


def _read_webp(data: bytes) -> tuple[int, int] | None:
    kind = data[12:16]
    if kind == b'VP8 ':
        width, height = _pair('<HH', data, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b'VP8L':
        bits = struct.unpack_from('<I', data, 21)[0]
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b'VP8X':
        low, high, last = struct.unpack_from('<HHH', data, 24)
        return (low | (high & 0xFF) << 16) + 1, (high >> 8 | last << 8) + 1
    return None


def _read_tiff(data: bytes) -> tuple[int, int] | None:
    order = '<' if data[:2] == b'II' else '>'
    at = struct.unpack_from(f'{order}I', data, 4)[0]
    sides: dict[int, int] = {}
    for entry in range(min(struct.unpack_from(f'{order}H', data, at)[0], _MAX_TAGS)):
        tag, kind = struct.unpack_from(f'{order}HH', data, at + 2 + 12 * entry)
        if tag in {_WIDTH_TAG, _HEIGHT_TAG}:
            if kind not in _TIFF_NUMBERS:
                return None  # such as 64 bits, of which the entry has the place alone
            number = _TIFF_NUMBERS[kind]
            value = struct.unpack_from(f'{order}{number}', data, at + 10 + 12 * entry)[0]
            sides[tag] = max(value, sides.get(tag, 0))
    if len(sides) < 2:
        return None
    return sides[_WIDTH_TAG], sides[_HEIGHT_TAG]


def _read_gif(data: bytes) -> tuple[int, int]:
    return _pair('<HH', data, 6)


def _read_pnm(data: bytes) -> tuple[int, int] | None:
    match = _PNM.match(data)
    return (int(match[1]), int(match[2])) if match else None


def _read_avif(data: bytes) -> tuple[int, int] | None:
    if data[4:12] not in {b'ftypavif', b'ftypavis'}:
        return None
    parts = [_pair('>II', found, 0) for found in _AVIF.findall(data, 0, _AVIF_HEADER_BYTES)]
    return max(parts, key=lambda size: size[0] * size[1], default=None)


def _pair(form: str, data: bytes, at: int) -> tuple[int, int]:
    first, second = struct.unpack_from(form, data, at)
    return first, second


_READERS: Final[Mapping[bytes, Callable[[bytes], tuple[int, int] | None]]] = {
    b'BM': _read_bmp,
    b'GIF8': _read_gif,
    b'RIFF': _read_webp,
    b'II*\0': _read_tiff,
    b'MM\0*': _read_tiff,
    b'P': _read_pnm,
}
"""By the first bytes of a file."""
