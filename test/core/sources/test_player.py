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

"""A source is played in a thread: to its end, in a loop, and again after it failed."""

from __future__ import annotations

import threading
import time

import cv2
import numpy as np
import pytest
from rtcnn_perception.core.sources import player as player_module
from rtcnn_perception.core.sources.base import FrameSource
from rtcnn_perception.core.sources.open import open_source
from rtcnn_perception.core.sources.player import next_due
from rtcnn_perception.core.sources.player import SourcePlayer
from rtcnn_perception.exceptions import SourceError

SOON = 30.0
"""Seconds; a deadline that only a failure reaches."""
IMAGE = np.zeros((2, 2, 3), np.uint8)


class Source(FrameSource):
    """The frames of a test; an exception among them is raised."""

    name = 'a test'
    size = (2, 2)

    def __init__(self, *frames, is_live=True, fps=1000.0, times=()):
        self.frames = frames
        self.times = times
        self.is_live = is_live
        self.fps = fps
        self.closed = 0

    def __iter__(self):
        for number, each in enumerate(self.frames):
            if isinstance(each, Exception):
                raise each
            if self.times:
                self.time_s = self.times[number]
            yield each

    def close(self):
        self.closed += 1


class Output:
    """Collects what a player emits and reports, and waits for a condition on it."""

    def __init__(self):
        self.frames, self.errors, self.due = [], [], []
        self._changed = threading.Condition()

    def emit(self, image, late_s):
        with self._changed:
            self.frames.append(image)
            self.due.append(time.monotonic() - late_s)
            self._changed.notify_all()

    def report(self, error):
        with self._changed:
            self.errors.append(error)
            self._changed.notify_all()

    def wait(self, condition):
        with self._changed:
            assert self._changed.wait_for(lambda: condition(self), SOON)


@pytest.fixture
def output():
    return Output()


@pytest.fixture(autouse=True)
def _short_retry(monkeypatch):
    monkeypatch.setattr(player_module, 'RETRY_AFTER', 0.001)


def play(output, *sources, rate=0.0, is_looping=False):
    """Play sources, the next one each time it is opened."""
    remaining = list(sources)

    def opener():
        source = remaining.pop(0) if len(remaining) > 1 else remaining[0]
        if isinstance(source, Exception):
            raise source
        return source

    return SourcePlayer(opener, output.emit, output.report, rate=rate, is_looping=is_looping)


def test_a_source_that_cannot_be_opened_is_refused_at_once(output):
    with pytest.raises(SourceError, match='no such file'):
        play(output, SourceError('no such file'))


@pytest.mark.parametrize('is_live', [True, False])
def test_a_source_is_played_to_its_end_and_closed(output, is_live):
    source = Source(IMAGE, IMAGE, IMAGE, is_live=is_live)
    player = play(output, source)
    assert player.ended.wait(SOON)
    assert len(output.frames) == 3
    assert player.stop(SOON)
    assert (source.closed, output.errors) == (1, [])


@pytest.mark.parametrize('count', [1, 2])
def test_a_source_that_is_looped_keeps_its_rate_from_round_to_round(output, count):
    source = Source(*[IMAGE] * count, is_live=False, fps=50.0)
    player = play(output, source, is_looping=True)
    output.wait(lambda it: len(it.frames) >= 12)
    assert player.stop(SOON)
    assert output.due[11] - output.due[0] >= 10 * 0.02


def test_a_source_that_is_looped_begins_again(output):
    player = play(output, Source(IMAGE, IMAGE), is_looping=True)
    output.wait(lambda it: len(it.frames) >= 7)
    assert not player.ended.is_set()
    player.is_looping = False
    assert player.ended.wait(SOON)
    assert player.stop(SOON)


def test_a_device_that_fails_is_reported_and_opened_again(output):
    broken = Source(IMAGE, SourceError('unplugged'))
    player = play(output, broken, SourceError('not there yet'), Source(IMAGE, IMAGE))
    assert player.ended.wait(SOON)
    assert [str(error) for error in output.errors] == ['unplugged', 'not there yet']
    assert len(output.frames) == 3
    assert broken.closed == 1
    assert player.stop(SOON)


def test_a_file_that_fails_is_reported_once_and_ends(output):
    broken = Source(IMAGE, SourceError('removed'), is_live=False)
    player = play(output, broken, Source(IMAGE, is_live=False))
    assert player.ended.wait(SOON)
    assert [str(error) for error in output.errors] == ['removed']
    assert len(output.frames) == 1
    assert broken.closed == 1
    assert player.stop(SOON)


@pytest.mark.parametrize('is_live', [True, False])
def test_an_error_where_a_frame_goes_costs_that_frame_and_not_the_source(output, is_live):
    collect, numbers = output.emit, iter(range(5))

    def fail_once(image, late_s):
        if next(numbers) == 1:
            raise RuntimeError('cannot publish')
        collect(image, late_s)

    output.emit = fail_once
    source = Source(*[IMAGE] * 5, is_live=is_live)
    player = play(output, source)
    assert player.ended.wait(SOON)
    assert [str(error) for error in output.errors] == ['cannot publish']
    assert len(output.frames) == 4
    assert player.stop(SOON)
    assert source.closed == 1


