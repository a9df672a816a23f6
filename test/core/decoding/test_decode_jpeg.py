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
from rtcnn_perception.core.decoding.jpeg import decode_jpeg
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


def test_a_flat_picture_has_as_few_bits_as_there_may_be():
    flat = progressive(np.full((800, 800), 90, np.uint8))
    frame, (first, *_) = walk(flat, MEGAPIXEL).frame, walk(flat, MEGAPIXEL).scans
    assert frame.least_bits == 10_000
    assert 8 * (first[1] - first[0]) < frame.least_bits + 64
    assert decode(flat).shape == (800, 800, 3)


def test_each_block_has_two_bits_at_least():
    jpeg = encoded('.jpg', scene()[..., 0])
    ((begin, end),) = walk(jpeg, MEGAPIXEL).scans
    bits = (end - begin) * 8
    columns = 3 * bits  # a row of blocks needs three quarters of the bits
    assert bits / 2 < walk(with_jpeg_size(jpeg, columns, 8), MEGAPIXEL).frame.least_bits < bits
    with pytest.raises(ImageFormatError, match='are too few'):
        walk(with_jpeg_size(jpeg, columns, 16), MEGAPIXEL)


def segment_of(jpeg, marker):
    at = jpeg.index(marker)
    return jpeg[at : at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], 'big')]


def test_frames_and_scans_have_an_order():
    jpeg = encoded('.jpg')
    frame, scan = segment_of(jpeg, b'\xff\xc0'), segment_of(jpeg, b'\xff\xda')
    for data in (jpeg.replace(frame, frame * 2), jpeg.replace(frame, scan + bytes(9) + frame)):
        with pytest.raises(ImageFormatError, match='or of a kind that cameras do not send'):
            walk(data, MEGAPIXEL)


def test_a_frame_without_sampling_is_refused():
    jpeg = encoded('.jpg', scene()[..., 0])
    at = jpeg.index(b'\xff\xc0') + 11
    with pytest.raises(ImageFormatError, match='a damaged JPEG'):
        walk(jpeg[:at] + b'\0' + jpeg[at + 1 :], MEGAPIXEL)
