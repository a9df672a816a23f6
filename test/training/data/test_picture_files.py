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

from __future__ import annotations

import cv2
import numpy as np
from picture_bytes import chunk
from picture_bytes import with_chunks
import pytest
from rtcnn_perception.core.images import to_gray
from rtcnn_perception.core.sources.pictures import decode_file
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.photographs import read_photographs
from rtcnn_perception.training.data.pictures import COLOR
from rtcnn_perception.training.data.pictures import decode_picture
from rtcnn_perception.training.data.pictures import GRAY
from rtcnn_perception.training.data.pictures import read_picture
from rtcnn_perception.training.data.pictures import write_picture

IMAGE = np.random.default_rng(0).integers(0, 256, (96, 128, 3)).astype(np.uint8)


def jpeg(*options):
    return cv2.imencode('.jpg', IMAGE, list(options))[1].tobytes()


PROGRESSIVE = (cv2.IMWRITE_JPEG_PROGRESSIVE, 1)


@pytest.mark.parametrize('options', [(), PROGRESSIVE])
@pytest.mark.parametrize('more', [b'', bytes(100), b'a film \xff\xda of a camera'])
def test_a_whole_jpeg_is_decoded_whatever_stands_after_it(options, more):
    found = decode_picture(jpeg(*options) + more, COLOR, 'a')
    assert found.shape == IMAGE.shape
    assert decode_picture(jpeg(*options) + more, GRAY, 'a').shape == IMAGE.shape[:2]


@pytest.mark.parametrize('name', [b'gAMA', b'sRGB'])
def test_the_gray_of_a_picture_is_that_of_the_pipeline(tmp_path, name):
    """PNGs that name their gamma, as many programs write them, are the case that differs."""
    content = (45_455).to_bytes(4, 'big') if name == b'gAMA' else b'\0'
    named = with_chunks(cv2.imencode('.png', IMAGE)[1].tobytes(), chunk(name, content))
    (tmp_path / 'a.png').write_bytes(named)
    found = read_picture(tmp_path / 'a.png', GRAY)
    assert np.array_equal(found, to_gray(decode_file(tmp_path / 'a.png')))


def test_gray_of_16_bits_is_stretched_as_in_the_pipeline(tmp_path):
    values = IMAGE[:, :, 0].astype(np.uint16) * 4
    (tmp_path / 'a.png').write_bytes(cv2.imencode('.png', values)[1].tobytes())
    for mode in (GRAY, COLOR):
        found = read_picture(tmp_path / 'a.png', mode)
        assert found.max() == 255
        expected = decode_file(tmp_path / 'a.png')
        assert np.array_equal(found, expected if mode == COLOR else to_gray(expected))


@pytest.mark.parametrize('options', [(), PROGRESSIVE])
@pytest.mark.parametrize('mode', [GRAY, COLOR])
@pytest.mark.parametrize('share', [0.0, 0.01, 0.1, 0.5, 0.99])
def test_a_part_of_a_jpeg_is_named_and_refused(tmp_path, options, mode, share):
    whole = jpeg(*options)
    (tmp_path / 'part.jpg').write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(DataError, match=r'the picture .*part\.jpg cannot be decoded'):
        read_picture(tmp_path / 'part.jpg', mode)


def test_a_part_of_a_jpeg_with_a_whole_small_one_in_it_is_refused():
    thumbnail = cv2.imencode('.jpg', IMAGE[::4, ::4])[1].tobytes()
    whole = jpeg()
    segment = b'\xff\xe1' + (len(thumbnail) + 2).to_bytes(2, 'big') + thumbnail
    with_thumbnail = whole[:2] + segment + whole[2:]
    assert decode_picture(with_thumbnail, COLOR, 'a').shape == IMAGE.shape
    with pytest.raises(DataError, match='a cannot be decoded: a truncated JPEG'):
        decode_picture(with_thumbnail[: -len(whole) // 2], COLOR, 'a')


def test_a_part_of_a_png_is_refused():
    whole = cv2.imencode('.png', IMAGE)[1].tobytes()
    with pytest.raises(DataError, match='expected a complete picture file'):
        decode_picture(whole[: len(whole) // 2], GRAY, 'a')


def test_a_picture_larger_than_opencv_decodes_is_refused():
    whole = cv2.imencode('.bmp', IMAGE)[1].tobytes()
    huge = whole[:18] + (2**30).to_bytes(4, 'little') * 2 + whole[26:]
    with pytest.raises(DataError, match='a cannot be decoded'):
        decode_picture(huge, GRAY, 'a')


def test_a_picture_of_more_pixels_than_the_pipeline_takes_is_refused():
    huge = cv2.imencode('.png', np.zeros((11_000, 11_000), np.uint8))[1].tobytes()
    with pytest.raises(DataError, match=r'a cannot be decoded: .*11000x11000'):
        decode_picture(huge, GRAY, 'a')


def test_half_a_photograph_is_not_learnt_from(tmp_path):
    (tmp_path / 'half.jpg').write_bytes(jpeg()[: len(jpeg()) // 2])
    (tmp_path / 'annotations.json').write_text(
        '[{"file": "half.jpg", "width": 128, "height": 96, "faces": [], "ignore": [], '
        '"split": "train"}]'
    )
    (photograph,) = read_photographs(tmp_path)
    with pytest.raises(DataError, match=r'half\.jpg cannot be decoded'):
        photograph.read()


def test_a_folder_is_no_picture(tmp_path):
    (tmp_path / 'a.jpg').mkdir()
    with pytest.raises(DataError, match=r'cannot read the picture .*a\.jpg: Is a directory'):
        read_picture(tmp_path / 'a.jpg', GRAY)


def test_a_picture_is_written_as_it_is_and_read_again(tmp_path):
    write_picture(IMAGE, tmp_path / 'new/a.png')
    np.testing.assert_array_equal(read_picture(tmp_path / 'new/a.png', COLOR), IMAGE)


def test_a_picture_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(ConfigurationError, match=r'cannot write the picture .*file/a\.png'):
        write_picture(IMAGE, tmp_path / 'file/a.png')
