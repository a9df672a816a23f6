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

"""Detections below the minimum score continue tracks, and begin none."""

from __future__ import annotations

from face_scenes import detected
import pytest
from rtcnn_perception.core.tracking.track import TrackState
from rtcnn_perception.core.tracking.tracker import FaceTracker
from rtcnn_perception.core.tracking.tracker import TrackerConfig
from rtcnn_perception.exceptions import ConfigurationError

FACE = (200.0, 150.0, 60.0)
BESIDE = (260.0, 150.0, 60.0)
FRAME = 1 / 30
MIN_SCORE = 0.5

strong = detected(FACE)
weak = detected(FACE, score=0.35)


def run(tracker, *detections, start=0):
    """Update frame by frame at 30 a second, and return the tracks of each."""
    return [
        tracker.update(found, frame * FRAME, MIN_SCORE)
        for frame, found in enumerate(detections, start)
    ]


@pytest.mark.parametrize('ratio', [0.0, -0.5, 1.1, float('nan')])
def test_a_ratio_out_of_range_is_refused(ratio):
    with pytest.raises(ConfigurationError, match=r'keep_ratio must be in \(0, 1\]'):
        TrackerConfig(keep_ratio=ratio)


def test_a_weak_detection_continues_a_track_and_has_its_own_score():
    tracker = FaceTracker()
    *_, (before,), (track,) = run(tracker, strong, strong, strong, weak)
    assert (before.state, before.confidence) == (TrackState.TRACKED, 0.9)
    assert (track.track_id, track.state, track.confidence) == (1, TrackState.TRACKED, 0.35)


def test_a_face_that_stays_weak_outlives_the_time_of_coasting():
    tracker = FaceTracker(TrackerConfig(max_coast_s=0.2))
    run(tracker, *[strong] * 3)
    for (track,) in run(tracker, *[weak] * 30, start=3):
        assert (track.track_id, track.state) == (1, TrackState.TRACKED)


def test_a_weak_detection_moves_the_box():
    tracker = FaceTracker()
    run(tracker, *[strong] * 3)
    moved = [detected((200.0 + 2 * step, 150.0, 60.0), score=0.35) for step in range(1, 16)]
    *_, (track,) = run(tracker, *moved, start=3)
    assert track.box.center[0] == pytest.approx(230.0, abs=3.0)


def test_weak_detections_begin_no_track_and_confirm_none():
    assert run(FaceTracker(), *[weak] * 10) == [()] * 10
    almost = detected(FACE, score=0.7)
    assert run(FaceTracker(TrackerConfig(confirm_hits=3)), almost, almost, weak, weak) == [()] * 4


def test_a_track_of_one_high_score_is_not_continued_by_a_weak_one():
    assert run(FaceTracker(), strong, weak, weak)[1:] == [(), ()]


def test_a_weak_detection_beside_the_prediction_is_no_face():
    # A strong one there is taken for the face that has moved.
    for score, state in ((0.35, TrackState.COASTED), (0.9, TrackState.TRACKED)):
        tracker = FaceTracker()
        run(tracker, *[strong] * 3)
        run(tracker, *[()] * 10, start=3)
        ((track,),) = run(tracker, detected(BESIDE, score=score), start=13)
        assert (track.track_id, track.state) == (1, state)


def test_a_strong_detection_goes_before_a_weak_one_that_lies_better():
    tracker = FaceTracker()
    run(tracker, *[strong] * 3)
    shifted = detected((206.0, 150.0, 60.0))
    ((track,),) = run(tracker, (*weak, *shifted), start=3)
    assert (track.track_id, track.confidence) == (1, 0.9)


def test_two_faces_take_a_strong_and_a_weak_detection():
    tracker = FaceTracker()
    other = (400.0, 150.0, 60.0)
    run(tracker, *[detected(FACE, other)] * 3)
    (tracks,) = run(tracker, (*detected(other), *weak), start=3)
    assert [(track.track_id, track.confidence) for track in tracks] == [(1, 0.35), (2, 0.9)]


def test_a_weak_track_makes_room_for_a_new_face_where_there_is_none():
    tracker = FaceTracker(TrackerConfig(max_tracks=1))
    run(tracker, *[strong] * 3)
    (tracks,) = run(tracker, (*weak, *detected((400.0, 150.0, 60.0))), start=3)
    assert [(track.track_id, track.confidence) for track in tracks] == [(2, 0.9)]


def test_a_weak_detection_that_holds_a_strong_one_is_no_face():
    tracker = FaceTracker()
    run(tracker, *[strong] * 3)
    smaller = detected((200.0, 150.0, 30.0), score=0.95)
    last = run(tracker, *[(*weak, *smaller)] * 40, start=3)[-1]
    assert [(track.confidence, round(track.box.width)) for track in last] == [(0.95, 30)]


@pytest.mark.parametrize('score', [0.9, 0.45])
def test_a_part_of_a_face_in_front_does_not_keep_the_one_behind(score):
    tracker = FaceTracker()
    behind = (225.0, 160.0, 60.0)
    run(tracker, *[detected(FACE, behind)] * 5)
    part = detected((212.0, 155.0, 40.0), score=0.35)
    last = run(tracker, *[(*detected(FACE, score=score), *part)] * 40, start=5)[-1]
    assert [(track.track_id, track.confidence) for track in last] == [(1, score)]


def test_what_is_below_the_ratio_is_nothing():
    for ratio, state in ((0.6, TrackState.TRACKED), (0.8, TrackState.COASTED)):
        tracker = FaceTracker(TrackerConfig(keep_ratio=ratio))
        run(tracker, *[strong] * 3)
        ((track,),) = run(tracker, weak, start=3)
        assert (track.track_id, track.state) == (1, state)
