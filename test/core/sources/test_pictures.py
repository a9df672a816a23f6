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

"""Pictures are repeated as frames, and files that are none are skipped with the reason."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
import zlib

import cv2
import numpy as np
import pytest
from rtcnn_perception.core.sources import pictures
from rtcnn_perception.core.sources.pictures import natural_order
from rtcnn_perception.core.sources.pictures import PictureSource
from rtcnn_perception.exceptions import SourceError
from source_files import grays_of
from source_files import HEIGHT
from source_files import WIDTH
from source_files import with_gif_size
from source_files import write_picture


def source_of(*paths):
    return PictureSource('test', paths)


def test_a_single_picture_is_repeated_without_end(tmp_path):
    source = source_of(write_picture(tmp_path / '1.png', 160))
    assert source.frame_count is None
    assert (source.fps, source.size, source.is_live) == (10.0, (WIDTH, HEIGHT), False)
    assert grays_of(islice(source, 50)) == [160] * 50
    source.close()


def test_several_pictures_are_shown_in_turn_with_a_dark_frame_between(tmp_path):
    source = source_of(*(write_picture(tmp_path / f'{gray}.png', gray) for gray in (40, 80, 120)))
    assert source.frame_count == 32
    assert grays_of(source) == [40] * 10 + [0] + [80] * 10 + [0] + [120] * 10


def test_pictures_that_cannot_be_decoded_are_skipped_with_the_reason(tmp_path):
    broken, empty = tmp_path / '1.png', tmp_path / '3.jpg'
    broken.write_bytes(b'broken')
    empty.write_bytes(b'')
    source = source_of(broken, write_picture(tmp_path / '2.png', 40, width=32), empty)
    assert source.size == (32, HEIGHT)
    for _ in range(2):
        assert grays_of(source) == [40] * 10
    assert source.skipped == {
        broken: 'damaged, or of an unknown format',
        empty: 'it is empty',
    }


def test_a_picture_that_was_written_meanwhile_is_skipped_no_more(tmp_path):
    whole, growing = write_picture(tmp_path / '1.png', 40), tmp_path / '2.png'
    growing.write_bytes(whole.read_bytes()[:40])
    other = tmp_path / 'a.heic'
    source = PictureSource('test', (whole, growing), {other: 'not read'})
    assert grays_of(source) == [40] * 10
    assert set(source.skipped) == {growing, other}
    write_picture(growing, 80)
    assert grays_of(source) == [40] * 10 + [0] + [80] * 10
    assert source.skipped == {other: 'not read'}


def test_a_picture_that_cannot_be_read_is_skipped_like_a_damaged_one(tmp_path):
    (tmp_path / '1.png').symlink_to(tmp_path / 'gone.png')
    source = source_of(tmp_path / '1.png', write_picture(tmp_path / '2.png', 40))
    assert grays_of(source) == [40] * 10
    assert source.skipped == {tmp_path / '1.png': 'No such file or directory'}


def test_a_picture_on_which_the_decoder_fails_is_skipped(tmp_path, monkeypatch):
    def failing_imdecode(_data, _flags):
        raise cv2.error('an absurd size')

    path = write_picture(tmp_path / '1.png')
    monkeypatch.setattr(cv2, 'imdecode', failing_imdecode)
    with pytest.raises(SourceError, match='that OpenCV cannot decode'):
        source_of(path)


def test_a_picture_is_read_up_to_a_limit(tmp_path, monkeypatch):
    path = write_picture(tmp_path / '1.png')
    monkeypatch.setattr(pictures, 'MAX_FILE_BYTES', path.stat().st_size - 1)
    with pytest.raises(SourceError, match=r'it has more than [0-9]+ bytes'):
        source_of(path)


def test_a_damaged_or_huge_picture_is_skipped_with_the_reason(tmp_path):
    good = write_picture(tmp_path / '1.jpg', 40)
    content = good.read_bytes()
    half, bomb = tmp_path / '2.jpg', tmp_path / '3.png'
    half.write_bytes(content[: len(content) - 30] + content[-2:])
    bomb.write_bytes(cv2.imencode('.png', np.zeros((1, 16), np.uint8))[1].tobytes())
    huge = bytearray(bomb.read_bytes())
    huge[16:24] = (20_000).to_bytes(4, 'big') * 2
    huge[29:33] = zlib.crc32(huge[12:29]).to_bytes(4, 'big')
    bomb.write_bytes(huge)
    source = source_of(good, half, bomb)
    assert len(list(source)) == 10
    assert source.skipped[half].startswith('a damaged JPEG of ')
    assert source.skipped[bomb].startswith('a PNG of 20000x20000 pixels; expected 1 to 100000000')


@pytest.mark.parametrize('suffix', ['.gif', '.heic', '.avif'])
def test_a_picture_that_only_opencv_reads_is_skipped_where_its_name_is_no_utf_8(tmp_path, suffix):
    broken = tmp_path / f'a\udcff{suffix}'
    broken.write_bytes(b'broken')
    source = source_of(broken, write_picture(tmp_path / '2.png', 40))
    assert grays_of(source) == [40] * 10
    assert 'is no UTF-8' in source.skipped[broken]


def test_a_gif_that_claims_more_pixels_than_a_picture_may_have_is_skipped(tmp_path):
    huge = with_gif_size(tmp_path / '1.gif', 14_000, 9_000)
    source = source_of(huge, write_picture(tmp_path / '2.png', 40))
    assert grays_of(source) == [40] * 10
    assert 'has frames of 14000x9000 pixels; expected' in source.skipped[huge]


def test_pictures_of_which_none_can_be_decoded_are_refused_with_number_and_reason(tmp_path):
    for name in ('a.png', 'b.jpg'):
        (tmp_path / name).write_bytes(b'broken')
    with pytest.raises(SourceError, match=r'2 tried; a\.png: damaged, or of an unknown format'):
        source_of(tmp_path / 'a.png', tmp_path / 'b.jpg')
    with pytest.raises(SourceError, match=r'1 tried; gone\.png: No such file or directory'):
        source_of(tmp_path / 'gone.png')


def test_a_picture_is_upright_as_its_exif_says(tmp_path):
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    picture[:, : WIDTH // 2] = 200
    _, encoded = cv2.imencode('.jpg', picture)
    # Orientation 6: the top of the scene is on the right, so that it is rotated clockwise.
    exif = b'Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06'
    exif += bytes(6)
    segment = b'\xff\xe1' + (len(exif) + 2).to_bytes(2, 'big') + exif
    content = encoded.tobytes()
    path = tmp_path / 'rotated.jpg'
    path.write_bytes(content[:2] + segment + content[2:])
    source = source_of(path)
    assert source.size == (HEIGHT, WIDTH)
    frame = next(iter(source))
    assert frame[: WIDTH // 2 - 4].mean() > 180
    assert frame[WIDTH // 2 + 4 :].mean() < 20


@pytest.mark.parametrize(
    ('names', 'expected'),
    [
        ([], []),
        (['b', 'a'], ['a', 'b']),
        (['x10', 'x9', 'x'], ['x', 'x9', 'x10']),
        (['10', '9', 'a'], ['9', '10', 'a']),
        (['img2.png', 'IMG1.png'], ['IMG1.png', 'img2.png']),
        (['01', '1', '001'], ['001', '01', '1']),
    ],
)
def test_names_are_sorted_by_the_numbers_in_them(names, expected):
    assert [path.name for path in natural_order(map(Path, names))] == expected
