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

"""The labels of a face are steady, unsure or left out, as configured, whatever is predicted."""

from __future__ import annotations

import numpy as np
import pytest
from rtcnn_perception.core.attributes.classifier import Classification
from rtcnn_perception.core.attributes.labels import LabelConfig
from rtcnn_perception.core.attributes.labels import SkipRule
from rtcnn_perception.core.attributes.smoothing import TrackSmoother
from rtcnn_perception.core.frame import Frame
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.crops import Crop
from rtcnn_perception.core.pipeline import ClassificationStage
from rtcnn_perception.core.results import AttributeInfo
from rtcnn_perception.core.results import Face
from rtcnn_perception.core.results import FrameResult
from rtcnn_perception.core.tracking.track import Track
from rtcnn_perception.core.tracking.track import TrackState

BOX = BoundingBox(40, 30, 90, 90)
IMAGE = np.zeros((120, 160, 3), np.uint8)


class Scripted:
    """Gives each frame the next rows of probabilities, of two attributes and one besides."""

    attributes = (AttributeInfo('mood', ('calm', 'loud'), 'made'),)

    def __init__(self, moods, years):
        self._rows = iter(zip(moods, years, strict=True))

    def classify(self, _image, regions):
        mood, years = (np.float32([each] * len(regions)) for each in next(self._rows))
        others = (AttributeInfo('years', ('few', 'many'), 'made'),)
        crops = tuple(Crop(region.box) for region in regions)
        return Classification(crops, {'mood': mood, 'years': years}, others)


def labels_over_time(
    config, moods, years=None, states=TrackState.TRACKED, *, stamps_ms=None, time_constant=0.0
):
    """Return the attribute of one face in frames that follow at a tenth of a second."""
    classifier = Scripted(moods, years or [(0.0, 1.0)] * len(moods))
    stage = ClassificationStage(classifier, TrackSmoother(time_constant), config)
    results = []
    for number in range(len(moods)):
        state = states if isinstance(states, TrackState) else states[number]
        track = Track(1, BOX, confidence=0.9, landmarks=None, state=state, age=3)
        stamp_ms = 100 * number if stamps_ms is None else stamps_ms[number]
        frame = Frame(IMAGE, stamp_ns=10**12 + stamp_ms * 10**6, frame_id='', received_ns=0)
        given = FrameResult(frame, faces=(Face(track),))
        (face,) = stage.process(given).faces
        results.append(face.attributes['mood'])
    return results


def test_a_label_lags_behind_the_probabilities_as_configured():
    moods = [(0.9, 0.1), (0.2, 0.8), (0.2, 0.8), (0.2, 0.8)]
    found = labels_over_time(LabelConfig(margin=0.1, hold_s=0.15, min_certainty=0.0), moods)
    assert [each.label for each in found] == ['calm', 'calm', 'calm', 'loud']
    assert [round(each.confidence, 3) for each in found] == [0.9, 0.2, 0.2, 0.8]
    np.testing.assert_allclose(found[1].probabilities, [0.2, 0.8], atol=1e-6)


def test_the_label_of_a_coasted_face_stays():
    config = LabelConfig(hold_s=0.0)
    moods = [(0.9, 0.1), (0.2, 0.8)]
    found = labels_over_time(config, moods, states=[TrackState.NEW, TrackState.COASTED])
    assert [each.label for each in found] == ['calm', 'calm']


def test_the_time_for_which_a_face_is_not_found_speaks_for_no_label():
    config = LabelConfig(hold_s=0.25)
    moods = [(0.9, 0.1), (0.2, 0.8), *[(0.9, 0.1)] * 4, (0.2, 0.8), (0.2, 0.8), (0.2, 0.8)]
    states = [TrackState.TRACKED] * 2 + [TrackState.COASTED] * 4 + [TrackState.TRACKED] * 3
    found = labels_over_time(config, moods, states=states)
    assert [each.label for each in found] == ['calm'] * 8 + ['loud']


