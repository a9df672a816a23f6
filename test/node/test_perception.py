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

"""All nodes in one process: connected, observed, and ended."""

from pathlib import Path
import re
import threading

import cv2
import pytest
from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy
from rtcnn_perception.core.sources.open import open_source
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.exceptions import SourceError
from rtcnn_perception.msg import FaceAttributes
from rtcnn_perception.msg import FaceRois
from rtcnn_perception.nodes import perception
from rtcnn_perception.nodes.conversions.images import compressed_to_msg
from rtcnn_perception.nodes.conversions.images import image_to_msg
from rtcnn_perception.nodes.perception import Perception
from scripted import header
from scripted import SOON
from scripted import stamp_of
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image
import tiny_model
from tiny_model import EMOTIONS
from tiny_model import GENDERS

LABELS = {'emotion': EMOTIONS, 'gender': GENDERS}


@pytest.fixture(scope='module')
def models(tmp_path_factory):
    """Return parameters for small but real models, and the detector that needs no model file."""
    folder = tmp_path_factory.mktemp('models')
    return {
        'detector.name': 'haar',
        **{
            f'{name}.model_path': str(tiny_model.write_tiny_model(folder / name, {name: labels}))
            for name, labels in LABELS.items()
        },
    }


@pytest.fixture
def pipeline(bench, models):
    """Make all nodes in the bench's context."""

    def make(*, parameters=None, **arguments):
        return Perception(
            context=bench.context, parameters={**models, **(parameters or {})}, **arguments
        )

    return make


class Results:
    """Collects results, and lets a test wait for them."""

    def __init__(self):
        self.all = []
        self._changed = threading.Condition()

    def __call__(self, result):
        with self._changed:
            self.all.append(result)
            self._changed.notify_all()

    def wait(self, condition, timeout=2 * SOON):
        with self._changed:
            assert self._changed.wait_for(lambda: condition(self.all), timeout)


@pytest.fixture
def results():
    return Results()


@pytest.fixture(scope='module')
def clip():
    """Return the first frames of the built-in clip: a face in each."""
    frames = iter(open_source('builtin'))
    return [next(frames) for _ in range(12)]


def test_a_face_of_the_builtin_clip_is_found_tracked_and_classified(pipeline, results):
    with pipeline(parameters={'source': 'builtin'}, on_result=results):
        results.wait(lambda got: len([each for each in got if each.faces]) >= 5)
    faces = [each.faces[0] for each in results.all if each.faces]
    assert list(faces[-1].attributes) == ['emotion', 'gender']
    assert len({face.track_id for face in faces}) == 1
    assert all(0.0 < each.latency_s < 120.0 for each in results.all)
    assert [each.name for each in results.all[-1].attributes] == ['emotion', 'gender']


@pytest.mark.parametrize('reliability', list(ReliabilityPolicy)[1:3])
def test_an_image_on_a_topic_is_answered_with_its_stamp(
    bench, pipeline, clip, reliability, results
):
    qos = QoSProfile(depth=5, reliability=reliability)
    publisher = bench.tester.create_publisher(Image, 'image_raw', qos)
    received = bench.subscribe(FaceAttributes, 'faces/attributes')
    with pipeline(on_result=results):
        bench.connect(publisher)
        for number, frame in enumerate(clip):
            msg = image_to_msg(frame, header(1000 + 33 * number))
            publisher.publish(msg)
            bench.spin_until(lambda msg=msg: _is_answered(received, msg), 'the attributes')
        results.wait(lambda got: len(got) >= len(clip))
    assert len(received[-1].faces) == 1
    assert len(results.all) == len(received) == len(clip)


