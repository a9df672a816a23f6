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

"""PNG: whole ones are decoded, damaged and costly ones refused; libpng is given nothing else."""

import struct
import zlib

import cv2
import numpy as np
from picture_bytes import chunk
from picture_bytes import decoded_by_opencv
from picture_bytes import encoded
from picture_bytes import HEIGHT
from picture_bytes import MEGAPIXEL
from picture_bytes import png
from picture_bytes import PNG_START
from picture_bytes import scene
from picture_bytes import WIDTH
from picture_bytes import with_chunks
import pytest
from rtcnn_perception.core.decoding import opencv
from rtcnn_perception.core.decoding.png import decode_png
from rtcnn_perception.core.decoding.png import MAX_CHUNKS
from rtcnn_perception.exceptions import ImageFormatError

WHOLE = encoded('.png')
EXIF = b'MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06' + bytes(6)


def decode(data, max_pixels=MEGAPIXEL, *, is_upright=False):
    return decode_png(data, max_pixels, is_upright=is_upright)


@pytest.mark.parametrize(
    'data',
    [
        WHOLE,
        encoded('.png', scene()[..., 0]),
        encoded('.png', np.dstack([scene(), scene()[..., 0]])),
        encoded('.png', scene().astype(np.uint16) * 257),
        png((9, 2, 1, 0, 0), b'\0\xaa\x80\0\x55\0'),
        png((3, 2, 2, 3, 0), b'\0\x24\0\x18', chunk(b'PLTE', bytes(range(9)))),
    ],
    ids=['color', 'gray', 'alpha', '16 bits', '1 bit', 'palette'],
)
def test_a_png_is_decoded_as_opencv_does_it(data):
    assert np.array_equal(decode(data), decoded_by_opencv(data))


@pytest.mark.parametrize(('width', 'height'), [(1, 1), (5, 9), (1, 8), (3, 2), (33, 17)])
def test_an_interlaced_png_is_decoded_as_opencv_does_it(width, height):
    image = scene(width, height)
    passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2))
    parts = [image[y::dy, x::dx, ::-1] for x, y, dx, dy in (*passes, (0, 1, 1, 2))]
    rows = b''.join(b'\0' + row.tobytes() for part in parts if part.size for row in part)
    data = png((width, height, 8, 2, 1), rows)
    assert np.array_equal(decode(data), image)
    with pytest.raises(ImageFormatError, match='a damaged PNG'):
        decode(png((width, height, 8, 2, 1), rows[:-1]))


@pytest.fixture
def given(monkeypatch):
    """Return the files that OpenCV gets."""
    files = []
    decode_whole = cv2.imdecode
    monkeypatch.setattr(
        opencv.cv2, 'imdecode', lambda data, flags: files.append(data) or decode_whole(data, flags)
    )
    return files


def test_a_color_beyond_the_palette_is_black(given, capfd):
    data = png((2, 1, 8, 3, 0), b'\0\x01\xff', chunk(b'PLTE', b'\1\2\3' * 2))
    assert decode(data).tolist() == [[[3, 2, 1], [0, 0, 0]]]
    assert chunk(b'PLTE', b'\1\2\3' * 2 + bytes(762)) in given[0].tobytes()
    assert capfd.readouterr().err == ''


def test_exif_that_is_none_does_not_reach_libpng(given, capfd):
    data = with_chunks(WHOLE, chunk(b'eXIf', b'rubbish'))
    assert np.array_equal(decode(data, is_upright=True), scene())
    assert b'eXIf' not in given[0].tobytes()
    assert capfd.readouterr().err == ''


def test_pixels_in_many_chunks_and_bytes_behind_the_end_are_taken():
    image = np.random.default_rng(2).integers(0, 256, (400, 900, 3), np.uint8)
    data = encoded('.png', image)
    assert len(data) > 2**20  # written in pieces
    assert np.array_equal(decode(data + b'rubbish'), image)


def test_orientation_by_exif_is_taken_only_where_it_is_asked_for():
    data = with_chunks(WHOLE, chunk(b'eXIf', EXIF))
    assert decode(data).shape == (HEIGHT, WIDTH, 3)
    is_known = decoded_by_opencv(data).shape == (WIDTH, HEIGHT, 3)  # OpenCV 4.5.4 does not
    expected = (WIDTH, HEIGHT, 3) if is_known else (HEIGHT, WIDTH, 3)
    assert decode(data, is_upright=True).shape == expected


def test_libpng_gets_the_pixels_and_nothing_that_a_sender_adds(given, capfd):
    bomb = chunk(b'zTXt', b'a\0\0' + zlib.compress(bytes(7_000_000)))
    profile = chunk(b'iCCP', b'a\0\0rubbish')
    data = with_chunks(WHOLE, *[chunk(b'teXt')] * 20_000, bomb, profile, chunk(b'tIME', b'?'))
    assert np.array_equal(decode(data), scene())
    assert given[0].size <= len(WHOLE)
    assert capfd.readouterr().err == ''


def changed(at, content):
    return WHOLE[:at] + content + WHOLE[at + len(content) :]


def header(width, height, *, depth=8, color=0, interlace=0, rows=b'\0' * 99):
    return png((width, height, depth, color, interlace), rows)


