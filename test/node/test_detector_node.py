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

"""The detector node: frames in, rois out, the newest first, and what is refused."""

import array
from dataclasses import replace
import threading

from diagnostic_msgs.msg import DiagnosticArray
import numpy as np
import pytest
from rclpy.parameter import Parameter
from rtcnn_perception.core.detection.base import DetectorRow
from rtcnn_perception.core.detection.registry import DETECTORS
from rtcnn_perception.core.sources.open import open_source
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import ImageFormatError
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.msg import FaceRois
from rtcnn_perception.nodes.conversions.images import image_to_msg
from rtcnn_perception.nodes.detector_node import DetectorNode
from rtcnn_perception.nodes.worker import WorkerNode
from scripted import header
from scripted import image
from scripted import result
from scripted import ScriptedDetector
from scripted import SOON
from scripted import stamp_of
from sensor_msgs.msg import Image

BOX = (10, 10, 30, 34)


@pytest.fixture
def scripted():
    return ScriptedDetector(BOX)


@pytest.fixture
def detector(bench, scripted):
    """Make a detector node around the scripted detector, with parameters by full name."""

    def make(**arguments):
        return bench.add(DetectorNode, detector=scripted, **arguments)

    return make


def camera(bench):
    made = bench.tester.create_publisher(Image, 'faces/image', 10)
    bench.connect(made)
    return made


def detect(bench, made, received, number):
    """Publish an image and wait for its rois."""
    return await_rois(bench, made, received, image(number))


def await_rois(bench, made, received, msg):
    made.publish(msg)
    bench.spin_until(lambda: received and stamp_of(received[-1]) == stamp_of(msg), 'the rois')
    return received[-1]


def test_an_image_without_faces_is_answered_by_a_message_without_faces(bench, detector, scripted):
    scripted.boxes = ()
    detector().start()
    received = bench.subscribe(FaceRois, 'faces/rois')
    msg = detect(bench, camera(bench), received, 1000)
    assert (list(msg.faces), msg.image_width, msg.image_height) == ([], 64, 48)
    assert (msg.header.stamp.sec, msg.header.frame_id) == (1, 'optical')
    assert (msg.detector, list(msg.landmark_names)) == ('scripted', [])


def test_a_face_keeps_its_track_from_image_to_image(bench, detector):
    detector().start()
    received = bench.subscribe(FaceRois, 'faces/rois')
    made = camera(bench)
    for number in range(1000, 1330, 33):
        detect(bench, made, received, number)
    faces = [msg.faces[0] for msg in received if msg.faces]
    assert len(faces) >= 8
    assert {face.track_id for face in faces} == {faces[0].track_id}
    assert abs(faces[-1].box.x_offset - BOX[0]) <= 1
    assert faces[-1].age > faces[0].age


def test_while_the_detector_is_busy_only_the_newest_frame_waits_and_drops_are_counted(
    bench, detector, scripted
):
    found = []
    node = detector(is_composed=True, on_output=found.append)
    node.start()
    scripted.gate.clear()
    node.submit(result(1, frames_dropped=3))
    assert scripted.begun.acquire(timeout=SOON)
    for number in (2, 3, 4):
        node.submit(result(number, frames_dropped=5))
    scripted.gate.set()
    bench.spin_until(lambda: node.is_idle and len(found) == 2, 'the frames')
    assert [each.frame.stamp_ns for each in found] == [1_000_000, 4_000_000]
    assert [each.frames_dropped for each in found] == [3, 2 + 5]
    assert node.dropped == 2


def test_at_the_end_the_count_of_drops_does_not_fall_back(bench, detector, monkeypatch):
    found, begun, go_on = [], threading.Event(), threading.Event()

    def dropped_later(node):
        if threading.current_thread().name == 'faces_detector':
            begun.set()
            assert go_on.wait(SOON)
        return WorkerNode.dropped.fget(node)

    monkeypatch.setattr(DetectorNode, 'dropped', property(dropped_later))
    node = detector(is_composed=True, on_output=found.append)
    node.start()
    node.submit(result(1, frames_dropped=5))
    assert begun.wait(SOON)
    for number in (2, 3):
        node.submit(result(number))
    deactivation = threading.Thread(target=node.trigger_deactivate)
    deactivation.start()
    bench.spin_until(lambda: node.dropped != 1, 'the end, which drops what waits')
    go_on.set()
    deactivation.join()
    bench.spin_until(lambda: found, 'the last frame')
    assert [each.frames_dropped for each in found] == [2 + 5]


