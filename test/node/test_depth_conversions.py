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

"""Depth images of messages: both encodings, raw and compressed, and what is refused."""

import array
import struct

import cv2
import numpy as np
import pytest
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.exceptions import ImageFormatError
from rtcnn_perception.nodes.conversions.depth import depth_from_compressed
from rtcnn_perception.nodes.conversions.depth import depth_from_image
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image

WIDTH, HEIGHT = 24, 12
WHOLE = BoundingBox(0.0, 0.0, float(WIDTH), float(HEIGHT))
METRES = np.linspace(0.5, 4.0, WIDTH * HEIGHT).reshape(HEIGHT, WIDTH).astype(np.float32)
METRES[3, 5] = 0.0
FACTOR, OFFSET = 300.0, -20.0


def raw(encoding='16UC1', *, is_bigendian=False, padding=0, **changes):
    kind = {'16UC1': 'u2', 'mono16': 'u2', '32FC1': 'f4'}.get(encoding, 'u2')
    dtype = np.dtype(('>' if is_bigendian else '<') + kind)
    values = METRES if kind == 'f4' else (METRES * 1000).round()
    rows = [row.tobytes() + bytes(padding) for row in values.astype(dtype)]
    given = {
        'height': HEIGHT,
        'width': WIDTH,
        'encoding': encoding,
        'is_bigendian': int(is_bigendian),
        'step': len(rows[0]),
        'data': array.array('B', b''.join(rows)),
    }
    return Image(**{**given, **changes})


def compressed(
    encoding='16UC1', text=' compressedDepth png', png=None, quantised=(FACTOR, OFFSET)
):
    if encoding == '32FC1':
        with np.errstate(divide='ignore'):
            values = np.where(METRES > 0, FACTOR / METRES + OFFSET, 0.0)
    else:
        values = METRES * 1000
    if png is None:
        png = cv2.imencode('.png', values.round().astype(np.uint16))[1].tobytes()
    data = struct.pack('<iff', 0, *quantised) + png
    return CompressedImage(format=f'{encoding};{text}', data=array.array('B', data))


def assert_is_scene(depth, tolerance):
    assert depth.size_wh == (WIDTH, HEIGHT)
    found = depth.read(WHOLE, 12)  # every second column
    expected = np.where(METRES > 0, METRES, np.nan)[:, 1::2]
    np.testing.assert_allclose(found, expected, atol=tolerance)


@pytest.mark.parametrize('is_bigendian', [False, True])
@pytest.mark.parametrize(
    ('encoding', 'padding'),
    [
        ('16UC1', 0),
        ('16UC1', 6),
        ('16UC1', 1),
        ('mono16', 0),
        ('32FC1', 0),
        ('32FC1', 8),
        ('32FC1', 2),
    ],
)
def test_raw_depth_is_read_in_metres(encoding, padding, is_bigendian):
    msg = raw(encoding, padding=padding, is_bigendian=is_bigendian)
    assert_is_scene(depth_from_image(msg), 0.001)


@pytest.mark.parametrize('text', [' compressedDepth', ' compressedDepth png', 'compressedDepth'])
def test_compressed_millimetres_are_read_in_metres(text):
    assert_is_scene(depth_from_compressed(compressed(text=text)), 0.001)


def test_compressed_metres_are_read_by_their_quantisation():
    assert_is_scene(depth_from_compressed(compressed('32FC1')), 0.03)


@pytest.mark.parametrize(
    ('changes', 'text'),
    [
        ({'encoding': 'rgb8'}, "got encoding 'rgb8'"),
        ({'encoding': '64FC1'}, "got encoding '64FC1'"),
        ({'height': 0}, '24x0'),
        ({'width': 0}, '0x12'),
        ({'height': 13}, 'has 624 bytes, got 576'),
        ({'step': 20}, 'a step of 20'),
        ({'data': array.array('B', bytes(7))}, 'got 7'),
    ],
)
def test_raw_images_that_are_no_depth_are_refused(changes, text):
    with pytest.raises(ImageFormatError, match=text):
        depth_from_image(raw(**changes))


RGB = cv2.imencode('.png', np.zeros((4, 4, 3), np.uint8))[1].tobytes()
GRAY = cv2.imencode('.png', np.zeros((4, 4), np.uint8))[1].tobytes()


@pytest.mark.parametrize(
    ('msg', 'text'),
    [
        (compressed(text=' compressedDepth rvl'), 'set its format to png'),
        (compressed('rgb8', text=' jpeg compressed bgr8'), 'expected a depth image of format'),
        (CompressedImage(format='16UC1; compressedDepth'), 'of 0 bytes'),
        (compressed(png=b'rubbish'), 'expected a PNG'),
        (compressed(png=RGB), 'expected a PNG of gray values of 16 bits, got color type 2'),
        (compressed(png=GRAY), 'got color type 0 of 8 bits'),
        (compressed(png=RGB[:40]), 'truncated or damaged PNG'),
        (compressed('32FC1', quantised=(0.0, 1.0)), 'needs a quantisation'),
        (compressed('32FC1', quantised=(float('nan'), 1.0)), 'needs a quantisation'),
        (compressed('32FC1', quantised=(1.0, float('inf'))), 'needs a quantisation'),
    ],
)
def test_compressed_images_that_are_no_depth_are_refused(msg, text):
    with pytest.raises(ImageFormatError, match=text):
        depth_from_compressed(msg)
