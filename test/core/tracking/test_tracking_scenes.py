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

"""In scenes in which people come, leave, hide and cross, each person keeps one id."""

from __future__ import annotations

from itertools import product
import math

from face_scenes import detected
from face_scenes import follow
from face_scenes import ScriptedDetector
import numpy as np
import pytest
from rtcnn_perception.core.tracking.track import TrackState
from rtcnn_perception.core.tracking.tracker import FaceTracker
from rtcnn_perception.core.tracking.tracker import TrackerConfig


def one_id_each(ids):
    """Return whether each face had one id from begin to end, and no two faces the same."""
    return all(len(own) == 1 for own in ids) and len({own[0] for own in ids}) == len(ids)


def walk(x, y, size, speed, hidden=()):
    """Go sideways at a speed in face sizes per second, hidden in spans of seconds."""

    def path(time):
        if any(begin <= time < end for begin, end in hidden):
            return None
        return x + speed * size * time, y + 0.05 * size * math.sin(11 * time), size

    return path


def test_without_faces_there_are_no_ids():
    for fps, every_n in product((10.0, 30.0), (1, 3)):
        detector = ScriptedDetector(every_n=every_n)
        assert follow(FaceTracker(), [], 1.0, fps=fps, detector=detector) == []


@pytest.mark.parametrize(('missed', 'jitter'), [(0.0, 0.03), (0.3, 0.01), (0.5, 0.02)])
def test_jitter_and_missed_frames_cost_no_id(missed, jitter):
    paths = [walk(100, 150, 60, 1.0), walk(560, 150, 60, -0.5), walk(300, 350, 90, 0.3)]
    for seed in range(5):
        detector = ScriptedDetector(jitter=jitter, missed=missed, seed=seed)
        assert one_id_each(follow(FaceTracker(), paths, 4.0, detector=detector)), seed


@pytest.mark.parametrize('speed', [1.0, 1.5, 3.0])
def test_two_who_cross_at_different_depths_keep_their_ids(speed):
    # The further one, 20 % smaller, is hidden while less than half of it is visible.
    meet = 2.0
    near, far = 80.0, 65.0
    hidden = 0.5 * (near + far) * 0.6 / (speed * (near + far))
    span = (meet - hidden, meet + hidden)
    paths = [
        walk(320 - speed * near * meet, 200, near, speed),
        walk(320 + speed * far * meet, 195, far, -speed, hidden=[span]),
    ]
    for (fps, every_n), seed in product(((30, 1), (30, 3), (15, 1), (10, 1)), range(3)):
        detector = ScriptedDetector(every_n=every_n, seed=seed, missed=0.05)
        ids = follow(FaceTracker(), paths, 4.0, fps=fps, detector=detector)
        assert one_id_each(ids), (fps, every_n, seed)


def test_two_of_one_size_who_cross_fully_visible_keep_their_ids():
    paths = [walk(120, 200, 70, 1.5), walk(540, 200, 70, -1.5)]
    for seed in range(3):
        detector = ScriptedDetector(seed=seed)
        assert one_id_each(follow(FaceTracker(), paths, 4.0, detector=detector)), seed


def test_a_person_who_was_hidden_for_less_than_a_second_keeps_the_id():
    for span, speed in product((0.3, 0.6, 0.9), (0.0, 1.0, 2.5)):
        paths = [walk(100, 200, 60, speed, hidden=[(1.5, 1.5 + span)])]
        assert one_id_each(follow(FaceTracker(), paths, 4.0)), (span, speed)


def test_a_person_who_was_hidden_for_longer_gets_a_new_id():
    paths = [walk(100, 200, 60, 0.0, hidden=[(1.5, 2.7)])]
    assert follow(FaceTracker(), paths, 4.0) == [[1, 2]]


