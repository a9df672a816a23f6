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

"""Who is there where camera, size, clock, classes or labels change meanwhile."""

from dataclasses import replace

import numpy as np
import pytest
from rtcnn_perception.core.frame import Frame
from rtcnn_perception.core.presence.changes import ChangeKind
from rtcnn_perception.core.presence.changes import PresenceConfig
from rtcnn_perception.core.presence.presence import Presence
from rtcnn_perception.core.results import AttributeInfo
from rtcnn_perception.core.tracking.track import TrackState
from shown_film import face
from shown_film import Film
from shown_film import frame
from shown_film import MOOD
from shown_film import START

A, L, START_LOOK, STOP_LOOK, LABEL = ChangeKind
AT_ONCE = PresenceConfig(appear_s=0.0, label_views=1000)


def of_camera(seconds, *faces, size_wh=(64, 48), frame_id='optical'):
    shown = frame(seconds, *faces)
    stamp_ns = shown.frame.stamp_ns
    image = np.zeros((*size_wh[::-1], 3), np.uint8)
    return replace(shown, frame=Frame(image, stamp_ns, frame_id, stamp_ns))


@pytest.mark.parametrize('change', [{'size_wh': (32, 24)}, {'frame_id': 'rear'}])
def test_another_camera_lets_all_leave_before_others_appear(change):
    presence = Presence(AT_ONCE)
    presence.update(of_camera(0.0, face(1)))
    changes = presence.update(of_camera(0.1, face(2), **change))
    assert [(each.kind, each.face.track_id) for each in changes] == [(L, 1), (A, 2)]
    assert [(each.frame.size_wh, each.frame.frame_id) for each in changes] == [
        ((64, 48), 'optical'),
        (change.get('size_wh', (64, 48)), change.get('frame_id', 'optical')),
    ]
    assert [each.face.track_id for each in presence.people()[1]] == [2]


def test_a_recording_that_begins_again_lets_all_leave_first():
    presence = Presence(AT_ONCE)
    presence.update(of_camera(60.0, face(1)))
    changes = presence.update(of_camera(0.0, face(2)))
    assert [(each.kind, each.face.track_id) for each in changes] == [(L, 1), (A, 2)]
    (person,) = presence.people()[1]
    assert person.since_ns == round(START * 1e9)


def test_a_face_is_as_in_the_frame_that_had_it_last():
    presence = Presence(PresenceConfig(appear_s=0.0, leave_s=0.95, label_views=1000))
    presence.update(of_camera(0.0, face(1)))
    presence.update(of_camera(0.5))
    last, (person,) = presence.people()
    assert (last.frame.time, person.frame.time) == pytest.approx((START + 0.5, START))
    (left,) = presence.update(of_camera(1.0))
    assert (left.kind, left.frame.time) == (L, pytest.approx(START))
    presence.update(of_camera(1.1, face(2)))
    presence.update(of_camera(1.2, face(2)))
    assert presence.people()[1][0].frame.time == pytest.approx(START + 1.2)