def test_the_models_of_the_package_are_the_default(bench):
    received = bench.subscribe(FaceAttributes, 'faces/attributes')
    with Perception(context=bench.context, parameters={'source': 'builtin'}):
        bench.spin_until(lambda: any(msg.faces for msg in received), 'a face')
    msg = next(msg for msg in received if msg.faces)
    assert [each.name for each in msg.attributes] == ['emotion', 'gender']
    assert tuple(msg.attributes[0].labels) == EMOTIONS
    assert tuple(msg.attributes[1].labels) == GENDERS
    assert re.fullmatch(r'rtcnn \(\w+@[0-9a-f]{8}, \w+@[0-9a-f]{8}\)', msg.detector)
    assert len(msg.landmark_names) == len(msg.faces[0].landmarks) == 5
    emotion, gender = msg.faces[0].attributes
    assert emotion.label in EMOTIONS
    assert sum(gender.probabilities) == pytest.approx(1.0, abs=1e-5)


def _is_answered(received, msg):
    return received and stamp_of(received[-1]) == stamp_of(msg)


def test_a_compressed_image_is_answered(bench, pipeline, clip):
    publisher = bench.tester.create_publisher(CompressedImage, 'image_raw/compressed', 5)
    received = bench.subscribe(FaceAttributes, 'faces/attributes')
    with pipeline(parameters={'image_transport': 'compressed'}):
        bench.connect(publisher)
        msg = compressed_to_msg(clip[0], header(1000), 90)
        publisher.publish(msg)
        bench.spin_until(lambda: _is_answered(received, msg), 'the attributes')
    assert (received[-1].image_width, received[-1].image_height) == (640, 480)


def test_no_node_subscribes_to_the_images_and_rois_of_another(bench, pipeline):
    with pipeline(parameters={'source': 'builtin'}):
        bench.spin_until(
            lambda: bench.tester.count_publishers('faces/attributes') == 1, 'the nodes'
        )
        assert bench.tester.count_subscribers('faces/image') == 0
        assert bench.tester.count_subscribers('faces/rois') == 0
        names = set(bench.tester.get_node_names())
    assert {'faces_camera', 'faces_detector', 'faces_classifier'} <= names


def test_images_and_rois_are_published_for_other_subscribers(bench, pipeline):
    images = bench.subscribe(Image, 'faces/image')
    rois = bench.subscribe(FaceRois, 'faces/rois')
    pictures = bench.subscribe(Image, 'faces/image_annotated')
    with pipeline(parameters={'source': 'builtin'}):
        bench.spin_until(lambda: images and rois and pictures, 'all three')
    assert (images[-1].width, images[-1].header.frame_id) == (640, 'camera_optical_frame')


def test_a_source_is_waited_for_to_its_last_frame(pipeline, results, tmp_path, clip):
    for number in range(2):
        cv2.imwrite(str(tmp_path / f'{number}.png'), clip[number])
    parameters = {'source': str(tmp_path), 'source_loop': False, 'source_rate': 100.0}
    with pipeline(parameters=parameters, on_result=results) as running:
        assert running.wait(2 * SOON)
        assert len(results.all) + running.dropped == open_source(str(tmp_path)).frame_count


def test_waiting_ends_after_the_timeout_while_the_source_goes_on(pipeline):
    with pipeline(parameters={'source': 'builtin'}) as running:
        assert not running.wait(0.05)


def test_waiting_ends_with_the_context(bench, pipeline):
    with pipeline(parameters={'source': 'builtin'}) as running:
        threading.Timer(0.1, bench.context.shutdown).start()
        assert running.wait(2 * SOON)


def test_a_detector_that_is_deactivated_alone_is_activated_alone(bench, pipeline, results):
    with pipeline(parameters={'source': 'builtin'}, on_result=results) as running:
        results.wait(len)
        detector, classifier, *_ = running.followers
        detector.trigger_deactivate()
        bench.spin_until(lambda: classifier.is_idle, 'the end of the last frame')
        count = len(results.all)
        bench.spin_for(0.3)
        assert len(results.all) <= count + 1  # one may still have been on its way
        detector.trigger_activate()
        results.wait(lambda got: len(got) > count + 2)


def test_topics_are_remapped_and_put_in_a_namespace(bench, pipeline):
    publisher = bench.tester.create_publisher(Image, '/front/image', 5)
    with pipeline(remappings={'image_raw': '/front/image'}, namespace='robot1'):
        bench.connect(publisher)
        bench.spin_until(
            lambda: bench.tester.count_publishers('/robot1/faces/attributes') == 1, 'the topic'
        )


