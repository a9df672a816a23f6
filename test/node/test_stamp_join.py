"""Frames and what was found in them come together by exact stamp."""

from __future__ import annotations

import pytest
from rtcnn_perception.nodes.stamp_join import StampJoin


def test_a_half_alone_joins_with_nothing():
    join = StampJoin[str, str]()
    assert join.put_frame(1, 'frame 1') is None
    assert join.put_found(2, 'found 2') is None
    assert (join.frames_dropped, join.found_dropped) == (0, 0)


def test_without_room_it_is_refused():
    with pytest.raises(ValueError, match='got 0'):
        StampJoin[str, str](capacity=0)


@pytest.mark.parametrize('frame_first', [True, False])
def test_halves_of_one_stamp_join_whichever_comes_first(frame_first):
    join = StampJoin[str, str]()
    if frame_first:
        assert join.put_frame(7, 'frame') is None
        assert join.put_found(7, 'found') == ('frame', 'found')
    else:
        assert join.put_found(7, 'found') is None
        assert join.put_frame(7, 'frame') == ('frame', 'found')
    assert (join.frames_dropped, join.found_dropped) == (0, 0)


def test_a_pair_is_given_once():
    join = StampJoin[str, str]()
    join.put_frame(7, 'frame')
    join.put_found(7, 'found')
    assert join.put_found(7, 'found again') is None


def test_stamps_that_differ_by_a_nanosecond_do_not_join():
    join = StampJoin[str, str]()
    join.put_frame(1_700_000_000_000_000_000, 'frame')
    assert join.put_found(1_700_000_000_000_000_001, 'found') is None


def test_frames_before_the_joined_one_are_dropped_and_counted_and_later_ones_wait():
    join = StampJoin[str, str]()
    for stamp in (1, 2, 3, 4):
        join.put_frame(stamp, f'frame {stamp}')
    assert join.put_found(3, 'found 3') == ('frame 3', 'found 3')
    assert join.frames_dropped == 2
    assert join.put_found(1, 'found 1, too late') is None
    assert join.put_found(4, 'found 4') == ('frame 4', 'found 4')
    assert (join.frames_dropped, join.found_dropped) == (2, 1)


def test_findings_whose_frame_never_came_are_dropped_and_counted():
    join = StampJoin[str, str]()
    join.put_found(1, 'found 1')
    join.put_found(2, 'found 2')
    assert join.put_frame(2, 'frame 2') == ('frame 2', 'found 2')
    assert join.put_frame(1, 'frame 1') is None
    assert (join.frames_dropped, join.found_dropped) == (0, 1)


def test_frames_that_wait_when_a_later_one_joins_at_once_are_dropped_and_counted():
    join = StampJoin[str, str]()
    join.put_frame(1, 'frame 1')
    join.put_frame(2, 'frame 2')
    join.put_found(3, 'found 3')
    assert join.put_frame(3, 'frame 3') == ('frame 3', 'found 3')
    assert join.put_found(2, 'found 2') is None
    assert (join.frames_dropped, join.found_dropped) == (2, 0)


def test_memory_is_bounded_and_the_oldest_gives_way():
    join = StampJoin[str, str](capacity=2)
    for stamp in range(10):
        join.put_frame(stamp, f'frame {stamp}')
    assert join.frames_dropped == 8
    assert join.put_found(7, 'found') is None
    assert join.put_found(8, 'found') == ('frame 8', 'found')
    for stamp in range(20, 30):
        join.put_found(stamp, 'found')
    assert join.found_dropped == 1 + 8


def test_of_two_frames_with_one_stamp_the_newest_wins():
    join = StampJoin[str, str]()
    join.put_frame(0, 'frame of a camera without stamps')
    join.put_frame(0, 'the next one')
    assert join.put_found(0, 'found') == ('the next one', 'found')
    assert join.frames_dropped == 1


def test_stamps_that_jump_back_join_at_once():
    join = StampJoin[str, str](capacity=3)
    for stamp in (100, 101, 102):
        join.put_frame(stamp, f'frame {stamp}')
    join.put_found(100, 'found 100')
    assert join.put_frame(5, 'frame 5') is None
    assert join.put_found(5, 'found 5') == ('frame 5', 'found 5')
    assert join.frames_dropped == 2
