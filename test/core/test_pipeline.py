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

"""A frame goes through detection and classification, and each stage adds what it finds."""

from __future__ import annotations

from dataclasses import replace
import itertools
import math

import numpy as np
import pytest
from rtcnn_perception.core.attributes.classifier import AttributeClassifier
from rtcnn_perception.core.attributes.labels import LabelConfig
from rtcnn_perception.core.attributes.labels import SkipRule
from rtcnn_perception.core.attributes.quality import face_quality
from rtcnn_perception.core.attributes.smoothing import TrackSmoother
from rtcnn_perception.core.detection.base import Detection
from rtcnn_perception.core.frame import Frame
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.landmarks import NO_POINTS
from rtcnn_perception.core.pipeline import ClassificationStage
from rtcnn_perception.core.pipeline import DetectionStage
from rtcnn_perception.core.results import Face
from rtcnn_perception.core.results import FrameResult
from rtcnn_perception.core.tracking.track import Track
from rtcnn_perception.core.tracking.track import TrackState
from rtcnn_perception.core.tracking.tracker import FaceTracker
from rtcnn_perception.core.tracking.tracker import TrackerConfig
from tiny_model import EMOTIONS
from tiny_model import GENDERS
from tiny_model import write_tiny_model

SECOND = 1_000_000_000
BOX = BoundingBox(40, 30, 90, 90)
SIX_POINTS = ('ear', 'left_eye', 'right_eye', 'nose', 'left_mouth_corner', 'right_mouth_corner')


class FakeDetector:
    """Finds one face in every image, and counts its runs."""

    tag = 'fake'

    def __init__(self, landmark_names=NO_POINTS, landmarks=None):
        self.min_score = 0.5
        self.landmark_names = landmark_names
        self.runs = 0
        self._landmarks = landmarks

    def detect(self, image):
        self.runs += 1
        whole = BoundingBox(0, 0, image.shape[1], image.shape[0])
        return (Detection(whole, 0.9, self._landmarks),)


class FakeTracker:
    """Returns the tracks it was made with, and keeps what it was given."""

    config = TrackerConfig()

    def __init__(self, *tracks):
        self.tracks = tracks
        self.updates = []

    def ends_at(self, _stamp):
        return False

    def update(self, detections, stamp, _min_score):
        self.updates.append((None if detections is None else len(detections), stamp))
        return self.tracks


def make_result(seconds=1.0, seed=5, **fields):
    image = np.random.default_rng(seed).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    frame = Frame(image, stamp_ns=round(seconds * SECOND), frame_id='camera', received_ns=0)
    return FrameResult(frame, **fields)


def make_track(track_id=1, box=BOX, state=TrackState.TRACKED):
    return Track(track_id, box, confidence=0.9, landmarks=None, state=state, age=3)


def found_in(result, *tracks):
    return replace(result, faces=tuple(map(Face, tracks)), detect_s=0.004, frames_dropped=2)


def raw_of(face, name='emotion'):
    return face.attributes[name].raw_probabilities


def smoothed_of(face, name='emotion'):
    return face.attributes[name].probabilities


@pytest.fixture
def paths(tmp_path):
    return {
        'emotion': write_tiny_model(tmp_path / 'emotion', {'emotion': EMOTIONS}, margin=0.1),
        'gender': write_tiny_model(tmp_path / 'gender', {'gender': GENDERS}, margin=0.3),
        'hat': write_tiny_model(tmp_path / 'hat', {'hat': ('none', 'cap', 'top hat')}, seed=3),
    }


@pytest.fixture
def classifier(paths):
    return AttributeClassifier.load({name: paths[name] for name in ('emotion', 'gender')})


def test_a_frame_without_faces_goes_through_both_stages(classifier):
    given = make_result(frames_dropped=4)
    found = DetectionStage(FakeDetector(), FakeTracker()).process(given)
    classified = ClassificationStage(classifier, TrackSmoother(0.5)).process(found)
    assert found.faces == classified.faces == ()
    assert classified.frame is given.frame
    assert classified.frames_dropped == 4
    assert classified.attributes == classifier.attributes
    assert given.detector == ''


