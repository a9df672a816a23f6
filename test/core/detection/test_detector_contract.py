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

"""What holds for every detector of the registry, and for one that a user adds."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import own_detector
import pytest
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.detection.base import Detection
from rtcnn_perception.core.detection.base import DetectorConfig
from rtcnn_perception.core.detection.registry import DETECTORS
from rtcnn_perception.core.detection.registry import load_detector
from rtcnn_perception.core.geometry.boxes import boxes_to_array
from rtcnn_perception.core.geometry.boxes import iou_matrix
from rtcnn_perception.core.geometry.landmarks import FIVE_POINTS
from rtcnn_perception.core.geometry.landmarks import NO_POINTS
from rtcnn_perception.exceptions import ImageFormatError
from tiny_detector import write_tiny_detector

pytestmark = pytest.mark.usefixtures('_threads_of_opencv')


KNOWN = {
    'rtcnn': (FIVE_POINTS, lambda folder, _: write_tiny_detector(folder)),
    'yunet': (FIVE_POINTS, lambda _, request: request.getfixturevalue('yunet_file')),
    'haar': (NO_POINTS, lambda *_: ''),
    'bright': (own_detector.SIX_POINTS, lambda folder, _: own_detector.write_level(folder / 'a')),
}
"""Landmarks of each detector, and what makes its model: a new detector is one more line."""


@pytest.fixture
def detector(name, tmp_path, request, monkeypatch):
    """Return each detector, rtcnn with a tiny network."""
    monkeypatch.setitem(DETECTORS, own_detector.NAME, own_detector.ROW)
    path = KNOWN[name][1](tmp_path, request)
    return load_detector(DetectorConfig(name=name, model_path=str(path)), ()).detector


@pytest.fixture
def shipped(name, request):
    """Return each detector with the model that users have."""
    if name == 'haar':
        return load_detector(DetectorConfig(name='haar'), ()).detector
    path = request.getfixturevalue('yunet_file' if name == 'yunet' else 'face_model')
    return load_detector(DetectorConfig(name=name, model_path=str(path)), ()).detector


@pytest.mark.parametrize('name', KNOWN)
def test_a_black_image_of_any_size_has_no_faces(detector):
    for size_hw in ((1, 1), (1, 640), (640, 1), (24, 24), (32, 32), (32, 640), (65, 33)):
        black: ImageBGR = np.zeros((*size_hw, 3), np.uint8)
        assert detector.detect(black) == ()
        assert detector.detect(black) == ()


@pytest.mark.parametrize('name', KNOWN)
def test_an_image_of_another_format_is_refused(detector):
    with pytest.raises(ImageFormatError):
        detector.detect(np.zeros((48, 64), np.uint8))


@pytest.mark.parametrize('name', KNOWN)
def test_a_detector_has_its_name_in_its_tag_and_names_its_landmarks(name, detector):
    assert detector.tag.split()[0] == name
    assert detector.landmark_names == KNOWN[name][0]


@pytest.mark.parametrize('name', KNOWN)
def test_a_detector_has_its_own_minimum_score_where_none_is_configured(name, detector):
    assert detector.min_score == DETECTORS[name].default_min_score > 0


def test_every_detector_is_known_here():
    assert set(DETECTORS) | {own_detector.NAME} == set(KNOWN)


@pytest.mark.parametrize('name', ['rtcnn', 'yunet', 'haar'])
def test_the_minimum_score_applies_from_the_next_image_on(shipped, data_directory):
    image = read(data_directory / 'images' / '12_angry_men.jpg')
    found = shipped.detect(image)
    scores = [each.score for each in found]
    assert len(found) >= 4
    assert scores == sorted(scores, reverse=True)
    shipped.min_score = (scores[1] + scores[2]) / 2
    assert [each.score for each in shipped.detect(image)] == scores[:2]
    shipped.min_score = 1.0
    assert shipped.detect(image) == ()


@pytest.mark.parametrize('name', ['haar', 'rtcnn'])
def test_detectors_give_the_same_face_the_same_box(shipped, data_directory, yunet_file):
    image = read(data_directory / 'images' / 'emotion_classification.jpg')
    config = DetectorConfig(name='yunet', model_path=str(yunet_file))
    found_by = [each.detect(image) for each in (shipped, load_detector(config, ()).detector)]
    assert [len(found) for found in found_by] == [4, 4]
    by_place = [sorted(found, key=lambda each: each.box.center) for found in found_by]
    for first, second in zip(*by_place, strict=True):
        assert overlap(first, second) > 0.7


@pytest.mark.parametrize(('name', 'model'), [('yunet', 'yunet_file'), ('rtcnn', 'face_model')])
def test_a_box_is_in_pixels_of_the_image_at_any_width(name, model, data_directory, request):
    image = read(data_directory / 'images' / 'emotion_classification.jpg')
    found = []
    for width in (320, 640):
        path = str(request.getfixturevalue(model))
        config = DetectorConfig(name=name, model_path=path, width=width)
        detections = load_detector(config, ()).detector.detect(image)
        found.append(sorted(detections, key=lambda each: each.box.center))
    for small, full in zip(*found, strict=True):
        assert overlap(small, full) > 0.6
        # Landmarks lie in the face, eyes above the mouth, the right one left in the picture.
        assert small.landmarks is not None
        right_eye, left_eye, nose, right_mouth, left_mouth = small.landmarks
        assert right_eye[0] < nose[0] < left_eye[0]
        assert max(right_eye[1], left_eye[1]) < nose[1] < min(right_mouth[1], left_mouth[1])
        low, high = small.landmarks.min(axis=0), small.landmarks.max(axis=0)
        assert small.box.x0 < low[0] < high[0] < small.box.x1
        assert small.box.y0 < low[1] < high[1] < small.box.y1


def read(path: Path) -> ImageBGR:
    return np.asarray(cv2.imread(str(path)), np.uint8)


def overlap(first: Detection, second: Detection) -> float:
    boxes = [boxes_to_array((found.box,)) for found in (first, second)]
    return float(iou_matrix(*boxes)[0, 0])
