"""The classifier node: images and rois joined, attributes out, and what is refused."""

import array

from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import Point32
import numpy as np
import pytest

pytest.importorskip('rclpy')

from rclpy.parameter import Parameter
from rtcnn_perception.core.labels import EMOTION_LABELS
from rtcnn_perception.core.labels import GENDER_LABELS
from rtcnn_perception.core.pipeline import FacesInFrame
from rtcnn_perception.core.pipeline import Frame
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.msg import FaceAttributes
from rtcnn_perception.msg import FaceRoi
from rtcnn_perception.msg import FaceRois
from rtcnn_perception.nodes.classifier_node import ClassifierNode
from rtcnn_perception.nodes.conversions.images import frame_from_compressed
from scripted import header
from scripted import image
from scripted import picture
from scripted import ScriptedClassifier
from scripted import SIZE_WH
from scripted import stamp_of
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image
from sensor_msgs.msg import RegionOfInterest

INSIDE = (10, 12, 20, 24)


@pytest.fixture
def scripted():
    return ScriptedClassifier()


@pytest.fixture
def classifier(bench, scripted):
    """Make a classifier node around the scripted classifier."""

    def make(**arguments):
        return bench.add(ClassifierNode, classifier=scripted, **arguments)

    return make


def rois(number, *boxes):
    """Return the rois of an image, one for each x, y, width, height."""
    return FaceRois(
        header=header(number),
        image_width=SIZE_WH[0],
        image_height=SIZE_WH[1],
        rois=[
            FaceRoi(
                track_id=index + 1,
                roi=RegionOfInterest(x_offset=x, y_offset=y, width=width, height=height),
                confidence=0.9,
                track_state=FaceRoi.TRACKED,
                track_age=3,
            )
            for index, (x, y, width, height) in enumerate(boxes)
        ],
        detector='finder',
        detect_ms=4.0,
    )


class Partner:
    """Publishes both topics and listens to the third."""

    def __init__(self, bench):
        self.bench = bench
        self.images = bench.tester.create_publisher(Image, 'faces/image', 10)
        self.rois = bench.tester.create_publisher(FaceRois, 'faces/rois', 10)
        self.received = bench.listen(FaceAttributes, 'faces/attributes')

    def connect(self):
        self.bench.connect(self.images)
        self.bench.connect(self.rois)
        self.bench.spin_until(
            lambda: self.bench.tester.count_publishers('faces/attributes') == 1, 'its results'
        )
        return self

    def answer(self, number, *boxes):
        """Send a pair and wait for its attributes."""
        self.images.publish(image(number))
        self.rois.publish(rois(number, *boxes))
        return self.await_attributes(number)

    def await_attributes(self, number):
        self.bench.spin_until(
            lambda: self.received and stamp_of(self.received[-1]) == number, 'the attributes'
        )
        return self.received[-1]


@pytest.fixture
def partner(bench):
    return Partner(bench)


def test_an_image_in_which_nobody_is_seen_is_answered(classifier, partner):
    classifier().start()
    msg = partner.connect().answer(1000)
    assert (list(msg.faces), list(msg.emotion_labels)) == ([], ['calm', 'glad'])
    assert (msg.emotion_model, msg.gender_model) == ('scripted@01234567', 'scripted@89abcdef')
    assert msg.detector == 'finder'
    assert (msg.header.stamp.sec, msg.header.frame_id) == (1, 'optical')


def test_landmarks_reach_the_classifier_of_another_process(classifier, scripted, partner):
    classifier().start()
    partner.connect()
    msg = rois(1000, INSIDE, INSIDE)
    points = np.float32([[14, 18], [26, 20], [19, 25], [14, 30], [24, 32]])
    msg.rois[1].landmarks = [Point32(x=float(x), y=float(y)) for x, y in points]
    partner.images.publish(image(1000))
    partner.rois.publish(msg)
    partner.await_attributes(1000)
    first, second = scripted.places
    assert first.landmarks is None
    np.testing.assert_array_equal(second.landmarks, points)


def test_faces_are_judged_and_keep_their_tracks(classifier, partner):
    classifier().start()
    msg = partner.connect().answer(1000, INSIDE, (0, 0, 9, 9))
    assert [face.roi.track_id for face in msg.faces] == [1, 2]
    assert {face.emotion.label for face in msg.faces} == {'glad'}
    assert {face.gender.label for face in msg.faces} == {'man'}
    assert msg.detect_ms == pytest.approx(4.0)