def test_the_tracker_is_given_the_detections_and_the_time():
    tracker = FakeTracker(make_track())
    given = make_result(seconds=12.5, frames_dropped=7)
    found = DetectionStage(FakeDetector(), tracker).process(given)
    assert tracker.updates == [(1, 12.5)]
    assert found.faces == (Face(make_track()),)
    assert found.frame is given.frame
    assert found.frames_dropped == 7
    assert found.detector == 'fake'


def test_landmarks_of_any_convention_go_through_with_their_names():
    points = np.arange(12, dtype=np.float32).reshape(6, 2)
    for names, landmarks in ((NO_POINTS, None), (SIX_POINTS, points)):
        stage = DetectionStage(FakeDetector(names, landmarks), FaceTracker())
        found = stage.process(make_result())
        (face,) = found.faces
        assert found.landmark_names == names
        assert found.region(face).landmark_names == names
        if landmarks is None:
            assert face.landmarks is None
        else:
            np.testing.assert_allclose(face.landmarks, points, atol=1e-3)


def test_the_detector_runs_on_the_first_and_then_on_every_nth_frame():
    detector, tracker = FakeDetector(), FakeTracker()
    stage = DetectionStage(detector, tracker, every_n=3)
    for _ in range(7):
        stage.process(make_result())
    assert [count for count, _ in tracker.updates] == [1, None, None, 1, None, None, 1]
    stage.every_n = 1
    assert stage.every_n == 1
    stage.process(make_result())
    stage.process(make_result())
    assert detector.runs == 5


def test_after_a_restart_the_detector_runs_on_the_next_frame():
    detector = FakeDetector()
    stage = DetectionStage(detector, FakeTracker(), every_n=10)
    stage.process(make_result())
    stage.process(make_result())
    runs = detector.runs
    stage.restart()
    stage.process(make_result())
    assert (runs, detector.runs) == (1, 2)


@pytest.mark.parametrize('every_n', [0, -1])
def test_a_detector_that_never_runs_is_refused(every_n):
    with pytest.raises(ValueError, match=f'every_n must be 1 or more, got {every_n}'):
        DetectionStage(FakeDetector(), FakeTracker(), every_n=every_n)


@pytest.mark.parametrize('stamp', [1.0, 30.0])
def test_where_stamps_jump_the_detector_runs_at_once(stamp):
    detector = FakeDetector()
    stage = DetectionStage(detector, FaceTracker(), every_n=10)
    for seconds in (20.0, 20.1, stamp, stamp + 0.1):
        (face,) = stage.process(make_result(seconds)).faces
    assert (face.track_id, detector.runs) == (2, 2)


def test_where_the_size_of_the_images_changes_the_tracks_begin_anew():
    stage = DetectionStage(FakeDetector(), FaceTracker(), every_n=10)
    small = FrameResult(Frame(np.zeros((60, 80, 3), np.uint8), round(1.2 * SECOND), 'camera', 0))
    ids, sizes = [], []
    for result in (make_result(1.0), make_result(1.1), small):
        (face,) = stage.process(result).faces  # the detector would be due ten frames later
        ids.append(face.track_id)
        sizes.append(face.box.width)
    assert ids == [1, 1, 2]
    assert sizes == pytest.approx([160, 160, 80])


def test_where_another_camera_sends_the_images_the_tracks_begin_anew():
    stage = DetectionStage(FakeDetector(), FaceTracker(), every_n=10)
    other = make_result(1.1)
    other = replace(other, frame=replace(other.frame, frame_id='rear'))
    ids = [stage.process(each).faces[0].track_id for each in (make_result(1.0), other)]
    assert ids == [1, 2]


