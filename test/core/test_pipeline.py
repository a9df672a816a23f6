"""A frame passes detection and classification, and nothing of it is lost or mixed up."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from rtcnn_perception.core.attributes.classifier import AttributeClassifier
from rtcnn_perception.core.attributes.quality import crop_quality
from rtcnn_perception.core.attributes.smoothing import TrackSmoother
from rtcnn_perception.core.detection.registry import Detection
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.pipeline import ClassificationStage
from rtcnn_perception.core.pipeline import DetectionStage
from rtcnn_perception.core.pipeline import FacesInFrame
from rtcnn_perception.core.pipeline import Frame
from rtcnn_perception.core.tracking.tracker import Track
from rtcnn_perception.core.tracking.tracker import TrackState
from rtcnn_perception.exceptions import ImageFormatError
from tiny_model import EMOTIONS
from tiny_model import GENDERS
from tiny_model import write_tiny_model

SECOND = 1_000_000_000
BOX = BoundingBox(40, 30, 90, 90)


class FakeDetector:
    """Sees one face in every image, and counts its looks."""

    name = 'fake'

    def __init__(self):
        self.min_score = 0.5
        self.looks = 0

    def detect(self, image):
        self.looks += 1
        return (Detection(BoundingBox(0, 0, image.shape[1], image.shape[0]), 0.9),)


class FakeTracker:
    """Gives the tracks it was made with, and keeps what it was told."""

    def __init__(self, *tracks):
        self.tracks = tracks
        self.told = []

    def update(self, detections, stamp):
        self.told.append((None if detections is None else len(detections), stamp))
        return self.tracks


def make_frame(seconds=1.0, seed=5):
    image = np.random.default_rng(seed).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    return Frame(image, stamp_ns=round(seconds * SECOND), frame_id='camera', received_ns=0)


def make_track(track_id=1, box=BOX, state=TrackState.TRACKED):
    return Track(track_id, box, confidence=0.9, landmarks=None, state=state, age=3)


def found_in(frame, *tracks):
    return FacesInFrame(frame, tracks, detect_s=0.004, frames_dropped=2)


@pytest.fixture
def classifier(tmp_path):
    emotion = write_tiny_model(tmp_path / 'emotion', {'emotion': EMOTIONS}, margin=0.1)
    gender = write_tiny_model(tmp_path / 'gender', {'gender': GENDERS}, margin=0.3)
    return AttributeClassifier.load(emotion, gender)


@pytest.mark.parametrize(
    'image',
    [
        np.zeros((0, 0, 3), np.uint8),
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
    ],
)
def test_what_is_no_image_makes_no_frame(image):
    with pytest.raises(ImageFormatError, match=r'shape \(H, W, 3\) and type uint8, got shape'):
        Frame(image, stamp_ns=0, frame_id='', received_ns=0)


def test_nobody_can_write_to_a_frame_and_the_image_is_not_copied():
    image = np.zeros((4, 6, 3), np.uint8)
    frame = Frame(image, stamp_ns=0, frame_id='', received_ns=0)
    assert np.shares_memory(frame.image, image)
    assert image.flags.writeable
    assert frame.size_wh == (6, 4)
    with pytest.raises(ValueError, match='read-only'):
        frame.image[0, 0] = 1


def test_time_is_the_stamp_and_without_one_the_arrival():
    image = np.zeros((4, 6, 3), np.uint8)
    assert Frame(image, 5 * SECOND, '', received_ns=9 * SECOND).time == 5.0
    assert Frame(image, 0, '', received_ns=9 * SECOND).time == 9.0


def test_a_frame_without_faces_passes_both_stages(classifier):
    found = DetectionStage(FakeDetector(), FakeTracker()).process(make_frame())
    judged = ClassificationStage(classifier, TrackSmoother(0.5)).process(found)
    assert found.tracks == ()
    assert judged.faces == ()
    assert judged.faces_in_frame is found


def test_the_tracker_is_told_what_the_detector_sees_and_when():
    tracker = FakeTracker(make_track())
    frame = make_frame(seconds=12.5)
    found = DetectionStage(FakeDetector(), tracker).process(frame, frames_dropped=7)
    assert tracker.told == [(1, 12.5)]
    assert found.tracks == (make_track(),)
    assert found.frame is frame
    assert found.frames_dropped == 7


def test_the_detector_looks_at_the_first_and_then_every_nth_frame():
    detector, tracker = FakeDetector(), FakeTracker()
    stage = DetectionStage(detector, tracker, every_n=3)
    for _ in range(7):
        stage.process(make_frame())
    assert [seen for seen, _ in tracker.told] == [1, None, None, 1, None, None, 1]
    stage.every_n = 1
    assert stage.every_n == 1
    stage.process(make_frame())
    stage.process(make_frame())
    assert detector.looks == 5


def test_after_a_restart_the_detector_looks_at_once():
    detector = FakeDetector()
    stage = DetectionStage(detector, FakeTracker(), every_n=10)
    stage.process(make_frame())
    stage.process(make_frame())
    looks = detector.looks
    stage.restart()
    stage.process(make_frame())
    assert (looks, detector.looks) == (1, 2)


@pytest.mark.parametrize('every_n', [0, -1])
def test_looking_at_every_zeroth_frame_is_refused(every_n):
    with pytest.raises(ValueError, match='every_n must be 1 or more'):
        DetectionStage(FakeDetector(), FakeTracker(), every_n=every_n)


def test_the_least_score_reaches_the_detector_and_must_be_a_score():
    detector = FakeDetector()
    stage = DetectionStage(detector, FakeTracker())
    stage.min_score = 0.7
    assert detector.min_score == stage.min_score == 0.7
    with pytest.raises(ValueError, match=r'min_score must be in \[0, 1\], got 1.5'):
        stage.min_score = 1.5


def test_a_track_that_coasted_out_of_the_image_is_left_out():
    outside = make_track(2, BoundingBox(-50, 0, -1, 40), TrackState.COASTED)
    stage = DetectionStage(FakeDetector(), FakeTracker(outside, make_track(1)))
    assert [track.track_id for track in stage.process(make_frame()).tracks] == [1]


def test_stages_measure_what_they_take(classifier):
    ticks = itertools.count(100.0, 0.25)
    found = DetectionStage(FakeDetector(), FakeTracker(), clock=lambda: next(ticks)).process(
        make_frame()
    )
    stage = ClassificationStage(classifier, TrackSmoother(0.5), clock=lambda: next(ticks))
    assert found.detect_s == 0.25
    assert stage.process(found).classify_s == 0.25


def test_each_face_gets_its_own_rows_crop_and_quality(classifier):
    frame = make_frame()
    tracks = (make_track(4), make_track(9, BoundingBox(100, 60, 150, 130)))
    judged = ClassificationStage(classifier, TrackSmoother(0.5)).process(found_in(frame, *tracks))
    assert tuple(face.track for face in judged.faces) == tracks
    for face in judged.faces:
        alone = classifier.classify(frame.image, (face.track.place,))
        for attribute in ('emotion', 'gender'):
            np.testing.assert_allclose(face.raw[attribute], alone[attribute][0], atol=1e-6)
            np.testing.assert_array_equal(face.smoothed[attribute], face.raw[attribute])
        assert face.crop == classifier.crop_of(face.track.place).clip_to(160, 120)
        assert face.quality == crop_quality(frame.image, face.track.box)


def test_judgements_are_smoothed_over_the_track_and_raw_ones_are_not(classifier):
    stage = ClassificationStage(classifier, TrackSmoother(1e6))
    first = stage.process(found_in(make_frame(1.0, seed=1), make_track())).faces[0]
    second = stage.process(found_in(make_frame(1.1, seed=2), make_track())).faces[0]
    assert np.abs(second.raw['emotion'] - first.raw['emotion']).max() > 0.01
    np.testing.assert_allclose(second.smoothed['emotion'], first.raw['emotion'], atol=1e-5)


def test_a_face_out_of_sight_keeps_the_judgement_it_had(classifier):
    stage = ClassificationStage(classifier, TrackSmoother(0.0))
    first = stage.process(found_in(make_frame(1.0, seed=1), make_track())).faces[0]
    coasted = make_track(state=TrackState.COASTED)
    second = stage.process(found_in(make_frame(1.1, seed=2), coasted)).faces[0]
    np.testing.assert_array_equal(second.smoothed['emotion'], first.smoothed['emotion'])
    assert np.abs(second.raw['emotion'] - first.raw['emotion']).max() > 0.01


def test_a_face_out_of_sight_is_no_good_look_however_sharp_its_place_is(classifier):
    stage = ClassificationStage(classifier, TrackSmoother(0.5))
    tracks = [make_track(index, state=state) for index, state in enumerate(TrackState)]
    faces = stage.process(found_in(make_frame(), *tracks)).faces
    sharp = crop_quality(make_frame().image, BOX)
    assert sharp > 0.5
    assert {face.track.state: face.quality for face in faces} == {
        TrackState.NEW: sharp,
        TrackState.TRACKED: sharp,
        TrackState.COASTED: 0.0,
    }


def test_a_face_out_of_sight_of_which_nothing_is_known_is_judged(classifier):
    stage = ClassificationStage(classifier, TrackSmoother(0.0))
    coasted = make_track(state=TrackState.COASTED)
    face = stage.process(found_in(make_frame(), coasted)).faces[0]
    np.testing.assert_array_equal(face.smoothed['emotion'], face.raw['emotion'])


def test_a_face_whose_crop_lies_outside_the_image_is_left_out(classifier):
    outside = make_track(2, BoundingBox(300, 0, 340, 40))
    found = found_in(make_frame(), outside, make_track(1))
    judged = ClassificationStage(classifier, TrackSmoother(0.5)).process(found)
    assert [face.track.track_id for face in judged.faces] == [1]


def test_with_both_attributes_off_faces_are_still_given():
    stage = ClassificationStage(AttributeClassifier({}), TrackSmoother(0.5))
    judged = stage.process(found_in(make_frame(), make_track()))
    assert judged.faces[0].raw == {}
    assert judged.faces[0].smoothed == {}