def walk_out_and_back(speed, away):
    """Walk out of the picture at the right, turn outside, and walk back in."""
    size, border, leave = 70.0, 640.0, 1.5

    def path(time):
        outside = time - leave
        turned = min(outside, away - outside) if outside > 0 else outside
        x = border - 0.4 * size + speed * size * turned
        return None if 0 < outside < away else (x, 200.0, size)

    return path


def test_a_person_who_comes_back_into_the_picture_within_a_second_keeps_the_id():
    for speed, away in product((0.7, 1.5, 2.5), (0.3, 0.6, 0.9)):
        path = walk_out_and_back(speed, away)
        assert one_id_each(follow(FaceTracker(), [path], 3.5)), (speed, away)


def test_another_person_at_another_place_gets_another_id():
    paths = [
        walk(100, 200, 60, 0.0, hidden=[(1.0, 99.0)]),
        walk(500, 200, 60, 0.0, hidden=[(0.0, 1.3)]),
    ]
    assert follow(FaceTracker(), paths, 3.0) == [[1], [2]]


def test_sixteen_people_who_move_in_loops_keep_their_ids():
    def loop(index):
        x, y = 150 + 300 * (index % 4), 120 + 250 * (index // 4)
        rate = 0.7 + 0.13 * index
        return lambda time: (
            x + 100 * math.sin(rate * time + index),
            y + 70 * math.cos(1.3 * rate * time + 2 * index),
            70.0 + 20 * math.sin(0.5 * time + index),
        )

    detector = ScriptedDetector(missed=0.1)
    paths = [loop(index) for index in range(16)]
    assert one_id_each(follow(FaceTracker(), paths, 4.0, detector=detector))


class Crowd:
    """People of random size who walk across each other; the nearer hide the further."""

    def __init__(self, count, seed):
        rng = np.random.default_rng(seed)
        self.sizes = np.sort(rng.uniform(40, 110, count))[::-1]
        self.starts = rng.uniform(50, 590, count)
        self.heights = rng.uniform(150, 260, count)
        self.speeds = rng.normal(0.0, 1.2, count) * self.sizes

    def place(self, index, time):
        x = self.starts[index] + self.speeds[index] * time
        return float(x), float(self.heights[index]), float(self.sizes[index])

    def path(self, index):
        def visible(time):
            x, y, size = self.place(index, time)
            for nearer in range(index):
                other_x, other_y, other = self.place(nearer, time)
                reach = 0.35 * (size + other)
                if abs(x - other_x) < reach and abs(y - other_y) < 1.25 * reach:
                    return None
            return (x, y, size) if 0 < x < 640 else None

        return visible

    def longest_absence(self, index, seconds):
        """Return the longest time in seconds for which a person is hidden in between."""
        path = self.path(index)
        is_visible = ''.join('x' if path(frame / 30) else ' ' for frame in range(seconds * 30))
        return max(map(len, is_visible.strip().split('x'))) / 30


@pytest.mark.parametrize('seed', range(6))
def test_in_a_crowd_only_people_who_are_hidden_for_a_second_get_a_new_id(seed):
    crowd = Crowd(4, seed)
    paths = [crowd.path(index) for index in range(4)]
    detector = ScriptedDetector(missed=0.05, seed=seed)
    ids = follow(FaceTracker(), paths, 5.0, detector=detector)
    assert sum(len(own) > 0 for own in ids) >= 3
    for index, own in enumerate(ids):
        assert len(own) <= 1 or crowd.longest_absence(index, 5) > 1.0
    given = [track_id for own in ids for track_id in own]
    assert len(given) == len(set(given))


def test_no_track_coasts_where_none_may_also_where_no_time_passes():
    tracker = FaceTracker(TrackerConfig(max_coast_s=0.0, confirm_hits=1))
    for stamp in (1.0, 1.1, 1.1):
        (track,) = tracker.update(detected((200, 150, 60)), stamp)
        assert track.state is not TrackState.COASTED
    for stamp in (1.1, 1.1, 1.11):  # time that was assumed before is taken back here
        assert tracker.update((), stamp) == ()
