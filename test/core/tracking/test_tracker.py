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

"""Tracks are confirmed, coasted and ended, and their ids stay with a person."""

from __future__ import annotations

from dataclasses import replace
import math

from face_scenes import detected
from face_scenes import face_box
import numpy as np
import pytest
from rtcnn_perception.core.detection.base import Detection
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.tracking.track import TrackState
from rtcnn_perception.core.tracking.tracker import FaceTracker
from rtcnn_perception.core.tracking.tracker import TrackerConfig
from rtcnn_perception.exceptions import ConfigurationError

FACE = (200.0, 150.0, 60.0)
FRAME = 1 / 30


def run(tracker, *detections, start=0):
    """Update frame by frame at 30 a second, and return the tracks of the last one."""
    tracks = ()
    for frame, found in enumerate(detections, start):
        tracks = tracker.update(found, frame * FRAME)
    return tracks


def ids(tracks):
    return [track.track_id for track in tracks]


def states(tracks):
    return [track.state for track in tracks]


@pytest.mark.parametrize(
    ('values', 'named'),
    [
        ({'confirm_score': -0.1}, 'confirm_score'),
        ({'confirm_score': 1.1}, 'confirm_score'),
        ({'confirm_hits': 0}, 'confirm_hits'),
        ({'max_coast_s': -1.0}, 'max_coast_s'),
        ({'max_coast_s': math.nan}, 'max_coast_s'),
        ({'max_coast_s': math.inf}, 'max_coast_s'),
        ({'max_tracks': 0}, 'max_tracks'),
        ({'max_tracks': 257}, 'max_tracks'),
    ],
)
def test_a_setting_out_of_range_is_refused(values, named):
    with pytest.raises(ConfigurationError, match=named):
        TrackerConfig(**values)


def test_ids_count_up_from_the_first_one():
    for first in (1, 7, 2**31):
        tracker = FaceTracker(first_id=first)
        assert ids(run(tracker, detected(FACE))) == [first]
        tracker.reset()
        assert ids(run(tracker, detected(FACE))) == [first + 1]


def test_the_states_are_those_of_the_message():
    assert [(state.name, state.value) for state in TrackState] == [
        ('NEW', 0),
        ('TRACKED', 1),
        ('COASTED', 2),
    ]


@pytest.mark.parametrize('found', [(), None])
def test_without_detections_there_are_no_tracks(found):
    assert run(FaceTracker(), found, found, found) == ()


def test_a_detection_with_a_high_score_is_confirmed_at_once_and_is_new_once():
    tracker = FaceTracker()
    (first,) = run(tracker, detected(FACE))
    assert (first.track_id, first.state, first.age) == (1, TrackState.NEW, 1)
    assert first.confidence == 0.9
    np.testing.assert_allclose(first.box.as_tuple(), face_box(FACE).as_tuple())
    (second,) = run(tracker, detected(FACE), start=1)
    assert (second.track_id, second.state, second.age) == (1, TrackState.TRACKED, 2)


def test_detections_with_a_low_score_are_confirmed_by_several_in_a_row():
    tracker = FaceTracker(TrackerConfig(confirm_hits=3))
    weak = detected(FACE, score=0.7)
    assert run(tracker, weak, weak) == ()
    (track,) = run(tracker, weak, start=2)
    assert (track.track_id, track.state, track.age) == (1, TrackState.NEW, 3)


def test_an_unconfirmed_face_that_is_missed_starts_again():
    tracker = FaceTracker(TrackerConfig(confirm_hits=3))
    weak = detected(FACE, score=0.7)
    assert run(tracker, weak, weak, (), weak, weak) == ()
    assert ids(run(tracker, weak, start=5)) == [1]


def test_an_unconfirmed_face_is_confirmed_by_one_high_score():
    tracker = FaceTracker(TrackerConfig(confirm_hits=5))
    assert run(tracker, detected(FACE, score=0.7)) == ()
    assert ids(run(tracker, detected(FACE, score=0.8), start=1)) == [1]


