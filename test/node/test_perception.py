"""The three nodes in one process: wired, observed, and ended."""

from pathlib import Path
import re
import threading

import cv2
import pytest

pytest.importorskip('rclpy')

from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy
from rtcnn_perception.core.labels import EMOTION_LABELS
from rtcnn_perception.core.labels import GENDER_LABELS
from rtcnn_perception.core.sources.open import open_source
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.exceptions import SourceError
from rtcnn_perception.msg import FaceAttributes
from rtcnn_perception.msg import FaceRois
from rtcnn_perception.nodes.conversions.images import compressed_to_msg
from rtcnn_perception.nodes.conversions.images import image_to_msg
from rtcnn_perception.nodes.perception import make_nodes
from rtcnn_perception.nodes.perception import Perception
from scripted import header
from scripted import stamp_of
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image

LABELS = {'emotion': EMOTION_LABELS, 'gender': GENDER_LABELS}


@pytest.fixture(scope='module')
def models(tmp_path_factory):
    """Return parameters for small but real models, and the detector that is always there."""
    tiny_model = pytest.importorskip('tiny_model', reason='onnx is needed to make a model')
    folder = tmp_path_factory.mktemp('models')
    return {
        'detector.name': 'haar',
        **{
            f'{name}.model_path': str(
                tiny_model.write_tiny_model(folder / name, {name: LABELS[name]})
            )
            for name in LABELS
        },
    }


@pytest.fixture
def pipeline(bench, models):
    """Make the three nodes in the bench's context."""

    def make(*, parameters=None, **arguments):
        return Perception(
            context=bench.context, parameters={**models, **(parameters or {})}, **arguments
        )

    return make


class Watch:
    """Counts what is judged, and lets a test wait for so much."""

    def __init__(self):
        self.judged = []
        self._changed = threading.Condition()

    def __call__(self, judged, total_s):
        with self._changed:
            self.judged.append((judged, total_s))
            self._changed.notify_all()

    def wait(self, condition, timeout=30.0):
        with self._changed:
            assert self._changed.wait_for(lambda: condition(self.judged), timeout)


@pytest.fixture
def watch():
    return Watch()


@pytest.fixture(scope='module')
def clip():
    """Return the first frames of the built-in clip: a face in each."""
    frames = iter(open_source('builtin'))
    return [next(frames) for _ in range(12)]


def test_a_face_of_the_builtin_clip_is_found_followed_and_judged(pipeline, watch):
    with pipeline(parameters={'source': 'builtin'}, on_judged=watch):
        watch.wait(lambda judged: any(each.faces for each, _ in judged))
        watch.wait(lambda judged: len([each for each, _ in judged if each.faces]) >= 5)
    faces = [each.faces[0] for each, _ in watch.judged if each.faces]
    assert set(faces[-1].smoothed) == {'emotion', 'gender'}
    assert len({face.track.track_id for face in faces}) == 1
    assert all(0.0 < total < 60.0 for _, total in watch.judged)


@pytest.mark.parametrize('reliability', list(ReliabilityPolicy)[1:3])
def test_an_image_on_a_topic_is_answered_with_its_stamp(bench, pipeline, clip, reliability, watch):
    qos = QoSProfile(depth=5, reliability=reliability)
    publisher = bench.tester.create_publisher(Image, 'image_raw', qos)
    received = bench.listen(FaceAttributes, 'faces/attributes')
    with pipeline(on_judged=watch):
        bench.connect(publisher)
        for number, frame in enumerate(clip):
            msg = image_to_msg(frame, header(1000 + 33 * number))
            publisher.publish(msg)
            bench.spin_until(lambda msg=msg: _is_answered(received, msg), 'the attributes')
    assert len(received[-1].faces) == 1
    assert len(watch.judged) == len(received) == len(clip)


def test_the_models_that_come_with_the_package_are_taken_by_default(bench):
    received = bench.listen(FaceAttributes, 'faces/attributes')
    with Perception(context=bench.context, parameters={'source': 'builtin'}):
        bench.spin_until(lambda: any(msg.faces for msg in received), 'a face')
    msg = next(msg for msg in received if msg.faces)
    assert tuple(msg.emotion_labels) == EMOTION_LABELS
    assert tuple(msg.gender_labels) == GENDER_LABELS
    assert re.fullmatch(r'rtcnn \(\w+@[0-9a-f]{8}\)', msg.detector)
    assert msg.faces[0].emotion.label in EMOTION_LABELS
    assert sum(msg.faces[0].gender.probabilities) == pytest.approx(1.0, abs=1e-5)


def _is_answered(received, msg):
    return received and stamp_of(received[-1]) == stamp_of(msg)


def test_a_compressed_camera_is_answered(bench, pipeline, clip):
    publisher = bench.tester.create_publisher(CompressedImage, 'image_raw/compressed', 5)
    received = bench.listen(FaceAttributes, 'faces/attributes')
    with pipeline(parameters={'image_transport': 'compressed'}):
        bench.connect(publisher)
        msg = compressed_to_msg(clip[0], header(1000), 90)
        publisher.publish(msg)
        bench.spin_until(lambda: _is_answered(received, msg), 'the attributes')
    assert (received[-1].image_width, received[-1].image_height) == (640, 480)


def test_no_node_listens_to_the_images_and_rois_of_another(bench, pipeline):
    with pipeline(parameters={'source': 'builtin'}):
        bench.spin_until(
            lambda: bench.tester.count_publishers('faces/attributes') == 1, 'the nodes'
        )
        assert bench.tester.count_subscribers('faces/image') == 0
        assert bench.tester.count_subscribers('faces/rois') == 0
        names = set(bench.tester.get_node_names())
    assert {'camera', 'detector', 'classifier'} <= names


