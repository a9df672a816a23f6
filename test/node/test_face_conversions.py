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

"""Faces to messages and back: every field, no face, and rois that no tracker makes."""

import math

import numpy as np
import pytest
from rclpy.serialization import serialize_message
from rtcnn_perception.core.frame import Frame
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.landmarks import FIVE_POINTS
from rtcnn_perception.core.geometry.landmarks import NO_POINTS
from rtcnn_perception.core.results import Attribute
from rtcnn_perception.core.results import AttributeInfo
from rtcnn_perception.core.results import Face
from rtcnn_perception.core.results import FrameResult
from rtcnn_perception.core.tracking.track import Track
from rtcnn_perception.core.tracking.track import TrackState
from rtcnn_perception.core.tracking.tracker import MOST_TRACKS
from rtcnn_perception.exceptions import PerceptionError
from rtcnn_perception.msg import Face as FaceMsg
from rtcnn_perception.nodes.conversions import faces as faces_module
from rtcnn_perception.nodes.conversions.faces import attributes_to_msg
from rtcnn_perception.nodes.conversions.faces import MAX_FACES
from rtcnn_perception.nodes.conversions.faces import MAX_ROIS_BYTES
from rtcnn_perception.nodes.conversions.faces import result_from_rois
from rtcnn_perception.nodes.conversions.faces import rois_from_bytes
from rtcnn_perception.nodes.conversions.faces import rois_to_msg
from sensor_msgs.msg import RegionOfInterest

LANDMARKS = np.arange(10, dtype=np.float32).reshape(5, 2) - 3
SIX_POINTS = ('right_eye', 'left_eye', 'nose', 'mouth', 'right_ear', 'left_ear')
EMOTION = AttributeInfo('emotion', ('calm', 'glad', 'sad'), 'faces@01234567')
GENDER = AttributeInfo('gender', ('woman', 'man'), 'people@89abcdef')
HAT = AttributeInfo('hat', ('none', 'cap'), 'hats@00000000')


def frame(stamp_ns=1_000_000_000, received_ns=1_004_000_000):
    return Frame(np.zeros((48, 64, 3), np.uint8), stamp_ns, 'optical', received_ns)


def face(
    box=(10, 12, 30, 36), *, landmarks=None, state=TrackState.TRACKED, track_id=7, attributes=None
):
    return Face(
        Track(track_id, BoundingBox(*box), 0.75, landmarks, state, 5),
        crop=None if attributes is None else BoundingBox(5, 5, 40, 40),
        quality=0.0 if attributes is None else 0.5,
        attributes=attributes or {},
    )


def result(*faces, stamp_ns=1_000_000_000, **changes):
    fields = {
        'detector': 'finder',
        'landmark_names': FIVE_POINTS,
        'detect_s': 0.006,
        'classify_s': 0.002,
        'latency_s': 0.009,
        'frames_dropped': 3,
    }
    return FrameResult(frame(stamp_ns), faces, **{**fields, **changes})


def refuse(error):
    raise error


def test_rois_without_faces_come_back_unchanged():
    msg = rois_to_msg(result())
    assert (list(msg.faces), msg.image_width, msg.image_height) == ([], 64, 48)
    assert (msg.header.stamp.sec, msg.header.frame_id) == (1, 'optical')
    assert (msg.detect_ms, msg.detector) == (pytest.approx(6.0), 'finder')
    read = result_from_rois(msg, frame(), refuse)
    assert (read.faces, read.detector, read.landmark_names) == ((), 'finder', FIVE_POINTS)
    assert read.detect_s == pytest.approx(0.006)
    assert (read.frame.stamp_ns, read.attributes, read.frames_dropped) == (10**9, (), 0)


@pytest.mark.parametrize('state', list(TrackState))
@pytest.mark.parametrize('landmarks', [None, LANDMARKS])
def test_a_track_comes_back_unchanged(state, landmarks):
    sent = face(state=state, landmarks=landmarks)
    (read,) = result_from_rois(rois_to_msg(result(sent)), frame(), refuse).faces
    assert (read.track_id, read.box, read.track.state) == (7, sent.box, state)
    assert (read.track.age, read.track.confidence) == (5, pytest.approx(0.75))
    assert (read.crop, read.quality, read.attributes) == (None, 0.0, {})
    assert (read.landmarks is None) == (landmarks is None)
    if landmarks is not None:
        assert np.array_equal(read.landmarks, landmarks)


