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

"""The camera node on real topics and sources, good images and bad."""

import array
import threading

import cv2
from diagnostic_msgs.msg import DiagnosticArray
from diagnostic_msgs.msg import DiagnosticStatus
import numpy as np
import pytest
from rcl_interfaces.msg import Log
from rclpy.parameter import Parameter
from rosgraph_msgs.msg import Clock
from rtcnn_perception.core.sources.device import DeviceMode
from rtcnn_perception.core.sources.open import open_source
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import SourceError
from rtcnn_perception.nodes import camera_node
from rtcnn_perception.nodes.camera_node import CameraNode
from rtcnn_perception.nodes.conversions.images import compressed_to_msg
from rtcnn_perception.nodes.conversions.images import frame_from_image
from scripted import header
from scripted import image
from scripted import picture
from scripted import SOON
from scripted import stamp_of
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image

ERROR = int.from_bytes(Log.ERROR, 'little') if isinstance(Log.ERROR, bytes) else Log.ERROR


@pytest.fixture
def frames():
    return []


@pytest.fixture
def camera(bench, frames):
    """Make a camera node that passes its frames to the test."""

    def make(**parameters):
        return bench.add(
            CameraNode,
            parameters=parameters,
            on_output=lambda result: frames.append(result.frame),
        )

    return make


def publisher(bench, topic='image_raw', kind=Image):
    made = bench.tester.create_publisher(kind, topic, 10)
    bench.connect(made)
    return made


def send(bench, frames, made, msg):
    """Publish a message and wait for its frame."""
    before = len(frames)
    made.publish(msg)
    bench.spin_until(lambda: len(frames) > before, 'a frame')
    return frames[-1]


def test_an_image_becomes_a_frame_with_its_stamp_and_its_time_of_arrival(bench, camera, frames):
    node = camera()
    node.start()
    before = node.get_clock().now().nanoseconds
    frame = send(bench, frames, publisher(bench), image(1234, value=7))
    assert np.array_equal(frame.image, picture(7))
    assert (frame.stamp_ns, frame.frame_id) == (1_234_000_000, 'optical')
    assert before < frame.received_ns <= node.get_clock().now().nanoseconds


def test_a_compressed_image_becomes_a_frame(bench, camera, frames):
    camera(image_transport='compressed').start()
    made = publisher(bench, 'image_raw/compressed', CompressedImage)
    frame = send(bench, frames, made, compressed_to_msg(picture(90), header(5), 95))
    assert np.allclose(frame.image, picture(90), atol=2)  # an even picture loses by rounding alone


def test_images_are_published_only_while_there_is_a_subscriber(bench, camera, frames):
    camera().start()
    made = publisher(bench)
    send(bench, frames, made, image(1))
    received = bench.subscribe(Image, 'faces/image')
    bench.spin_until(lambda: bench.tester.count_subscribers('faces/image') == 1)
    bench.spin_until(lambda: made.publish(image(2, value=9)) or received, 'an image')
    assert (stamp_of(received[-1]), received[-1].encoding) == (2, 'bgr8')
    assert received[-1].header.frame_id == 'optical'
    assert np.array_equal(np.frombuffer(received[-1].data, np.uint8), picture(9).ravel())


def bad(**changes):
    """Return an image with impossible fields."""
    msg = image(1)
    for name, value in changes.items():
        setattr(msg, name, value)
    return msg


@pytest.mark.parametrize(
    ('msg', 'cause'),
    [
        (bad(data=array.array('B', bytes(100))), 'the image is truncated'),
        (bad(step=5), 'a step of 5'),
        (bad(step=200), 'its step is wrong'),
        (bad(encoding='rgb12'), "unknown image encoding 'rgb12'"),
        (bad(width=0, height=0), 'an image needs pixels'),
        (bad(width=2**32 - 1, height=2**32 - 1), 'more than 100 megapixels'),
        (Image(), 'unknown image encoding'),
    ],
)
def test_a_bad_image_is_counted_and_the_next_good_one_passes(bench, camera, frames, msg, cause):
    node = camera()
    node.start()
    made = publisher(bench)
    for _ in range(3):
        made.publish(msg)
        bench.spin_until(lambda: node.is_idle)
    bench.spin_until(lambda: node.errors.total >= 1, 'an error')
    send(bench, frames, made, image(2))
    assert len(frames) == 1
    assert cause in node.errors.values()['last error']
    assert node.is_active


