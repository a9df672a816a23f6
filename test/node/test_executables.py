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

"""The installed executables over DDS: four processes and one, ended, refused and stalled."""

import re
import signal

from diagnostic_msgs.msg import DiagnosticArray
from executables import END_WITHIN
from executables import Executable
from executables import find_executable
from executables import ros_arguments
import pytest
from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy
from rtcnn_perception.core.sources.open import open_source
from rtcnn_perception.msg import FaceAttributes
from rtcnn_perception.nodes.conversions.images import compressed_to_msg
from rtcnn_perception.nodes.conversions.images import image_to_msg
from scripted import header
from scripted import stamp_of
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image
import tiny_model

LABELS = {'emotion': tiny_model.EMOTIONS, 'gender': tiny_model.GENDERS}
BEST_EFFORT = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
RELIABLE = QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE)
NODES = ('camera', 'detector', 'classifier', 'humans')
NAMES = tuple(f'faces_{node}' for node in NODES)

pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def models(tmp_path_factory):
    """Return parameters for small but real models, and the detector that needs no model file."""
    folder = tmp_path_factory.mktemp('models')
    paths = {
        f'{name}.model_path': tiny_model.write_tiny_model(folder / name, {name: labels})
        for name, labels in LABELS.items()
    }
    return {'detector.name': 'haar', **paths}


@pytest.fixture
def start(tmp_path):
    """Start executables of the package; they have ended after the test."""
    started = []

    def run(name, parameters=(), *, arguments=(), remappings=()):
        path = find_executable(name)
        if path is None:
            pytest.skip(f'{name} is not installed')
        log = tmp_path / f'{name}{len(started)}.log'
        given = ros_arguments(dict(parameters), remappings)
        made = Executable(path, [*given, *arguments], log)
        started.append(made)
        return made

    yield run
    for each in started:
        each.kill()


@pytest.fixture(scope='module')
def clip():
    frames = iter(open_source('builtin'))
    return [next(frames) for _ in range(10)]


class Camera:
    """Publishes pictures and waits for their attributes."""

    def __init__(self, bench, kind, qos, topic='image_raw'):
        self.bench = bench
        self.kind = kind
        message_type, end = {'raw': (Image, ''), 'compressed': (CompressedImage, '/compressed')}[
            kind
        ]
        self.publisher = bench.tester.create_publisher(message_type, f'{topic}{end}', qos)
        self.received = bench.subscribe(FaceAttributes, 'faces/attributes')

    def publish(self, picture, number):
        stamped = header(number)
        make = {'raw': image_to_msg, 'compressed': lambda *both: compressed_to_msg(*both, 90)}
        self.publisher.publish(make[self.kind](picture, stamped))

    def warm_up(self, picture):
        """
        Send pictures until one is answered: every connection is then made.

        Those that are still on their way may fill shared memory, and the next would be lost.
        """
        numbers = iter(range(1000, 100_000, 33))
        self.bench.spin_until(
            lambda: self.publish(picture, next(numbers)) or self.received, 'an answer'
        )
        answered = 0
        while answered < len(self.received):
            answered = len(self.received)
            self.bench.spin_for(0.5)

    def attributes_of(self, picture, number):
        """Send a picture and return its attributes."""
        self.publish(picture, number)
        self.bench.spin_until(
            lambda: self.received and stamp_of(self.received[-1]) == number, f'answer {number}'
        )
        return self.received[-1]


def assert_complete(msg):
    """Check a message with one face in it."""
    assert (msg.header.frame_id, msg.image_width, msg.image_height) == ('optical', 640, 480)
    assert {each.name: tuple(each.labels) for each in msg.attributes} == LABELS
    (face,) = msg.faces
    assert face.track_id > 0
    for each in face.attributes:
        assert len(each.probabilities) == len(LABELS[each.name])
        assert sum(each.probabilities) == pytest.approx(1.0, abs=1e-5)


@pytest.fixture(params=['raw', 'compressed'])
def kind(request):
    return request.param


@pytest.fixture(params=[BEST_EFFORT, RELIABLE], ids=['best_effort', 'reliable'])
def any_camera(bench, kind, request):
    return Camera(bench, kind, request.param, '/front/image')


def test_one_process_answers_every_image_of_any_camera(any_camera, start, models, clip):
    camera = any_camera
    parameters = {**models, 'image_transport': camera.kind}
    topics = ['image_raw:=/front/image', 'image_raw/compressed:=/front/image/compressed']
    process = start('perception', parameters, remappings=topics)
    camera.warm_up(clip[0])
    answers = [camera.attributes_of(each, 200_000 + 33 * i) for i, each in enumerate(clip)]
    assert_complete(answers[-1])
    assert process.end() == 0


