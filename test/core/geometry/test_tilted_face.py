"""The picture of a face that leans is judged as that of one that does not, through every stage."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from rtcnn_perception.core.attributes.classifier import AttributeClassifier
from rtcnn_perception.core.attributes.smoothing import TrackSmoother
from rtcnn_perception.core.detection.registry import Detection
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.pipeline import ClassificationStage
from rtcnn_perception.core.pipeline import DetectionStage
from rtcnn_perception.core.pipeline import Frame
from rtcnn_perception.core.tracking.tracker import FaceTracker
from rtcnn_perception.resources import models_directory
from rtcnn_perception.resources import share_directory

BOX = BoundingBox(180, 62, 269, 174)
LANDMARKS = np.float32([[204, 101], [245, 101], [223, 124], [204, 144], [240, 142]])
"""Of the face in the picture, as YuNet sees them there."""


class KnowingDetector:
    """Gives the one face it was told of."""

    name = 'knowing'
    min_score = 0.5

    def __init__(self, landmarks):
        self._landmarks = landmarks

    def detect(self, image):  # noqa: ARG002 - the detector's signature
        return (Detection(BOX, 0.9, self._landmarks),)


@pytest.fixture(scope='module')
def picture():
    path = share_directory() / 'rtcnn_perception' / 'assets' / 'astronaut.jpg'
    return np.asarray(cv2.imread(str(path)), np.uint8)


def judged(image, landmarks):
    classifier = AttributeClassifier.load(*(models_directory() / n for n in ('emotion', 'gender')))
    found = DetectionStage(KnowingDetector(landmarks), FaceTracker()).process(
        Frame(image, stamp_ns=1, frame_id='', received_ns=1)
    )
    (face,) = ClassificationStage(classifier, TrackSmoother(0.0)).process(found).faces
    return face


def tilted(picture, degrees):
    """Turn picture and landmarks clockwise about the face."""
    matrix = cv2.getRotationMatrix2D(BOX.center, -degrees, 1.0)  # OpenCV turns the other way round
    size = picture.shape[1], picture.shape[0]
    turned = cv2.warpAffine(picture, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    return turned, np.asarray(LANDMARKS @ matrix[:, :2].T + matrix[:, 2], np.float32)


def test_answers_for_a_tilted_face_are_nearer_to_that_for_an_upright_one(picture):
    straight = judged(picture, LANDMARKS).raw
    off = {(name, way): 0.0 for name in straight for way in ('upright', 'as it is')}
    for degrees in (-40.0, -25.0, 25.0, 40.0):
        image, points = tilted(picture, degrees)
        for way, landmarks in (('upright', points), ('as it is', None)):
            for name, row in judged(image, landmarks).raw.items():
                off[name, way] += float(np.abs(row - straight[name]).sum())
    for name in ('emotion', 'gender'):
        assert off[name, 'upright'] < 0.7 * off[name, 'as it is']


def test_the_crop_that_is_told_is_the_square_before_it_was_turned(picture):
    leaning = LANDMARKS.copy()
    leaning[[1, 4]] += (0, 25)
    assert judged(picture, leaning).crop == judged(picture, None).crop


@pytest.mark.parametrize('name', ['emotion', 'gender', 'blended'])
def test_a_model_that_ships_says_on_its_page_that_its_crop_is_upright(name):
    folder = models_directory() / name
    assert json.loads((folder / 'model.json').read_text())['crop']['upright'] is True
    assert 'turned upright by the landmarks' in (folder / 'README.md').read_text()