def test_a_track_that_coasted_out_of_the_image_is_left_out():
    outside = make_track(2, BoundingBox(-50, 0, -1, 40), TrackState.COASTED)
    stage = DetectionStage(FakeDetector(), FakeTracker(outside, make_track(1)))
    assert [face.track_id for face in stage.process(make_result()).faces] == [1]


def test_each_stage_measures_its_own_time(classifier):
    ticks = itertools.count(100.0, 0.25)
    stage = DetectionStage(FakeDetector(), FakeTracker(), clock=lambda: next(ticks))
    found = stage.process(make_result())
    assert found.detect_s == 0.25
    assert math.isnan(found.classify_s)
    stage = ClassificationStage(classifier, TrackSmoother(0.5), clock=lambda: next(ticks))
    classified = stage.process(found)
    assert (classified.detect_s, classified.classify_s) == (0.25, 0.25)


def test_each_face_gets_its_own_rows_crop_and_quality(classifier):
    given = make_result()
    tracks = (make_track(4), make_track(9, BoundingBox(100, 60, 150, 130)))
    found = found_in(given, *tracks)
    classified = ClassificationStage(classifier, TrackSmoother(0.5)).process(found)
    assert tuple(face.track for face in classified.faces) == tracks
    assert (classified.detect_s, classified.frames_dropped) == (0.004, 2)
    for face in classified.faces:
        alone = classifier.classify(given.frame.image, (given.region(face),))
        for name in ('emotion', 'gender'):
            np.testing.assert_allclose(raw_of(face, name), alone.probabilities[name][0], atol=1e-6)
            np.testing.assert_array_equal(smoothed_of(face, name), raw_of(face, name))
        assert face.crop == alone.crops[0].square.clip_to(160, 120)
        assert face.quality == face_quality(given.frame.image, face.box)


def test_attributes_are_in_the_order_asked_for_in_the_result_and_in_each_face(paths):
    for order in (('hat', 'emotion', 'gender'), ('gender', 'hat', 'emotion')):
        classifier = AttributeClassifier.load({name: paths[name] for name in order})
        stage = ClassificationStage(classifier, TrackSmoother(0.5))
        classified = stage.process(found_in(make_result(), make_track(1), make_track(2)))
        assert tuple(each.name for each in classified.attributes) == order
        for face in classified.faces:
            assert tuple(face.attributes) == order
            for info in classified.attributes:
                attribute = face.attributes[info.name]
                best = int(attribute.probabilities.argmax())
                assert attribute.label == info.labels[best]
                assert attribute.confidence == attribute.probabilities[best]


def test_probabilities_are_smoothed_over_the_track_and_raw_ones_are_not(classifier):
    stage = ClassificationStage(classifier, TrackSmoother(1e6))
    first = stage.process(found_in(make_result(1.0, seed=1), make_track())).faces[0]
    second = stage.process(found_in(make_result(1.1, seed=2), make_track())).faces[0]
    assert np.abs(raw_of(second) - raw_of(first)).max() > 0.01
    np.testing.assert_allclose(smoothed_of(second), raw_of(first), atol=1e-5)


def test_a_coasted_face_keeps_the_probabilities_it_had(classifier):
    stage = ClassificationStage(classifier, TrackSmoother(0.0))
    first = stage.process(found_in(make_result(1.0, seed=1), make_track())).faces[0]
    coasted = make_track(state=TrackState.COASTED)
    second = stage.process(found_in(make_result(1.1, seed=2), coasted)).faces[0]
    np.testing.assert_array_equal(smoothed_of(second), smoothed_of(first))
    np.testing.assert_array_equal(raw_of(second), raw_of(first))
    third = stage.process(found_in(make_result(1.2, seed=2), make_track())).faces[0]
    assert np.abs(raw_of(third) - raw_of(first)).max() > 0.01


