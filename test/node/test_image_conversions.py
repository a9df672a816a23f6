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

"""Images and headers between messages and frames, without a copy where that is possible."""

import array

from builtin_interfaces.msg import Time
import cv2
import numpy as np
from picture_bytes import encoded
from picture_bytes import rotated_by_exif
from picture_bytes import scene
import pytest
from rtcnn_perception.core.frame import Frame
from rtcnn_perception.exceptions import ImageFormatError
from rtcnn_perception.exceptions import PerceptionError
from rtcnn_perception.nodes.conversions import images
from rtcnn_perception.nodes.conversions.images import CHECKED
from rtcnn_perception.nodes.conversions.images import compressed_to_msg
from rtcnn_perception.nodes.conversions.images import frame_from_compressed
from rtcnn_perception.nodes.conversions.images import frame_from_image
from rtcnn_perception.nodes.conversions.images import header_of
from rtcnn_perception.nodes.conversions.images import image_to_msg
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image
from std_msgs.msg import Header

RANDOM = np.random.default_rng(3)
HEADER = Header(stamp=Time(sec=12, nanosec=345), frame_id='camera')
STAMP_NS = 12_000_000_345


def picture(height=4, width=6):
    return RANDOM.integers(0, 256, (height, width, 3), np.uint8)


def test_an_image_comes_back_unchanged():
    image = picture()
    frame = frame_from_image(image_to_msg(image, HEADER), received_ns=9)
    assert np.array_equal(frame.image, image)
    assert (frame.stamp_ns, frame.frame_id, frame.received_ns) == (STAMP_NS, 'camera', 9)


def test_every_field_of_an_image_is_set():
    msg = image_to_msg(picture(), HEADER)
    assert (msg.height, msg.width, msg.step, msg.encoding) == (4, 6, 18, 'bgr8')
    assert (msg.is_bigendian, len(msg.data), msg.header) == (0, 72, HEADER)


def test_a_frame_of_bgr8_shares_the_bytes_of_the_message_and_cannot_be_written():
    msg = image_to_msg(picture(), HEADER)
    frame = frame_from_image(msg, received_ns=0)
    assert np.shares_memory(frame.image, np.frombuffer(msg.data, np.uint8))
    with pytest.raises(ValueError, match='read-only'):
        frame.image[0, 0, 0] = 1


def test_a_picture_that_is_not_contiguous_is_published_whole():
    image = picture(8, 12)[::2, ::2]
    assert np.array_equal(
        frame_from_image(image_to_msg(image, HEADER), received_ns=0).image, image
    )


@pytest.mark.parametrize(
    'stamp_ns', [0, 1, STAMP_NS, 1_700_000_000_999_999_999, 2**31 * 10**9 - 1]
)
def test_stamp_and_frame_id_come_back_in_the_header(stamp_ns):
    frame = Frame(picture(), stamp_ns, 'optical', 0)
    header = header_of(frame)
    msg = image_to_msg(picture(), header)
    assert frame_from_image(msg, received_ns=0).stamp_ns == stamp_ns
    assert header.frame_id == 'optical'
    assert 0 <= header.stamp.nanosec < 10**9


@pytest.mark.parametrize(
    ('seconds', 'nanoseconds'),
    [(-1, 0), (-1, 999_999_999), (-(2**31), 0), (0, 10**9), (5, 2**32 - 1)],
)
def test_a_stamp_out_of_range_is_refused_and_not_taken_for_another(seconds, nanoseconds):
    header = Header(stamp=Time(sec=seconds, nanosec=nanoseconds))
    reason = f'expected a stamp with .* got sec {seconds} and nanosec {nanoseconds}'
    with pytest.raises(PerceptionError, match=reason):
        frame_from_image(image_to_msg(picture(), header), received_ns=0)
    with pytest.raises(PerceptionError, match=reason):
        frame_from_compressed(compressed_to_msg(picture(), header, 90), received_ns=0)


def test_an_image_with_more_pixels_than_allowed_is_refused_before_its_bytes_are_read():
    msg = Image(height=20_000, width=20_000, step=60_000, encoding='bgr8')
    with pytest.raises(ImageFormatError, match='20000x20000, more than 100 megapixels'):
        frame_from_image(msg, received_ns=0, max_megapixels=100.0)


def test_an_image_of_as_many_pixels_as_allowed_is_taken():
    msg = image_to_msg(np.zeros((100, 200, 3), np.uint8), HEADER)
    assert frame_from_image(msg, received_ns=0, max_megapixels=0.02).size_wh == (200, 100)
    with pytest.raises(ImageFormatError, match=r'more than 0\.0199 megapixels'):
        frame_from_image(msg, received_ns=0, max_megapixels=0.0199)


def test_an_image_without_bytes_is_refused():
    with pytest.raises(ImageFormatError, match='an image needs pixels'):
        frame_from_image(Image(encoding='bgr8'), received_ns=0)