def test_frames_without_a_detector_run_do_not_count_as_detections():
    tracker = FaceTracker(TrackerConfig(confirm_hits=2))
    weak = detected(FACE, score=0.7)
    assert run(tracker, weak, None, None) == ()
    (track,) = run(tracker, weak, start=3)
    assert (track.state, track.age) == (TrackState.NEW, 4)


def test_a_face_that_is_missed_coasts_and_keeps_its_id_when_it_is_found_again():
    tracker = FaceTracker()
    run(tracker, *[detected(FACE)] * 5)
    (track,) = run(tracker, (), start=5)
    assert (track.track_id, track.state, track.age) == (1, TrackState.COASTED, 6)
    assert track.confidence == 0.9
    (track,) = run(tracker, detected(FACE), start=6)
    assert (track.track_id, track.state, track.age) == (1, TrackState.TRACKED, 7)


@pytest.mark.parametrize('coast', [0.0, 0.25, 1.0])
def test_a_face_that_is_lost_coasts_for_the_configured_time(coast):
    tracker = FaceTracker(TrackerConfig(max_coast_s=coast))
    run(tracker, *[detected(FACE)] * 5)
    is_tracked = [bool(run(tracker, (), start=frame)) for frame in range(5, 50)]
    lasted = is_tracked.index(False)
    assert lasted * FRAME == pytest.approx(coast, abs=FRAME)
    assert not any(is_tracked[lasted:])
    assert ids(run(tracker, detected(FACE), start=50)) == [2]


def test_a_false_detection_lasts_one_run_of_the_detector():
    tracker = FaceTracker(TrackerConfig(confirm_hits=3))
    assert ids(run(tracker, detected(FACE))) == [1]
    assert run(tracker, (), start=1) == ()
    # If it was no false detection, then the id was not lost.
    (track,) = run(tracker, detected(FACE), start=2)
    assert (track.track_id, track.state) == (1, TrackState.TRACKED)


def test_between_detector_runs_a_face_is_predicted_and_keeps_its_state():
    tracker = FaceTracker()
    places = [(200.0 + 10.0 * frame, 150.0, 60.0) for frame in range(14)]
    run(tracker, *[detected(place) for place in places[:10]])
    for frame in (10, 11):
        (track,) = run(tracker, None, start=frame)
        assert track.state is TrackState.TRACKED
        assert track.box.center == pytest.approx(places[frame][:2], abs=5.0)
    (track,) = run(tracker, (), start=12)
    assert track.state is TrackState.COASTED
    (track,) = run(tracker, None, start=13)
    assert track.state is TrackState.COASTED
    assert track.age == 14


def test_a_face_is_not_lost_while_the_detector_does_not_run():
    tracker = FaceTracker(TrackerConfig(max_coast_s=0.5))
    run(tracker, *[detected(FACE)] * 5)
    for frame in range(5, 50):
        (track,) = run(tracker, None, start=frame)
        assert track.state is TrackState.TRACKED
    assert run(tracker, (), start=50) == ()


def test_a_lost_face_ends_also_on_a_frame_without_a_detector_run():
    tracker = FaceTracker(TrackerConfig(max_coast_s=0.1))
    run(tracker, *[detected(FACE)] * 5, ())
    assert len(run(tracker, None, start=6)) == 1
    assert run(tracker, *[None] * 5, start=7) == ()


def test_landmarks_move_with_the_box():
    box = face_box(FACE)
    points = np.array([(box.x0 + 15 * i, box.y0 + 15 * i) for i in range(5)], np.float32)
    tracker = FaceTracker()
    for frame in range(10):
        shift = np.float32(6 * frame)
        moved = BoundingBox(box.x0 + shift, box.y0, box.x1 + shift, box.y1)
        found = (Detection(moved, 0.9, points + np.array([shift, 0], np.float32)),)
        (track,) = run(tracker, found, start=frame)
        np.testing.assert_allclose(track.landmarks, found[0].landmarks, atol=3.0)
    (track,) = run(tracker, None, start=10)
    np.testing.assert_allclose(track.landmarks, points + np.array([60, 0]), atol=4.0)
    assert track.landmarks.dtype == np.float32
    (track,) = run(tracker, detected((200.0 + 66, 150.0, 60.0)), start=11)
    assert track.landmarks is None