def test_separate_processes_answer_every_image(bench, start, models, clip):
    camera = Camera(bench, 'raw', BEST_EFFORT)
    processes = [start(f'{name}_node', models) for name in NODES]
    camera.warm_up(clip[0])
    answers = [camera.attributes_of(each, 200_000 + 33 * i) for i, each in enumerate(clip)]
    assert_complete(answers[-1])
    assert answers[-1].detect_ms > 0.0
    assert [process.end() for process in processes] == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ('number', 'source'),
    [(signal.SIGINT, 'builtin'), (signal.SIGTERM, 'builtin'), (signal.SIGTERM, "''")],
    ids=['SIGINT', 'SIGTERM', 'SIGTERM_without_images'],
)
def test_a_signal_ends_every_process_with_exit_code_0(bench, start, models, number, source):
    parameters = {**models, 'source': source}
    processes = [start(f'{name}_node', parameters) for name in NODES]
    processes.append(start('perception', parameters, arguments=['-r', '__ns:=/one']))
    expected = {*NAMES, *(f'one/{name}' for name in NAMES)}
    received = bench.subscribe(DiagnosticArray, '/diagnostics', 100)
    bench.spin_until(
        lambda: expected == {_node_of(msg) for msg in received if _state_of(msg) == 'active'},
        'activation of every node',
    )
    for process in processes:
        process.send(number)
    codes = [process.wait(END_WITHIN) for process in processes]
    assert codes == [0, 0, 0, 0, 0], [each.output for each in processes]
    assert not any('Traceback' in process.output for process in processes)


def _node_of(msg):
    return msg.status[0].name.partition(':')[0]


def _state_of(msg):
    return {value.key: value.value for value in msg.status[0].values}['state']


@pytest.mark.parametrize(
    ('name', 'parameters', 'reason'),
    [
        ('camera_node', {'source': '/nowhere.mp4'}, '/nowhere.mp4'),
        ('camera_node', {'qos': 'best'}, 'one of auto, sensor_data, reliable'),
        ('detector_node', {'detector.name': 'sonar'}, "haar, got 'sonar'"),
        ('detector_node', {'detector.min_score': 7.0}, 'detector.min_score'),
        ('classifier_node', {'emotion.model_path': '/nowhere'}, '/nowhere'),
        ('classifier_node', {'attributes': 'emotion'}, "a list of texts.*, got 'emotion'"),
        ('perception', {'emotion.model_path': '/nowhere'}, '/nowhere'),
        ('perception', {'attributes': '[hat]'}, 'expected a model that classifies hat in'),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line_with_exit_code_1(
    start, name, parameters, reason
):
    process = start(name, parameters)
    assert process.wait() == 1
    (line,) = [each for each in process.output.splitlines() if '[FATAL]' in each]
    assert re.search(reason, line)
    assert 'Traceback' not in process.output


@pytest.mark.parametrize('arguments', [['--', '--colour'], ['--params-file', '/none'], ['--odd']])
def test_a_wrong_command_line_is_refused_with_exit_code_2(start, arguments):
    process = start('camera_node', arguments=arguments)
    assert process.wait() == 2
    assert 'Traceback' not in process.output


def test_help_lists_the_parameters(start):
    process = start('perception', arguments=['--', '--help'])
    assert process.wait() == 0
    for name in ('source', 'detector.min_score', 'attributes', 'smoothing.time_constant'):
        assert f'  {name} (' in process.output


def test_a_subscriber_that_stalls_blocks_no_other(bench, start, models, clip):
    camera = Camera(bench, 'raw', BEST_EFFORT)
    process = start('perception', models)
    # A classifier subscribes to images and rois, reliably; it is stopped while it receives them.
    stalled = start('classifier_node', models, remappings=['faces/attributes:=ignored'])
    camera.warm_up(clip[0])
    bench.spin_until(
        lambda: bench.tester.count_subscribers('faces/image') == 1, 'the other subscriber'
    )
    stalled.send(signal.SIGSTOP)
    answers = [camera.attributes_of(clip[0], 200_000 + 33 * number) for number in range(60)]
    assert all(answer.total_ms > 0.0 for answer in answers)
    stalled.send(signal.SIGCONT)
    assert process.end() == 0
    assert stalled.end() == 0


def test_a_parameter_file_is_read_by_every_node(bench, start, models, tmp_path):
    path = tmp_path / 'mine.yaml'
    path.write_text(
        '/**:\n  ros__parameters:\n    source: builtin\n'
        '/**/faces_camera:\n  ros__parameters:\n    frame_id: mine\n'
        '/**/faces_detector:\n  ros__parameters:\n    detector: {name: haar, width: 320}\n'
        '/**/faces_classifier:\n  ros__parameters:\n    attributes: [gender]\n'
        f'    gender: {{model_path: {models["gender.model_path"]}}}\n'
    )
    received = bench.subscribe(FaceAttributes, 'faces/attributes')
    process = start('perception', arguments=['--params-file', str(path)])
    bench.spin_until(lambda: received, 'attributes')
    assert received[-1].header.frame_id == 'mine'
    assert received[-1].detector == 'haar'
    (info,) = received[-1].attributes
    assert (info.name, info.model[:5]) == ('gender', 'tiny@')
    assert process.end() == 0