@pytest.mark.parametrize('names', [NO_POINTS, SIX_POINTS, ('chin',)])
def test_landmarks_of_any_convention_come_back_unchanged(names):
    points = np.arange(2 * len(names), dtype=np.float32).reshape(-1, 2) if names else None
    msg = rois_to_msg(result(face(landmarks=points), landmark_names=names))
    assert (tuple(msg.landmark_names), len(msg.faces[0].landmarks)) == (names, len(names))
    read = result_from_rois(msg, frame(), refuse)
    assert read.landmark_names == names
    region = read.region(read.faces[0])
    assert region.landmark_names == names
    assert np.array_equal(region.landmarks, points) if names else region.landmarks is None


def test_the_constants_of_the_message_are_those_of_the_tracker():
    names = {name: getattr(FaceMsg, name) for name in ('NEW', 'TRACKED', 'COASTED')}
    assert names == {state.name: state.value for state in TrackState}


def test_a_box_is_clipped_to_the_image_and_covers_a_pixel():
    for box, expected in (
        ((10.4, 12.6, 30.4, 36.4), (10, 13, 20, 23)),
        ((-5, -5, 200, 200), (0, 0, 64, 48)),
        ((63.6, 47.7, 70, 60), (63, 47, 1, 1)),
        ((10.1, 10.1, 10.2, 10.2), (10, 10, 1, 1)),
    ):
        msg = rois_to_msg(result(face(box))).faces[0].box
        assert (msg.x_offset, msg.y_offset, msg.width, msg.height) == expected
        assert not msg.do_rectify


@pytest.mark.parametrize('box', [(10.4, 12.6, 30.4, 36.4), (-20.25, -7.5, 30.0, 60.5)])
def test_a_box_comes_back_whole_and_not_rounded(box):
    (read,) = result_from_rois(rois_to_msg(result(face(box))), frame(), refuse).faces
    assert read.box.as_tuple() == pytest.approx(box, abs=1e-5)


def test_a_roi_without_a_whole_box_has_the_one_that_it_has():
    msg = rois_to_msg(result(face((-20, -7, 30, 40))))
    msg.faces[0].whole_box = [0.0] * 4
    (read,) = result_from_rois(msg, frame(), refuse).faces
    assert read.box.as_tuple() == (0, 0, 30, 40)


@pytest.mark.parametrize(
    'box',
    [
        (math.nan, 0, 20, 20),
        (0, 0, math.inf, 20),
        (0, 0, 20, 1e6),
        (20, 0, 10, 20),
        (40, 12, 60, 36),
        (10, 12, 30, 12),
        (29, 35, 5000, 3000),
        (10, 12, 30, 39),
    ],
)
def test_a_whole_box_of_which_the_box_is_not_the_part_inside_is_refused(box):
    msg = rois_to_msg(result(face((10, 12, 30, 36))))
    msg.faces[0].whole_box = [float(edge) for edge in box]
    with pytest.raises(PerceptionError, match=r'of which the box \(10, 12, 30, 36\) is the part'):
        result_from_rois(msg, frame(), refuse)


@pytest.mark.parametrize(
    ('changes', 'reason'),
    [
        ({'width': 0}, 'a roi of 0x24 at 10, 12 does not lie within an image of 64x48'),
        ({'height': 0}, 'a roi of 20x0'),
        ({'x_offset': 45}, 'does not lie within'),
        ({'y_offset': 25}, 'does not lie within'),
        ({'y_offset': 4_000_000_000}, 'does not lie within'),
    ],
)
def test_a_roi_outside_the_image_is_refused_and_the_others_remain(changes, reason):
    msg = rois_to_msg(result(face(), face(track_id=8)))
    for name, value in changes.items():
        setattr(msg.faces[0].box, name, value)
    refused = []
    faces = result_from_rois(msg, frame(), refused.append).faces
    assert [each.track_id for each in faces] == [8]
    assert reason in str(refused[0])