def test_no_network_takes_the_box_of_a_coasted_face_and_the_others_keep_their_own(classifier):
    stage = ClassificationStage(classifier, TrackSmoother(0.0))
    boxes = [BoundingBox(10 * x, 10, 10 * x + 40, 50) for x in range(3)]
    tracks = [make_track(index + 1, box) for index, box in enumerate(boxes)]
    before = stage.process(found_in(make_result(1.0, seed=1), *tracks)).faces
    tracks[1] = replace(tracks[1], state=TrackState.COASTED)
    given = make_result(1.1, seed=2)
    faces = stage.process(found_in(given, *tracks)).faces
    assert [(face.track_id, face.crop is None, face.quality > 0.5) for face in faces] == [
        (1, False, True),
        (2, True, False),
        (3, False, True),
    ]
    alone = classifier.classify(given.frame.image, [given.region(Face(tracks[2]))])
    np.testing.assert_allclose(raw_of(faces[2]), alone.probabilities['emotion'][0], atol=1e-6)
    np.testing.assert_array_equal(raw_of(faces[1]), raw_of(before[1]))
    assert (faces[1].quality, faces[1].attributes['emotion'].label) == (
        0.0,
        before[1].attributes['emotion'].label,
    )


def test_a_face_that_leaves_the_image_for_a_frame_keeps_what_it_had(classifier):
    stage = ClassificationStage(classifier, TrackSmoother(0.5))
    (first,) = stage.process(found_in(make_result(1.0, seed=1), make_track())).faces
    outside = make_track(box=BoundingBox(300, 0, 340, 40))
    assert stage.process(found_in(make_result(1.1), outside)).faces == ()
    coasted = make_track(state=TrackState.COASTED)
    (held,) = stage.process(found_in(make_result(1.2), coasted)).faces
    np.testing.assert_array_equal(raw_of(held), raw_of(first))


def test_rules_that_change_leave_no_coasted_face_out(paths):
    both = write_tiny_model(paths['hat'].parent / 'two', {'emotion': EMOTIONS, 'gender': GENDERS})
    classifier = AttributeClassifier.load({'emotion': both})
    stage = ClassificationStage(classifier, TrackSmoother(0.5))
    (first,) = stage.process(found_in(make_result(1.0), make_track())).faces
    rules = [SkipRule('emotion', 'gender', label) for label in GENDERS]
    stage.label_config = LabelConfig(skip_where=tuple(rules))
    coasted = make_track(state=TrackState.COASTED)
    (held,) = stage.process(found_in(make_result(1.1), coasted)).faces
    assert (first.attributes['emotion'].label != '', held.attributes['emotion'].label) == (
        True,
        '',
    )


def test_a_coasted_face_that_was_never_classified_is_left_out_until_it_is_found(classifier):
    stage = ClassificationStage(classifier, TrackSmoother(0.5))
    coasted = make_track(1, state=TrackState.COASTED)
    first = stage.process(found_in(make_result(1.0, seed=1), coasted, make_track(2)))
    assert [face.track_id for face in first.faces] == [2]
    (face, _) = stage.process(found_in(make_result(1.1), make_track(1), make_track(2))).faces
    np.testing.assert_array_equal(smoothed_of(face), raw_of(face))


def test_a_face_whose_crop_lies_outside_the_image_is_left_out(classifier):
    outside = make_track(2, BoundingBox(300, 0, 340, 40))
    found = found_in(make_result(), outside, make_track(1))
    classified = ClassificationStage(classifier, TrackSmoother(0.5)).process(found)
    assert [face.track_id for face in classified.faces] == [1]


def test_without_attributes_faces_are_still_reported_with_crop_and_quality():
    stage = ClassificationStage(AttributeClassifier({}), TrackSmoother(0.5))
    classified = stage.process(found_in(make_result(), make_track()))
    (face,) = classified.faces
    assert classified.attributes == ()
    assert face.attributes == {}
    assert face.crop == BoundingBox(35, 30, 95, 90)
    assert face.quality > 0.5
