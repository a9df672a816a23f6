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

from dataclasses import replace

from classified_frames import happy_woman
from classified_frames import make_face
from classified_frames import make_result
import pytest
from rtcnn_perception.commands.running import track_log
from rtcnn_perception.commands.running.track_log import TrackLog


def lines_of(log: TrackLog, frames: list[tuple[float, list]]) -> list[str]:
    """Return the lines that the log prints for frames given as time and faces."""
    return [line for now, faces in frames for line in log.update(make_result(*faces), now)]


def times(first: float, last: float, step: float = 0.25) -> list[float]:
    return [first + step * i for i in range(round((last - first) / step) + 1)]


def test_frames_without_a_face_print_nothing():
    log = TrackLog()
    assert lines_of(log, [(now, []) for now in times(0, 3)]) == []
    assert log.tracks == 0
    assert log.most_at_once == 0
    assert log.summary() == []


def test_a_face_is_logged_once_after_it_has_lasted():
    log = TrackLog()
    lines = lines_of(log, [(now, [happy_woman(7)]) for now in times(1, 3)])
    assert lines == ['   1.5 s  face 7: woman 0.80, happy 0.90']


def test_more_faces_at_once_than_are_kept_are_logged_all_the_same():
    log, faces = TrackLog(), [happy_woman(number) for number in range(1, 2 * track_log.MAX_FACES)]
    assert len(lines_of(log, [(now, faces) for now in times(0, 1)])) == len(faces)
    assert len(log.summary()) == len(faces)
    lines_of(log, [(now, []) for now in times(1.25, 2)])
    assert len(log.summary()) == track_log.MAX_FACES


def test_a_change_is_logged_only_if_it_lasts():
    log = TrackLog()
    lines_of(log, [(now, [happy_woman()]) for now in times(0, 1)])
    flicker = [(1.1, [happy_woman(emotion=0.1)]), (1.2, [happy_woman()])]
    assert lines_of(log, flicker) == []
    lines = lines_of(log, [(now, [happy_woman(emotion=0.1)]) for now in times(2, 3)])
    assert lines == ['   2.5 s  face 1: woman 0.80, sad 0.90']


def test_a_lost_face_is_logged_once_with_its_duration():
    log = TrackLog()
    lines_of(log, [(now, [happy_woman()]) for now in times(0, 2)])
    lines = lines_of(log, [(now, []) for now in times(2.25, 6)])
    assert lines == ['   3.0 s  face 1: lost, tracked for 2.0 s']


def test_a_face_that_returns_is_logged_again_and_counted_once():
    log = TrackLog()
    lines_of(log, [(now, [happy_woman()]) for now in times(0, 1)])
    lines_of(log, [(now, []) for now in times(1.25, 3)])
    lines = lines_of(log, [(now, [happy_woman()]) for now in times(4, 5)])
    assert len(lines) == 1
    assert 'woman' in lines[0]
    assert log.tracks == 1


def test_a_face_of_one_frame_is_counted_and_not_logged():
    log = TrackLog()
    assert lines_of(log, [(0.0, [happy_woman()]), *((now, []) for now in times(0.25, 3))]) == []
    assert log.tracks == 1
    assert log.summary() == []


def test_an_unsure_label_is_logged_as_such_and_one_that_is_missing_not_at_all():
    face = make_face(gender=0.2, emotion=0.9)
    unsure = replace(face.attributes['gender'], is_unsure=True)
    without = face.attributes['emotion'].without_label()
    face = replace(face, attributes={'gender': unsure, 'emotion': without})
    (line,) = lines_of(TrackLog(), [(now, [face]) for now in times(0, 1)])
    assert line.endswith('face 1: unsure')


@pytest.mark.parametrize(
    ('face', 'words'),
    [
        (make_face(), 'no attributes'),
        (make_face(gender=0.2), 'woman 0.80'),
        (make_face(emotion=0.9), 'happy 0.90'),
    ],
)
def test_an_attribute_that_is_not_classified_is_left_out(face, words):
    log = TrackLog()
    lines = lines_of(log, [(now, [face]) for now in times(0, 1)])
    assert len(lines) == 1
    assert lines[0].endswith(f'face 1: {words}')
    assert log.summary() == [f'face 1: tracked from 0.0 to 1.0 s, {words}']


def test_the_summary_has_each_face_with_its_last_labels():
    log = TrackLog()
    lines_of(log, [(now, [happy_woman(1), happy_woman(2, gender=0.7)]) for now in times(0, 1)])
    lines_of(log, [(now, [happy_woman(1, emotion=0.3)]) for now in times(1.25, 2)])
    assert log.most_at_once == 2
    assert log.tracks == 2
    assert log.summary() == [
        'face 1: tracked from 0.0 to 2.0 s, woman 0.80, sad 0.70',
        'face 2: tracked from 0.0 to 1.0 s, man 0.70, happy 0.90',
    ]


def test_memory_is_bounded_and_the_count_is_not(monkeypatch):
    monkeypatch.setattr(track_log, 'MAX_FACES', 3)
    log = TrackLog()
    for number in range(1, 11):
        lines_of(log, [(now, [happy_woman(number)]) for now in times(number, number + 0.5)])
    lines_of(log, [(20.0, [happy_woman(1)])])
    assert log.tracks == 10
    assert len(log.summary()) <= 3


def test_a_face_that_stays_is_kept_however_many_others_pass(monkeypatch):
    monkeypatch.setattr(track_log, 'MAX_FACES', 3)
    log = TrackLog()
    lines = []
    for number in range(2, 12):
        lines += lines_of(
            log,
            [(now, [happy_woman(1), happy_woman(number)]) for now in times(number, number + 0.75)],
        )
    assert sum('face 1:' in line for line in lines) == 1, 'logged once, as it was never lost'
    assert log.summary()[0].startswith('face 1: tracked from 2.0 to 11.8 s')
    assert [line.split(':')[0] for line in log.summary()] == ['face 1', 'face 10', 'face 11']