@pytest.mark.parametrize('is_image_first', [True, False])
def test_image_and_rois_are_joined_whichever_comes_first(classifier, partner, is_image_first):
    node = classifier()
    node.start()
    partner.connect()
    sends = [
        lambda: partner.images.publish(image(1000)),
        lambda: partner.rois.publish(rois(1000, INSIDE)),
    ]
    first, second = sends if is_image_first else reversed(sends)
    first()
    partner.bench.spin_for(0.1)
    assert partner.received == []
    second()
    assert len(partner.await_attributes(1000).faces) == 1


def test_rois_of_a_frame_that_never_comes_do_no_harm(classifier, partner):
    node = classifier()
    node.start()
    partner.connect()
    for number in range(100, 400):
        partner.rois.publish(rois(number, INSIDE))
    partner.answer(5000, INSIDE)
    values = node._measured()
    assert int(values['rois without image']) >= 1
    node._rois_without_image = 0  # the node may have looked by itself meanwhile
    assert any('raise join_frames' in finding.message for finding in node._findings())
    assert not any('raise join_frames' in finding.message for finding in node._findings())
    assert node.errors.total == 0


def test_frames_without_rois_are_counted_as_dropped(classifier, partner):
    classifier().start()
    partner.connect()
    for number in (1000, 1033, 1066):
        partner.images.publish(image(number))
    msg = partner.answer(1100, INSIDE)
    assert msg.frames_dropped == 3


@pytest.mark.parametrize('box', [(60, 40, 30, 30), (10, 10, 0, 10), (2**31, 0, 5, 5)])
def test_rois_outside_the_image_are_counted_and_the_other_faces_judged(classifier, partner, box):
    node = classifier()
    node.start()
    msg = partner.connect().answer(1000, box, INSIDE)
    assert [face.roi.track_id for face in msg.faces] == [2]
    assert node.errors.total == 1
    assert len(partner.answer(1033, INSIDE).faces) == 1


def test_rois_of_another_image_size_are_counted_and_the_next_pair_is_judged(classifier, partner):
    node = classifier()
    node.start()
    partner.connect()
    wrong = rois(1000, INSIDE)
    wrong.image_width = 640
    partner.images.publish(image(1000))
    partner.rois.publish(wrong)
    partner.answer(1033, INSIDE)
    assert 'are both of the same camera' in node.errors.values()['last error']
    assert len(partner.received) == 1


def test_a_bad_image_is_counted_and_the_next_pair_is_judged(classifier, partner):
    node = classifier()
    node.start()
    partner.connect()
    bad = image(1000)
    bad.data = array.array('B', bytes(7))
    partner.images.publish(bad)
    partner.rois.publish(rois(1000, INSIDE))
    partner.answer(1033, INSIDE)
    assert node.errors.total == 1


def test_stamps_that_jump_back_are_answered_too(classifier, partner):
    classifier().start()
    partner.connect()
    for number in (90_000, 90_033, 1000, 1033, 1):
        assert len(partner.answer(number, INSIDE).faces) == 1


def test_images_without_a_stamp_are_errors_and_never_joined(classifier, partner):
    node = classifier()
    node.start()
    partner.connect()
    for _ in range(3):
        partner.images.publish(image(0))
        partner.rois.publish(rois(0, INSIDE))
    partner.answer(1000, INSIDE)
    assert len(partner.received) == 1
    assert node.errors.total == 3
    assert 'let the camera stamp' in node.errors.values()['last error']


def test_while_the_classifier_is_busy_only_the_newest_frame_waits(bench, classifier, scripted):
    judged = []
    node = classifier(is_listening=False, on_judged=lambda *both: judged.append(both))
    node.start()
    scripted.gate.clear()

    def submit(number):
        frame = Frame(picture(), number * 10**6, '', number * 10**6)
        node.submit(FacesInFrame(frame, (), 0.001, frames_dropped=10))

    submit(1)
    bench.spin_until(lambda: node._worker._slot._item is None, 'the first frame')
    for number in (2, 3, 4):
        submit(number)
    scripted.gate.set()
    bench.spin_until(lambda: node.is_idle and len(judged) == 2, 'the frames')
    found = [both[0].faces_in_frame for both in judged]
    assert [each.frame.stamp_ns for each in found] == [1_000_000, 4_000_000]
    assert found[-1].frames_dropped == 12


