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

"""How a film is turned, read from the boxes of an MP4 that is made here."""

from __future__ import annotations

import math
import struct

import pytest
from rtcnn_perception.core.sources.orientation import upright_turn


def box(name, content, *, is_long=False):
    """Return a box; a long one has its size in eight bytes."""
    if is_long:
        return struct.pack('>I4sQ', 1, name, len(content) + 16) + content
    return struct.pack('>I4s', len(content) + 8, name) + content


def track(angle, version=0, handler=b'vide'):
    """Return a track whose matrix turns clockwise by an angle in degrees."""
    cosine, sine = (
        round(each * 65536)
        for each in (math.cos(math.radians(angle)), math.sin(math.radians(angle)))
    )
    matrix = struct.pack('>9i', cosine, sine, 0, -sine, cosine, 0, 0, 0, 1 << 30)
    before = bytes([version]) + bytes(51 if version else 39)
    media = box(b'mdia', box(b'hdlr', bytes(8) + handler + bytes(12)))
    return box(b'trak', box(b'tkhd', before + matrix + bytes(8)) + media)


def turn_of(tmp_path, *parts):
    path = tmp_path / 'film.mp4'
    path.write_bytes(b''.join(parts))
    return upright_turn(path)


FTYP = box(b'ftyp', b'isom0000')


@pytest.mark.parametrize('version', [0, 1])
@pytest.mark.parametrize('angle', [0, 90, 180, 270])
def test_a_right_angle_is_read_from_each_version_of_the_header(tmp_path, angle, version):
    assert turn_of(tmp_path, FTYP, box(b'moov', track(angle, version))) == angle


@pytest.mark.parametrize(('signs', 'turn'), [((-1, 1), 0), ((1, -1), 180)])
def test_a_mirrored_film_is_turned_to_what_is_up(tmp_path, signs, turn):
    mirrored = struct.pack('>5i', signs[0] << 16, 0, 0, 0, signs[1] << 16)
    plain = struct.pack('>5i', 1 << 16, 0, 0, 0, 1 << 16)
    content = box(b'moov', track(0))
    assert content.count(plain) == 1
    assert turn_of(tmp_path, FTYP, content.replace(plain, mirrored)) == turn


def test_any_other_angle_is_no_turn(tmp_path):
    assert turn_of(tmp_path, FTYP, box(b'moov', track(45))) == 0


@pytest.mark.parametrize('is_long', [False, True])
def test_pictures_may_come_before_the_index(tmp_path, is_long):
    data = box(b'mdat', bytes(100), is_long=is_long)
    assert turn_of(tmp_path, FTYP, data, box(b'moov', track(90), is_long=is_long)) == 90


def test_the_first_track_with_pictures_counts(tmp_path):
    tracks = track(90, handler=b'soun') + track(180) + track(270)
    assert turn_of(tmp_path, FTYP, box(b'moov', box(b'mvhd', bytes(100)) + tracks)) == 180


def test_an_index_may_come_first(tmp_path):
    assert turn_of(tmp_path, box(b'moov', track(90))) == 90


@pytest.mark.parametrize(
    'parts',
    [
        (),
        (b'RIFF', bytes(100), box(b'moov', track(90))),
        (FTYP,),
        (FTYP, box(b'mdat', bytes(100))),
        (FTYP, box(b'moov', b'')),
        (FTYP, box(b'moov', track(90))[:-60]),
        (FTYP, struct.pack('>I4s', 1, b'moov'), bytes(3)),
        (FTYP, struct.pack('>I4sQ', 1, b'mdat', 2**63 + 99)),
        (FTYP, struct.pack('>I4sQ', 1, b'mdat', 2**63 - 1), box(b'moov', track(90))),
        (FTYP, struct.pack('>I4sQ', 1, b'mdat', 2**64 - 1)),
        (FTYP, struct.pack('>I4s', 4, b'moov'), track(90)),
        (FTYP, struct.pack('>I4s', 4, b'mdat'), box(b'moov', track(90))),
        (FTYP, box(b'moov', box(b'trak', b''))),
        (FTYP, box(b'moov', track(90, handler=b'soun'))),
    ],
)
def test_what_says_nothing_of_a_turn_has_none(tmp_path, parts):
    assert turn_of(tmp_path, *parts) == 0


def test_a_missing_file_has_none(tmp_path):
    assert upright_turn(tmp_path / 'absent.mp4') == 0
