"""JPEG: whole ones are decoded, damaged and costly ones refused before or by decoding."""

import numpy as np
from picture_bytes import cut_with_end
from picture_bytes import decoded_by_opencv
from picture_bytes import encoded
from picture_bytes import HEIGHT
from picture_bytes import MEGAPIXEL
from picture_bytes import progressive
from picture_bytes import rotated_by_exif
from picture_bytes import scene
from picture_bytes import WIDTH
from picture_bytes import with_flipped_bits
from picture_bytes import with_jpeg_size
from picture_bytes import with_restarts
import pytest
from rtcnn_perception.core.decoding import jpeg as jpeg_module
from rtcnn_perception.core.decoding.jpeg import decode_jpeg
from rtcnn_perception.core.decoding.jpeg import MAX_PADDING
from rtcnn_perception.core.decoding.jpeg import MAX_SCANS
from rtcnn_perception.core.decoding.jpeg import MAX_SEGMENTS
from rtcnn_perception.core.decoding.jpeg import walk
from rtcnn_perception.core.decoding.limits import MAX_JPEG_BYTES
from rtcnn_perception.exceptions import ImageFormatError
import simplejpeg

RUBBISH = np.random.default_rng(3).integers(0, 256, 50_000, np.uint8).tobytes()
CMYK = simplejpeg.encode_jpeg(np.dstack([scene(), scene()[..., 0]]), colorspace='CMYK')
COMMENT = b'\xff\xfe\x00\x04??'


def decode(data, max_pixels=MEGAPIXEL, *, is_upright=False):
    return decode_jpeg(data, max_pixels, is_upright=is_upright)


def padded(jpeg, count):
    """Return a JPEG with bytes before each restart marker, as some cameras send it."""
    for number in range(8):
        marker = bytes([0xFF, 0xD0 + number])
        jpeg = jpeg.replace(marker, bytes(count) + marker)
    return jpeg


@pytest.mark.parametrize(
    'data',
    [
        encoded('.jpg'),
        progressive(),
        with_restarts(),
        encoded('.jpg', scene()[..., 0]),
        simplejpeg.encode_jpeg(scene(), colorsubsampling='420'),
        CMYK,
    ],
    ids=['baseline', 'progressive', 'restarts', 'gray', '420', 'cmyk'],
)
def test_a_jpeg_is_decoded_as_opencv_does_it(data):
    assert np.array_equal(decode(data), decoded_by_opencv(data))


@pytest.mark.parametrize('behind', [b'\0', bytes(614_400), RUBBISH, b'\xff\xd9' * 9, b'\xff' * 9])
@pytest.mark.parametrize('jpeg', [encoded('.jpg'), progressive()], ids=['baseline', 'progressive'])
def test_what_lies_behind_the_end_is_ignored(jpeg, behind):
    assert walk(jpeg + behind, MEGAPIXEL).end == len(jpeg)
    assert np.array_equal(decode(jpeg + behind), decode(jpeg))


def test_the_decoder_gets_what_was_walked_and_nothing_behind_it(monkeypatch):
    given = []
    decode_whole = simplejpeg.decode_jpeg
    monkeypatch.setattr(
        simplejpeg, 'decode_jpeg', lambda data, _: given.append(data) or decode_whole(data)
    )
    decode(encoded('.jpg') + RUBBISH)
    assert given == [encoded('.jpg')]


def test_fill_bytes_before_a_marker_are_ignored():
    jpeg = encoded('.jpg')
    assert decode(jpeg[:2] + b'\xff' * 1000 + jpeg[2:]).shape == (HEIGHT, WIDTH, 3)


def test_an_end_marker_in_a_thumbnail_is_not_the_end():
    jpeg = encoded('.jpg')
    thumbnail = b'\xff\xe1' + (len(jpeg) + 2).to_bytes(2, 'big') + jpeg
    whole = jpeg[:2] + thumbnail + jpeg[2:]
    assert walk(whole, MEGAPIXEL).end == len(whole)
    with pytest.raises(ImageFormatError, match='truncated'):
        decode(whole[:-2])


def test_orientation_by_exif_is_taken_only_where_it_is_asked_for():
    data = rotated_by_exif(encoded('.jpg'))
    assert decode(data).shape == (HEIGHT, WIDTH, 3)
    assert decode(data, is_upright=True).shape == (WIDTH, HEIGHT, 3)
    assert decode(rotated_by_exif(CMYK)).shape == (HEIGHT, WIDTH, 3)
    assert decode(rotated_by_exif(CMYK), is_upright=True).shape == (WIDTH, HEIGHT, 3)