def test_a_composed_node_does_not_subscribe_to_images(bench, detector):
    detector(is_composed=True).start()
    made = bench.tester.create_publisher(Image, 'faces/image', 10)
    bench.spin_for(0.2)
    assert made.get_subscription_count() == 0


def test_an_inactive_node_ignores_frames_and_has_no_subscription(bench, detector, scripted):
    node = detector()
    node.start()
    made = camera(bench)
    node.trigger_deactivate()
    bench.spin_until(lambda: made.get_subscription_count() == 0, 'the end of the subscription')
    node.submit(result(1))
    bench.spin_for(0.1)
    assert scripted.images == []
    node.trigger_activate()
    bench.connect(made)


def test_track_ids_are_not_reused_after_deactivation(bench, detector):
    node = detector()
    node.start()
    received = bench.subscribe(FaceRois, 'faces/rois')
    made = camera(bench)
    for number in range(1000, 1330, 33):
        detect(bench, made, received, number)
    before = received[-1].faces[0].track_id
    for trigger in ('deactivate', 'cleanup', 'configure', 'activate'):
        getattr(node, f'trigger_{trigger}')()
    bench.connect(made)
    for number in range(5000, 5330, 33):
        detect(bench, made, received, number)
    assert received[-1].faces[0].track_id > before


def test_stamps_that_jump_back_do_not_stop_the_node(bench, detector):
    node = detector()
    node.start()
    received = bench.subscribe(FaceRois, 'faces/rois')
    made = camera(bench)
    for number in (90_000, 90_033, 90_066, 1000, 1033, 1066, 1100, 0):
        detect(bench, made, received, number)
    assert node.errors.total == 0


@pytest.mark.parametrize(
    ('name', 'value'),
    [('encoding', 'rgb12'), ('step', 5), ('data', array.array('B', bytes(7))), ('height', 0)],
)
def test_a_bad_image_is_counted_and_the_next_good_one_passes(bench, detector, name, value):
    node = detector()
    node.start()
    received = bench.subscribe(FaceRois, 'faces/rois')
    made = camera(bench)
    msg = image(1)
    setattr(msg, name, value)
    made.publish(msg)
    detect(bench, made, received, 2)
    assert node.errors.total == 1


@pytest.mark.parametrize('failure', [ImageFormatError('too small'), ZeroDivisionError('a defect')])
def test_a_detector_that_fails_costs_one_frame(bench, detector, scripted, failure):
    node = detector()
    node.start()
    received = bench.subscribe(FaceRois, 'faces/rois')
    made = camera(bench)
    scripted.failure = failure
    made.publish(image(1))
    bench.spin_until(lambda: node.errors.total == 1, 'the error')
    scripted.failure = None
    detect(bench, made, received, 2)
    assert str(failure) in node.errors.values()['last error']


def test_live_parameters_reach_the_detector_and_the_tracker(bench, detector, scripted):
    node = detector(parameters={'detector.min_score': 0.3})
    node.start()
    assert node._stage.min_score == 0.3
    changes = [
        Parameter('detector.min_score', value=0.8),
        Parameter('detector.every_n', value=3),
        Parameter('tracker.max_coast', value=0.5),
    ]
    assert all(each.successful for each in node.set_parameters(changes))
    assert node._tracker.config.max_coast_s == 0.5
    received = bench.subscribe(FaceRois, 'faces/rois')
    made = camera(bench)
    before = len(scripted.images)
    for number in range(1000, 1090, 10):
        detect(bench, made, received, number)
    assert len(scripted.images) - before == 3
    assert scripted.min_score == 0.8
    # What it was given with is its default, whatever it was set to since.
    node.set_parameters([Parameter('detector.min_score', value=0.0)])
    for _ in range(3):
        detect(bench, made, received, number := number + 10)
    assert scripted.min_score == 0.5


def test_diagnostics_name_the_detector(bench, detector):
    detector().start()
    received = bench.subscribe(DiagnosticArray, '/diagnostics')
    bench.spin_until(lambda: received, 'diagnostics')
    values = {value.key: value.value for value in received[-1].status[0].values}
    assert values['detector'] == 'the detector is scripted, which was given'
    assert values['frames dropped'] == '0'


