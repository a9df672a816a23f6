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

"""Who is there: hysteresis of events, stable answers, and clocks that jump."""

from dataclasses import replace
import math
import random

import pytest
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.presence.averages import MAX_SECONDS
from rtcnn_perception.core.presence.changes import ChangeKind
from rtcnn_perception.core.presence.changes import PresenceConfig
from rtcnn_perception.core.presence.presence import MAX_FACES
from rtcnn_perception.core.presence.presence import Presence
from rtcnn_perception.core.results import AttributeInfo
from rtcnn_perception.core.tracking.track import TrackState
from rtcnn_perception.exceptions import ConfigurationError
from shown_film import face
from shown_film import Film
from shown_film import frame
from shown_film import START

A, L, START_LOOK, STOP_LOOK, LABEL = ChangeKind


def test_no_face_is_there_before_the_first_frame_and_without_a_face():
    film = Film()
    assert film.presence.people() == (None, ())
    assert film.presence.clear() == ()
    assert film.show(1.0) == []
    last, people = film.presence.people()
    assert (last.frame.stamp_ns, people) == (round((START + 0.9) * 1e9), ())


def test_a_face_appears_and_leaves_after_a_while():
    film = Film(appear_s=0.25, leave_s=0.95, label_views=1000)
    assert film.show(2.0, face(7)) == [(A, 7, 0.3)]
    assert [each.face.track_id for each in film.people] == [7]
    assert film.show(2.0) == [(L, 7, 2.9)]
    assert film.people == ()
    assert len(film.presence) == 0


def test_a_face_that_comes_later_waits_for_as_long():
    film = Film(appear_s=0.25, label_views=1000)
    assert film.show(1.0, face(7)) == [(A, 7, 0.3)]
    assert film.show(1.0, face(7), face(8)) == [(A, 8, 1.3)]


def test_a_face_that_is_shown_too_briefly_is_never_there():
    film = Film(appear_s=0.45)
    assert film.show(0.3, face()) == []
    assert film.people == ()
    assert film.show(5.0) == []
    assert len(film.presence) == 0


def test_a_gap_shorter_than_the_time_to_leave_changes_nothing():
    film = Film(appear_s=0.0, leave_s=0.95, label_views=1000)
    film.show(1.0, face())
    since = film.people[0].since_ns
    for _ in range(5):
        assert film.show(0.8) == []
        assert film.show(0.2, face()) == []
    assert film.people[0].since_ns == since == round(START * 1e9)


def test_a_predicted_face_is_not_found_and_the_last_one_that_was_is_in_the_event():
    film = Film(appear_s=0.0, leave_s=0.95, label_views=1000)
    film.show(1.0, face(quality=0.7))
    coasted = face(quality=0.0, state=TrackState.COASTED)
    assert film.show(0.5, coasted) == []
    assert film.people[0].face.is_coasted
    assert film.show(1.0, coasted) == [(L, 1, 1.9)]
    assert (film.changes[-1].face.quality, film.changes[-1].face.is_coasted) == (0.7, False)
    assert film.show(1.0, coasted) == []


def test_with_no_time_to_leave_a_face_is_gone_with_the_first_frame_without_it():
    film = Film(appear_s=0.0, leave_s=0.0, label_views=1000)
    assert film.show(0.3, face()) == [(A, 1, 0.0)]
    assert film.show(0.2) == [(L, 1, 0.3)]


def test_looking_starts_and_stops_after_a_while_and_a_glance_does_not_count():
    film = Film(appear_s=0.0, looking_s=0.45, label_views=1000)
    film.show(1.0, face())
    assert film.show(0.4, face(looks=True)) == []
    assert film.show(0.2, face()) == []
    assert film.show(1.0, face(looks=True)) == [(START_LOOK, 1, 2.1)]
    assert film.people[0].looking_since_ns == round((START + 1.6) * 1e9)
    assert film.show(0.3, face()) == []
    assert film.show(0.3, face(looks=True)) == []
    assert film.show(1.0, face()) == [(STOP_LOOK, 1, 3.7)]
    assert film.people[0].looking_since_ns == 0


