"""The detector node: frames in, rois out, the newest first, and what is refused."""

import array
import threading

from diagnostic_msgs.msg import DiagnosticArray
import numpy as np
import pytest

pytest.importorskip('rclpy')

from rclpy.parameter import Parameter
from rtcnn_perception.core.pipeline import Frame
from rtcnn_perception.core.sources.open import open_source
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import ImageFormatError
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.msg import FaceRois
from rtcnn_perception.nodes.conversions.images import image_to_msg
from rtcnn_perception.nodes.detector_node import DetectorNode
from scripted import header
from scripted import image
from scripted import picture
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


def frame(number):
    return Frame(picture(), number * 10**6, 'optical', number * 10**6)


def camera(bench):
    made = bench.tester.create_publisher(Image, 'faces/image', 10)
    bench.connect(made)
    return made


def follow(bench, made, received, number):
    """Publish an image and wait for its rois."""
    return await_rois(bench, made, received, image(number))


def await_rois(bench, made, received, msg):
    made.publish(msg)
    bench.spin_until(lambda: received and stamp_of(received[-1]) == stamp_of(msg), 'the rois')
    return received[-1]


def test_an_image_without_faces_has_no_rois_and_says_so(bench, detector, scripted):
    scripted.boxes = ()
    detector().start()
    received = bench.listen(FaceRois, 'faces/rois')
    msg = follow(bench, camera(bench), received, 1000)
    assert (list(msg.rois), msg.image_width, msg.image_height) == ([], 64, 48)
    assert (msg.header.stamp.sec, msg.header.frame_id) == (1, 'optical')
    assert msg.detector == 'scripted'


def test_a_face_is_followed_from_image_to_image(bench, detector):
    detector().start()
    received = bench.listen(FaceRois, 'faces/rois')
    made = camera(bench)
    for number in range(1000, 1330, 33):
        follow(bench, made, received, number)
    seen = [msg.rois[0] for msg in received if msg.rois]
    assert len(seen) >= 8
    assert {roi.track_id for roi in seen} == {seen[0].track_id}
    assert abs(seen[-1].roi.x_offset - BOX[0]) <= 1
    assert seen[-1].track_age > seen[0].track_age


def test_while_the_detector_is_busy_only_the_newest_frame_waits_and_drops_are_counted(
    bench, detector, scripted
):
    found = []
    node = detector(is_listening=False, hand_on=found.append, dropped_before=lambda: 5)
    node.start()
    scripted.gate.clear()
    node.submit(frame(1))
    assert scripted.begun.acquire(timeout=SOON)
    for number in (2, 3, 4):
        node.submit(frame(number))
    scripted.gate.set()
    bench.spin_until(lambda: node.is_idle and len(found) == 2, 'the frames')
    assert [each.frame.stamp_ns for each in found] == [1_000_000, 4_000_000]
    assert found[-1].frames_dropped == 2 + 5
    assert node.dropped == 2


def test_at_the_end_the_count_of_what_was_dropped_does_not_fall_back(bench, detector):
    found, begun, go_on = [], threading.Event(), threading.Event()

    def dropped_before():
        begun.set()
        assert go_on.wait(SOON)
        return 5

    node = detector(is_listening=False, hand_on=found.append, dropped_before=dropped_before)
    node.start()
    node.submit(frame(1))
    assert begun.wait(SOON)
    for number in (2, 3):
        node.submit(frame(number))
    ending = threading.Thread(target=node.trigger_deactivate)
    ending.start()
    bench.spin_until(lambda: node.dropped != 1, 'the end, which drops what waits')
    go_on.set()
    ending.join()
    assert [each.frames_dropped for each in found] == [2 + 5]


def test_in_one_process_nobody_listens_to_images(bench, detector):
    detector(is_listening=False).start()
    made = bench.tester.create_publisher(Image, 'faces/image', 10)
    bench.spin_for(0.2)
    assert made.get_subscription_count() == 0


def test_a_node_at_rest_ignores_frames_and_does_not_listen(bench, detector, scripted):
    node = detector()
    node.start()
    made = camera(bench)
    node.trigger_deactivate()
    bench.spin_until(lambda: made.get_subscription_count() == 0, 'the end of listening')
    node.submit(frame(1))
    bench.spin_for(0.1)
    assert scripted.seen == []
    node.trigger_activate()
    bench.connect(made)


