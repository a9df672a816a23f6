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

"""Pixels by encoding: sizes, padding, order of bytes, and what is refused."""

import itertools

import cv2
import numpy as np
import pytest
from rtcnn_perception.exceptions import ImageFormatError
from rtcnn_perception.nodes.conversions.encodings import check_rows
from rtcnn_perception.nodes.conversions.encodings import decode_rows
from rtcnn_perception.nodes.conversions.encodings import ENCODINGS

HEIGHT, WIDTH = 4, 6
RANDOM = np.random.default_rng(7)


def scene():
    """Return a smooth BGR picture of the test's size."""
    corners = np.array([[[10, 200, 90], [240, 30, 60]], [[70, 90, 250], [20, 140, 180]]], np.uint8)
    return cv2.resize(corners, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)


def decode(data, encoding, *, height=HEIGHT, width=WIDTH, step=None, is_bigendian=False):
    """Check and decode bytes as the nodes do."""
    row_bytes = width * ENCODINGS[encoding].pixel_bytes if encoding in ENCODINGS else width
    rows = check_rows(
        np.frombuffer(bytes(data), np.uint8),
        height=height,
        width=width,
        step=row_bytes if step is None else step,
        encoding=encoding,
    )
    return decode_rows(rows, encoding, is_bigendian=is_bigendian)


def packed(encoding, image):
    """Return the bytes of a picture in a lossless encoding."""
    codes = {'rgb8': cv2.COLOR_BGR2RGB, 'bgra8': cv2.COLOR_BGR2BGRA, 'rgba8': cv2.COLOR_BGR2RGBA}
    codes['8UC4'] = cv2.COLOR_BGR2BGRA
    return (cv2.cvtColor(image, codes[encoding]) if encoding in codes else image).tobytes()


def test_colour_encodings_become_the_same_bgr():
    for encoding in ('bgr8', '8UC3', 'rgb8', 'bgra8', '8UC4', 'rgba8'):
        assert np.array_equal(decode(packed(encoding, scene()), encoding), scene()), encoding


def test_padding_at_the_end_of_rows_is_ignored_also_where_the_last_row_has_none():
    for encoding in ('bgr8', 'rgb8', 'bgra8'):
        rows = np.frombuffer(packed(encoding, scene()), np.uint8).reshape(HEIGHT, -1)
        padded = np.pad(rows, ((0, 0), (0, 7)), constant_values=255).tobytes()
        for data in (padded, padded[:-7]):
            decoded = decode(data, encoding, step=rows.shape[1] + 7)
            assert np.array_equal(decoded, scene()), encoding


def test_bgr8_is_a_view_of_the_message():
    data = np.frombuffer(scene().tobytes(), np.uint8)
    rows = check_rows(data, height=HEIGHT, width=WIDTH, step=WIDTH * 3, encoding='bgr8')
    assert np.shares_memory(decode_rows(rows, 'bgr8', is_bigendian=False), data)


def test_gray_becomes_three_equal_channels():
    gray = RANDOM.integers(0, 256, (HEIGHT, WIDTH), np.uint8)
    for encoding in ('mono8', '8UC1'):
        assert np.array_equal(decode(gray.tobytes(), encoding), np.stack([gray] * 3, axis=2))


def sixteen_bits(values, *, is_bigendian=False):
    height, width = values.shape
    content = values.astype('>u2' if is_bigendian else '<u2').tobytes()
    image = decode(content, 'mono16', is_bigendian=is_bigendian, height=height, width=width)
    assert np.array_equal(image[..., 0], image[..., 2])
    return image[..., 0]


@pytest.mark.parametrize(('padding', 'is_shared'), [(0, True), (WIDTH * 3, True), (10**5, False)])
def test_padding_beyond_the_pixels_is_not_kept_in_memory(padding, is_shared):
    step = WIDTH * 3 + padding
    data = np.random.default_rng(0).integers(0, 256, HEIGHT * step, np.uint8)
    rows = check_rows(data, height=HEIGHT, width=WIDTH, step=step, encoding='bgr8')
    assert np.array_equal(rows, data.reshape(HEIGHT, step)[:, : WIDTH * 3])
    assert np.shares_memory(rows, data) == is_shared


@pytest.mark.parametrize('bits', [10, 14, 16])
@pytest.mark.parametrize('is_bigendian', [False, True])
def test_the_values_of_sixteen_bits_are_stretched_however_many_are_used(bits, is_bigendian):
    values = np.tile(np.linspace(0, 2**bits - 1, 400), (40, 1)).round()
    gray = sixteen_bits(values, is_bigendian=is_bigendian)
    assert (gray[0, 0], gray[0, -1]) == (0, 255)
    assert np.abs(gray[0] - np.linspace(0, 255, 400)).max() < 4


