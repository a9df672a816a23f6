"""The installed executables over DDS: three processes and one, ended, refused and stalled."""

import signal

import pytest

pytest.importorskip('rclpy')

from diagnostic_msgs.msg import DiagnosticArray
from executables import END_WITHIN
from executables import Executable
from executables import find_executable
from executables import ros_arguments
from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy
from rtcnn_perception.core.labels import EMOTION_LABELS
from rtcnn_perception.core.labels import GENDER_LABELS
from rtcnn_perception.core.sources.open import open_source
from rtcnn_perception.msg import FaceAttributes
from rtcnn_perception.nodes.conversions.images import compressed_to_msg
from rtcnn_perception.nodes.conversions.images import image_to_msg
from scripted import header
from scripted import stamp_of
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image

LABELS = {'emotion': EMOTION_LABELS, 'gender': GENDER_LABELS}
BEST_EFFORT = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
RELIABLE = QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE)
NODES = ('camera', 'detector', 'classifier')

pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def models(tmp_path_factory):
    """Return parameters for small but real models, and the detector that is always there."""
    tiny_model = pytest.importorskip('tiny_model', reason='onnx is needed to make a model')
    folder = tmp_path_factory.mktemp('models')
    paths = {
        f'{name}.model_path': tiny_model.write_tiny_model(folder / name, {name: LABELS[name]})
        for name in LABELS
    }
    return {'detector.name': 'haar', **paths}


@pytest.fixture
def start(tmp_path):
    """Start executables of the package; they are gone after the test."""
    started = []

    def run(name, parameters=(), *, arguments=()):
        path = find_executable(name)
        if path is None:
            pytest.skip(f'{name} is not installed')
        log = tmp_path / f'{name}{len(started)}.log'
        made = Executable(path, [*ros_arguments(dict(parameters)), *arguments], log)
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
    """Publishes pictures and waits for what is said of them."""

    def __init__(self, bench, kind, qos):
        self.bench = bench
        self.kind = kind
        topic = {'raw': 'image_raw', 'compressed': 'image_raw/compressed'}[kind]
        message_type = {'raw': Image, 'compressed': CompressedImage}[kind]
        self.publisher = bench.tester.create_publisher(message_type, topic, qos)
        self.received = bench.listen(FaceAttributes, 'faces/attributes')

    def publish(self, picture, number):
        stamped = header(number)
        make = {'raw': image_to_msg, 'compressed': lambda *both: compressed_to_msg(*both, 90)}
        self.publisher.publish(make[self.kind](picture, stamped))

    def warm_up(self, picture):
        """Send pictures until one is answered: every link is then made."""
        numbers = iter(range(1000, 100_000, 33))
        self.bench.spin_until(
            lambda: self.publish(picture, next(numbers)) or self.received, 'an answer', 40.0
        )

    def ask(self, picture, number):
        """Send a picture and return what is said of it."""
        self.publish(picture, number)
        self.bench.spin_until(
            lambda: self.received and stamp_of(self.received[-1]) == number, f'answer {number}'
        )
        return self.received[-1]


@pytest.fixture(params=['raw', 'compressed'])
def kind(request):
    return request.param


@pytest.fixture(params=[BEST_EFFORT, RELIABLE], ids=['best_effort', 'reliable'])
def any_camera(bench, kind, request):
    return Camera(bench, kind, request.param)


def test_one_process_answers_every_image_of_any_camera(any_camera, start, models, clip):
    camera = any_camera
    process = start('perception', {**models, 'image_transport': camera.kind})
    camera.warm_up(clip[0])
    answers = [camera.ask(frame, 200_000 + 33 * index) for index, frame in enumerate(clip)]
    assert len(answers[-1].faces) == 1
    assert {answer.header.frame_id for answer in answers} == {'optical'}
    assert process.end() == 0