@pytest.mark.parametrize(
    ('parameters', 'error', 'reason'),
    [
        ({'detector.name': 'sonar'}, ConfigurationError, 'rtcnn, yunet, haar.*, got .sonar'),
        (
            {'detector.name': 'yunet', 'detector.model_path': '/nowhere/face.onnx'},
            ModelError,
            '/nowhere/face.onnx',
        ),
    ],
)
def test_a_detector_that_cannot_be_loaded_is_refused_at_start(bench, parameters, error, reason):
    with pytest.raises(error, match=reason):
        bench.add(DetectorNode, parameters=parameters).start()


def test_a_real_face_is_found_by_the_real_cascade(bench):
    node = bench.add(DetectorNode, parameters={'detector.name': 'haar'})
    node.start()
    received = bench.subscribe(FaceRois, 'faces/rois')
    made = camera(bench)
    frames = iter(open_source('builtin'))
    for number in range(1000, 1400, 33):
        await_rois(bench, made, received, image_to_msg(next(frames), header(number)))
    face = received[-1].faces[0]
    assert 40 < face.box.width < 400
    assert face.box.x_offset + face.box.width <= 640
    assert np.isfinite(face.confidence)


SIX_POINTS = ('right_eye', 'left_eye', 'nose', 'mouth', 'right_ear', 'left_ear')


@pytest.fixture
def registered(monkeypatch, scripted):
    """Put a detector with six landmarks into the registry; return what it was loaded with."""
    loaded = []
    scripted.tag = 'sonar (scripted@01234567)'
    scripted.landmark_names = SIX_POINTS
    scripted.landmarks = np.arange(12, dtype=np.float32).reshape(6, 2) + 10

    def load(path, config):
        loaded.append((path, config))
        scripted.min_score = config.min_score or 0.7
        return scripted

    row = DetectorRow(
        name='sonar',
        load=load,
        locate=lambda folders: folders[0] / 'sonar',
        default_width=160,
        default_min_score=0.7,
        recognises=lambda path: path.name == 'sonar.bin',
        model_description='sonar.bin',
    )
    monkeypatch.setitem(DETECTORS, 'sonar', row)
    return loaded


def test_the_minimum_score_of_a_detector_is_its_own_where_none_is_set(bench, registered, tmp_path):
    (tmp_path / 'sonar.bin').touch()
    model = {'detector.name': 'sonar', 'detector.model_path': str(tmp_path / 'sonar.bin')}
    node = bench.add(DetectorNode, parameters=model)
    node.start()
    assert registered[0][1].min_score == 0.0
    found = []
    for value in (0.3, 0.0):
        found.append(node._stage.min_score)
        assert node.set_parameters([Parameter('detector.min_score', value=value)])[0].successful
    assert [*found, node._stage.min_score] == [0.7, 0.3, 0.7]


def test_a_detector_is_a_row_of_the_registry(bench, scripted, registered, tmp_path):
    model = tmp_path / 'sonar.bin'
    model.touch()
    parameters = {'detector.name': 'sonar', 'detector.model_path': str(model)}
    node = bench.add(
        DetectorNode,
        parameters={**parameters, 'detector.min_score': 0.25, 'detector.width': 160},
    )
    node.start()
    ((path, config),) = registered
    assert (path, config.width, config.min_score) == (model, 160, 0.25)
    assert node.reason == 'the detector is sonar (scripted@01234567), as configured'
    received = bench.subscribe(FaceRois, 'faces/rois')
    msg = detect(bench, camera(bench), received, 1000)
    assert (msg.detector, tuple(msg.landmark_names)) == (scripted.tag, SIX_POINTS)
    points = [(point.x, point.y) for point in msg.faces[0].landmarks]
    assert np.array_equal(np.array(points, np.float32), scripted.landmarks)


def test_a_registered_detector_is_known_by_its_model_alone(bench, registered, tmp_path):
    model = tmp_path / 'sonar.bin'
    model.touch()
    node = bench.add(DetectorNode, parameters={'detector.model_path': str(model)})
    node.start()
    assert node.reason.endswith(f'since its model {model} is named')
    assert [path for path, _ in registered] == [model]


def test_what_prevents_a_registered_detector_is_reported(bench, registered, monkeypatch):
    row = replace(DETECTORS['sonar'], obstacle=lambda: 'sonar needs a ping')
    monkeypatch.setitem(DETECTORS, 'sonar', row)
    with pytest.raises(ModelError, match='sonar needs a ping, or use another detector'):
        bench.add(DetectorNode, parameters={'detector.name': 'sonar'}).start()
    assert registered == []
