"""The executables as processes, with cameras of each kind, talked to over DDS."""

from contextlib import ExitStack
from pathlib import Path
import signal
import subprocess

import cv2
import numpy as np
from processes import DEADLINE
from processes import find_executable
from processes import running
import pytest
import rtcnn_perception

pytest.importorskip('rclpy')

from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy
from rtcnn_perception.msg import FaceAttributes
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image

pytestmark = pytest.mark.slow

ASSETS = Path(rtcnn_perception.__file__).parent / 'assets'
SIZE = (320, 320)
PERIOD = 0.1  # seconds between frames of the camera
REMAPPING = ('-r', 'image_raw:=/camera/image_raw')
COMPRESSED = ('-r', 'image_raw/compressed:=/camera/image_raw/compressed')


@pytest.fixture(scope='module')
def portrait():
    """Return a picture with one face."""
    image = cv2.imread(str(ASSETS / 'astronaut.jpg'))
    return cv2.resize(image, SIZE, interpolation=cv2.INTER_AREA)


class Camera:
    """A camera that publishes one picture again and again, each time with another stamp."""

    def __init__(self, node, picture: np.ndarray, transport: str, reliability) -> None:
        self.sent = set()
        self._node = node
        self._picture = picture
        self._encoded = cv2.imencode('.jpg', picture)[1].tobytes()
        self._make = self._raw if transport == 'raw' else self._compressed
        kind, topic = {
            'raw': (Image, '/camera/image_raw'),
            'compressed': (CompressedImage, '/camera/image_raw/compressed'),
        }[transport]
        profile = QoSProfile(depth=5, reliability=reliability)
        self._publisher = node.create_publisher(kind, topic, profile)
        node.create_timer(PERIOD, self._publish)

    def _raw(self):
        height, width = self._picture.shape[:2]
        return Image(
            height=height,
            width=width,
            encoding='bgr8',
            step=3 * width,
            data=self._picture.tobytes(),
        )

    def _compressed(self):
        return CompressedImage(format='jpeg', data=self._encoded)

    def _publish(self):
        message = self._make()
        message.header.frame_id = 'some_camera'
        message.header.stamp = self._node.get_clock().now().to_msg()
        self.sent.add((message.header.stamp.sec, message.header.stamp.nanosec))
        self._publisher.publish(message)


def attributes_of(node):
    """Return a list that grows with what is published on /faces/attributes."""
    received = []
    node.create_subscription(FaceAttributes, '/faces/attributes', received.append, 10)
    return received


def assert_describes(message, camera):
    """Check a message with a face in it against the camera it came from."""
    stamp = message.header.stamp
    assert message.header.frame_id == 'some_camera'
    assert (stamp.sec, stamp.nanosec) in camera.sent
    assert (message.image_width, message.image_height) == SIZE
    (face,) = message.faces
    assert face.roi.track_id > 0
    assert len(face.emotion.probabilities) == len(message.emotion_labels) == 7
    assert len(face.gender.probabilities) == len(message.gender_labels) == 2
    assert sum(face.emotion.probabilities) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize('transport', ['raw', 'compressed'])
@pytest.mark.parametrize(
    'reliability',
    [ReliabilityPolicy.BEST_EFFORT, ReliabilityPolicy.RELIABLE],
    ids=lambda it: it.name,
)
def test_one_process_hears_a_camera_of_any_kind(
    watcher, portrait, parameter_file, transport, reliability
):
    camera = Camera(watcher, portrait, transport, reliability)
    received = attributes_of(watcher)
    arguments = [
        '--params-file',
        str(parameter_file),
        '-p',
        f'camera:image_transport:={transport}',
    ]
    with running(find_executable('perception'), *arguments, *REMAPPING, *COMPRESSED) as process:
        watcher.spin_until(lambda: any(it.faces for it in received), 'a face', process)
    assert process.returncode == 0
    assert_describes(next(it for it in received if it.faces), camera)


def test_three_processes_hand_a_frame_on_over_topics(watcher, portrait, parameter_file):
    camera = Camera(watcher, portrait, 'raw', ReliabilityPolicy.BEST_EFFORT)
    received = attributes_of(watcher)
    arguments = ['--params-file', str(parameter_file), *REMAPPING]
    with ExitStack() as stack:
        processes = [
            stack.enter_context(running(find_executable(name), *arguments))
            for name in ('camera_node', 'detector_node', 'classifier_node')
        ]
        watcher.spin_until(lambda: any(it.faces for it in received), 'a face', processes[0])
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert_describes(next(it for it in received if it.faces), camera)


@pytest.mark.parametrize(
    ('name', 'nodes'),
    [
        ('camera_node', {'camera'}),
        ('detector_node', {'detector'}),
        ('classifier_node', {'classifier'}),
        ('perception', {'camera', 'detector', 'classifier'}),
    ],
)
def test_sigterm_ends_a_process_with_exit_code_zero(watcher, parameter_file, name, nodes):
    def publishers():
        infos = watcher.get_publishers_info_by_topic('/diagnostics')
        return {(info.node_name, tuple(info.endpoint_gid)) for info in infos}

    arguments = ['--params-file', str(parameter_file)]
    before = publishers()
    with running(find_executable(name), *arguments) as process:
        # Nodes that have just ended may still be known, or become known only now.
        watcher.spin_until(
            lambda: nodes <= {node for node, _ in publishers() - before}, 'the nodes', process
        )
        process.send_signal(signal.SIGTERM)
        process.wait(DEADLINE)
    assert process.returncode == 0


@pytest.mark.parametrize(
    ('name', 'parameter', 'said'),
    [
        ('camera_node', 'source:=/nowhere.mp4', '/nowhere.mp4'),
        ('detector_node', 'detector.name:=eagle', 'eagle'),
        ('classifier_node', 'emotion.model_path:=/nowhere', '/nowhere'),
        ('detector_node', 'detector.min_score:=7.0', 'detector.min_score'),
    ],
)
def test_what_cannot_be_used_is_named_in_a_line_and_ends_with_exit_code_one(
    parameter_file, name, parameter, said
):
    done = subprocess.run(
        [find_executable(name), '--ros-args', '--params-file', parameter_file, '-p', parameter],
        timeout=DEADLINE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert said in done.stderr
    assert 'Traceback' not in done.stderr
