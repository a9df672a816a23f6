"""Faces to messages and back: every field, nobody, and rois that cannot be."""

import math

import numpy as np
import pytest

pytest.importorskip('rclpy')

from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.pipeline import FacesInFrame
from rtcnn_perception.core.pipeline import Frame
from rtcnn_perception.core.pipeline import JudgedFace
from rtcnn_perception.core.pipeline import JudgedFrame
from rtcnn_perception.core.tracking.tracker import Track
from rtcnn_perception.core.tracking.tracker import TrackState
from rtcnn_perception.exceptions import PerceptionError
from rtcnn_perception.msg import FaceRoi
from rtcnn_perception.nodes.conversions.faces import attributes_to_msg
from rtcnn_perception.nodes.conversions.faces import rois_to_msg
from rtcnn_perception.nodes.conversions.faces import tracks_from_rois

LANDMARKS = np.arange(10, dtype=np.float32).reshape(5, 2) - 3
LABELS = {'emotion': ('calm', 'glad', 'sad'), 'gender': ('woman', 'man')}
TAGS = {'emotion': 'faces@01234567', 'gender': 'people@89abcdef'}
MILLISECOND = 1_000_000


def frame(stamp_ns=1_000_000_000, received_ns=1_004_000_000):
    return Frame(np.zeros((48, 64, 3), np.uint8), stamp_ns, 'optical', received_ns)


def track(box=(10, 12, 30, 36), *, landmarks=None, state=TrackState.TRACKED, track_id=7):
    return Track(track_id, BoundingBox(*box), 0.75, landmarks, state, 5)


def found(*tracks, stamp_ns=1_000_000_000):
    return FacesInFrame(
        frame(stamp_ns), tracks, detect_s=0.006, frames_dropped=3, detector='finder'
    )


def refuse(error):
    raise error


def test_nobody_in_a_frame_is_a_message_all_the_same():
    msg = rois_to_msg(found())
    assert (list(msg.rois), msg.image_width, msg.image_height) == ([], 64, 48)
    assert (msg.header.stamp.sec, msg.header.frame_id) == (1, 'optical')
    assert (msg.detect_ms, msg.detector) == (pytest.approx(6.0), 'finder')
    assert tracks_from_rois(msg, frame(), refuse) == ()


@pytest.mark.parametrize('state', list(TrackState))
@pytest.mark.parametrize('landmarks', [None, LANDMARKS])
def test_a_track_comes_back_as_it_went(state, landmarks):
    sent = track(state=state, landmarks=landmarks)
    (came,) = tracks_from_rois(rois_to_msg(found(sent)), frame(), refuse)
    assert (came.track_id, came.box, came.state, came.age) == (7, sent.box, state, 5)
    assert came.confidence == pytest.approx(0.75)
    assert (came.landmarks is None) == (landmarks is None)
    if landmarks is not None:
        assert np.array_equal(came.landmarks, landmarks)


def test_the_constants_of_the_message_are_those_of_the_tracker():
    names = {name: getattr(FaceRoi, name) for name in ('NEW', 'TRACKED', 'COASTED')}
    assert names == {state.name: state.value for state in TrackState}


@pytest.mark.parametrize(
    ('box', 'roi'),
    [
        ((10.4, 12.6, 30.4, 36.4), (10, 13, 20, 23)),
        ((-5, -5, 200, 200), (0, 0, 64, 48)),
        ((63.6, 47.7, 70, 60), (63, 47, 1, 1)),
        ((10.1, 10.1, 10.2, 10.2), (10, 10, 1, 1)),
    ],
)
def test_a_box_is_clipped_to_the_image_and_covers_a_pixel(box, roi):
    msg = rois_to_msg(found(track(box))).rois[0].roi
    assert (msg.x_offset, msg.y_offset, msg.width, msg.height) == roi
    assert not msg.do_rectify


@pytest.mark.parametrize(
    ('changes', 'complaint'),
    [
        ({'width': 0}, 'a roi of 0x24 at 10, 12 does not lie within an image of 64x48'),
        ({'height': 0}, 'a roi of 20x0'),
        ({'x_offset': 45}, 'does not lie within'),
        ({'y_offset': 4_000_000_000}, 'does not lie within'),
    ],
)
def test_a_roi_outside_the_image_is_refused_and_the_others_remain(changes, complaint):
    msg = rois_to_msg(found(track(), track(track_id=8)))
    for name, value in changes.items():
        setattr(msg.rois[0].roi, name, value)
    refused = []
    tracks = tracks_from_rois(msg, frame(), refused.append)
    assert [each.track_id for each in tracks] == [8]
    assert complaint in str(refused[0])


