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

"""The score from which on a detector is asked for faces, and what becomes of a run that fails."""

from __future__ import annotations

import numpy as np
import pytest
from rtcnn_perception.core.detection.base import Detection
from rtcnn_perception.core.frame import Frame
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.landmarks import NO_POINTS
from rtcnn_perception.core.pipeline import DetectionStage
from rtcnn_perception.core.results import FrameResult
from rtcnn_perception.core.tracking.tracker import FaceTracker
from rtcnn_perception.core.tracking.tracker import TrackerConfig
from rtcnn_perception.exceptions import ModelError

SECOND = 1_000_000_000


class ScoredDetector:
    """Finds one face, of a score that may be set, or fails; keeps the minimum it was asked for."""

    tag = 'scored'
    landmark_names = NO_POINTS

    def __init__(self):
        self.min_score = 0.5
        self.score = 0.9
        self.asked = None
        self.failure = None
        self.on_run = lambda: None

    def detect(self, image):
        self.asked = self.min_score
        self.on_run()
        if self.failure is not None:
            raise self.failure
        whole = BoundingBox(0, 0, image.shape[1], image.shape[0])
        return (Detection(whole, self.score),) if self.score >= self.asked else ()


def make_result(seconds=1.0):
    image = np.zeros((120, 160, 3), np.uint8)
    return FrameResult(Frame(image, round(seconds * SECOND), 'camera', 0))


def test_the_minimum_score_reaches_the_detector_and_must_be_a_score():
    detector = ScoredDetector()
    stage = DetectionStage(detector, FaceTracker())
    for score in (0.0, 1.0, 0.7):
        stage.min_score = score
        stage.process(make_result())
        assert detector.min_score == stage.min_score == score
    for score in (-0.1, 1.5):
        with pytest.raises(ValueError, match=rf'min_score must be in \[0, 1\], got {score}'):
            stage.min_score = score


def test_a_minimum_score_that_is_set_while_the_detector_runs_is_kept():
    detector = ScoredDetector()
    stage = DetectionStage(detector, FaceTracker(TrackerConfig(keep_ratio=0.5)))
    detector.on_run = lambda: setattr(stage, 'min_score', 0.95)
    (face,) = stage.process(make_result(1.0)).faces
    assert face.track.confidence == 0.9
    detector.on_run = lambda: None
    stage.process(make_result(1.1))
    assert (stage.min_score, detector.asked, detector.min_score) == (0.95, 0.475, 0.95)


def test_weak_detections_continue_a_track_and_the_minimum_score_is_left_as_it_was():
    detector = ScoredDetector()
    stage = DetectionStage(detector, FaceTracker(TrackerConfig(keep_ratio=0.5)))
    for number in range(4):
        detector.score = 0.9 if number < 3 else 0.3
        (face,) = stage.process(make_result(1.0 + number / 30)).faces
    assert (face.track.track_id, face.track.confidence) == (1, 0.3)
    assert (detector.asked, detector.min_score, stage.min_score) == (0.25, 0.5, 0.5)
    newcomer = DetectionStage(detector, FaceTracker(TrackerConfig(confirm_hits=1)))
    assert newcomer.process(make_result()).faces == ()


def test_after_a_run_that_failed_the_detector_has_its_minimum_score_and_runs_at_once():
    detector = ScoredDetector()
    detector.failure = ModelError('damaged')
    stage = DetectionStage(detector, FaceTracker(), every_n=10)
    for number in range(3):
        with pytest.raises(ModelError):
            stage.process(make_result(1.0 + number / 30))
    assert stage.min_score == detector.min_score == 0.5
    detector.failure = None
    assert len(stage.process(make_result(1.1)).faces) == 1


def test_while_every_run_fails_no_face_is_said_to_be_found():
    detector = ScoredDetector()
    stage = DetectionStage(detector, FaceTracker(), every_n=3)
    assert stage.process(make_result(1.0)).faces
    detector.failure = ModelError('damaged')
    for number in (1, 2):
        stage.process(make_result(1.0 + number / 30))
    for number in range(3, 90):
        with pytest.raises(ModelError):
            stage.process(make_result(1.0 + number / 30))
