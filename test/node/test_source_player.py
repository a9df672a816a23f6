"""A source played in a thread: to its end, over and over, and after it failed."""

import threading

import cv2
import numpy as np
import pytest
from rtcnn_perception.core.sources.open import open_source
from rtcnn_perception.exceptions import SourceError
from rtcnn_perception.nodes import source_player
from rtcnn_perception.nodes.source_player import next_due
from rtcnn_perception.nodes.source_player import SourcePlayer

SOON = 10.0
IMAGE = np.zeros((2, 2, 3), np.uint8)


class Source:
    """Frames that a test writes down; an exception among them is raised."""

    name = 'a test'
    size = (2, 2)
    frame_count = None

    def __init__(self, *frames, is_live=True, fps=1000.0):
        self.frames = frames
        self.is_live = is_live
        self.fps = fps
        self.closed = 0

    def __iter__(self):
        for each in self.frames:
            if isinstance(each, Exception):
                raise each
            yield each

    def close(self):
        self.closed += 1


class Stage:
    """What a player gives, with a way to wait for so many of each."""

    def __init__(self):
        self.frames, self.errors = [], []
        self._changed = threading.Condition()

    def emit(self, image):
        with self._changed:
            self.frames.append(image)
            self._changed.notify_all()

    def report(self, error):
        with self._changed:
            self.errors.append(error)
            self._changed.notify_all()

    def wait(self, condition):
        with self._changed:
            assert self._changed.wait_for(lambda: condition(self), SOON)


@pytest.fixture
def stage():
    return Stage()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(source_player, 'RETRY_AFTER', 0.001)


def play(stage, *sources, rate=0.0, is_looping=False):
    """Play sources, the next one each time it is opened."""
    remaining = list(sources)

    def opener():
        source = remaining.pop(0) if len(remaining) > 1 else remaining[0]
        if isinstance(source, Exception):
            raise source
        return source

    return SourcePlayer(opener, stage.emit, stage.report, rate=rate, is_looping=is_looping)


def test_a_source_that_cannot_be_opened_is_refused_at_once(stage):
    with pytest.raises(SourceError, match='no such file'):
        play(stage, SourceError('no such file'))


@pytest.mark.parametrize('is_live', [True, False])
def test_a_source_is_played_to_its_end_and_closed(stage, is_live):
    source = Source(IMAGE, IMAGE, IMAGE, is_live=is_live)
    player = play(stage, source)
    assert player.ended.wait(SOON)
    assert len(stage.frames) == 3
    assert player.stop()
    assert (source.closed, stage.errors) == (1, [])


def test_a_source_that_loops_begins_again(stage):
    player = play(stage, Source(IMAGE, IMAGE), is_looping=True)
    stage.wait(lambda it: len(it.frames) >= 7)
    assert not player.ended.is_set()
    player.is_looping = False
    assert player.ended.wait(SOON)
    assert player.stop()


def test_a_device_that_fails_is_reported_and_opened_again(stage):
    broken = Source(IMAGE, SourceError('unplugged'))
    player = play(stage, broken, SourceError('not there yet'), Source(IMAGE, IMAGE))
    assert player.ended.wait(SOON)
    assert [str(error) for error in stage.errors] == ['unplugged', 'not there yet']
    assert len(stage.frames) == 3
    assert broken.closed == 1
    assert player.stop()


def test_a_file_that_fails_is_reported_once_and_has_ended(stage):
    broken = Source(IMAGE, SourceError('taken away'), is_live=False)
    player = play(stage, broken, Source(IMAGE, is_live=False))
    assert player.ended.wait(SOON)
    assert [str(error) for error in stage.errors] == ['taken away']
    assert len(stage.frames) == 1
    assert broken.closed == 1
    assert player.stop()


def test_a_file_that_is_looped_and_fails_is_opened_again(stage):
    broken = Source(IMAGE, SourceError('taken away'), is_live=False)
    player = play(
        stage, broken, SourceError('not there'), Source(IMAGE, is_live=False), is_looping=True
    )
    stage.wait(lambda it: len(it.frames) >= 3)
    assert [str(error) for error in stage.errors] == ['taken away', 'not there']
    assert not player.ended.is_set()
    assert player.stop()
    assert not player.ended.is_set(), 'it was stopped, and did not come to its end'


def test_a_source_without_frames_is_reported_and_does_not_spin(stage):
    player = play(stage, Source(), is_looping=True)
    stage.wait(lambda it: it.errors)
    assert 'has no frames' in str(stage.errors[0])
    assert player.stop()
    assert stage.frames == []


def test_a_player_that_waits_for_the_next_frame_stops_at_once(stage):
    source = Source(IMAGE, IMAGE, is_live=False, fps=0.001)
    player = play(stage, source)
    stage.wait(lambda it: it.frames)
    assert player.stop(SOON)
    assert len(stage.frames) == 1
    assert source.closed == 1


def test_a_player_that_waits_to_try_again_stops_at_once(stage, monkeypatch):
    monkeypatch.setattr(source_player, 'RETRY_AFTER', 1000.0)
    player = play(stage, Source(SourceError('unplugged')))
    stage.wait(lambda it: it.errors)
    assert player.stop(SOON)


@pytest.mark.parametrize(
    ('due', 'now', 'expected'),
    [
        (10.0, 10.0, 10.1),  # in time
        (10.0, 9.0, 10.1),  # early
        (10.0, 10.05, 10.1),  # a little late: caught up with
        (10.0, 60.0, 60.0),  # long asleep: the frames missed are not hurried after
    ],
)
def test_frames_keep_the_distance_of_the_rate(due, now, expected):
    assert next_due(due, now, period=0.1) == pytest.approx(expected)


def test_a_damaged_picture_of_a_folder_is_reported_and_the_others_are_given(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((4, 4, 3), np.uint8))
    (tmp_path / 'b.png').write_bytes(b'no picture')
    stage = Stage()
    player = SourcePlayer(
        lambda: open_source(str(tmp_path)), stage.emit, stage.report, rate=1000.0, is_looping=False
    )
    assert player.ended.wait(SOON)
    assert stage.frames
    (error,) = stage.errors
    assert 'passed over b.png' in str(error)
    assert player.stop()