def test_frames_that_share_a_stamp_let_no_time_pass_twice():
    presence = Presence(PresenceConfig(appear_s=0.0, leave_s=1.95, label_views=1000))
    presence.update(frame(0.0, face(1)))
    for number in range(1, 54):  # 30 Hz, stamped by a clock of 10 Hz
        assert presence.update(frame(number // 3 * 0.1)) == ()
    left = [
        each.kind for number in range(54, 66) for each in presence.update(frame(number * 0.1 / 3))
    ]
    assert left == [L]


def bare(shown):
    """Return a face whose mood a rule leaves without a label."""
    return replace(shown, attributes={'mood': shown.attributes['mood'].without_label()})


def test_a_label_ends_where_a_rule_leaves_most_views_without_one():
    film = Film(appear_s=0.0, label_views=3, seconds=2.0)
    assert film.show(0.6, face()) == [(A, 1, 0.0), (LABEL, 1, 0.2)]
    film.show(1.0, bare(face()))
    change = film.changes[-1]
    assert (change.kind, change.label, change.previous_label) == (LABEL, '', 'calm')
    assert film.people[0].attributes['mood'].label == ''
    assert film.people[0].attributes['mood'].views == 0
    film.show(3.0, face())
    change = film.changes[-1]
    assert (change.kind, change.label, change.previous_label) == (LABEL, 'calm', '')


def test_where_a_rule_leaves_half_of_the_views_without_a_label_none_begins():
    film = Film(appear_s=0.0, label_views=3)
    for _ in range(20):
        film.show(0.1, bare(face()))
        film.show(0.1, face())
    assert [change.kind for change in film.changes] == [A]


def test_a_label_is_known_however_few_views_there_are_in_the_time():
    film = Film(appear_s=0.0, label_views=30, seconds=1.0)
    assert film.show(2.5, face()) == [(A, 1, 0.0)]
    assert film.show(1.0, face()) == [(LABEL, 1, 2.9)]


def test_one_view_after_a_pause_changes_no_label():
    film = Film(appear_s=0.0, leave_s=20.0, label_views=5, seconds=1.0)
    film.show(1.0, face())
    film.show(5.0, face(quality=0.1))
    assert film.show(0.4, face(glad=0.6)) == []
    assert film.show(0.6, face(glad=0.6))[0][0] == LABEL


def test_of_what_is_classified_no_more_nothing_is_said():
    presence = Presence(AT_ONCE)
    presence.update(frame(0.0, face(1)))
    other = AttributeInfo('mood', ('sad', *MOOD.labels), 'other')
    presence.update(frame(0.1, attributes=(other, AttributeInfo('age', ('0-9', '10+'), 'other'))))
    _, (person,) = presence.people()
    assert list(person.attributes) == ['mood', 'age']
    assert [each.label for each in person.attributes.values()] == ['', '']


def test_views_of_other_classes_do_not_count_for_a_label():
    presence = Presence(PresenceConfig(appear_s=0.0, label_views=4))
    others = AttributeInfo('mood', MOOD.labels[::-1], 'other')
    kinds = [
        [
            change.kind
            for change in presence.update(frame(number * 0.25, face(1), attributes=(of,)))
        ]
        for number, of in enumerate([MOOD] * 3 + [others] * 4)
    ]
    assert kinds == [[A], [], [], [], [], [], [LABEL]]


def test_a_few_frames_without_an_orientation_end_no_looking_and_more_do():
    film = Film(appear_s=0.0, looking_s=0.25, label_views=1000)
    film.show(1.0, face(looks=True))
    unturned = face(looks=False)
    unturned = replace(unturned, pose=replace(unturned.pose, rotation=None))
    assert film.show(0.2, unturned) == []
    assert film.people[0].looking_since_ns
    film.show(0.1, face(looks=True))
    assert film.show(0.4, unturned) == [(STOP_LOOK, 1, 1.6)]
    assert film.people[0].looking_since_ns == 0


@pytest.mark.parametrize('each', [1, 3, 10])
def test_where_half_of_the_views_have_no_label_it_does_not_flap(each):
    film = Film(appear_s=0.0)
    for _ in range(150 // each):
        film.show(each * 0.1, face())
        film.show(each * 0.1, bare(face()))
    assert len([change for change in film.changes if change.kind == LABEL]) <= 2


def test_a_head_that_looks_away_stops_looking_though_some_frames_show_no_orientation():
    film = Film(appear_s=0.0, looking_s=0.45, label_views=1000)
    film.show(1.0, face(looks=True))
    away = face(looks=False)
    unturned = replace(away, pose=replace(away.pose, rotation=None))
    for _ in range(3):
        film.show(0.2, away)
        film.show(0.1, unturned)
    assert [change.kind for change in film.changes] == [A, START_LOOK, STOP_LOOK]


def test_two_glances_with_a_face_that_is_not_found_between_them_are_no_look():
    film = Film(appear_s=0.0, looking_s=0.45, label_views=1000)
    film.show(1.0, face(looks=False))
    for _ in range(3):
        film.show(0.1, face(looks=True))
        film.show(0.7, face(looks=True, state=TrackState.COASTED))
    assert [change.kind for change in film.changes] == [A]


def test_a_slow_camera_sees_who_looks_at_it():
    presence = Presence(PresenceConfig(appear_s=0.0, leave_s=9.0, looking_s=0.5, label_views=1000))
    changes = [
        change.kind
        for seconds in range(4)
        for change in presence.update(frame(float(seconds), face(looks=True)))
    ]
    assert changes == [A, START_LOOK]
