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
How an MP4 or QuickTime film is to be turned, by its own metadata.

OpenCV turns by the same metadata, but 4.6, which Ubuntu 24.04 has, by the wrong angle.
Source: ISO/IEC 14496-12, sections 4.2 (boxes), 8.3.2 (``tkhd``), 8.4.3 (``hdlr``).
"""

from __future__ import annotations

from collections.abc import Iterator
import math
from pathlib import Path
import struct
from typing import BinaryIO

from rtcnn_perception.core.images import RIGHT_ANGLES

MAX_INDEX_BYTES = 64 * 1024 * 1024
"""A film's index takes less: 60 bytes a frame, for ten hours."""
MATRIX_AT = {0: 40, 1: 52}
"""Where the matrix stands in ``tkhd``, by its version."""
SECOND_ROW = 12
HANDLER = slice(8, 12)
"""Where ``hdlr`` has the kind of a track."""


def upright_turn(path: Path) -> int:
    """
    Return by how many degrees the frames of a film are to be rotated clockwise to stand upright.

    :returns: one of ``RIGHT_ANGLES``; 0 where the file is none of MP4 and QuickTime
    """
    try:
        with path.open('rb') as file:
            index = _index(file)
        angles = [_angle(track) for name, track in _boxes(index) if name == b'trak']
    except (OSError, OverflowError, ValueError, struct.error):  # also of sizes beyond any file
        return 0  # decoding it says why
    angle = next((angle for angle in angles if angle is not None), 0)
    return angle if angle in RIGHT_ANGLES else 0


def _index(file: BinaryIO) -> bytes:
    """Return the content of ``moov``, empty where there is none."""
    is_first = True
    while len(head := file.read(8)) == 8:
        size, name = struct.unpack('>I4s', head)
        if is_first and name not in (b'ftyp', b'moov', b'mdat', b'wide', b'free', b'skip'):
            return b''
        is_first = False
        rest = size - 8
        if size == 1:
            rest = struct.unpack('>Q', file.read(8))[0] - 16
        if name == b'moov':
            return file.read(min(rest, MAX_INDEX_BYTES)) if rest > 0 else b''
        if rest < 0:
            return b''
        file.seek(rest, 1)
    return b''


def _boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield name and content of each box in another one."""
    at = 0
    while at + 8 <= len(content):
        size, name = struct.unpack_from('>I4s', content, at)
        if size < 8:
            return
        begin, end = at + 8, at + size
        yield name, content[begin:end]
        at = end


def _angle(track: bytes) -> int | None:
    """Return the angle of a track in degrees, clockwise; None if it has no pictures."""
    boxes = dict(_boxes(track))
    handler = dict(_boxes(boxes.get(b'mdia', b''))).get(b'hdlr', b'')
    header = boxes.get(b'tkhd', b'')
    if handler[HANDLER] != b'vide' or not header:
        return None
    # Of the matrix a, b, u, c, d the second row: of a mirrored film, too, it says what is up.
    at = MATRIX_AT.get(header[0], MATRIX_AT[0]) + SECOND_ROW
    minus_sine, cosine = struct.unpack_from('>ii', header, at)
    return round(math.degrees(math.atan2(-minus_sine, cosine))) % 360