@pytest.mark.parametrize('none', [[], (), [''], ('',)])
def test_an_empty_list_of_attributes_means_none(pipeline, none):
    made = pipeline(parameters={'attributes': none, 'autostart': False})
    classifier = made.followers[1]
    assert (classifier.parameters.attributes, classifier.parameters.model_paths) == ((), {})
    for node in made.nodes:
        node.close()


@pytest.mark.parametrize('attributes', [['gender', 'emotion'], ('gender',)])
def test_attributes_are_classified_in_the_order_of_the_parameter(pipeline, results, attributes):
    parameters = {'source': 'builtin', 'attributes': attributes}
    with pipeline(parameters=parameters, on_result=results):
        results.wait(lambda got: any(each.faces for each in got))
    result = next(each for each in results.all if each.faces)
    assert [each.name for each in result.attributes] == list(attributes)
    assert list(result.faces[0].attributes) == list(attributes)


def test_parameters_that_every_node_has_are_passed_on():
    (given,) = perception._overrides({'use_sim_time': True})
    assert (given.name, given.value) == ('use_sim_time', True)


@pytest.mark.parametrize(
    ('parameters', 'reason'),
    [
        ({'detector.colour': 'red'}, 'no node has a parameter detector.colour'),
        ({'detector.min_score': 7.0}, 'detector.min_score'),
        ({'source': Path('a.mp4')}, "source must be text, got .*'a.mp4'"),
        ({'source': {'path': 'a.mp4'}}, 'source must be text, got {'),
        ({'source': None}, 'source must be text, got None'),
        ({'source': []}, r'source must be text, got \[\]'),
        ({'detector.every_n': [2]}, r'detector.every_n.*got \[2\]'),
        ({'jpeg': 1}, 'known are <attribute>.model_path, annotation.bars'),
        ({'attributes': 'emotion'}, "attributes must be a list of texts, .*, got 'emotion'"),
        ({'attributes': ['emotion', 1]}, r"a list of texts, .*, got \('emotion', 1\)"),
        ({'attributes': ['hat', 'hat']}, 'different names, got hat, hat'),
        ({'emotion.model_path': None}, 'emotion.model_path must be text, got None'),
    ],
)
def test_a_parameter_that_cannot_be_used_is_refused_before_anything_starts(
    bench, pipeline, parameters, reason
):
    with pytest.raises(ConfigurationError, match=reason):
        pipeline(parameters=parameters)
    bench.wait_until_alone()


@pytest.mark.parametrize(
    ('parameters', 'error', 'reason'),
    [
        ({'emotion.model_path': '/nowhere'}, ModelError, '/nowhere'),
        ({'source': '/nowhere.mp4'}, SourceError, '/nowhere.mp4'),
        ({'saliency.target': 'hungry'}, ConfigurationError, "saliency.target .*got 'hungry'"),
    ],
)
def test_nodes_that_cannot_start_are_refused_and_leave_no_node_behind(
    bench, pipeline, parameters, error, reason
):
    running = pipeline(parameters=parameters)
    with pytest.raises(error, match=reason):
        running.__enter__()
    bench.wait_until_alone()


def test_a_defect_in_a_callback_is_counted_and_frames_go_on(bench, pipeline, results):
    def fail():
        raise ZeroDivisionError('a defect')

    with pipeline(parameters={'source': 'builtin'}, on_result=results) as running:
        running.camera.create_timer(0.01, fail)
        bench.spin_until(lambda: running.camera.errors.total > 3, 'defects')
        before = len(results.all)
        bench.spin_until(lambda: len(results.all) > before + 3, 'frames')
        assert not running.wait(0.0)


def test_no_thread_is_left_afterwards(pipeline):
    before = {thread.name for thread in threading.enumerate()}
    with pipeline(parameters={'source': 'builtin'}):
        during = {thread.name for thread in threading.enumerate()}
    assert {'source', 'faces_detector', 'faces_classifier', 'executor'} <= during
    assert {thread.name for thread in threading.enumerate()} == before