@pytest.mark.parametrize(
    ('name', 'value'),
    [('confidence', math.nan), ('confidence', 1.5), ('track_state', 9), ('landmarks', 'one')],
)
def test_a_roi_that_no_tracker_makes_is_refused(name, value):
    msg = rois_to_msg(found(track(landmarks=LANDMARKS)))
    roi = msg.rois[0]
    setattr(roi, name, roi.landmarks[:1] if name == 'landmarks' else value)
    refused = []
    assert tracks_from_rois(msg, frame(), refused.append) == ()
    assert len(refused) == 1


def test_rois_of_an_image_of_another_size_are_refused():
    msg = rois_to_msg(found(track()))
    msg.image_width = 640
    with pytest.raises(PerceptionError, match='an image of 640x48 for one of 64x48'):
        tracks_from_rois(msg, frame(), refuse)


def judged(*faces, stamp_ns=1_000_000_000):
    return JudgedFrame(
        found(*(face.track for face in faces), stamp_ns=stamp_ns), faces, classify_s=0.002
    )


def probabilities(*values):
    return np.array(values, np.float32)


def face(**attributes):
    return JudgedFace(
        track(),
        crop=BoundingBox(5, 5, 40, 40),
        quality=0.5,
        smoothed={name: pair[0] for name, pair in attributes.items()},
        raw={name: pair[1] for name, pair in attributes.items()},
    )


def to_msg(frame_judged, labels=LABELS, tags=TAGS, published_ns=1_009_000_000):
    return attributes_to_msg(
        frame_judged, labels=labels, model_tags=tags, published_ns=published_ns
    )


def test_a_frame_in_which_nobody_is_seen_says_so_and_how_long_it_took():
    msg = to_msg(judged())
    assert list(msg.faces) == []
    assert (msg.image_width, msg.image_height, msg.frames_dropped) == (64, 48, 3)
    assert (msg.header.stamp.sec, msg.header.stamp.nanosec) == (1, 0)
    assert list(msg.emotion_labels) == ['calm', 'glad', 'sad']
    assert list(msg.gender_labels) == ['woman', 'man']
    assert (msg.emotion_model, msg.gender_model) == (TAGS['emotion'], TAGS['gender'])
    assert msg.detector == 'finder'
    times = (msg.input_age_ms, msg.detect_ms, msg.classify_ms, msg.total_ms)
    assert times == pytest.approx((4.0, 6.0, 2.0, 9.0))


def test_a_face_carries_both_attributes_smoothed_and_raw():
    msg = to_msg(
        judged(
            face(
                emotion=(probabilities(0.2, 0.5, 0.3), probabilities(0.8, 0.1, 0.1)),
                gender=(probabilities(0.25, 0.75), probabilities(1, 0)),
            )
        )
    ).faces[0]
    assert (msg.emotion.label, msg.gender.label) == ('glad', 'man')
    assert (msg.emotion.confidence, msg.gender.confidence) == pytest.approx((0.5, 0.75))
    assert list(msg.emotion.probabilities) == pytest.approx([0.2, 0.5, 0.3])
    assert list(msg.emotion.raw_probabilities) == pytest.approx([0.8, 0.1, 0.1])
    assert (msg.crop.x_offset, msg.crop.width, msg.crop_quality) == (5, 35, 0.5)
    assert msg.roi.track_id == 7


def test_an_attribute_that_is_off_is_empty():
    gender_only = {'gender': LABELS['gender']}
    msg = to_msg(
        judged(face(gender=(probabilities(0.5, 0.5), probabilities(0.5, 0.5)))),
        labels=gender_only,
        tags={'gender': TAGS['gender']},
    )
    assert (list(msg.emotion_labels), msg.emotion_model) == ([], '')
    emotion = msg.faces[0].emotion
    assert (emotion.label, emotion.confidence, len(emotion.probabilities)) == ('', 0.0, 0)


def test_times_since_a_stamp_that_is_missing_are_no_numbers():
    msg = to_msg(judged(stamp_ns=0))
    assert math.isnan(msg.input_age_ms)
    assert math.isnan(msg.total_ms)
