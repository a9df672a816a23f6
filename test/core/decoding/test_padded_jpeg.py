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

"""Cameras that pad their data before markers: taken, but for damage beside it."""

import numpy as np
from picture_bytes import cut_with_end
from picture_bytes import encoded
from picture_bytes import MEGAPIXEL
from picture_bytes import rotated_by_exif
from picture_bytes import scene
from picture_bytes import with_flipped_bits
from picture_bytes import with_restarts
import pytest
from rtcnn_perception.core.decoding import jpeg as jpeg_module
from rtcnn_perception.core.decoding.jpeg import decode_jpeg
from rtcnn_perception.core.decoding.jpeg import MAX_PADDING
from rtcnn_perception.core.decoding.jpeg import walk
from rtcnn_perception.exceptions import ImageFormatError
import simplejpeg


def decode(data, *, is_upright=False):
    return decode_jpeg(data, 2 * MEGAPIXEL, is_upright=is_upright)


def padded(jpeg, count):
    """Return a JPEG with bytes before each restart marker, as some cameras send it."""
    for number in range(8):
        marker = bytes([0xFF, 0xD0 + number])
        jpeg = jpeg.replace(marker, bytes(count) + marker)
    return jpeg


@pytest.mark.parametrize('count', [1, MAX_PADDING])
def test_padding_before_restart_markers_is_taken(count):
    jpeg = with_restarts()
    assert padded(jpeg, count) != jpeg
    assert np.array_equal(decode(padded(jpeg, count)), decode(jpeg))


def test_damage_is_refused_in_a_padded_jpeg_too():
    random = np.random.default_rng(4)
    jpeg = padded(with_restarts(scene(320, 240)), 2)
    assert decode(jpeg).shape == (240, 320, 3)
    for _ in range(20):
        with pytest.raises(ImageFormatError, match=r'a (damaged|truncated) JPEG'):
            decode(with_flipped_bits(jpeg, random, 40, begin=len(jpeg) // 2))


@pytest.mark.parametrize(
    'header', [b'\xff\xfe\xff\xff' + bytes(65_533), b'\xff\xdd\0\x04\0\0'], ids=['long', 'none']
)
def test_padding_is_not_looked_for_at_any_cost(header, monkeypatch):
    monkeypatch.setattr(jpeg_module, 'MAX_JPEG_BYTES', 10_000_000)
    jpeg = padded(with_restarts(scene(320, 240)), 2)
    begin = walk(jpeg, MEGAPIXEL).first_scan
    start = jpeg.rfind(b'\xff\xda', 0, begin)
    calls = []
    decode_whole = simplejpeg.decode_jpeg
    monkeypatch.setattr(
        simplejpeg, 'decode_jpeg', lambda *words: calls.append(words) or decode_whole(*words)
    )
    with pytest.raises(ImageFormatError, match='a damaged JPEG'):
        decode(jpeg[:start] + 3 * header + jpeg[start:])
    assert len(calls) == 1


def test_padding_before_the_end_marker_is_taken():
    jpeg = encoded('.jpg')
    assert np.array_equal(decode(jpeg[:-2] + b'\0\0\xff\xd9'), decode(jpeg))


def test_a_padded_jpeg_that_is_cut_or_longer_is_refused():
    jpeg = with_restarts()
    for data in (cut_with_end(padded(jpeg, 2)), padded(jpeg, 60)):
        with pytest.raises(ImageFormatError, match='a damaged JPEG'):
            decode(data)


@pytest.mark.parametrize(
    ('size', 'interval'), [((96, 64), 5), ((96, 64), 24), ((1600, 900), 4000), ((1600, 900), 5000)]
)
def test_parts_of_any_length_are_taken_up_to_the_longest_row_of_libjpeg(size, interval):
    jpeg = with_restarts(scene(*size), interval)
    layout = walk(jpeg, 2 * MEGAPIXEL)
    assert (layout.restart_interval, layout.frame.unit) == (interval, (2, 2))
    data = padded(jpeg, 9)[:-2] + bytes(9) + b'\xff\xd9'
    with pytest.raises(ImageFormatError, match='a damaged JPEG'):
        decode(data)
    data = padded(jpeg, 3)[:-2] + bytes(3) + b'\xff\xd9'
    if interval < 5000:
        assert np.array_equal(decode(data), decode(jpeg))
    else:
        with pytest.raises(ImageFormatError, match='a damaged JPEG'):
            decode(data)


def test_the_sampling_of_a_gray_jpeg_makes_no_larger_units():
    jpeg = with_restarts(scene()[..., 0], 3)
    at = jpeg.index(b'\xff\xc0') + 11
    assert jpeg[at] == 0x11
    jpeg = jpeg[:at] + b'\x22' + jpeg[at + 1 :]
    assert np.array_equal(decode(padded(jpeg, 3)), decode(jpeg))


@pytest.mark.parametrize('number', [0, 1, 5])
def test_missing_parts_are_no_padding(number):
    jpeg = padded(with_restarts(scene(320, 240), 20), 4)
    ((begin, end),) = walk(jpeg, MEGAPIXEL).scans
    parts = [match.start() for match in jpeg_module._RESTART.finditer(jpeg, begin, end)]
    with pytest.raises(ImageFormatError, match='a damaged JPEG'):
        decode(jpeg[: parts[number]] + b'\xff\xd9')


def test_a_padded_jpeg_that_opencv_would_write_of_is_refused(capfd):
    jpeg = rotated_by_exif(encoded('.jpg'))[:-2] + bytes(3) + b'\xff\xd9'
    assert decode(jpeg).ndim == 3
    with pytest.raises(ImageFormatError, match='a damaged JPEG'):
        decode(jpeg, is_upright=True)
    assert capfd.readouterr().err == ''