@pytest.mark.parametrize(
    ('name', 'value', 'reason'),
    [
        ('confidence', math.nan, r'a confidence in \[0, 1\].*got nan and 5'),
        ('confidence', 1.5, 'got 1.5 and 5'),
        ('confidence', math.inf, 'got inf and 5'),
        ('confidence', -math.inf, 'got -inf and 5'),
        ('track_id', 0, 'a track id from 1 on, got 0'),
        ('state', 9, 'an unknown track state 9'),
        ('landmarks', 1, 'no or 5 landmarks, got 0.75 and 1'),
        ('landmarks', 6, 'no or 5 landmarks, got 0.75 and 6'),
    ],
)
def test_a_roi_that_no_tracker_makes_is_refused(name, value, reason):
    msg = rois_to_msg(result(face(landmarks=LANDMARKS)))
    points = [*msg.faces[0].landmarks, *msg.faces[0].landmarks]
    setattr(msg.faces[0], name, points[:value] if name == 'landmarks' else value)
    refused = []
    assert result_from_rois(msg, frame(), refused.append).faces == ()
    with pytest.raises(PerceptionError, match=reason):
        refuse(*refused)


@pytest.mark.parametrize('value', [math.nan, math.inf, -math.inf])
def test_landmarks_that_are_not_finite_are_refused_for_that_face_alone(value):
    tracks = [face(track_id=number, landmarks=LANDMARKS) for number in (7, 8, 9)]
    msg = rois_to_msg(result(*tracks))
    msg.faces[1].landmarks[3].y = value
    refused = []
    read = result_from_rois(msg, frame(), refused.append)
    assert [each.track_id for each in read.faces] == [7, 9]
    assert [str(each) for each in refused] == ['a roi needs finite landmarks, got NaN or infinity']


def test_landmarks_without_names_are_refused():
    msg = rois_to_msg(result(face(landmarks=LANDMARKS)))
    msg.landmark_names = []
    with pytest.raises(PerceptionError, match=r'no or 0 landmarks, got 0\.75 and 5'):
        result_from_rois(msg, frame(), refuse)


def test_rois_of_an_image_of_another_size_are_refused():
    msg = rois_to_msg(result(face()))
    msg.image_width = 640
    expected = 'expected rois of an image of 64x48, got those of one of 640x48; are both of the'
    with pytest.raises(PerceptionError, match=expected):
        result_from_rois(msg, frame(), refuse)


def test_rois_come_back_from_their_bytes():
    msg = rois_to_msg(result(*(face(track_id=number + 1) for number in range(MAX_FACES))))
    assert rois_from_bytes(serialize_message(msg)) == msg


@pytest.mark.parametrize(('tracks', 'landmarks'), [(MOST_TRACKS, 34), (64, 160), (20, 478)])
def test_every_track_of_a_detector_with_many_landmarks_is_taken(tracks, landmarks):
    names = tuple(map(str, range(landmarks)))
    points = np.zeros((landmarks, 2), np.float32)
    faces = [face(track_id=number + 1, landmarks=points) for number in range(tracks)]
    msg = rois_to_msg(result(*faces, landmark_names=names))
    read = result_from_rois(rois_from_bytes(serialize_message(msg)), frame(), refuse)
    assert len(read.faces) == tracks


@pytest.mark.parametrize(
    ('faces', 'reason'),
    [(MAX_FACES + 1, '257 faces, more than 256'), (10_000, r'rois of \d+ bytes, more than')],
)
def test_more_faces_than_a_detector_sends_are_refused(faces, reason):
    msg = rois_to_msg(result(*[face()] * faces))
    with pytest.raises(PerceptionError, match=reason):
        rois_from_bytes(serialize_message(msg))


def test_too_many_bytes_are_refused_before_they_are_read(monkeypatch):
    monkeypatch.setattr(faces_module, 'deserialize_message', None)
    with pytest.raises(PerceptionError, match='rois of 262145 bytes, more than 262144'):
        rois_from_bytes(bytes(MAX_ROIS_BYTES + 1))