def test_who_has_no_pose_for_a_while_goes_on_as_before_and_then_looks_no_more():
    film = Film(appear_s=0.0, looking_s=0.25, label_views=1000)
    assert film.show(1.0, face(looks=True)) == [(A, 1, 0.0), (START_LOOK, 1, 0.3)]
    assert film.show(0.2, face(looks=None)) == []
    assert film.show(1.0, face(looks=True)) == []
    assert film.show(1.0, face(looks=None)) == [(STOP_LOOK, 1, 2.5)]
    assert film.show(0.2, face(looks=True)) == film.show(1.0, face(looks=None)) == []
    assert film.show(0.2, face(looks=True)) == []


def test_who_looks_from_the_start_appears_before_looking_and_stops_before_leaving():
    film = Film(appear_s=0.55, looking_s=0.15, leave_s=0.45, label_views=1000)
    assert film.show(1.0, face(looks=True)) == [(A, 1, 0.6), (START_LOOK, 1, 0.6)]
    assert film.show(1.0) == [(STOP_LOOK, 1, 1.4), (L, 1, 1.4)]


def test_a_label_is_known_from_enough_good_views_on():
    film = Film(appear_s=0.0, label_views=5, min_quality=0.5)
    assert film.show(1.0, face(quality=0.4)) == [(A, 1, 0.0)]
    assert film.people[0].attributes['mood'].label == ''
    assert film.show(1.0, face(quality=0.9)) == [(LABEL, 1, 1.4)]
    change = film.changes[-1]
    assert (change.attribute, change.label, change.previous_label) == ('mood', 'calm', '')
    known = film.people[0].attributes['mood']
    assert (known.label, known.views) == ('calm', 10)
    assert known.seconds == pytest.approx(0.9)


def test_a_label_changes_where_another_class_leads_the_mean_by_the_margin():
    film = Film(appear_s=0.0, label_views=1, label_margin=0.2, seconds=2.0)
    film.show(2.0, face(glad=0.0))
    # Of the views of two seconds, 60 % must say otherwise.
    assert film.show(3.0, face(glad=1.0)) == [(LABEL, 1, pytest.approx(3.2, abs=0.2))]
    assert (film.changes[-1].label, film.changes[-1].previous_label) == ('glad', 'calm')


def test_a_label_that_flickers_does_not_change():
    film = Film(appear_s=0.0, label_views=1)
    film.show(2.0, face(glad=0.2))
    random.seed(1)
    for _ in range(50):
        assert film.show(0.1, face(glad=random.choice((0.1, 0.3, 0.8)))) == []


def test_limits_belong_to_what_they_let_through():
    film = Film(appear_s=0.0, label_views=2, label_margin=0.5, min_quality=0.5)
    film.show(0.2, face(glad=0.25, quality=0.5))
    assert film.changes[-1].label == 'calm'
    film = Film(appear_s=0.0, label_views=1, label_margin=0.5, seconds=0.3)
    film.show(0.3, face(glad=0.25))
    film.show(1.0, face(glad=0.75))
    assert film.changes[-1].label == 'glad'


def test_an_attribute_without_a_label_and_views_of_no_quality_say_nothing():
    film = Film(appear_s=0.0, label_views=1, min_quality=0.0)
    bare = face()
    bare = replace(bare, attributes={'mood': bare.attributes['mood'].without_label()})
    assert film.show(1.0, bare, face(2, quality=0.0)) == [(A, 1, 0.0), (A, 2, 0.0)]
    assert [each.attributes['mood'].views for each in film.people] == [0, 0]


def test_the_mean_is_over_the_seconds_that_are_asked_for():
    film = Film(appear_s=0.0, seconds=5.0)
    film.show(3.0, face(glad=0.0))
    film.show(1.0, face(glad=1.0))
    by_default, last = (film.presence.people(seconds)[1][0] for seconds in (0.0, 0.5))
    assert by_default.attributes['mood'].label == 'calm'
    assert last.attributes['mood'].label == 'glad'
    assert last.attributes['mood'].confidence == pytest.approx(1.0)


def test_people_are_sorted_by_distance_where_all_have_one_and_else_by_size():
    large, small = BoundingBox(0, 0, 40, 40), BoundingBox(0, 0, 10, 10)
    film = Film(appear_s=0.0)
    film.show(0.1, face(1, box=small, distance=1.0), face(2, box=large, distance=2.0))
    assert [each.face.track_id for each in film.people] == [1, 2]
    film.show(0.1, face(1, box=small, looks=None), face(2, box=large, distance=2.0))
    assert [each.face.track_id for each in film.people] == [2, 1]