def test_the_annotated_picture_is_made_only_where_somebody_listens(bench, classifier, partner):
    classifier().start()
    partner.connect().answer(1000, INSIDE)
    raw = bench.listen(Image, 'faces/image_annotated')
    compressed = bench.listen(CompressedImage, 'faces/image_annotated/compressed')
    numbers = iter(range(2000, 10_000))
    bench.spin_until(
        lambda: partner.answer(next(numbers), INSIDE) and raw and compressed, 'pictures'
    )
    pixels = np.frombuffer(raw[-1].data, np.uint8).reshape(48, 64, 3)
    assert (raw[-1].header.frame_id, raw[-1].encoding) == ('optical', 'bgr8')
    assert not np.array_equal(pixels, picture())
    assert frame_from_compressed(compressed[-1], received_ns=0).size_wh == SIZE_WH


def test_a_node_at_rest_does_not_listen(bench, classifier, partner):
    node = classifier()
    node.start()
    partner.connect()
    node.trigger_deactivate()
    bench.spin_until(
        lambda: (
            not partner.images.get_subscription_count()
            and not partner.rois.get_subscription_count()
        ),
        'the end of listening',
    )


def test_smoothing_changes_while_the_node_runs(classifier):
    node = classifier()
    node.start()
    result = node.set_parameters([Parameter('smoothing.time_constant', value=0.0)])[0]
    assert result.successful
    assert node._smoother.time_constant == 0.0


def test_diagnostics_name_the_models(bench, classifier):
    classifier().start()
    received = bench.listen(DiagnosticArray, '/diagnostics')
    bench.spin_until(lambda: received, 'diagnostics')
    values = {value.key: value.value for value in received[-1].status[0].values}
    assert values['emotion model'] == 'scripted@01234567'
    assert values['gender model'] == 'scripted@89abcdef'


@pytest.fixture
def models(tmp_path):
    """Return parameters that name small but real models."""
    tiny_model = pytest.importorskip('tiny_model', reason='onnx is needed to make a model')
    labels = {'emotion': EMOTION_LABELS, 'gender': GENDER_LABELS}
    return {
        f'{name}.model_path': str(
            tiny_model.write_tiny_model(tmp_path / name, {name: labels[name]})
        )
        for name in labels
    }


def test_real_models_give_probabilities_in_the_order_of_the_labels(bench, partner, models):
    bench.add(ClassifierNode, parameters=models).start()
    msg = partner.connect().answer(1000, INSIDE)
    assert tuple(msg.emotion_labels) == EMOTION_LABELS
    emotion = msg.faces[0].emotion
    assert len(emotion.probabilities) == 7
    assert sum(emotion.probabilities) == pytest.approx(1.0, abs=1e-5)
    assert emotion.label == EMOTION_LABELS[int(np.argmax(emotion.probabilities))]
    assert emotion.confidence == pytest.approx(max(emotion.probabilities))
    assert msg.emotion_model.startswith('tiny@')


@pytest.mark.parametrize('off', ['emotion', 'gender'])
def test_either_attribute_can_be_turned_off(bench, partner, models, off):
    bench.add(ClassifierNode, parameters={**models, f'{off}.enabled': False}).start()
    msg = partner.connect().answer(1000, INSIDE)
    assert list(getattr(msg, f'{off}_labels')) == []
    assert getattr(msg, f'{off}_model') == ''
    assert getattr(msg.faces[0], off).label == ''
    on = {'emotion': 'gender', 'gender': 'emotion'}[off]
    assert getattr(msg.faces[0], on).label != ''


def test_with_both_off_faces_are_still_reported(bench, partner):
    off = {'emotion.enabled': False, 'gender.enabled': False}
    bench.add(ClassifierNode, parameters=off).start()
    msg = partner.connect().answer(1000, INSIDE)
    assert [face.roi.track_id for face in msg.faces] == [1]


def test_a_model_that_is_missing_is_refused_at_start_by_its_path(bench):
    parameters = {'emotion.model_path': '/nowhere/emotion', 'gender.enabled': False}
    with pytest.raises(ModelError, match='/nowhere/emotion'):
        bench.add(ClassifierNode, parameters=parameters).start()


def test_a_model_that_is_damaged_is_refused_at_start_by_its_path(bench, models, tmp_path):
    path = tmp_path / 'emotion' / 'model.onnx'
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ModelError, match=str(path)):
        bench.add(ClassifierNode, parameters=models).start()