def test_a_jpeg_comes_back_with_its_header():
    smooth = np.full((48, 64, 3), (40, 90, 200), np.uint8)
    msg = compressed_to_msg(smooth, HEADER, 95)
    assert msg.format == 'bgr8; jpeg compressed bgr8'
    frame = frame_from_compressed(msg, received_ns=5)
    assert np.allclose(frame.image, smooth, atol=3)  # an even picture loses by rounding alone
    assert (frame.stamp_ns, frame.frame_id, frame.received_ns) == (STAMP_NS, 'camera', 5)


def sent(data, image_format='jpeg'):
    return frame_from_compressed(
        CompressedImage(format=image_format, data=array.array('B', data)), received_ns=0
    ).image


def test_a_jpeg_in_a_buffer_of_fixed_size_is_taken():
    jpeg = encoded('.jpg', scene(640, 480))
    buffer = jpeg + bytes(640 * 480 * 2 - len(jpeg))
    assert np.array_equal(sent(buffer), sent(jpeg))


def test_a_compressed_image_is_not_rotated_as_its_exif_says():
    jpeg = encoded('.jpg')
    assert np.array_equal(sent(rotated_by_exif(jpeg)), sent(jpeg))


def test_the_rgb_of_an_old_publisher_becomes_bgr():
    swapped = sent(encoded('.png'), 'rgb8; png compressed rgb8')
    assert np.array_equal(swapped, scene()[:, :, ::-1])
    assert np.array_equal(sent(encoded('.png'), 'rgb8; png compressed bgr8'), scene())


def test_a_larger_compressed_image_than_the_limit_is_refused():
    msg = compressed_to_msg(scene(), HEADER, 90)
    with pytest.raises(ImageFormatError, match='of 96x64 pixels; expected 1 to 6000 pixels'):
        frame_from_compressed(msg, received_ns=0, max_megapixels=0.006)


def test_a_lower_quality_makes_a_smaller_jpeg():
    image = picture(64, 64)
    sizes = [len(compressed_to_msg(image, HEADER, quality).data) for quality in (10, 90)]
    assert sizes[0] < sizes[1]


def test_an_empty_compressed_image_is_refused():
    with pytest.raises(ImageFormatError, match='expected a JPEG or PNG, got 0 bytes'):
        frame_from_compressed(CompressedImage(format='jpeg'), received_ns=0)


def infrared():
    """Return a picture of 10 bits in 16."""
    return cv2.cvtColor(scene(), cv2.COLOR_BGR2GRAY).astype(np.uint16) * 4


def test_gray_of_16_bits_is_stretched_compressed_as_it_is_raw():
    values = infrared()
    msg = image_to_msg(scene(), HEADER)
    msg.encoding, msg.step, msg.data = (
        'mono16',
        2 * values.shape[1],
        array.array('B', values.tobytes()),
    )
    found = sent(encoded('.png', values), 'mono16; png compressed ')
    assert np.array_equal(found, frame_from_image(msg, received_ns=0).image)
    assert found.max() == 255


@pytest.mark.parametrize('encoding', ['16UC1', '32FC1'])
def test_a_compressed_depth_image_is_refused_by_name(encoding):
    with pytest.raises(ImageFormatError, match=f'{encoding} is the encoding of depth images'):
        sent(encoded('.png', infrared()), f'{encoding}; png compressed ')


def test_a_compressed_bayer_pattern_becomes_what_the_raw_one_becomes():
    pattern = cv2.cvtColor(scene(), cv2.COLOR_BGR2GRAY)
    msg = image_to_msg(scene(), HEADER)
    msg.encoding, msg.step, msg.data = (
        'bayer_rggb8',
        pattern.shape[1],
        array.array('B', pattern.tobytes()),
    )
    found = sent(encoded('.png', pattern), 'bayer_rggb8; png compressed ')
    assert np.array_equal(found, frame_from_image(msg, received_ns=0).image)
    converted = sent(encoded('.png'), 'bayer_rggb8; png compressed bgr8')
    assert np.array_equal(converted, scene())


def test_a_compressed_bayer_pattern_of_16_bits_is_refused():
    with pytest.raises(ImageFormatError, match="unknown image encoding 'bayer_rggb16'"):
        sent(encoded('.png', infrared()), 'bayer_rggb16; png compressed ')


def test_an_image_that_no_jpeg_can_hold_is_refused():
    with pytest.raises(ImageFormatError, match=r'an image of 65501x1 is no JPEG: .*65500'):
        compressed_to_msg(np.zeros((1, 65_501, 3), np.uint8), HEADER, 90)
    assert compressed_to_msg(np.zeros((1, 65_500, 3), np.uint8), HEADER, 90).data


def test_the_target_of_a_compressed_image_counts_without_its_encoding():
    assert np.array_equal(sent(encoded('.png'), 'jpeg compressed rgb8'), scene()[:, :, ::-1])


@pytest.mark.skipif(not CHECKED, reason='messages of this ROS have no check_fields')
def test_the_bytes_of_an_image_are_not_copied_into_its_message(monkeypatch):
    made = array.array('B', bytes(4 * 6 * 3))
    monkeypatch.setattr(images, '_bytes_of', lambda _values: made)
    assert image_to_msg(picture(), HEADER).data is made
    assert compressed_to_msg(picture(), HEADER, 90).data is made
