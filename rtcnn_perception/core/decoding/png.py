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
PNG: libpng gets a file with the pixels alone, of which everything was checked.

It would inflate, keep and print what other chunks hold: profiles, texts, times. And it writes its
warnings to stderr, past everything that could stop them. Source of the format: W3C, Portable
Network Graphics, third edition.
"""

from __future__ import annotations

from collections.abc import Iterator
import struct
from typing import Final
from typing import NamedTuple
import zlib

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.decoding.limits import check_pixels
from rtcnn_perception.core.decoding.opencv import decode_by_opencv
from rtcnn_perception.core.decoding.opencv import decode_gray16_by_opencv
from rtcnn_perception.exceptions import ImageFormatError

START: Final = b'\x89PNG\r\n\x1a\n'

MAX_CHUNKS: Final = 50_000
"""A walk of 30 ms. Writers cut the pixels into chunks of 8 KiB."""
MAX_PIXEL_BYTES: Final = 4
"""Bytes of a pixel in the largest picture; a smaller one may have the 8 of 16-bit RGBA."""
FREE_BYTES: Final = 64 * 2**20
MAX_RATIO: Final = 100
"""
Pixels take a hundredth of their bytes in the file, at least, but for the first ``FREE_BYTES``.

A photograph takes a third. Of a thousandth, 284 KB become pixels that take six seconds.
"""

_AROUND: Final = 12  # bytes around the data of a chunk: length, type, checksum
_CHANNELS: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by color type
_DEPTHS: Final = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_PALETTE: Final = 3
_GRAY_16: Final = (16, 0)
_MAX_FILTER: Final = 4
_PASSES: Final = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)
"""Of an interlaced picture: first column and row, steps to the next column and row."""
_KNOWN: Final = {b'IHDR', b'PLTE', b'IDAT', b'IEND', b'eXIf'}
_EXIF_STARTS: Final = (b'II*\0', b'MM\0*')
_INPUT_BYTES, _OUTPUT_BYTES = 2**16, 2**20


class _Rows(NamedTuple):
    """Rows of inflated pixels: where they lie, and the bytes of each with its filter."""

    begin: int
    end: int
    row_bytes: int


def decode_png(data: bytes, max_pixels: float, *, is_upright: bool) -> ImageBGR:
    """
    Decode a PNG completely or refuse it; bytes behind its end are ignored.

    :param is_upright: rotate it as its EXIF says
    :raises ImageFormatError: if it is damaged or cut off, or beyond a limit
    """
    return decode_by_opencv(_checked(data, max_pixels)[0], is_upright=is_upright)


def decode_gray16(data: bytes, max_pixels: float) -> NDArray[np.uint16]:
    """
    Decode a PNG of gray values of 16 bits, (H, W), as depth images are.

    :raises ImageFormatError: if it is another kind of PNG or none, damaged, or beyond a limit
    """
    if not data.startswith(START):
        raise ImageFormatError(f'expected a PNG, got {len(data)} bytes that begin like none')
    written, kind = _checked(data, max_pixels)
    if kind != _GRAY_16:
        raise ImageFormatError(
            f'expected a PNG of gray values of 16 bits, got color type {kind[1]} of {kind[0]} bits'
        )
    return decode_gray16_by_opencv(written)


def _checked(data: bytes, max_pixels: float) -> tuple[bytes, tuple[int, int]]:
    """
    Check everything in a PNG.

    :returns: the same with what is needed for its pixels alone; bits of a value and color type
    """
    chunks = _read_chunks(data)
    header = chunks.get(b'IHDR', b'')
    if len(header) != 13:
        raise _damaged(data)
    width, height, depth, color, compression, filtering, interlace = struct.unpack(
        '>IIBBBBB', header
    )
    if depth not in _DEPTHS.get(color, ()) or compression or filtering or interlace > 1:
        raise _damaged(data)
    check_pixels('a PNG', width, height, max_pixels)
    rows = _rows(width, height, depth * _CHANNELS[color], _PASSES if interlace else None)
    pixels, count = chunks.get(b'IDAT', b''), rows[-1].end
    if count > max_pixels * MAX_PIXEL_BYTES + height or (
        count > FREE_BYTES + MAX_RATIO * len(pixels)
    ):
        raise ImageFormatError(
            f'a PNG of {count} bytes of pixels in {len(pixels)}; expected a hundredth at least, '
            f'and {max_pixels:.0f} pixels of {MAX_PIXEL_BYTES} bytes at most'
        )
    kept = [(b'IHDR', header)]
    exif = chunks.get(b'eXIf', b'')
    if exif[:4] in _EXIF_STARTS:
        kept.append((b'eXIf', exif))
    if color == _PALETTE:
        palette = chunks.get(b'PLTE', b'')
        if not palette or len(palette) % 3 or len(palette) > 3 << depth:
            raise _damaged(data)
        kept.append((b'PLTE', palette.ljust(3 << depth, b'\0')))  # for pixels beyond its colors
    _check_pixels(data, pixels, rows)
    parts = range(0, len(pixels), _OUTPUT_BYTES)  # libpng limits the length of a chunk
    kept += [(b'IDAT', pixels[at : at + _OUTPUT_BYTES]) for at in parts]
    written = START + b''.join(_chunk(*part) for part in (*kept, (b'IEND', b'')))
    return written, (depth, color)


def _read_chunks(data: bytes) -> dict[bytes, bytes]:
    """
    Return the chunks that make the picture, by type; those of pixels joined.

    :raises ImageFormatError: if one is damaged or reaches beyond the file, or there are too many
    """
    found: dict[bytes, list[bytes]] = {}
    at = len(START)
    for _ in range(MAX_CHUNKS):
        length, name = int.from_bytes(data[at : at + 4], 'big'), data[at + 4 : at + 8]
        end = at + _AROUND + length
        if end > len(data):
            raise ImageFormatError(f'a truncated or damaged PNG of {len(data)} bytes')
        is_needed = not name[0] & 0x20  # lower case: a reader may skip it
        if is_needed or name == b'eXIf':
            checksum = int.from_bytes(data[end - 4 : end], 'big')
            if zlib.crc32(memoryview(data)[at + 4 : end - 4]) != checksum:
                raise _damaged(data)
            found.setdefault(name, []).append(data[at + 8 : end - 4])
        if name == b'IEND':
            break
        at = end
    else:
        raise ImageFormatError(f'a PNG of more than {MAX_CHUNKS} chunks')
    if next(iter(found)) != b'IHDR' or not found.keys() <= _KNOWN:
        raise _damaged(data)
    if any(len(parts) > 1 for name, parts in found.items() if name != b'IDAT'):
        raise _damaged(data)
    return {name: b''.join(parts) for name, parts in found.items()}


def _rows(
    width: int, height: int, pixel_bits: int, passes: tuple[tuple[int, int, int, int], ...] | None
) -> list[_Rows]:
    """Return where the rows of a picture lie, pass by pass."""
    found, begin = [], 0
    for x, y, step_x, step_y in passes or ((0, 0, 1, 1),):
        columns, count = -((x - width) // step_x), -((y - height) // step_y)
        if columns > 0 and count > 0:
            row_bytes = 1 - (-columns * pixel_bits // 8)
            found.append(_Rows(begin, begin + count * row_bytes, row_bytes))
            begin = found[-1].end
    return found


def _check_pixels(data: bytes, pixels: bytes, rows: list[_Rows]) -> None:
    """
    Inflate the pixels once, without keeping them.

    :raises ImageFormatError: if they are damaged, too few or too many
    """
    inflater = zlib.decompressobj()
    position, end = 0, rows[-1].end
    try:
        for piece in _inflate(inflater, pixels):
            for part in rows:
                passed = max(-((part.begin - position) // part.row_bytes), 0)
                first = part.begin + passed * part.row_bytes - position
                stop = max(part.end - position, 0)
                if max(piece[first : stop : part.row_bytes], default=0) > _MAX_FILTER:
                    raise _damaged(data)
            position += len(piece)
            if position > end:
                break
    except zlib.error as error:
        raise _damaged(data) from error
    if position != end or not inflater.eof or inflater.unused_data:
        raise _damaged(data)


def _inflate(inflater: zlib._Decompress, pixels: bytes) -> Iterator[bytes]:
    for at in range(0, len(pixels), _INPUT_BYTES):
        if inflater.eof:
            raise zlib.error('bytes behind the end')
        piece, inflated = pixels[at : at + _INPUT_BYTES], b''
        while piece or len(inflated) == _OUTPUT_BYTES:
            inflated = inflater.decompress(piece, _OUTPUT_BYTES)
            yield inflated
            piece = inflater.unconsumed_tail


def _chunk(name: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(content, zlib.crc32(name))
    return struct.pack('>I4s', len(content), name) + content + struct.pack('>I', checksum)


def _damaged(data: bytes) -> ImageFormatError:
    return ImageFormatError(f'a damaged PNG of {len(data)} bytes')