def test_ids_go_on_after_a_rest(bench, detector):
    node = detector()
    node.start()
    received = bench.listen(FaceRois, 'faces/rois')
    made = camera(bench)
    for number in range(1000, 1330, 33):
        follow(bench, made, received, number)
    before = received[-1].rois[0].track_id
    for trigger in ('deactivate', 'cleanup', 'configure', 'activate'):
        getattr(node, f'trigger_{trigger}')()
    bench.connect(made)
    for number in range(5000, 5330, 33):
        follow(bench, made, received, number)
    assert received[-1].rois[0].track_id > before


def test_stamps_that_jump_back_do_not_stop_the_node(bench, detector):
    node = detector()
    node.start()
    received = bench.listen(FaceRois, 'faces/rois')
    made = camera(bench)
    for number in (90_000, 90_033, 90_066, 1000, 1033, 1066, 1100, 0):
        follow(bench, made, received, number)
    assert node.errors.total == 0


@pytest.mark.parametrize(
    ('name', 'value'),
    [('encoding', 'rgb12'), ('step', 5), ('data', array.array('B', bytes(7))), ('height', 0)],
)
def test_a_bad_image_is_counted_and_the_next_good_one_comes_through(bench, detector, name, value):
    node = detector()
    node.start()
    received = bench.listen(FaceRois, 'faces/rois')
    made = camera(bench)
    msg = image(1)
    setattr(msg, name, value)
    made.publish(msg)
    follow(bench, made, received, 2)
    assert node.errors.total == 1


@pytest.mark.parametrize('failure', [ImageFormatError('too small'), ZeroDivisionError('a defect')])
def test_a_detector_that_fails_costs_one_frame(bench, detector, scripted, failure):
    node = detector()
    node.start()
    received = bench.listen(FaceRois, 'faces/rois')
    made = camera(bench)
    scripted.failure = failure
    made.publish(image(1))
    bench.spin_until(lambda: node.errors.total == 1, 'the error')
    scripted.failure = None
    follow(bench, made, received, 2)
    assert str(failure) in node.errors.values()['last error']


def test_thresholds_reach_the_detector_and_the_tracker_while_they_run(bench, detector, scripted):
    node = detector(parameters={'detector.min_score': 0.3})
    node.start()
    assert scripted.min_score == 0.3
    changes = [
        Parameter('detector.min_score', value=0.8),
        Parameter('detector.every_n', value=3),
        Parameter('tracker.max_coast_s', value=0.5),
    ]
    assert all(result.successful for result in node.set_parameters(changes))
    assert scripted.min_score == 0.8
    received = bench.listen(FaceRois, 'faces/rois')
    made = camera(bench)
    before = len(scripted.seen)
    for number in range(1000, 1090, 10):
        follow(bench, made, received, number)
    assert len(scripted.seen) - before == 3


def test_diagnostics_name_the_detector(bench, detector):
    detector().start()
    received = bench.listen(DiagnosticArray, '/diagnostics')
    bench.spin_until(lambda: received, 'diagnostics')
    values = {value.key: value.value for value in received[-1].status[0].values}
    assert values['detector'] == 'the detector is scripted, which was given'
    assert values['frames dropped'] == '0'


@pytest.mark.parametrize(
    ('parameters', 'error', 'said'),
    [
        ({'detector.name': 'sonar'}, ConfigurationError, 'rtcnn, yunet, haar, got .sonar'),
        (
            {'detector.name': 'yunet', 'detector.model_path': '/nowhere/face.onnx'},
            ModelError,
            '/nowhere/face.onnx',
        ),
    ],
)
def test_a_detector_that_cannot_be_had_is_refused_at_start(bench, parameters, error, said):
    with pytest.raises(error, match=said):
        bench.add(DetectorNode, parameters=parameters).start()


def test_a_real_face_is_found_by_the_real_cascade(bench):
    node = bench.add(DetectorNode, parameters={'detector.name': 'haar'})
    node.start()
    received = bench.listen(FaceRois, 'faces/rois')
    made = camera(bench)
    frames = iter(open_source('builtin'))
    for number in range(1000, 1400, 33):
        await_rois(bench, made, received, image_to_msg(next(frames), header(number)))
    roi = received[-1].rois[0]
    assert 40 < roi.roi.width < 400
    assert roi.roi.x_offset + roi.roi.width <= 640
    assert np.isfinite(roi.confidence)