def test_a_part_of_a_tracked_face_is_no_face_of_its_own():
    tracker = FaceTracker()
    mouth = (200.0, 165.0, 25.0)
    for frame in range(10):
        assert ids(run(tracker, detected(FACE, mouth), start=frame)) == [1]


def test_a_face_around_a_part_that_was_taken_for_one_is_tracked():
    tracker = FaceTracker()
    mouth = (200.0, 165.0, 25.0)
    run(tracker, *[detected(mouth)] * 5)
    assert ids(run(tracker, detected(FACE, mouth), start=5)) == [1, 2]


def test_tracks_are_sorted_by_id_whatever_the_order_of_detections():
    places = [(100.0 * i, 150.0, 60.0) for i in range(1, 5)]
    tracker = FaceTracker()
    first = run(tracker, detected(*places))
    second = run(tracker, detected(*reversed(places)), start=1)
    assert ids(first) == ids(second) == [1, 2, 3, 4]
    assert [one.box.center for one in first] == [pytest.approx(two.box.center) for two in second]


def test_no_more_faces_are_tracked_than_allowed_and_the_best_scores_come_first():
    tracker = FaceTracker(TrackerConfig(max_tracks=2))
    best = detected((300, 100, 50), (500, 100, 50), score=0.9)
    found = detected((100, 100, 50), score=0.81) + best
    for frame in range(5):
        tracks = run(tracker, found, start=frame)
        assert [round(track.box.center[0]) for track in tracks] == [300, 500]


def test_a_limit_that_is_lowered_drops_what_was_found_longest_ago_and_then_the_newest():
    tracker = FaceTracker(TrackerConfig(max_tracks=4))
    places = [(100 + 150 * number, 100, 50) for number in range(4)]
    run(tracker, *[detected(*places)] * 3, detected(*places[1:]))
    tracker.config = TrackerConfig(max_tracks=2)
    assert ids(run(tracker, detected(*places[1:]), start=4)) == [2, 3]


def test_a_new_face_replaces_the_one_that_was_lost_first():
    tracker = FaceTracker(TrackerConfig(max_tracks=2))
    gone_first, gone_later, new = (100, 100, 50), (300, 100, 50), (500, 100, 50)
    run(tracker, *[detected(gone_first, gone_later)] * 3, detected(gone_later), ())
    tracks = run(tracker, detected(new), start=5)
    assert [(track.track_id, track.state.name) for track in tracks] == [
        (2, 'COASTED'),
        (3, 'NEW'),
    ]


def test_after_a_reset_ids_are_not_reused():
    tracker = FaceTracker()
    assert ids(run(tracker, detected(FACE))) == [1]
    tracker.reset()
    assert run(tracker, None, start=1) == ()
    (track,) = run(tracker, detected(FACE))
    assert (track.track_id, track.state, track.age) == (2, TrackState.NEW, 1)


def test_a_configuration_applies_from_the_next_update_on():
    tracker = FaceTracker(TrackerConfig(confirm_score=1.0, confirm_hits=100))
    assert run(tracker, *[detected(FACE)] * 5) == ()
    tracker.config = replace(tracker.config, confirm_hits=6)
    assert ids(run(tracker, detected(FACE), start=5)) == [1]


@pytest.mark.parametrize('stamp', [math.nan, math.inf, -math.inf])
def test_a_stamp_that_is_not_finite_is_refused(stamp):
    with pytest.raises(ValueError, match='stamp'):
        FaceTracker().update((), stamp)


