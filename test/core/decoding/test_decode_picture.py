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

"""Pictures of any kind: what is decoded by which rules, and what is refused before it is."""

import os
import struct
import subprocess
import sys

import cv2
import numpy as np
from picture_bytes import decoded_by_opencv
from picture_bytes import encoded
from picture_bytes import HEIGHT
from picture_bytes import MEGAPIXEL
from picture_bytes import rotated_by_exif
from picture_bytes import rotated_tiff
from picture_bytes import scene
from picture_bytes import WIDTH
import pytest
from rtcnn_perception.core.decoding.picture import decode_jpeg_or_png
from rtcnn_perception.core.decoding.picture import decode_picture
from rtcnn_perception.core.decoding.sizes import size_of_file
from rtcnn_perception.exceptions import ImageFormatError

OTHERS = ('.bmp', '.ppm', '.pgm', '.tif', '.webp')


def example(suffix):
    return encoded(suffix, scene()[..., 0] if suffix == '.pgm' else scene())


@pytest.mark.parametrize('data', [b'', bytes(100), b'\xff\xd8', encoded('.bmp')])
def test_what_begins_like_neither_jpeg_nor_png_is_refused(data):
    with pytest.raises(ImageFormatError, match=f'got {len(data)} bytes that begin like neither'):
        decode_jpeg_or_png(data, MEGAPIXEL)


@pytest.mark.parametrize('suffix', ['.jpg', '.png', *OTHERS])
def test_a_picture_is_decoded_as_opencv_does_it(suffix):
    data = example(suffix)
    expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert np.array_equal(decode_picture(data, MEGAPIXEL), expected)


def test_a_picture_is_upright_and_a_frame_is_as_it_was_sent():
    data = rotated_by_exif(encoded('.jpg'))
    assert decode_picture(data, MEGAPIXEL).shape == (WIDTH, HEIGHT, 3)
    assert decode_jpeg_or_png(data, MEGAPIXEL).shape == (HEIGHT, WIDTH, 3)


def test_a_tiff_is_upright():
    plain = encoded('.tif')
    turned = decode_picture(rotated_tiff(plain), MEGAPIXEL)
    expected = cv2.rotate(decode_picture(plain, MEGAPIXEL), cv2.ROTATE_90_CLOCKWISE)
    assert np.array_equal(turned, expected)


@pytest.mark.parametrize('suffix', ['.jpg', '.png', *OTHERS])
def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(suffix, monkeypatch):
    data = example(suffix)
    monkeypatch.setattr(cv2, 'imdecode', None)
    with pytest.raises(ImageFormatError, match=f'of {WIDTH}x{HEIGHT} pixels; expected 1 to 6143'):
        decode_picture(data, WIDTH * HEIGHT - 1)


def tiff(order, kind, width, height):
    sides = b''.join(
        struct.pack(f'{order}HHI', tag, kind, 1) + struct.pack(f'{order}{form}', side)
        for form in ({3: 'Hxx', 4: 'I', 16: 'I'}[kind],)
        for tag, side in ((256, width), (257, height))
    )
    start = {'<': b'II*\0', '>': b'MM\0*'}[order]
    return start + struct.pack(f'{order}IH', 8, 2) + sides


AVIF_PARTS = b'\0\0\0\x20ftypavif' + b''.join(
    b'ispe\0\0\0\0' + struct.pack('>II', *size) for size in ((70, 60), (700, 600), (7, 6))
)
TIFF_SIDES = tiff('<', 3, 700, 600)[10:] + tiff('<', 3, 7, 6)[10:]