def test_a_few_hot_pixels_of_sixteen_bits_leave_the_rest_as_it_is():
    values = np.tile(np.linspace(7000, 9000, 400), (40, 1)).round()
    values[0, :12:4] = 65535
    gray = sixteen_bits(values)
    assert gray[1, 0] < 8
    assert gray[1, -1] > 247
    assert gray[0, 0] == 255


def test_noise_of_sixteen_bits_is_not_stretched():
    values = np.random.default_rng(0).integers(8000, 8010, (40, 400))
    assert np.ptp(sixteen_bits(values)) <= 11


@pytest.mark.parametrize('encoding', ['16UC1', '32FC1'])
def test_depth_images_are_refused_by_name(encoding):
    with pytest.raises(ImageFormatError, match=f'{encoding} is the encoding of depth images'):
        decode(bytes(HEIGHT * WIDTH * 4), encoding)


@pytest.mark.parametrize(
    ('encoding', 'first_rows'),
    [
        ('bayer_rggb8', ('rg', 'gb')),
        ('bayer_bggr8', ('bg', 'gr')),
        ('bayer_gbrg8', ('gb', 'rg')),
        ('bayer_grbg8', ('gr', 'bg')),
    ],
)
def test_a_bayer_pattern_of_one_colour_becomes_that_colour(encoding, first_rows):
    colour = {'b': 30, 'g': 120, 'r': 210}
    tile = np.array([[colour[letter] for letter in row] for row in first_rows], np.uint8)
    image = decode(np.tile(tile, (4, 4)).tobytes(), encoding, height=8, width=8)
    assert image[2:-2, 2:-2].reshape(-1, 3).tolist() == [[30, 120, 210]] * 16


@pytest.mark.parametrize('encoding', ['yuv422', 'uyvy', 'yuv422_yuy2', 'yuyv'])
def test_yuv422_of_one_colour_becomes_that_colour(encoding):
    # BT.601, limited range: Y 16..235, U and V about 128. Rounding costs up to 2 steps.
    y, u, v = 81, 90, 240
    pair = (u, y, v, y) if encoding in ('yuv422', 'uyvy') else (y, u, y, v)
    image = decode(bytes(pair * (HEIGHT * WIDTH // 2)), encoding)
    assert np.allclose(image, (0, 0, 254), atol=2)


@pytest.mark.parametrize('encoding', ['nv12', 'nv21', 'i420'])
def test_yuv420_of_one_colour_becomes_that_colour(encoding):
    y, u, v = 81, 90, 240
    chroma = {
        'nv12': bytes((u, v)) * (HEIGHT * WIDTH // 4),
        'nv21': bytes((v, u)) * (HEIGHT * WIDTH // 4),
        'i420': bytes([u]) * (HEIGHT * WIDTH // 4) + bytes([v]) * (HEIGHT * WIDTH // 4),
    }
    image = decode(bytes([y]) * (HEIGHT * WIDTH) + chroma[encoding], encoding)
    assert image.shape == (HEIGHT, WIDTH, 3)
    assert np.allclose(image, (0, 0, 254), atol=2)


@pytest.mark.parametrize(
    ('changes', 'reason'),
    [
        ({'height': 0}, 'needs pixels, got 6x0'),
        ({'width': 0}, 'needs pixels, got 0x4'),
        ({'encoding': 'rgb16'}, "unknown image encoding 'rgb16'; known are bgr8"),
        ({'encoding': ''}, "unknown image encoding ''"),
        ({'step': 17}, '18 bytes or more, got a step of 17'),
        ({'step': 19}, 'the image is truncated or its step is wrong'),
        ({'height': 5}, 'has 90 bytes, got 72'),
        ({'height': 3}, 'has 54 bytes, got 72'),
        ({'height': 4_000_000_000}, 'got 72'),
        ({'encoding': 'yuv422', 'width': 5}, 'needs an even size, got 5x4'),
        ({'encoding': 'nv12', 'height': 3}, 'needs an even size, got 6x3'),
    ],
)
def test_bytes_that_do_not_fit_are_refused_with_the_reason(changes, reason):
    arguments = {'height': HEIGHT, 'width': WIDTH, 'step': WIDTH * 3, 'encoding': 'bgr8'}
    with pytest.raises(ImageFormatError, match=reason):
        check_rows(np.zeros(HEIGHT * WIDTH * 3, np.uint8), **{**arguments, **changes})


def test_the_smallest_images_of_every_encoding_are_decoded_or_refused():
    for encoding, height, width in itertools.product(ENCODINGS, range(1, 5), range(1, 5)):
        form = ENCODINGS[encoding]
        data = bytes(height * width * form.pixel_bytes * form.rows_per_2 // 2)
        is_odd = width % 2 == 1 if form.needs_even_width else False
        is_odd |= height % 2 == 1 and form.rows_per_2 != 2
        if is_odd:
            with pytest.raises(ImageFormatError, match='even size'):
                decode(data, encoding, height=height, width=width)
        else:
            image = decode(data, encoding, height=height, width=width)
            assert image.shape == (height, width, 3), encoding