def test_three_processes_answer_every_image(bench, start, models, clip):
    camera = Camera(bench, 'raw', BEST_EFFORT)
    processes = [start(f'{name}_node', models) for name in NODES]
    camera.warm_up(clip[0])
    answers = [camera.ask(frame, 200_000 + 33 * index) for index, frame in enumerate(clip)]
    assert len(answers[-1].faces) == 1
    assert answers[-1].detect_ms > 0.0
    assert [process.end() for process in processes] == [0, 0, 0]


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM], ids=['SIGINT', 'SIGTERM'])
def test_processes_that_are_told_to_end_end_with_0_and_in_silence(bench, start, models, number):
    parameters = {**models, 'source': 'builtin'}
    processes = [start(f'{name}_node', parameters) for name in NODES]
    processes.append(start('perception', parameters, arguments=['-r', '__ns:=/one']))
    wanted = {*NODES, *(f'one/{name}' for name in NODES)}
    heard = bench.listen(DiagnosticArray, '/diagnostics', 100)
    bench.spin_until(
        lambda: wanted == {_node_of(msg) for msg in heard if _state_of(msg) == 'active'},
        'life in every node',
        60.0,
    )
    for process in processes:
        process.send(number)
    assert [process.wait(END_WITHIN) for process in processes] == [0, 0, 0, 0]
    assert not any('Traceback' in process.said for process in processes)


def _node_of(msg):
    return msg.status[0].name.partition(':')[0]


def _state_of(msg):
    return {value.key: value.value for value in msg.status[0].values}['state']


@pytest.mark.parametrize(
    ('name', 'parameters', 'said'),
    [
        ('camera_node', {'source': '/nowhere.mp4'}, '/nowhere.mp4'),
        ('camera_node', {'qos': 'best'}, 'one of auto, sensor_data, reliable'),
        ('detector_node', {'detector.name': 'sonar'}, 'haar'),
        ('detector_node', {'detector.min_score': 7.0}, 'detector.min_score'),
        ('classifier_node', {'emotion.model_path': '/nowhere'}, '/nowhere'),
        ('perception', {'emotion.model_path': '/nowhere'}, '/nowhere'),
    ],
)
def test_what_cannot_be_is_refused_in_one_line_with_exit_code_1(start, name, parameters, said):
    process = start(name, parameters)
    assert process.wait() == 1
    assert said in process.said
    assert 'Traceback' not in process.said
    assert process.said.count('[FATAL]') == 1


@pytest.mark.parametrize('arguments', [['--', '--colour'], ['--params-file', '/none'], ['--odd']])
def test_a_wrong_command_line_is_refused_with_exit_code_2(start, arguments):
    process = start('camera_node', arguments=arguments)
    assert process.wait() == 2
    assert 'Traceback' not in process.said


def test_help_lists_the_parameters(start):
    process = start('perception', arguments=['--', '--help'])
    assert process.wait() == 0
    for name in ('source', 'detector.min_score', 'smoothing.time_constant'):
        assert name in process.said


def test_a_subscriber_that_stalls_holds_nobody_up(bench, start, models, clip):
    camera = Camera(bench, 'raw', BEST_EFFORT)
    process = start('perception', models)
    # A classifier listens to images and rois, reliably; it is stopped in the middle of it.
    stalled = start('classifier_node', models, arguments=['-r', 'faces/attributes:=ignored'])
    camera.warm_up(clip[0])
    bench.spin_until(
        lambda: bench.tester.count_subscribers('faces/image') == 1, 'the other subscriber'
    )
    stalled.send(signal.SIGSTOP)
    answers = [camera.ask(clip[0], 200_000 + 33 * number) for number in range(60)]
    assert all(answer.total_ms > 0.0 for answer in answers)
    stalled.send(signal.SIGCONT)
    assert process.end() == 0
    assert stalled.end() == 0


def test_a_file_of_parameters_is_for_all_three_nodes(bench, start, models, tmp_path):
    path = tmp_path / 'mine.yaml'
    path.write_text(
        '/**:\n  ros__parameters:\n    source: builtin\n'
        '/**/camera:\n  ros__parameters:\n    frame_id: mine\n'
    )
    received = bench.listen(FaceAttributes, 'faces/attributes')
    process = start('perception', models, arguments=['--params-file', str(path)])
    bench.spin_until(lambda: received, 'attributes')
    assert received[-1].header.frame_id == 'mine'
    assert process.end() == 0
