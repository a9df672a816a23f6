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
JPEG: its markers are walked before it is decoded, and what libjpeg warns of is refused.

The walk takes 0.05 ms for 640x480. It bounds what decoding can cost, and finds the end, behind
which a camera may leave anything. Source of the format: ITU-T T.81, annex B.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
import re
import struct
from typing import Final

import numpy as np
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.decoding.limits import check_pixels
from rtcnn_perception.core.decoding.limits import MAX_JPEG_BYTES
from rtcnn_perception.core.decoding.opencv import decode_by_opencv
from rtcnn_perception.exceptions import ImageFormatError
import simplejpeg

START: Final = b'\xff\xd8\xff'

MAX_SCANS: Final = 32
"""Each scan visits all blocks. A progressive JPEG of libjpeg has 10."""
SCANS_OF_LARGEST: Final = 10
"""Scans of the largest image that is decoded, and so many more of smaller ones."""
MAX_SEGMENTS: Final = 600
"""Segments beside the scans. An ICC profile has 255 at most, a large depth map as many."""
MAX_PADDING: Final = 4
"""
Bytes before a marker that belong to no pixel: some cameras pad each part of their data.

The Logitech C270 does so in every frame (opencv/opencv issue 9477).
"""

MAX_PADDED_PARTS: Final = 1000
"""Parts between restart markers that are decoded one by one where a camera pads them: 50 ms."""
_MAX_SIDE: Final = 65_500  # of libjpeg

_MARKER: Final = re.compile(rb'\xff+([^\xff])', re.DOTALL)  # any number of 0xFF may come first
_SCAN_END: Final = re.compile(rb'\xff[^\x00\xff\xd0-\xd7]', re.DOTALL)
_RESTART: Final = re.compile(rb'\xff[\xd0-\xd7]')
_EXTRANEOUS: Final = re.compile('Corrupt JPEG data: ([0-9]+) extraneous bytes before .*0xd[0-79]')

_END, _SCAN, _RESTART_INTERVAL = 0xD9, 0xDA, 0xDD
_FRAMES: Final = (0xC0, 0xC1, 0xC2)  # baseline, extended, progressive, all Huffman-coded
_PROGRESSIVE: Final = 0xC2
_SKIPPED: Final = frozenset((0xC4, 0xDB, 0xFE, *range(0xE0, 0xF0), _END))  # tables, comments, APPn