@pytest.mark.parametrize('value', [math.nan, math.inf, -math.inf, -1.0])
def test_rois_whose_time_is_none_are_refused(value):
    msg = rois_to_msg(result(face()))
    msg.detect_ms = value
    with pytest.raises(PerceptionError, match='rois need a detect_ms of 0 or above, got'):
        rois_from_bytes(serialize_message(msg))


@pytest.mark.parametrize('data', [b'', bytes(3), b'\xff' * 100])
def test_bytes_that_are_no_rois_are_refused(data):
    with pytest.raises(PerceptionError, match=f'damaged rois of {len(data)} bytes'):
        rois_from_bytes(data)


def test_a_frame_without_faces_lists_the_attributes_and_all_times():
    msg = attributes_to_msg(result(attributes=(EMOTION, GENDER)))
    assert list(msg.faces) == []
    assert (msg.image_width, msg.image_height, msg.frames_dropped) == (64, 48, 3)
    assert (msg.header.stamp.sec, msg.header.stamp.nanosec) == (1, 0)
    assert [(each.name, tuple(each.labels), each.model) for each in msg.attributes] == [
        ('emotion', EMOTION.labels, 'faces@01234567'),
        ('gender', GENDER.labels, 'people@89abcdef'),
    ]
    assert (msg.detector, tuple(msg.landmark_names)) == ('finder', FIVE_POINTS)
    times = (msg.input_age_ms, msg.detect_ms, msg.classify_ms, msg.total_ms)
    assert times == pytest.approx((4.0, 6.0, 2.0, 9.0))


def predicted(info, smoothed, raw):
    return Attribute.of(info.labels, np.array(smoothed, np.float32), np.array(raw, np.float32))


def test_a_face_carries_each_attribute_smoothed_and_raw_in_their_order():
    attributes = {
        'hat': predicted(HAT, (0.875, 0.125), (0.5, 0.5)),
        'gender': predicted(GENDER, (0.25, 0.75), (1, 0)),
        'emotion': predicted(EMOTION, (0.2, 0.5, 0.3), (0.8, 0.1, 0.1)),
    }
    classified = result(face(attributes=attributes), attributes=(HAT, GENDER, EMOTION))
    msg = attributes_to_msg(classified)
    assert [each.name for each in msg.attributes] == ['hat', 'gender', 'emotion']
    (sent,) = msg.faces
    assert [each.name for each in sent.attributes] == ['hat', 'gender', 'emotion']
    assert [each.label for each in sent.attributes] == ['none', 'man', 'glad']
    assert [each.confidence for each in sent.attributes] == pytest.approx([0.875, 0.75, 0.5])
    emotion = sent.attributes[2]
    assert list(emotion.probabilities) == pytest.approx([0.2, 0.5, 0.3])
    assert list(emotion.raw_probabilities) == pytest.approx([0.8, 0.1, 0.1])
    assert (sent.crop.x_offset, sent.crop.width, sent.quality) == (5, 35, 0.5)
    assert (sent.track_id, sent.age, sent.state) == (7, 5, FaceMsg.TRACKED)


def test_without_attributes_the_lists_are_empty():
    msg = attributes_to_msg(result(face(attributes={})))
    assert list(msg.attributes) == []
    assert list(msg.faces[0].attributes) == []
    assert msg.faces[0].quality == 0.5


def test_before_classification_crop_quality_and_attributes_are_empty():
    (msg,) = rois_to_msg(result(face())).faces
    assert (msg.crop, msg.quality, list(msg.attributes)) == (RegionOfInterest(), 0.0, [])


def test_times_since_a_missing_stamp_are_nan():
    msg = attributes_to_msg(result(stamp_ns=0, latency_s=math.nan))
    assert math.isnan(msg.input_age_ms)
    assert math.isnan(msg.total_ms)


def test_the_age_of_an_image_whose_stamp_lies_ahead_is_negative():
    msg = attributes_to_msg(result(stamp_ns=1_008_000_000))
    assert msg.input_age_ms == pytest.approx(-4.0)


def test_a_count_of_drops_above_32_bits_starts_again():
    assert attributes_to_msg(result(frames_dropped=2**32 + 5)).frames_dropped == 5