def test_whoever_listens_gets_images_and_rois_all_the_same(bench, pipeline):
    images = bench.listen(Image, 'faces/image')
    rois = bench.listen(FaceRois, 'faces/rois')
    pictures = bench.listen(Image, 'faces/image_annotated')
    with pipeline(parameters={'source': 'builtin'}):
        bench.spin_until(lambda: images and rois and pictures, 'all three')
    assert (images[-1].width, images[-1].header.frame_id) == (640, 'camera_optical_frame')


def test_a_source_with_an_end_is_waited_for_to_its_last_frame(pipeline, watch, tmp_path, clip):
    for number in range(2):
        cv2.imwrite(str(tmp_path / f'{number}.png'), clip[number])
    parameters = {'source': str(tmp_path), 'source_loop': False, 'source_rate': 100.0}
    with pipeline(parameters=parameters, on_judged=watch) as running:
        assert running.wait(30.0)
        dropped = running.detector.dropped + running.classifier.dropped
        assert len(watch.judged) + dropped == open_source(str(tmp_path)).frame_count


def test_waiting_ends_in_time_where_there_is_more_to_come(pipeline):
    with pipeline(parameters={'source': 'builtin'}) as running:
        assert not running.wait(0.05)


def test_waiting_ends_with_the_context(bench, pipeline):
    with pipeline(parameters={'source': 'builtin'}) as running:
        threading.Timer(0.1, bench.context.shutdown).start()
        assert running.wait(30.0)


def test_a_detector_put_to_rest_alone_is_woken_alone(bench, pipeline, watch):
    with pipeline(parameters={'source': 'builtin'}, on_judged=watch) as running:
        watch.wait(len)
        running.detector.trigger_deactivate()
        bench.spin_for(0.2)
        count = len(watch.judged)
        bench.spin_for(0.3)
        assert len(watch.judged) <= count + 1  # one may have been on its way
        running.detector.trigger_activate()
        watch.wait(lambda judged: len(judged) > count + 2)


def test_topics_are_remapped_and_put_in_a_namespace(bench, pipeline):
    publisher = bench.tester.create_publisher(Image, '/front/image', 5)
    with pipeline(remappings={'image_raw': '/front/image'}, namespace='robot1'):
        bench.connect(publisher)
        bench.spin_until(
            lambda: bench.tester.count_publishers('/robot1/faces/attributes') == 1, 'the topic'
        )


@pytest.mark.parametrize(
    ('parameters', 'error', 'said'),
    [
        (
            {'detector.colour': 'red'},
            ConfigurationError,
            'no node has a parameter detector.colour',
        ),
        ({'detector.min_score': 7.0}, ConfigurationError, 'detector.min_score'),
        ({'source': Path('a.mp4')}, ConfigurationError, "source must be text, got .*'a.mp4'"),
        ({'source': {'path': 'a.mp4'}}, ConfigurationError, 'source must be text, got {'),
        ({'source': None}, ConfigurationError, 'source must be text, got None'),
        ({'detector.every_n': [2]}, ConfigurationError, r'detector.every_n.*got \[2\]'),
        ({'jpeg': 1}, ConfigurationError, 'known are annotation.bars'),
    ],
)
def test_a_parameter_that_cannot_be_is_refused_before_anything_starts(
    bench, pipeline, parameters, error, said
):
    with pytest.raises(error, match=said):
        pipeline(parameters=parameters)
    bench.spin_until(lambda: bench.tester.get_node_names() == ['tester'], 'nobody left')


def test_a_node_that_cannot_be_made_leaves_none_of_the_others_behind(bench):
    camera_refuses = [Parameter('image_timeout', value=-1.0)]
    with pytest.raises(ConfigurationError, match='image_timeout of node camera'):
        make_nodes(context=bench.context, parameter_overrides=camera_refuses)
    bench.spin_until(lambda: bench.tester.get_node_names() == ['tester'], 'nobody left')


@pytest.mark.parametrize(
    ('parameters', 'error', 'said'),
    [
        ({'emotion.model_path': '/nowhere'}, ModelError, '/nowhere'),
        ({'source': '/nowhere.mp4'}, SourceError, '/nowhere.mp4'),
    ],
)
def test_what_cannot_start_is_refused_and_leaves_no_node_behind(
    bench, pipeline, parameters, error, said
):
    running = pipeline(parameters=parameters)
    with pytest.raises(error, match=said):
        running.__enter__()
    bench.spin_until(lambda: bench.tester.get_node_names() == ['tester'], 'nobody left')


def test_a_defect_in_a_callback_is_counted_and_frames_go_on(bench, pipeline):
    frames = []

    def fail():
        raise ZeroDivisionError('a defect')

    judged = lambda frame, total: frames.append(frame)  # noqa: E731, ARG005
    with pipeline(parameters={'source': 'builtin'}, on_judged=judged) as running:
        running.camera.create_timer(0.01, fail)
        bench.spin_until(lambda: running.camera.errors.total > 3, 'defects')
        before = len(frames)
        bench.spin_until(lambda: len(frames) > before + 3, 'frames')
        assert not running.wait(0.0)


def test_threads_are_gone_after_leaving(pipeline):
    before = {thread.name for thread in threading.enumerate()}
    with pipeline(parameters={'source': 'builtin'}):
        during = {thread.name for thread in threading.enumerate()}
    assert {'source', 'detector', 'classifier', 'executor'} <= during
    assert {thread.name for thread in threading.enumerate()} == before
