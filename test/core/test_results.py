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

"""A result holds what is known of a frame at each stage, and nothing can change it."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from dataclasses import replace
import math

import numpy as np
import pytest
from rtcnn_perception.core.frame import Frame
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.landmarks import FaceRegion
from rtcnn_perception.core.results import Attribute
from rtcnn_perception.core.results import AttributeInfo
from rtcnn_perception.core.results import Face
from rtcnn_perception.core.results import FrameResult
from rtcnn_perception.core.tracking.track import Track
from rtcnn_perception.core.tracking.track import TrackState

BOX = BoundingBox(1, 2, 5, 8)
POINTS = np.float32([[2, 3], [4, 3]])
NAMES = ('right_eye', 'left_eye')


def make_face(state=TrackState.TRACKED, landmarks=POINTS):
    return Face(Track(7, BOX, confidence=0.9, landmarks=landmarks, state=state, age=3))


def make_frame():
    return Frame(np.zeros((10, 20, 3), np.uint8), stamp_ns=1, frame_id='', received_ns=1)


def test_an_attribute_is_the_most_probable_class_of_the_smoothed_probabilities():
    smoothed, raw = np.float32([0.2, 0.7, 0.1]), np.float32([0.8, 0.1, 0.1])
    attribute = Attribute.of(('none', 'cap', 'top hat'), smoothed, raw)
    assert attribute.label == 'cap'
    assert attribute.confidence == pytest.approx(0.7)
    assert type(attribute.confidence) is float
    assert attribute.probabilities is smoothed
    assert attribute.raw_probabilities is raw


def test_of_classes_that_are_equally_probable_the_first_is_the_label():
    half = np.float32([0.5, 0.5])
    assert Attribute.of(('woman', 'man'), half, half).label == 'woman'


def read_of(**attributes):
    """Return what people read of a face with these attributes: classes and probabilities."""
    infos = tuple(AttributeInfo(name, tuple(each), 'm') for name, each in attributes.items())
    given = {
        name: Attribute.of(tuple(each), *[np.float32([*each.values()])] * 2)
        for name, each in attributes.items()
    }
    result = FrameResult(make_frame(), attributes=infos)
    face = replace(make_face(), attributes=given)
    return result.texts(face), result.texts(face, '.0%')


def test_labels_are_read_alone_where_they_say_what_they_are_of():
    assert read_of() == ([], [])
    gender, mood = {'woman': 0.9, 'man': 0.1}, {'calm': 0.3, 'cross': 0.7}
    assert read_of(gender=gender, mood=mood) == (['woman', 'cross'], ['woman 90%', 'cross 70%'])


def test_labels_are_read_with_their_attribute_where_they_do_not_say_it():
    gender, glasses = {'woman': 0.9, 'man': 0.1}, {'no': 0.8, 'Yes': 0.2}
    assert read_of(gender=gender, glasses=glasses)[1] == ['woman 90%', 'glasses no 80%']
    mood, votes = {'calm': 0.3, 'cross': 0.7}, {'cross': 0.4, 'calm': 0.6}
    assert read_of(mood=mood, votes=votes)[0] == ['mood cross', 'votes calm']


def test_a_face_has_what_its_track_has():
    face = make_face()
    assert (face.track_id, face.box) == (7, BOX)
    assert face.landmarks is POINTS


def test_a_face_is_coasted_by_the_state_of_its_track():
    coasted = {state: make_face(state).is_coasted for state in TrackState}
    assert coasted == {
        TrackState.NEW: False,
        TrackState.TRACKED: False,
        TrackState.COASTED: True,
    }


def test_before_classification_a_face_has_no_crop_no_quality_and_no_attributes():
    face = make_face()
    assert (face.crop, face.quality, face.attributes) == (None, 0.0, {})
    assert make_face().attributes is not face.attributes


def test_a_result_of_a_frame_alone_has_no_faces_and_no_times():
    result = FrameResult(make_frame())
    assert (result.faces, result.attributes, result.landmark_names) == ((), (), ())
    assert (result.detector, result.frames_dropped) == ('', 0)
    assert all(map(math.isnan, (result.detect_s, result.classify_s, result.latency_s)))


def test_the_region_of_a_face_has_the_landmark_names_of_the_result():
    result = FrameResult(make_frame(), landmark_names=NAMES)
    region = result.region(make_face())
    assert (region.box, region.landmark_names) == (BOX, NAMES)
    assert region.landmarks is POINTS
    without = FrameResult(make_frame()).region(make_face(landmarks=None))
    assert without == FaceRegion(BOX, None, ())


def test_results_are_replaced_and_not_changed():
    result = FrameResult(make_frame())
    info = AttributeInfo('hat', ('none', 'cap'), 'tiny@12345678')
    after = replace(result, attributes=(info,))
    assert (result.attributes, after.attributes) == ((), (info,))
    assert after.frame is result.frame
    for value, name in ((result, 'faces'), (make_face(), 'quality'), (info, 'name')):
        with pytest.raises(FrozenInstanceError):
            setattr(value, name, None)
