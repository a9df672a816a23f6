from judged import judged_face
from judged import judged_frame
from judged import LABELS
import pytest
from rtcnn_perception.commands import seen
from rtcnn_perception.commands.seen import SeenLog


def told(log: SeenLog, frames: list[tuple[float, list]]) -> list[str]:
    return [line for now, faces in frames for line in log.update(judged_frame(*faces), now)]


def times(first: float, last: float, step: float = 0.25) -> list[float]:
    return [first + step * i for i in range(round((last - first) / step) + 1)]


def test_nothing_is_told_of_nobody():
    log = SeenLog(LABELS)
    assert told(log, [(now, []) for now in times(0, 3)]) == []
    assert log.tracks == 0
    assert log.most_at_once == 0
    assert log.summary() == []


def test_a_face_is_told_once_it_has_stood():
    log = SeenLog(LABELS)
    lines = told(log, [(now, [judged_face(7)]) for now in times(1, 3)])
    assert lines == ['   1.5 s  face 7: woman 0.80, happy 0.90']


def test_a_change_that_lasts_is_told_and_one_that_does_not_is_not():
    log = SeenLog(LABELS)
    told(log, [(now, [judged_face(1, emotion=0.9)]) for now in times(0, 1)])
    flicker = [(1.1, [judged_face(1, emotion=0.1)]), (1.2, [judged_face(1, emotion=0.9)])]
    assert told(log, flicker) == []
    lines = told(log, [(now, [judged_face(1, emotion=0.1)]) for now in times(2, 3)])
    assert lines == ['   2.5 s  face 1: woman 0.80, sad 0.90']


def test_a_face_that_leaves_is_told_once_with_how_long_it_was_there():
    log = SeenLog(LABELS)
    told(log, [(now, [judged_face(1)]) for now in times(0, 2)])
    lines = told(log, [(now, []) for now in times(2.25, 6)])
    assert lines == ['   3.0 s  face 1: gone, seen for 2.0 s']


def test_a_face_that_comes_back_is_told_anew():
    log = SeenLog(LABELS)
    told(log, [(now, [judged_face(1)]) for now in times(0, 1)])
    told(log, [(now, []) for now in times(1.25, 3)])
    lines = told(log, [(now, [judged_face(1)]) for now in times(4, 5)])
    assert len(lines) == 1
    assert 'woman' in lines[0]
    assert log.tracks == 1


def test_a_face_of_a_moment_is_never_told_but_counts():
    log = SeenLog(LABELS)
    assert told(log, [(0.0, [judged_face(1)]), *((now, []) for now in times(0.25, 3))]) == []
    assert log.tracks == 1
    assert log.summary() == []


@pytest.mark.parametrize(
    ('face', 'words'),
    [
        (judged_face(1, emotion=None, gender=None), 'not judged'),
        (judged_face(1, emotion=None), 'woman 0.80'),
        (judged_face(1, gender=None), 'happy 0.90'),
    ],
)
def test_an_attribute_that_is_turned_off_is_left_out(face, words):
    lines = told(SeenLog(LABELS), [(now, [face]) for now in times(0, 1)])
    assert len(lines) == 1
    assert lines[0].endswith(f'face 1: {words}')


def test_the_summary_has_each_face_as_it_was_last_seen():
    log = SeenLog(LABELS)
    told(log, [(now, [judged_face(1), judged_face(2, gender=0.7)]) for now in times(0, 1)])
    told(log, [(now, [judged_face(1, emotion=0.3)]) for now in times(1.25, 2)])
    assert log.most_at_once == 2
    assert log.tracks == 2
    assert log.summary() == [
        'face 1: seen from 0.0 to 2.0 s, woman 0.80, sad 0.70',
        'face 2: seen from 0.0 to 1.0 s, man 0.70, happy 0.90',
    ]


def test_memory_is_bounded_and_the_count_is_not(monkeypatch):
    monkeypatch.setattr(seen, 'REMEMBERED', 3)
    log = SeenLog(LABELS)
    for number in range(1, 11):
        told(log, [(now, [judged_face(number)]) for now in times(number, number + 0.5)])
    told(log, [(20.0, [judged_face(1)])])
    assert log.tracks == 10
    assert len(log.summary()) <= 3


def test_who_stays_in_view_is_remembered_whoever_passes_by(monkeypatch):
    monkeypatch.setattr(seen, 'REMEMBERED', 3)
    log = SeenLog(LABELS)
    lines = []
    for number in range(2, 12):
        lines += told(
            log,
            [(now, [judged_face(1), judged_face(number)]) for now in times(number, number + 0.75)],
        )
    assert sum('face 1:' in line for line in lines) == 1, 'told once, as it never went'
    assert log.summary()[0].startswith('face 1: seen from 2.0 to 11.8 s')
    assert [line.split(':')[0] for line in log.summary()] == ['face 1', 'face 10', 'face 11']
