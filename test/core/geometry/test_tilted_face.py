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

"""A face that leans is classified like one that does not, through every stage."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from rtcnn_perception.core.attributes.card import AttributeCard
from rtcnn_perception.core.attributes.classifier import AttributeClassifier
from rtcnn_perception.core.attributes.classifier import DEFAULT_ATTRIBUTES
from rtcnn_perception.core.attributes.classifier import model_paths
from rtcnn_perception.core.attributes.smoothing import TrackSmoother
from rtcnn_perception.core.detection.base import Detection
from rtcnn_perception.core.frame import Frame
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.landmarks import FIVE_POINTS
from rtcnn_perception.core.models.card import kind_of
from rtcnn_perception.core.pipeline import ClassificationStage
from rtcnn_perception.core.pipeline import DetectionStage
from rtcnn_perception.core.results import FrameResult
from rtcnn_perception.core.tracking.tracker import FaceTracker
from rtcnn_perception.resources import models_directory
from rtcnn_perception.resources import share_directory

BOX = BoundingBox(180, 62, 269, 174)
LANDMARKS = np.float32([[204, 101], [245, 101], [223, 124], [204, 144], [240, 142]])
"""Of the face in the picture, as YuNet finds them there."""


class FixedDetector:
    """Returns the one face it was made with."""

    tag = 'fixed'
    landmark_names = FIVE_POINTS
    min_score = 0.5

    def __init__(self, landmarks):
        self._landmarks = landmarks

    def detect(self, image):  # noqa: ARG002 - the detector's signature
        return (Detection(BOX, 0.9, self._landmarks),)


@pytest.fixture(scope='module')
def picture():
    path = share_directory() / 'rtcnn_perception' / 'assets' / 'astronaut.jpg'
    return np.asarray(cv2.imread(str(path)), np.uint8)


@pytest.fixture(scope='module')
def classifier():
    return AttributeClassifier.load(model_paths(DEFAULT_ATTRIBUTES, {}, (models_directory(),)))


def classified(classifier, image, landmarks):
    """Return the face after both stages."""
    result = FrameResult(Frame(image, stamp_ns=1, frame_id='', received_ns=1))
    result = DetectionStage(FixedDetector(landmarks), FaceTracker()).process(result)
    (face,) = ClassificationStage(classifier, TrackSmoother(0.0)).process(result).faces
    return face


def raw_of(face):
    return {name: attribute.raw_probabilities for name, attribute in face.attributes.items()}


def tilted(picture, degrees):
    """Rotate picture and landmarks clockwise about the face."""
    matrix = cv2.getRotationMatrix2D(BOX.center, -degrees, 1.0)  # OpenCV rotates the other way
    size = picture.shape[1], picture.shape[0]
    image = cv2.warpAffine(picture, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    return image, np.asarray(LANDMARKS @ matrix[:, :2].T + matrix[:, 2], np.float32)


def test_predictions_for_a_tilted_face_come_nearer_to_those_for_an_upright_one(
    picture, classifier
):
    straight = raw_of(classified(classifier, picture, LANDMARKS))
    error = {(name, crop): 0.0 for name in straight for crop in ('upright', 'plain')}
    for degrees in (-40.0, -25.0, 25.0, 40.0):
        image, points = tilted(picture, degrees)
        for crop, landmarks in (('upright', points), ('plain', None)):
            for name, row in raw_of(classified(classifier, image, landmarks)).items():
                error[name, crop] += float(np.abs(row - straight[name]).sum())
    for name in DEFAULT_ATTRIBUTES:
        assert error[name, 'upright'] < 0.7 * error[name, 'plain']


def test_the_crop_that_is_reported_is_the_square_before_it_was_rotated(picture, classifier):
    leaning = LANDMARKS.copy()
    leaning[[1, 4]] += (0, 25)
    crops = [classified(classifier, picture, points).crop for points in (leaning, None)]
    assert crops[0] == crops[1]


def test_a_model_that_ships_states_on_its_page_that_its_crop_is_upright():
    folders = [card.parent for card in sorted(models_directory().glob('*/model.json'))]
    shipped = [folder for folder in folders if kind_of(folder) == AttributeCard.KIND]
    assert shipped
    for folder in shipped:
        assert AttributeCard.load(folder).crop.upright
        assert 'upright by the landmarks' in (folder / 'README.md').read_text()
