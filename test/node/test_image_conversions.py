"""Images and headers between messages and frames, without a copy where that is possible."""

import array
import os
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip('rclpy')

from builtin_interfaces.msg import Time
from rtcnn_perception.core.frame import Frame
from rtcnn_perception.exceptions import ImageFormatError
from rtcnn_perception.nodes.conversions import images as conversions
from rtcnn_perception.nodes.conversions.encodings import ENCODINGS
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


def message(encoding, height=4, width=6, padding=0, is_bigendian=0):
    """Make an image of random bytes in an encoding."""
    form = ENCODINGS[encoding]
    step = width * form.pixel_bytes + padding
    data = RANDOM.integers(0, 256, step * height * form.rows_per_2 // 2, np.uint8)
    return Image(
        header=HEADER,
        height=height,
        width=width,
        encoding=encoding,
        step=step,
        is_bigendian=is_bigendian,
        data=array.array('B', data.tobytes()),
    )


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
    'stamp_ns', [0, 1, STAMP_NS, 1_700_000_000_999_999_999, 2**31 * 10**9 - 1, -1]
)
def test_stamp_and_frame_id_come_back_in_the_header(stamp_ns):
    frame = Frame(picture(), stamp_ns, 'optical', 0)
    header = header_of(frame)
    msg = image_to_msg(picture(), header)
    assert frame_from_image(msg, received_ns=0).stamp_ns == stamp_ns
    assert header.frame_id == 'optical'
    assert 0 <= header.stamp.nanosec < 10**9


def test_an_image_with_more_pixels_than_allowed_is_refused_before_its_bytes_are_read():
    msg = Image(height=20_000, width=20_000, step=60_000, encoding='bgr8')
    with pytest.raises(ImageFormatError, match='20000x20000, more than 100 megapixels'):
        frame_from_image(msg, received_ns=0, max_megapixels=100.0)


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


def test_a_lower_quality_makes_a_smaller_jpeg():
    image = picture(64, 64)
    sizes = [len(compressed_to_msg(image, HEADER, quality).data) for quality in (10, 90)]
    assert sizes[0] < sizes[1]


def test_an_empty_compressed_image_is_refused():
    with pytest.raises(ImageFormatError, match='expected a JPEG or PNG, got 0 bytes'):
        frame_from_compressed(CompressedImage(format='jpeg'), received_ns=0)


def test_cv_bridge_makes_the_same_pixels(monkeypatch):
    pytest.importorskip('cv_bridge', reason='cv_bridge comes with a ROS installation')
    for encoding in sorted(conversions.CV_BRIDGE_ENCODINGS):
        msg = message(encoding, 16, 16)
        with_bridge = frame_from_image(msg, received_ns=0).image
        with monkeypatch.context() as patched:
            patched.setattr(conversions, 'CvBridge', None)
            without = frame_from_image(msg, received_ns=0).image
        assert np.array_equal(without, with_bridge), encoding


class RecordingBridge:
    """Stands in for cv_bridge, and records its calls."""

    calls = ()

    def imgmsg_to_cv2(self, msg, desired):
        type(self).calls += ((msg.encoding, desired),)
        return np.zeros((msg.height, msg.width, 3), np.uint8)


@pytest.mark.parametrize(
    ('msg', 'is_used'),
    [
        (message('rgb8'), True),
        (message('mono16'), True),
        (message('bgr8'), False),  # needs no conversion
        (message('nv12'), False),  # unknown to it
        (message('rgb8', padding=2), False),  # it would shear the picture
        (message('mono16', is_bigendian=1), False),
    ],
)
def test_cv_bridge_converts_only_what_it_converts_right(msg, is_used, monkeypatch):
    monkeypatch.setattr(conversions, 'CvBridge', RecordingBridge)
    monkeypatch.setattr(RecordingBridge, 'calls', ())
    frame = frame_from_image(msg, received_ns=0)
    assert frame.size_wh == (6, 4)
    assert RecordingBridge.calls == (((msg.encoding, 'bgr8'),) if is_used else ())


@pytest.mark.parametrize('error', [TypeError('no such\nconversion'), ImportError('another NumPy')])
def test_any_error_of_cv_bridge_is_an_image_format_error(error, monkeypatch):
    class FailingBridge:
        def imgmsg_to_cv2(self, msg, desired):  # noqa: ARG002 - its signature
            raise error

    monkeypatch.setattr(conversions, 'CvBridge', FailingBridge)
    reason = r'cv_bridge cannot .* 6x4 in rgb8: \w+: (no such conversion|another NumPy)$'
    with pytest.raises(ImageFormatError, match=reason):
        frame_from_image(message('rgb8'), received_ns=0)


def test_a_cv_bridge_that_cannot_be_imported_is_not_used(tmp_path):
    (tmp_path / 'cv_bridge.py').write_text("raise AttributeError('_ARRAY_API not found')")
    paths = os.pathsep.join([str(tmp_path), os.environ.get('PYTHONPATH', '')])
    code = 'from rtcnn_perception.nodes.conversions import images; print(images.CvBridge)'
    ended = subprocess.run(
        [sys.executable, '-c', code],
        env={**os.environ, 'PYTHONPATH': paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, 'None\n', '')