@pytest.mark.parametrize('stamps_ms', [(0, 33, 28, 66, 99), (0, 0, 0, 0, 0), (0, 900, 0, 33, 66)])
def test_stamps_that_stand_still_or_step_back_end_neither_smoothing_nor_hysteresis(stamps_ms):
    config = LabelConfig(hold_s=0.2)
    moods = [(0.9, 0.1), (0.9, 0.1), (0.0, 1.0), (0.9, 0.1), (0.9, 0.1)]
    found = labels_over_time(config, moods, stamps_ms=stamps_ms, time_constant=0.5)
    assert [each.label for each in found] == ['calm'] * 5
    assert 0.75 < found[2].probabilities[0] < 0.9


@pytest.mark.parametrize('of_a_stamp', [1, 2, 3, 13])
def test_a_label_changes_after_its_time_though_frames_share_stamps(of_a_stamp):
    stamps_ms = [number // of_a_stamp * of_a_stamp * 33 for number in range(13)]
    moods = [(0.8, 0.2)] + [(0.2, 0.8)] * 12
    found = labels_over_time(LabelConfig(hold_s=0.2), moods, stamps_ms=stamps_ms)
    labels = [each.label for each in found]
    assert labels.index('loud') in range(6, 10)
    assert labels[-1] == 'loud'


def test_an_unsure_label_is_shown_as_such_and_empty_only_if_asked():
    moods = [(0.51, 0.49)]
    for asked, label, confidence in ((False, 'calm', 0.51), (True, '', 0.0)):
        config = LabelConfig(min_certainty=0.3, empty_if_unsure=asked)
        (found,) = labels_over_time(config, moods)
        assert (found.label, round(found.confidence, 2)) == (label, confidence)
        assert found.is_unsure
        assert found.shown_label == found.text('.0%') == 'unsure'


def test_a_rule_leaves_an_attribute_without_a_label():
    config = LabelConfig(skip_where=(SkipRule.parse('mood if years is few'),), hold_s=0.0)
    moods = [(0.9, 0.1)] * 2
    first, second = labels_over_time(config, moods, [(0.8, 0.2), (0.2, 0.8)])
    assert (first.label, first.confidence, first.shown_label) == ('', 0.0, '')
    np.testing.assert_array_equal(first.probabilities, np.float32([0.9, 0.1]))
    assert (second.label, second.text('.0%')) == ('calm', 'calm 90%')


def test_after_a_restart_a_label_does_not_wait():
    moods = [(0.9, 0.1), (0.1, 0.9)]
    classifier = Scripted(moods, [(0.0, 1.0)] * 2)
    stage = ClassificationStage(classifier, TrackSmoother(1e6), LabelConfig(hold_s=60.0))
    track = Track(1, BOX, confidence=0.9, landmarks=None, state=TrackState.TRACKED, age=3)
    frames = [Frame(IMAGE, stamp_ns=n * 10**8, frame_id='', received_ns=0) for n in (1, 2)]
    before = stage.process(FrameResult(frames[0], faces=(Face(track),)))
    stage.restart()
    after = stage.process(FrameResult(frames[1], faces=(Face(track),)))
    labels = [result.faces[0].attributes['mood'].label for result in (before, after)]
    assert labels == ['calm', 'loud']


def test_what_was_not_asked_for_is_smoothed_only_where_a_rule_needs_it():
    smoother = TrackSmoother(0.5)
    for rules, expected in (
        ((), {'mood'}),
        ((SkipRule.parse('hat if years is few'),), {'mood'}),
        ((SkipRule.parse('mood if years is few'),), {'mood', 'years'}),
    ):
        stage = ClassificationStage(
            Scripted([(0.9, 0.1)], [(0.0, 1.0)]), smoother, LabelConfig(skip_where=rules)
        )
        stage.restart()
        track = Track(1, BOX, confidence=0.9, landmarks=None, state=TrackState.TRACKED, age=3)
        frame = Frame(IMAGE, stamp_ns=1, frame_id='', received_ns=0)
        stage.process(FrameResult(frame, faces=(Face(track),)))
        held = smoother.hold(1, frame.time)
        assert held is not None
        assert held.keys() == expected
