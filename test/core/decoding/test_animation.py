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

"""Pictures that are the first of several are distinguished from those that are alone."""

from __future__ import annotations

import struct

import pytest
from rtcnn_perception.core.decoding.animation import is_animated
from source_files import write_gif
from source_files import write_picture


def webp(flags: int) -> bytes:
    return b'RIFF' + bytes(4) + b'WEBPVP8X' + struct.pack('<IB', 10, flags) + bytes(9)


def png(*names: bytes) -> bytes:
    chunks = b''.join(struct.pack('>I4s', 3, name) + bytes(7) for name in names)
    return b'\x89PNG\r\n\x1a\n' + chunks


@pytest.mark.parametrize(('grays', 'expected'), [((1,), False), ((1, 2), True)])
def test_a_gif_of_several_pictures_is_animated(tmp_path, grays, expected):
    data = write_gif(tmp_path / 'a.gif', grays).read_bytes()
    assert is_animated(data) is expected
    with_comment = data[:25] + b'\x21\xfe\x02hi\x01!\x00' + data[25:]
    assert is_animated(with_comment) is expected
    assert not any(is_animated(data[:count]) for count in range(len(data) // 2))


def test_a_gif_whose_pictures_have_their_own_colors_is_animated(tmp_path):
    data = write_gif(tmp_path / 'a.gif', (1, 2)).read_bytes()
    first = data.index(b'\x2c')
    own = data[: first + 9] + b'\x81' + b'\x2c' * 12 + data[first + 10 :]
    assert is_animated(own)
    assert not is_animated(own[: own.rindex(b'\x21\xf9')] + b'\x3b')


@pytest.mark.parametrize(
    ('data', 'expected'),
    [
        (webp(0x02), True),
        (webp(0x3D), False),
        (webp(0x02)[:20], False),
        (png(b'IHDR', b'acTL', b'IDAT'), True),
        (png(b'IHDR', b'IDAT', b'acTL'), False),
        (png(b'IHDR'), False),
        (b'\0\0\0\x20ftypavis', True),
        (b'\0\0\0\x20ftypavif', False),
        (b'', False),
    ],
)
def test_other_kinds_say_so_in_their_header(data, expected):
    assert is_animated(data) is expected


@pytest.mark.parametrize('suffix', ['.png', '.webp', '.jpg', '.bmp'])
def test_a_picture_alone_is_not_animated(tmp_path, suffix):
    assert not is_animated(write_picture(tmp_path / f'a{suffix}').read_bytes())