@pytest.mark.parametrize(
    ('data', 'reason'),
    [
        (PNG_START, 'a truncated or damaged PNG'),
        (WHOLE[:20], 'a truncated or damaged PNG'),
        (WHOLE[:60], 'a truncated or damaged PNG'),
        (WHOLE[:-4], 'a truncated or damaged PNG'),
        (changed(33, b'\x7f\xff\xff\xff'), 'a truncated or damaged PNG'),
        (changed(24, b'\x4d'), 'a damaged PNG'),
        (changed(200, b'1234'), 'a damaged PNG'),
        (changed(len(WHOLE) - 16, b'1234'), 'a damaged PNG'),
        (PNG_START + chunk(b'PLTE', b'123') + WHOLE[8:], 'a damaged PNG'),
        (png((1, 1, 8, 3, 0), b'\0\0', *[chunk(b'PLTE', b'123')] * 2), 'a damaged PNG'),
        (PNG_START + chunk(b'IEND'), 'a damaged PNG'),
        (PNG_START + chunk(b'IHDR', b'short') + chunk(b'IEND'), 'a damaged PNG'),
        (PNG_START + chunk(b'teXt') + chunk(b'IEND'), 'a damaged PNG'),
        (with_chunks(WHOLE, chunk(b'NEWS')), 'a damaged PNG'),
        (with_chunks(WHOLE, WHOLE[8:33]), 'a damaged PNG'),
        (header(8, 2, color=5), 'a damaged PNG'),
        (header(8, 2, depth=3), 'a damaged PNG'),
        (header(8, 2, interlace=2), 'a damaged PNG'),
        (header(0, 2), 'a PNG of 0x2 pixels'),
        (header(8, 2, rows=bytes(17)), 'a damaged PNG'),
        (header(8, 2, rows=bytes(19)), 'a damaged PNG'),
        (header(8, 2, rows=bytes(9) + b'\5' + bytes(8)), 'a damaged PNG'),
        (header(8, 2, color=3, rows=bytes(18)), 'a damaged PNG'),
        (png((8, 2, 1, 3, 0), bytes(4), chunk(b'PLTE', bytes(9))), 'a damaged PNG'),
        (png((8, 2, 8, 3, 0), bytes(18), chunk(b'PLTE', bytes(4))), 'a damaged PNG'),
        (header(1_000_000, 4), 'a PNG of 1000000x4 pixels; expected 1 to 1000000 pixels'),
        (with_chunks(WHOLE, *[chunk(b'teXt')] * MAX_CHUNKS), f'more than {MAX_CHUNKS} chunks'),
    ],
)
def test_a_damaged_or_costly_png_is_refused_with_the_reason(data, reason, capfd):
    with pytest.raises(ImageFormatError, match=reason):
        decode(data)
    assert capfd.readouterr().err == ''


def test_damaged_pixels_are_refused_though_the_checksums_fit():
    for pixels in (
        zlib.compress(bytes(18))[:-2],
        zlib.compress(bytes(18)) + b'x',
        b'',
        b'rubbish',
    ):
        fields = struct.pack('>IIBBBBB', 8, 2, 8, 0, 0, 0, 0)
        parts = (chunk(b'IHDR', fields), chunk(b'IDAT', pixels), chunk(b'IEND'))
        with pytest.raises(ImageFormatError, match='a damaged PNG'):
            decode(PNG_START + b''.join(parts))


@pytest.mark.parametrize('interlace', [0, 1])
@pytest.mark.parametrize('row', [0, 700, 1199])
def test_a_filter_that_does_not_exist_is_found_wherever_the_pixels_are_inflated(row, interlace):
    # Above 1 MiB the pixels are inflated in pieces, which begin anywhere in a row.
    side = 1200
    rows = np.full((side, side + 1), 200, np.uint8)
    rows[:, 0] = 0
    pixels = rows.tobytes()
    if interlace:
        parts = (
            (150, 150),
            (150, 150),
            (150, 300),
            (300, 300),
            (300, 600),
            (600, 600),
            (600, 1200),
        )
        pixels = b''.join(high * (b'\0' + wide * b'\xc8') for high, wide in parts)
    header = (side, side, 8, 0, interlace)
    assert decode(png(header, pixels), 2 * MEGAPIXEL).min() == 200
    at = row * (side + 1) if not interlace else len(pixels) - (side - row + 1) // 2 * (side + 1)
    wrong = pixels[:at] + b'\5' + pixels[at + 1 :]
    assert wrong != pixels
    with pytest.raises(ImageFormatError, match='a damaged PNG'):
        decode(png(header, wrong), 2 * MEGAPIXEL)


@pytest.mark.parametrize(('side', 'color'), [(9990, 2), (9990, 6)])
def test_pixels_that_the_file_hardly_holds_are_refused_before_they_are_inflated(
    side, color, monkeypatch
):
    monkeypatch.setattr(zlib, 'decompressobj', None)
    with pytest.raises(ImageFormatError, match=r'bytes of pixels in .*; expected a hundredth'):
        decode(header(side, side, color=color, rows=bytes(200_000)), 1e8)


def test_the_largest_picture_has_four_bytes_a_pixel_at_most():
    data = encoded('.png', np.zeros((HEIGHT, WIDTH, 4), np.uint16))
    assert decode(data, 2 * WIDTH * HEIGHT + HEIGHT).shape == (HEIGHT, WIDTH, 3)
    with pytest.raises(ImageFormatError, match='6144 pixels of 4 bytes at most'):
        decode(data, WIDTH * HEIGHT)


def test_inflating_stops_where_there_are_pixels_enough(monkeypatch):
    sizes = []

    class Inflater:
        """One that counts what it is asked for."""

        def __init__(self):
            self._inflater = make()

        def __getattr__(self, name):
            return getattr(self._inflater, name)

        def decompress(self, data, limit):
            sizes.append(limit)
            return self._inflater.decompress(data, limit)

    make = zlib.decompressobj
    monkeypatch.setattr(zlib, 'decompressobj', Inflater)
    with pytest.raises(ImageFormatError, match='a damaged PNG'):
        decode(header(8, 2, rows=bytes(9_000_000)))
    assert len(sizes) == 1