@pytest.mark.parametrize(
    ('data', 'reason'),
    [
        (b'\xff\xd8\xff', 'a truncated JPEG'),
        (encoded('.jpg')[:100], 'a truncated JPEG'),
        (encoded('.jpg')[:-20], 'a truncated JPEG'),
        (encoded('.jpg')[:-2], 'a truncated JPEG'),
        (encoded('.jpg')[:2] + b'\xff\xd9', 'a damaged JPEG'),
        (encoded('.jpg')[:2] + b'\0' + encoded('.jpg')[2:], 'a damaged JPEG'),
        (encoded('.jpg')[:2] + b'\xff\xc3\0\x02' + encoded('.jpg')[2:], 'a damaged JPEG'),
        (with_jpeg_size(encoded('.jpg'), 0, HEIGHT), 'a damaged JPEG'),
        (cut_with_end(encoded('.jpg')), ': premature end of data segment'),
        (cut_with_end(progressive()), ': premature end of data segment'),
        (encoded('.jpg')[:-2] + bytes(900) + b'\xff\xd9', ': [0-9]+ extraneous bytes$'),
        (with_jpeg_size(encoded('.jpg'), 990, 990), 'bytes are too few for 990x990'),
        (with_jpeg_size(progressive(), 990, 999), 'bytes are too few for 990x999'),
        (with_jpeg_size(encoded('.jpg'), WIDTH, HEIGHT * 2), ': premature end of data segment'),
        (
            with_jpeg_size(encoded('.jpg'), 9990, 9990),
            'of 9990x9990 pixels; expected 1 to 1000000',
        ),
    ],
)
def test_a_damaged_jpeg_is_refused_with_the_reason(data, reason, capfd):
    with pytest.raises(ImageFormatError, match=reason):
        decode(data)
    assert capfd.readouterr().err == ''


def test_damage_is_refused_where_libjpeg_warns_of_it(capfd):
    random = np.random.default_rng(11)
    jpeg = encoded('.jpg', scene(320, 240))
    outcomes = []
    for _ in range(60):
        damaged = with_flipped_bits(jpeg, random)
        is_whole = decoded_by_opencv(damaged) is not None
        warning = capfd.readouterr().err  # libjpeg in OpenCV writes it there
        is_good = is_whole and 'orrupt' not in warning and 'arning' not in warning
        try:
            decode(damaged)
        except ImageFormatError:
            outcomes.append((is_good, False))
        else:
            outcomes.append((is_good, True))
        assert capfd.readouterr().err == ''
    assert sum(found for _, found in outcomes) <= 6
    # No file that libjpeg decodes without a warning is refused; at most one is taken for padded.
    assert [pair for pair in outcomes if pair == (True, False)] == []
    assert outcomes.count((False, True)) <= 1


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


def with_more_scans(count):
    """Return a progressive JPEG whose second scan comes ``count`` times more."""
    jpeg = progressive()
    (_, first), (_, second) = walk(jpeg, MEGAPIXEL).scans[:2]
    return jpeg[:second] + jpeg[first:second] * count + jpeg[second:]


def test_scans_are_counted_before_decoding():
    with pytest.raises(ImageFormatError, match=f'more than {MAX_SCANS} scans'):
        walk(with_more_scans(MAX_SCANS), MEGAPIXEL)
    assert len(walk(with_more_scans(2), MEGAPIXEL).scans) == 12


def test_the_largest_image_has_ten_scans_at_most():
    assert len(walk(progressive(), WIDTH * HEIGHT).scans) == 10
    with pytest.raises(ImageFormatError, match='11 scans of 96x64 pixels; expected 10 scans of'):
        walk(with_more_scans(1), WIDTH * HEIGHT)


@pytest.mark.parametrize(
    ('data', 'reason'),
    [
        (b'\xff\xd8' + b'\xff' * 10_000_000, 'damaged'),
        (b'\xff\xd8' + COMMENT * 1_000_000, f'more than {MAX_SEGMENTS} segments'),
        (encoded('.jpg')[:-2] + b'\xff' * 1_000_000, 'truncated'),
        (encoded('.jpg')[:-2] + b'\xff\x00' * 1_000_000, 'truncated'),
        (b'\xff\xd8\xff' + bytes(MAX_JPEG_BYTES), f'more than {MAX_JPEG_BYTES}'),
    ],
    ids=['fill', 'comments', 'fill in a scan', 'stuffed', 'long'],
)
def test_the_walk_takes_a_bounded_number_of_steps(data, reason, monkeypatch):
    monkeypatch.setattr(simplejpeg, 'decode_jpeg', None)
    with pytest.raises(ImageFormatError, match=reason):
        decode(data)