@dataclass(frozen=True, slots=True)
class _Frame:
    """What a frame header says: sampling is (horizontal, vertical) of each component."""

    width: int
    height: int
    size_at: int
    """Index of height and width, of two bytes each."""
    sampling: tuple[tuple[int, int], ...]
    is_progressive: bool

    @property
    def least_bits(self) -> int:
        """Bits that the scans have at least: a code for each block, and one for its end."""
        largest_x, largest_y = (max(factors) for factors in zip(*self.sampling, strict=True))
        blocks = sum(
            _ceil(self.width * x, 8 * largest_x) * _ceil(self.height * y, 8 * largest_y)
            for x, y in self.sampling
        )
        return blocks if self.is_progressive else 2 * blocks

    @property
    def unit(self) -> tuple[int, int]:
        """Return width and height in blocks of one MCU of a scan of all components."""
        if len(self.sampling) == 1:
            return 1, 1
        return max(x for x, _ in self.sampling), max(y for _, y in self.sampling)

    @property
    def units(self) -> int:
        """Return the number of units of a scan of all components."""
        x, y = self.unit
        return _ceil(self.width, 8 * x) * _ceil(self.height, 8 * y)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the parts of a JPEG lie, as its markers say."""

    frame: _Frame
    restart_interval: int
    first_scan: int
    scans: tuple[tuple[int, int], ...]
    end: int
    """Index behind the end marker."""


def decode_jpeg(data: bytes, max_pixels: float, *, is_upright: bool) -> ImageBGR:
    """
    Decode a JPEG completely or refuse it; bytes behind its end marker are ignored.

    :param is_upright: rotate it as its EXIF says
    :raises ImageFormatError: if it is damaged or cut off, or beyond a limit
    """
    layout = walk(data, max_pixels)
    data = data[: layout.end]
    is_cmyk = len(layout.frame.sampling) == 4
    colors = 'CMYK' if is_cmyk else 'BGR'
    # OpenCV knows both, and writes the same warnings to stderr: it gets what is without any.
    needs_opencv = is_cmyk or (is_upright and b'Exif\0\0' in data[: layout.first_scan])
    try:
        image = simplejpeg.decode_jpeg(data, colors)
    except ValueError as error:
        reason = str(error)
        if needs_opencv or not _is_padding(reason, data, layout):
            # What libjpeg says of damage has few forms; anything else may quote the file.
            detail = reason.partition('Corrupt JPEG data')[2].partition(' before marker')[0]
            raise ImageFormatError(f'a damaged JPEG of {len(data)} bytes{detail}') from error
        image = simplejpeg.decode_jpeg(data, colors, strict=False)
    if needs_opencv:
        return decode_by_opencv(data, is_upright=is_upright)
    return np.asarray(image, np.uint8)


def walk(data: bytes, max_pixels: float) -> Layout:
    """
    Walk the markers of a JPEG, from the first to the end marker.

    :raises ImageFormatError: if it is cut off or against the format, or beyond a limit
    """
    if len(data) > MAX_JPEG_BYTES:
        raise ImageFormatError(f'a JPEG of {len(data)} bytes, more than {MAX_JPEG_BYTES}')
    frame, interval, scans, end = None, 0, list[tuple[int, int]](), 0
    for marker, begin, end in _segments(data):
        if marker in _FRAMES and frame is None:
            frame = _frame(data, begin, is_progressive=marker == _PROGRESSIVE)
            check_pixels('a JPEG', frame.width, frame.height, max_pixels)
        elif marker == _SCAN and frame is not None:
            scans.append((begin, end))
            if len(scans) > MAX_SCANS:
                raise ImageFormatError(f'a JPEG of more than {MAX_SCANS} scans')
        elif marker == _RESTART_INTERVAL:
            interval = int.from_bytes(data[begin : begin + 2], 'big')
        elif marker not in _SKIPPED:
            raise _against_format(data)
    if frame is None or not scans:
        raise _against_format(data)
    if len(scans) * frame.width * frame.height > SCANS_OF_LARGEST * max_pixels:
        raise ImageFormatError(
            f'a JPEG of {len(scans)} scans of {frame.width}x{frame.height} pixels; '
            f'expected {SCANS_OF_LARGEST} scans of {max_pixels:.0f} pixels at most'
        )
    if sum(stop - begin for begin, stop in scans) * 8 < frame.least_bits:
        raise ImageFormatError(
            f'a damaged JPEG: {len(data)} bytes are too few for {frame.width}x{frame.height}'
        )
    return Layout(frame, interval, scans[0][0], tuple(scans), end)


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """
    Yield the marker of each segment up to the end marker, and where its content begins and ends.

    The content of a scan is its coded pixels.
    """
    at = 2
    for _ in range(MAX_SEGMENTS):
        match = _MARKER.match(data, at)
        if match is None:
            raise _cut_off(data) if at >= len(data) - 1 else _against_format(data)
        marker, at = match[1][0], match.end()
        if marker == _END:
            yield marker, at, at
            return
        begin, at = at + 2, at + max(int.from_bytes(data[at : at + 2], 'big'), 2)
        if marker == _SCAN:
            end = _SCAN_END.search(data, at)
            if end is None:
                raise _cut_off(data)
            begin, at = at, end.start()
        yield marker, begin, at
    raise ImageFormatError(f'a JPEG of more than {MAX_SEGMENTS} segments')


def _frame(data: bytes, at: int, *, is_progressive: bool) -> _Frame:
    """Read the content of a frame header, which begins at ``at``."""
    height, width = (int.from_bytes(data[i : i + 2], 'big') for i in (at + 1, at + 3))
    factors = data[at + 7 : at + 7 + 3 * int.from_bytes(data[at + 5 : at + 6], 'big') : 3]
    sampling = tuple((factor >> 4, factor & 15) for factor in factors)
    if not (width and height and sampling) or any(0 in pair for pair in sampling):
        raise _against_format(data)
    return _Frame(width, height, at + 1, sampling, is_progressive)


def _is_padding(reason: str, data: bytes, layout: Layout) -> bool:
    """
    Return whether all that libjpeg finds wrong is a camera's padding.

    It names the first warning alone: so each part between restart markers is decoded by itself,
    as an image of one row of units.
    """
    if not _EXTRANEOUS.match(reason) or len(layout.scans) > 1:
        return False
    frame, (begin, end) = layout.frame, layout.scans[0]
    interval = layout.restart_interval or frame.units
    parts = _RESTART.split(data[begin:end])
    if len(parts) == 1:
        return interval >= frame.units and _is_short(reason)
    (x, y), is_whole = frame.unit, len(parts) == _ceil(frame.units, interval)
    is_cheap = len(parts) <= MAX_PADDED_PARTS and len(parts) * begin <= MAX_JPEG_BYTES
    if not is_whole or not is_cheap or interval * 8 * x > _MAX_SIDE:
        return False
    for number, part in enumerate(parts):
        width = min(interval, frame.units - number * interval) * 8 * x
        size = struct.pack('>HH', 8 * y, width)
        header = data[: frame.size_at] + size + data[frame.size_at + len(size) : begin]
        try:
            simplejpeg.decode_jpeg(header + part + b'\xff\xd9', 'GRAY')
        except ValueError as error:
            if not _is_short(str(error)):
                return False
    return True


def _is_short(reason: str) -> bool:
    found = _EXTRANEOUS.match(reason)
    return found is not None and int(found[1]) <= MAX_PADDING


def _ceil(number: int, divisor: int) -> int:
    return -(-number // divisor)


def _cut_off(data: bytes) -> ImageFormatError:
    return ImageFormatError(f'a truncated JPEG of {len(data)} bytes: its end marker is missing')


def _against_format(data: bytes) -> ImageFormatError:
    return ImageFormatError(
        f'a damaged JPEG of {len(data)} bytes, or of a kind that cameras do not send'
    )