def test_a_file_that_is_looped_and_fails_is_opened_again(output):
    broken = Source(IMAGE, SourceError('removed'), is_live=False)
    player = play(
        output, broken, SourceError('not there'), Source(IMAGE, is_live=False), is_looping=True
    )
    output.wait(lambda it: len(it.frames) >= 3)
    assert [str(error) for error in output.errors] == ['removed', 'not there']
    assert not player.ended.is_set()
    assert player.stop(SOON)
    assert not player.ended.is_set(), 'it was stopped, and has not ended'


@pytest.mark.parametrize('is_live', [True, False])
def test_a_source_that_failed_is_left_alone_before_it_is_opened_again(
    output, monkeypatch, is_live
):
    monkeypatch.setattr(player_module, 'RETRY_AFTER', 1000.0)
    waits = []

    class Stopped(threading.Event):
        """An event that notes how long is waited for it."""

        def wait(self, timeout=None):
            if timeout != 1000.0:  # threads have such events, too
                return super().wait(timeout)
            waits.append(len(output.errors))
            return self.is_set()  # as if the time had passed

    monkeypatch.setattr(player_module.threading, 'Event', Stopped)
    broken = Source(SourceError('removed'), is_live=is_live)
    player = play(output, broken, is_looping=True)
    output.wait(lambda it: len(it.errors) >= 3)
    player.halt()
    player._thread.join(SOON)
    assert waits[:3] == [1, 2, 3]
    assert broken.closed == len(output.errors)


def test_a_source_without_frames_is_reported_and_waited_for(output):
    player = play(output, Source(), is_looping=True)
    output.wait(lambda it: it.errors)
    assert 'has no more frames' in str(output.errors[0])
    assert player.stop(SOON)
    assert output.frames == []


def test_a_player_that_waits_for_the_next_frame_stops_at_once(output):
    source = Source(IMAGE, IMAGE, is_live=False, fps=0.001)
    player = play(output, source)
    output.wait(lambda it: it.frames)
    assert player.stop(SOON)
    assert len(output.frames) == 1
    assert source.closed == 1


def test_a_rate_replaces_that_of_the_source(output):
    player = play(output, Source(IMAGE, IMAGE, IMAGE, is_live=False, fps=0.001), rate=1000.0)
    assert player.ended.wait(SOON)
    assert len(output.frames) == 3
    assert player.stop(SOON)


def test_frames_are_due_at_the_times_of_the_film(output):
    source = Source(*[IMAGE] * 4, is_live=False, fps=0.001, times=(0.3, 0.32, 0.40, 0.43))
    player = play(output, source)
    assert player.ended.wait(SOON)
    # `emit` is called a little after the delay was measured; a frame that is very late shifts
    # those after it, which keep their distance at least.
    steps = np.diff(output.due)
    assert (steps > np.array([0.02, 0.08, 0.03]) - 0.015).all()
    assert output.due[-1] - output.due[0] < SOON, 'and not the 1000 s of the rate'
    assert player.stop(SOON)


def test_a_player_that_is_halted_ends_and_closes_its_source(output):
    source = Source(IMAGE, IMAGE, is_live=False, fps=0.001)
    player = play(output, source)
    output.wait(lambda it: it.frames)
    player.halt()
    assert player.stop(SOON)
    assert source.closed == 1
    assert not player.ended.is_set()


def test_a_player_that_waits_to_open_again_stops_at_once(output, monkeypatch):
    monkeypatch.setattr(player_module, 'RETRY_AFTER', 1000.0)
    player = play(output, Source(SourceError('unplugged')))
    output.wait(lambda it: it.errors)
    assert player.stop(SOON)


@pytest.mark.parametrize(
    ('due', 'now', 'expected'),
    [
        (10.0, 10.0, 10.1),  # in time
        (10.0, 9.0, 10.1),  # early
        (10.0, 10.05, 10.1),  # a little late: caught up with
        (10.0, 60.0, 60.0),  # much too late: missed frames are not caught up with
    ],
)
def test_frames_keep_the_period_of_the_rate(due, now, expected):
    assert next_due(due, now, period=0.1) == pytest.approx(expected)


def test_damaged_pictures_of_a_folder_are_reported_once_and_the_others_are_emitted(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((4, 4, 3), np.uint8))
    for name in ('b.png', 'c.png'):
        (tmp_path / name).write_bytes(b'no picture')
    output = Output()
    player = SourcePlayer(
        lambda: open_source(str(tmp_path)),
        output.emit,
        output.report,
        rate=1000.0,
        is_looping=False,
    )
    assert player.ended.wait(SOON)
    assert output.frames
    (error,) = output.errors
    assert str(error).startswith('not read whole: b.png: ')
    assert '; c.png: ' in str(error)
    assert player.stop(SOON)


@pytest.mark.parametrize('rate', [0.01, 1e-10, 1e-320])
def test_a_new_rate_holds_while_a_frame_is_waited_for(output, rate):
    player = play(output, Source(*[IMAGE] * 5, is_live=False), rate=rate)
    output.wait(lambda o: len(o.frames) == 1)
    time.sleep(3 * player_module.LONGEST_WAIT)
    changed = time.monotonic()
    player.rate = 1000.0
    assert player.ended.wait(SOON)
    player.stop(SOON)
    assert (len(output.frames), output.errors) == (5, [])
    slack = 2 * player_module.LONGEST_WAIT
    assert output.due[1] > changed - slack, 'due long before the rate was set'