def test_a_camera_that_sends_bad_images_alone_is_logged_once_for_each_cause(bench, camera):
    node = camera()
    node.start()
    logged = bench.subscribe(Log, '/rosout', 100)
    made = publisher(bench)
    for number in range(20):
        made.publish(bad(step=5) if number % 2 else bad(encoding='rgb12'))
        bench.spin_until(lambda number=number: node.errors.total > number, 'the error')
    bench.spin_until(lambda: len([msg for msg in logged if msg.level == ERROR]) == 2, 'the log')
    counts = [each for key, each in node.errors.values().items() if key.startswith('errors: ')]
    assert counts == ['10', '10']


@pytest.mark.parametrize(
    ('data', 'cause'),
    [
        (b'', 'expected a JPEG or PNG'),
        (b'\x00' * 50, 'expected a JPEG or PNG'),
        (cv2.imencode('.jpg', picture())[1].tobytes()[:-30], 'a truncated JPEG'),
        (cv2.imencode('.png', picture())[1].tobytes()[:40], 'damaged PNG'),
    ],
)
def test_a_broken_jpeg_is_counted_and_the_next_good_one_passes(bench, camera, frames, data, cause):
    node = camera(image_transport='compressed')
    node.start()
    made = publisher(bench, 'image_raw/compressed', CompressedImage)
    made.publish(CompressedImage(header=header(1), format='jpeg', data=array.array('B', data)))
    bench.spin_until(lambda: node.errors.total == 1, 'an error')
    assert cause in node.errors.values()['last error']
    send(bench, frames, made, compressed_to_msg(picture(), header(2), 90))


