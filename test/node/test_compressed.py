"""JPEG and PNG: what is decoded, and what is refused before it is decoded."""

import cv2
import numpy as np
import pytest
from rtcnn_perception.exceptions import ImageFormatError
from rtcnn_perception.nodes.conversions.compressed import decode_file

HEIGHT, WIDTH = 4, 6
MEGAPIXEL = 1e6


def scene():
    """Return a smooth BGR picture of the test's size."""
    corners = np.array([[[10, 200, 90], [240, 30, 60]], [[70, 90, 250], [20, 140, 180]]], np.uint8)
    return cv2.resize(corners, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)


def encoded(suffix, image=None):
    """Return the bytes of a file as an array."""
    return cv2.imencode(suffix, scene() if image is None else image)[1].reshape(-1)


def test_a_png_comes_back_unchanged():
    assert np.array_equal(decode_file(encoded('.png'), 'png', MEGAPIXEL), scene())


@pytest.mark.parametrize('image_format', ['jpeg', 'bgr8; jpeg compressed bgr8'])
def test_a_jpeg_comes_back_nearly_unchanged(image_format):
    smooth = np.full((64, 64, 3), (40, 90, 200), np.uint8)
    image = decode_file(encoded('.jpg', smooth), image_format, MEGAPIXEL)
    assert np.allclose(image, smooth, atol=3)  # an even picture loses only by rounding of YCbCr


def test_the_rgb_of_an_old_publisher_becomes_bgr():
    image = decode_file(encoded('.png'), 'rgb8; png compressed rgb8', MEGAPIXEL)
    assert np.array_equal(image, scene()[:, :, ::-1])


def test_a_gray_png_of_sixteen_bits_becomes_bgr():
    gray = np.full((4, 6), 0x8000, np.uint16)
    assert np.array_equal(
        decode_file(encoded('.png', gray), '16UC1; png compressed', MEGAPIXEL),
        np.full((4, 6, 3), 0x80, np.uint8),
    )


def test_zeros_after_the_end_of_a_jpeg_are_ignored():
    padded = np.concatenate([encoded('.jpg'), np.zeros(1000, np.uint8)])
    assert decode_file(padded, 'jpeg', MEGAPIXEL).shape == (HEIGHT, WIDTH, 3)


def test_fill_bytes_before_a_marker_are_ignored():
    file = encoded('.jpg')
    filled = np.concatenate([file[:2], np.full(3, 0xFF, np.uint8), file[2:]])
    assert decode_file(filled, 'jpeg', MEGAPIXEL).shape == (HEIGHT, WIDTH, 3)


def with_claimed_size(data, at, bits, size):
    changed = data.copy()
    values = np.frombuffer(size.to_bytes(bits // 8, 'big'), np.uint8)
    changed[at : at + bits // 8] = values
    return changed


@pytest.mark.parametrize(
    ('data', 'reason'),
    [
        (np.zeros(0, np.uint8), '0 bytes .* begin like neither'),
        (np.zeros(100, np.uint8), '100 bytes .* begin like neither'),
        (encoded('.jpg')[:-20], 'a truncated JPEG'),
        (encoded('.jpg')[[0, 1, 2, -2, -1]], 'does not say its size'),
        (encoded('.png')[:20], 'a truncated or damaged PNG'),
        (encoded('.png')[:60], 'a truncated or damaged PNG'),
        (with_claimed_size(encoded('.png'), 33, 32, 0x7FFF_FFFF), 'a truncated or damaged PNG'),
        (with_claimed_size(encoded('.png'), 24, 8, 77), 'a damaged compressed image'),
        (with_claimed_size(encoded('.png'), 16, 32, 1_000_000), 'of 1000000x4'),
        (encoded('.jpg', np.zeros((600, 1800), np.uint8)), 'of 1800x600, more than 1000000'),
    ],
)
def test_a_damaged_or_oversized_file_is_refused_with_the_reason(data, reason):
    with pytest.raises(ImageFormatError, match=reason):
        decode_file(data, 'jpeg', MEGAPIXEL)


@pytest.mark.parametrize('suffix', ['.jpg', '.png'])
def test_random_damage_is_decoded_or_refused_without_another_error(suffix):
    random = np.random.default_rng(11)
    good = encoded(suffix, random.integers(0, 256, (20, 30, 3), np.uint8))
    outcomes = {'decoded': 0, 'refused': 0}
    for _ in range(400):
        data = good.copy()
        data[random.integers(0, min(data.size, 80), 4)] = random.integers(0, 256, 4)
        try:
            image = decode_file(data[: random.integers(0, data.size + 200)], 'jpeg', MEGAPIXEL)
        except ImageFormatError:
            outcomes['refused'] += 1
        else:
            assert image.dtype == np.uint8
            outcomes['decoded'] += 1
    assert outcomes['refused'] > 0