@pytest.mark.parametrize(
    ('data', 'size'),
    [
        (b'', None),
        (b'unknown', None),
        (b'BM' + bytes(12) + struct.pack('<Iii', 40, 70_000, -60_000), (70_000, 60_000)),
        (b'BM' + bytes(12) + struct.pack('<IHH', 12, 700, 600), (700, 600)),
        (b'BM' + bytes(12), None),
        (b'GIF89a' + struct.pack('<HH', 700, 600), (700, 600)),
        (b'GIF89a', None),
        (b'P5\n# 1 2\n700 # width\n 600\n255\n', (700, 600)),
        (b'P4 #\r700 600\n1 1\n', (700, 600)),
        (b'P5\n', None),
        (b'RIFF????WEBPVP8X' + bytes(8) + b'\x9f\x86\x01\x57\x02\x00', (100_000, 600)),
        (b'RIFF????WEBPVP8L' + bytes(5) + struct.pack('<I', 699 | 599 << 14), (700, 600)),
        (b'RIFF????WEBPVP8 ' + bytes(10) + struct.pack('<HH', 700, 600), (700, 600)),
        (b'RIFF????WEBPNEWS' + bytes(20), None),
        (b'RIFF????WAVE' + bytes(20), None),
        (tiff('<', 3, 700, 600), (700, 600)),
        (tiff('>', 3, 700, 600), (700, 600)),
        (tiff('>', 4, 70_000, 600), (70_000, 600)),
        (tiff('<', 3, 700, 600)[:-14], None),
        (tiff('<', 16, 700, 600), None),
        (b'II*\0' + struct.pack('<IH', 8, 0), None),
        (b'\0\0\0\x20ftypavif' + b'ispe\0\0\0\0' + struct.pack('>II', 700, 600), (700, 600)),
        (b'\0\0\0\x20ftypavif', None),
        (AVIF_PARTS, (700, 600)),
        (tiff('<', 3, 1, 2)[:8] + struct.pack('<H', 4) + TIFF_SIDES, (700, 600)),
    ],
)
def test_the_size_is_read_from_the_header(data, size):
    assert size_of_file(data) == size


@pytest.mark.parametrize('suffix', ['.jpg', '.png', *OTHERS])
def test_random_damage_is_decoded_or_refused_without_another_error(suffix, capfd):
    random = np.random.default_rng(11)
    good = np.frombuffer(example(suffix), np.uint8)
    refused = 0
    for _ in range(300):
        data = good.copy()
        data[random.integers(0, min(data.size, 700), 4)] = random.integers(0, 256, 4)
        try:
            image = decode_picture(data[: random.integers(0, 2 * data.size)].tobytes(), MEGAPIXEL)
        except ImageFormatError:
            refused += 1
        else:
            assert image.dtype == np.uint8
    assert refused > 0
    if suffix in {'.jpg', '.png'}:
        assert capfd.readouterr().err == ''


DAMAGED = """
from rtcnn_perception.core.decoding.picture import decode_picture
from rtcnn_perception.exceptions import ImageFormatError
import cv2, numpy as np
data = cv2.imencode('.bmp', np.eye(64, dtype=np.uint8))[1].tobytes()
try:
    decode_picture(data[:-99], 1e6)
except ImageFormatError as error:
    print(error)
"""


def test_opencv_writes_nothing_to_stderr():
    environment = {k: v for k, v in os.environ.items() if k != 'OPENCV_LOG_LEVEL'}
    result = subprocess.run(
        [sys.executable, '-c', DAMAGED], env=environment, capture_output=True, check=True
    )
    assert b'that OpenCV cannot decode' in result.stdout
    assert result.stderr == b''


@pytest.mark.parametrize('suffix', ['.png', '.tiff', '.pgm'])
def test_gray_of_16_bits_is_stretched_in_every_kind_of_file(suffix):
    values = np.tile(np.arange(0, 1024, 8, np.uint16), (64, 1))
    found = decode_picture(encoded(suffix, values), MEGAPIXEL)
    assert (found.min(), found.max()) == (0, 255)
    assert np.abs(found[..., 0].astype(float) - np.linspace(0, 255, 128)).max() < 8


@pytest.mark.parametrize('suffix', ['.png', '.tiff', '.pgm', '.bmp', '.webp'])
def test_gray_of_8_bits_stays_as_it_is(suffix):
    gray = scene()[:, :, 1]
    found = decode_picture(encoded(suffix, gray), MEGAPIXEL)
    assert np.array_equal(found, decoded_by_opencv(encoded(suffix, gray)))


def test_colours_of_16_bits_lose_their_lower_half():
    colours = scene().astype(np.uint16) * 257
    assert np.array_equal(decode_picture(encoded('.png', colours), MEGAPIXEL), scene())