def test_stamps_that_jump_back_pass_unchanged(bench, camera, frames):
    camera().start()
    made = publisher(bench)
    for number in (5000, 1000, 0, 6000):
        send(bench, frames, made, image(number))
    assert [frame.stamp_ns // 10**6 for frame in frames] == [5000, 1000, 0, 6000]


def test_an_inactive_node_has_no_subscription(bench, camera):
    node = camera()
    node.start()
    made = publisher(bench)
    node.trigger_deactivate()
    bench.spin_until(lambda: made.get_subscription_count() == 0, 'the end of the subscription')
    node.trigger_activate()
    bench.connect(made)


def test_the_measured_work_of_a_frame_includes_its_conversion(bench, camera, frames, monkeypatch):
    seconds = [100.0]

    def convert(msg, **arguments):
        seconds[0] += 0.25
        return frame_from_image(msg, **arguments)

    monkeypatch.setitem(camera_node.TRANSPORTS, 'raw', (Image, '', convert))
    node = camera()
    monkeypatch.setattr(node, '_now', lambda: seconds[0])
    node.start()
    send(bench, frames, publisher(bench), image(1))
    bench.spin_until(lambda: node.is_idle)
    assert node.meter.work.summary().p50 == pytest.approx(0.25)


def test_a_result_carries_how_many_frames_were_dropped_before_it(bench, monkeypatch):
    begun, gate, results = threading.Semaphore(0), threading.Event(), []

    def convert(msg, **arguments):
        begun.release()
        assert gate.wait(SOON)
        return frame_from_image(msg, **arguments)

    monkeypatch.setitem(camera_node.TRANSPORTS, 'raw', (Image, '', convert))
    node = bench.add(CameraNode, on_output=results.append)
    node.start()
    made = publisher(bench)
    made.publish(image(1))
    bench.spin_until(lambda: begun.acquire(blocking=False), 'the first frame')
    for number in (2, 3, 4):
        made.publish(image(number))
    bench.spin_until(lambda: node.dropped == 2, 'the drops')
    gate.set()
    bench.spin_until(lambda: len(results) == 2, 'the frames')
    assert [each.frame.stamp_ns // 10**6 for each in results] == [1, 4]
    assert results[-1].frames_dropped == 2


def levels(bench):
    received = bench.subscribe(DiagnosticArray, '/diagnostics')
    return lambda: received[-1].status[0] if received else DiagnosticStatus()


def test_a_camera_that_stops_is_an_error_until_it_comes_back(bench, camera, frames):
    camera(image_timeout=0.2).start()
    status = levels(bench)
    made = publisher(bench)
    send(bench, frames, made, image(1))
    bench.spin_until(lambda: status().level == DiagnosticStatus.ERROR, 'an error')
    assert 'no image for' in status().message
    bench.tester.destroy_publisher(made)
    bench.spin_until(lambda: 'no publisher of /image_raw' in status().message, 'its absence')
    back = publisher(bench)
    bench.spin_until(
        lambda: (
            back.publish(image(2))
            or (frames[-1].stamp_ns == 2_000_000 and status().level == DiagnosticStatus.WARN)
        ),
        'its return',
    )
    assert status().message.startswith('stamps lie')  # those of the test are of the year 1970


def test_a_source_is_played_with_present_stamps(bench, camera, frames):
    node = camera(source='builtin', source_rate=200.0, frame_id='clip')
    node.start()
    bench.spin_until(lambda: len(frames) >= 3, 'frames')
    now_ns = node.get_clock().now().nanoseconds
    assert frames[0].size_wh == (640, 480)
    assert frames[0].frame_id == 'clip'
    assert 0 <= now_ns - frames[0].stamp_ns < 60 * 10**9
    assert frames[0].stamp_ns < frames[1].stamp_ns < frames[2].stamp_ns


def test_a_picture_is_played_and_the_rate_changes_while_it_plays(bench, camera, frames, tmp_path):
    path = tmp_path / 'face.png'
    cv2.imwrite(str(path), picture(50))
    node = camera(source=str(path), source_rate=0.001)
    node.start()
    bench.spin_until(lambda: frames, 'the first frame')
    assert node.set_parameters([Parameter('source_rate', value=500.0)])[0].successful
    node.trigger_deactivate()
    node.trigger_activate()
    bench.spin_until(lambda: len(frames) > 5, 'more frames')
    assert np.array_equal(frames[-1].image, picture(50))


def test_the_end_of_a_folder_is_an_error_in_diagnostics(bench, camera, frames, tmp_path):
    for number in range(2):
        cv2.imwrite(str(tmp_path / f'{number}.png'), picture(number))
    node = camera(source=str(tmp_path), source_rate=1000.0, source_loop=False)
    status = levels(bench)
    node.start()
    bench.spin_until(lambda: node.has_ended, 'the end')
    assert {int(frame.image[0, 0, 0]) for frame in frames} == {0, 1}
    bench.spin_until(lambda: status().level == DiagnosticStatus.ERROR, 'an error')
    assert 'has ended' in status().message


def test_size_and_rate_are_requested_of_a_device(bench):
    requested = []

    def open_clip(text, mode):
        requested.append((text, mode))
        return open_source('builtin')

    wanted = {'source_width': 800, 'source_height': 600, 'source_fps': 15.0}
    for parameters in ({}, wanted):
        source = {'source': '/dev/video3'}
        bench.add(CameraNode, parameters=source | parameters, opener=open_clip).start()
    assert requested == [
        ('/dev/video3', DeviceMode()),
        ('/dev/video3', DeviceMode(width=800, height=600, fps=15.0)),
    ]


@pytest.mark.parametrize('name', ['source_width', 'source_height'])
def test_half_a_size_is_refused(camera, name):
    node = camera(**{name: 480})
    with pytest.raises(ConfigurationError, match='must both be 0, or both be above'):
        node.start()


def test_size_and_rate_of_a_source_are_logged(bench, camera):
    logged = bench.subscribe(Log, '/rosout', 100)
    camera(source='builtin').start()
    bench.spin_until(lambda: any('builtin has 640x480 at' in msg.msg for msg in logged), 'it')


@pytest.mark.parametrize('source', ['/nowhere/clip.mp4', '/dev/video987'])
def test_a_source_that_does_not_exist_is_refused_at_start_with_its_name(camera, source):
    with pytest.raises(SourceError, match=source):
        camera(source=source).start()


def test_a_file_that_is_no_picture_is_refused_at_start(camera, tmp_path):
    path = tmp_path / 'text.mp4'
    path.write_text('no video')
    with pytest.raises(SourceError, match=r'text\.mp4'):
        camera(source=str(path)).start()


def test_simulated_time_applies_to_stamps_and_not_to_diagnostics(bench, camera, frames):
    node = camera(use_sim_time=True)
    node.start()
    status = levels(bench)
    bench.spin_until(lambda: 'no time comes' in status().message, 'that no clock comes')
    made = publisher(bench)
    clock = bench.tester.create_publisher(Clock, '/clock', 10)
    bench.spin_until(
        lambda: (
            clock.publish(Clock(clock=header(100_000).stamp))
            or node.get_clock().now().nanoseconds == 100 * 10**9
        ),
        'simulated time',
    )
    frame = send(bench, frames, made, image(99_990))
    assert frame.received_ns - frame.stamp_ns == 10 * 10**6
    bench.spin_until(lambda: 'no time comes' not in status().message, 'that a clock comes')
