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

"""A camera may be mounted on its side or upside down; boxes stay in pixels of its images."""

from __future__ import annotations

import numpy as np
import pytest
from rtcnn_perception.core.attributes.classifier import AttributeClassifier
from rtcnn_perception.core.attributes.smoothing import TrackSmoother
from rtcnn_perception.core.detection.base import DetectorConfig
from rtcnn_perception.core.detection.registry import load_detector
from rtcnn_perception.core.frame import Frame
from rtcnn_perception.core.geometry.landmarks import head_roll
from rtcnn_perception.core.images import RIGHT_ANGLES
from rtcnn_perception.core.pipeline import ClassificationStage
from rtcnn_perception.core.pipeline import DetectionStage
from rtcnn_perception.core.results import FrameResult
from rtcnn_perception.core.sources.builtin import load_portrait
from rtcnn_perception.core.tracking.tracker import FaceTracker
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.resources import models_directory


def face_of(image, rotation):
    """Return the only face of an image by what ships, with its landmarks' roll and emotion."""
    detector = load_detector(DetectorConfig('rtcnn', precision='float'), (models_directory(),))
    stage = DetectionStage(detector.detector, FaceTracker(), rotation=rotation)
    result = stage.process(FrameResult(Frame(image, 1, 'camera', 1)))
    model = {'emotion': models_directory() / 'attributes'}
    classifier = AttributeClassifier.load(model, precision='float')
    result = ClassificationStage(classifier, TrackSmoother(0.0)).process(result)
    (face,) = result.faces
    return face, head_roll(result.region(face)), face.attributes['emotion'].probabilities


@pytest.mark.parametrize('quarters', [1, 2, 3])
def test_a_face_is_found_and_classified_however_the_camera_is_mounted(quarters):
    upright = np.ascontiguousarray(load_portrait()[:300, :400])
    face, roll, probabilities = face_of(upright, 0)
    image = np.ascontiguousarray(np.rot90(upright, quarters))
    rotated, its_roll, its_probabilities = face_of(image, 90 * quarters)
    x0, y0, x1, y1 = face.box.as_tuple()
    mask = np.zeros(upright.shape[:2], bool)
    mask[round(y0) : round(y1), round(x0) : round(x1)] = True
    rows, columns = np.nonzero(np.rot90(mask, quarters))
    expected = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    assert rotated.box.as_tuple() == pytest.approx(expected, abs=1.0)
    assert (its_roll - roll + 90 * quarters + 180) % 360 == pytest.approx(180, abs=1.0)
    assert its_probabilities == pytest.approx(probabilities, abs=0.2)


def test_an_image_that_is_not_rotated_is_not_copied(monkeypatch):
    seen = []
    loaded = load_detector(DetectorConfig('haar'), ())
    monkeypatch.setattr(loaded.detector, 'detect', lambda image: seen.append(image) or ())
    frame = Frame(load_portrait(), 1, 'camera', 1)
    DetectionStage(loaded.detector, FaceTracker()).process(FrameResult(frame))
    assert np.shares_memory(seen[0], frame.image)


def test_other_rotations_are_refused_with_those_that_there_are():
    detector = load_detector(DetectorConfig('haar'), ()).detector
    with pytest.raises(ConfigurationError, match='of 0, 90, 180, 270 degrees, got 45'):
        DetectionStage(detector, FaceTracker(), rotation=45)
    assert RIGHT_ANGLES == (0, 90, 180, 270)


def test_a_detector_without_eyes_cannot_serve_a_rotated_camera():
    detector = load_detector(DetectorConfig('haar'), ()).detector
    with pytest.raises(ConfigurationError, match=r'finds eyes and mouth.* 90 degrees, got haar'):
        DetectionStage(detector, FaceTracker(), rotation=90)