def moving_right(tracker, frames=15, speed=10.0, start=0.0):
    for frame in range(frames):
        tracker.update(detected((200.0 + speed * frame, 150.0, 60.0)), start + frame * FRAME)
    return 200.0 + speed * (frames - 1)


@pytest.mark.parametrize('jump', [0.0, -0.02, -0.3, -0.9])
def test_a_stamp_that_repeats_or_jumps_back_a_little_resets_velocities_and_keeps_tracks(jump):
    tracker = FaceTracker()
    x = moving_right(tracker)
    last = 14 * FRAME
    (track,) = tracker.update(None, last + jump)
    assert track.track_id == 1
    assert track.box.center[0] == pytest.approx(x, abs=3.0)
    (track,) = tracker.update(detected((x + 10.0, 150.0, 60.0)), last + jump + FRAME)
    assert (track.track_id, track.state) == (1, TrackState.TRACKED)


@pytest.mark.parametrize('jump', [-1.1, -1e9, 3.1, 1e9])
def test_a_stamp_that_jumps_far_ends_the_tracks(jump):
    tracker = FaceTracker()
    x = moving_right(tracker, start=1000.0)
    stamp = 1000.0 + 14 * FRAME + jump
    (track,) = tracker.update(detected((x, 150.0, 60.0)), stamp)
    assert (track.track_id, track.state, track.age) == (2, TrackState.NEW, 1)


@pytest.mark.parametrize(('gap', 'track_id'), [(2.9, 1), (3.1, 2), (19.0, 2)])
def test_a_gap_of_two_seconds_beyond_coasting_ends_even_a_track_that_stands_still(gap, track_id):
    tracker = FaceTracker(TrackerConfig(max_coast_s=1.0))
    for frame in range(15):
        tracker.update(detected(FACE), frame * FRAME)
    (track,) = tracker.update(detected(FACE), 14 * FRAME + gap)
    assert track.track_id == track_id


def test_a_slow_camera_does_not_lose_a_person_who_stands_still():
    tracker = FaceTracker(TrackerConfig(max_coast_s=1.0))
    for second in range(10):
        (track,) = tracker.update(detected(FACE), 1.5 * second)
        assert track.track_id == 1


def test_with_a_camera_without_stamps_faces_are_tracked_and_still_end():
    tracker = FaceTracker()
    for frame in range(30):
        (track,) = tracker.update(detected((200.0 + 3.0 * frame, 150.0, 60.0)), 0.0)
        assert track.track_id == 1
    is_tracked = [bool(tracker.update((), 0.0)) for _ in range(60)]
    assert is_tracked.index(False) == pytest.approx(30, abs=1)


def test_ids_ages_and_states_are_consistent_for_random_detections():
    rng = np.random.default_rng(0)
    config = TrackerConfig(max_tracks=10)
    tracker = FaceTracker(config)
    stamp, gone, before, newest = 0.0, set(), {}, 0
    for _ in range(600):
        stamp += float(rng.choice([FRAME, FRAME, FRAME, 0.0, 0.4, -0.1, -5.0, 10.0]))
        found = None
        if rng.random() < 0.8:
            count = int(rng.integers(0, 14))
            low = rng.uniform(-100, 640, (count, 2))
            size = np.exp(rng.uniform(-4, 7, (count, 2)))
            found = tuple(
                Detection(BoundingBox.from_xywh(*corner, *side), float(rng.random()))
                for corner, side in zip(low, size, strict=True)
            )
        tracks = tracker.update(found, stamp)
        now = {track.track_id: track for track in tracks}
        assert ids(tracks) == sorted(now)
        assert len(tracks) <= config.max_tracks
        for track in tracks:
            assert all(map(math.isfinite, track.box.as_tuple()))
            assert (track.state is TrackState.NEW) == (track.track_id > newest)
            if track.track_id in before:
                assert track.age == before[track.track_id].age + 1
        newest = max([newest, *now])
        hidden = {followed.track_id for followed in tracker._tracks}
        gone |= before.keys() - hidden
        assert not gone & now.keys()
        before = now
    assert newest > 100