def test_at_the_end_all_leave():
    film = Film(appear_s=0.0, looking_s=0.0, label_views=1000)
    film.show(0.2, face(1, looks=True), face(2))
    changes = film.presence.clear()
    assert [(each.kind, each.face.track_id) for each in changes] == [
        (STOP_LOOK, 1),
        (L, 1),
        (L, 2),
    ]
    assert film.presence.people() == (None, ())


@pytest.mark.parametrize('jump', [-0.9, -1e-3, 0.0])
def test_a_clock_that_jumps_back_or_stands_still_lets_no_face_leave(jump):
    film = Film(appear_s=0.0, leave_s=0.95, label_views=1)
    film.show(1.0, face())
    film.seconds += jump - 0.1
    assert film.show(1.0, face()) == []
    assert film.show(2.0) == [(L, 1, pytest.approx(film.seconds - 1.1, abs=0.15))]


def test_while_a_clock_stands_still_frames_count_as_time():
    presence = Presence(PresenceConfig(appear_s=0.0, leave_s=0.95, label_views=1000))
    assert [each.kind for each in presence.update(frame(0.0, face()))] == [A]
    kinds = [each.kind for _ in range(60) for each in presence.update(frame(0.0))]
    assert kinds == [L]


def test_with_no_time_to_wait_for_a_look_counts_in_its_first_frame():
    film = Film(appear_s=0.0, looking_s=0.0, label_views=1000)
    assert film.show(0.1, face(looks=True)) == [(A, 1, 0.0), (START_LOOK, 1, 0.0)]
    assert film.people[0].looking_since_ns == round(START * 1e9)


def test_without_stamps_the_times_of_arrival_count():
    presence = Presence(PresenceConfig(appear_s=0.25, label_views=1000))
    kinds = []
    for number in range(10):
        given = frame(number * 0.1, face())
        given = replace(given, frame=replace(given.frame, stamp_ns=0))
        kinds += [(each.kind, number) for each in presence.update(given)]
    assert kinds == [(A, 3)]
    assert presence.people()[1][0].since_ns == round(START * 1e9)


def test_a_thousand_faces_coming_and_going_leave_nothing_behind():
    film = Film(appear_s=0.0, leave_s=0.45)
    kinds = []
    for track_id in range(1, 1001):
        kinds += [kind for kind, _, _ in film.show(0.1, face(track_id))]
        assert len(film.presence) <= 7
    kinds += [kind for kind, _, _ in film.show(1.0)]
    assert (kinds.count(A), kinds.count(L), len(film.presence)) == (1000, 1000, 0)


def test_more_faces_than_fit_push_out_those_found_longest_ago():
    presence = Presence(PresenceConfig(appear_s=0.0, leave_s=60.0))
    for number in range(6):
        faces = (face(number * 256 + index) for index in range(256))
        presence.update(frame(number * 0.03, *(replace(each, attributes={}) for each in faces)))
    assert len(presence) == MAX_FACES
    assert min(each.face.track_id for each in presence.people()[1]) == 2 * 256


def test_classes_that_change_start_a_new_mean():
    film = Film(appear_s=0.0, label_views=1)
    film.show(1.0, face())
    other = AttributeInfo('mood', ('glad', 'calm'), 'other@01234567')
    film.presence.update(frame(film.seconds, face(), attributes=(other,)))
    assert film.people[0].attributes['mood'].views == 1


@pytest.mark.parametrize(
    'changes', [{'appear_s': -1.0}, {'leave_s': math.nan}, {'seconds': 61.0}, {'label_views': 0}]
)
def test_values_out_of_range_are_refused_by_name(changes):
    with pytest.raises(ConfigurationError, match=f'{next(iter(changes))} must be in'):
        PresenceConfig(**changes)


def test_the_highest_values_are_in_range():
    highest = {'label_margin': 1.0, 'seconds': MAX_SECONDS, 'min_quality': 1.0}
    assert {name: getattr(PresenceConfig(**highest), name) for name in highest} == highest
