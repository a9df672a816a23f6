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

"""Frames and their rois are joined by exact stamp."""

from __future__ import annotations

import pytest
from rtcnn_perception.nodes.subscriptions.stamp_join import MAX_BYTES
from rtcnn_perception.nodes.subscriptions.stamp_join import StampJoin


def test_frames_and_rois_of_different_stamps_are_not_joined():
    join = StampJoin[str, str]()
    assert join.put_frame(1, 'frame 1') is None
    assert join.put_faces(2, 'rois 2') is None
    assert (join.frames_dropped, join.faces_dropped) == (0, 0)


def test_a_capacity_below_one_is_refused():
    with pytest.raises(ValueError, match='got 0'):
        StampJoin[str, str](capacity=0)


@pytest.mark.parametrize('frame_first', [True, False])
def test_frame_and_rois_of_one_stamp_are_joined_in_either_order(frame_first):
    join = StampJoin[str, str]()
    if frame_first:
        assert join.put_frame(7, 'frame') is None
        assert join.put_faces(7, 'rois') == ('frame', 'rois')
    else:
        assert join.put_faces(7, 'rois') is None
        assert join.put_frame(7, 'frame') == ('frame', 'rois')
    assert (join.frames_dropped, join.faces_dropped) == (0, 0)


def test_what_waits_is_dropped_and_counted_when_the_join_is_cleared():
    join = StampJoin[str, str]()
    for stamp in (1, 2):
        join.put_frame(stamp, 'frame')
    join.put_faces(3, 'rois')
    join.clear()
    assert (join.frames_dropped, join.faces_dropped) == (2, 1)
    assert join.put_faces(2, 'rois') is None


def test_a_pair_is_returned_once():
    join = StampJoin[str, str]()
    join.put_frame(7, 'frame')
    join.put_faces(7, 'rois')
    assert join.put_faces(7, 'rois again') is None


def test_stamps_that_differ_by_a_nanosecond_are_not_joined():
    join = StampJoin[str, str]()
    join.put_frame(1_700_000_000_000_000_000, 'frame')
    assert join.put_faces(1_700_000_000_000_000_001, 'rois') is None


def test_frames_before_the_joined_one_are_dropped_and_counted_and_later_ones_wait():
    join = StampJoin[str, str]()
    for stamp in (1, 2, 3, 4):
        join.put_frame(stamp, f'frame {stamp}')
    assert join.put_faces(3, 'rois 3') == ('frame 3', 'rois 3')
    assert join.frames_dropped == 2
    assert join.put_faces(1, 'rois 1, too late') is None
    assert join.put_faces(4, 'rois 4') == ('frame 4', 'rois 4')
    assert (join.frames_dropped, join.faces_dropped) == (2, 1)


def test_rois_without_their_frame_are_dropped_and_counted():
    join = StampJoin[str, str]()
    join.put_faces(1, 'rois 1')
    join.put_faces(2, 'rois 2')
    assert join.put_frame(2, 'frame 2') == ('frame 2', 'rois 2')
    assert join.put_frame(1, 'frame 1') is None
    assert (join.frames_dropped, join.faces_dropped) == (0, 1)


def test_frames_that_wait_while_a_later_one_is_joined_at_once_are_dropped_and_counted():
    join = StampJoin[str, str]()
    join.put_frame(1, 'frame 1')
    join.put_frame(2, 'frame 2')
    join.put_faces(3, 'rois 3')
    assert join.put_frame(3, 'frame 3') == ('frame 3', 'rois 3')
    assert join.put_faces(2, 'rois 2') is None
    assert (join.frames_dropped, join.faces_dropped) == (2, 0)


def test_memory_is_bounded_and_the_oldest_is_dropped():
    join = StampJoin[str, str](capacity=2)
    for stamp in range(10):
        join.put_frame(stamp, f'frame {stamp}')
    assert join.frames_dropped == 8
    assert join.put_faces(7, 'rois') is None
    assert join.put_faces(8, 'rois') == ('frame 8', 'rois')
    for stamp in range(20, 30):
        join.put_faces(stamp, 'rois')
    assert join.faces_dropped == 1 + 8


def test_large_frames_that_wait_are_fewer_and_the_newest_always_waits():
    join = StampJoin[str, str](capacity=10)
    for stamp in range(6):
        join.put_frame(stamp, f'frame {stamp}', MAX_BYTES // 3)
    assert join.frames_dropped == 3
    join.put_frame(6, 'frame 6', 2 * MAX_BYTES)
    assert join.frames_dropped == 6
    assert join.put_faces(6, 'rois') == ('frame 6', 'rois')
    for stamp in range(10, 13):
        join.put_frame(stamp, 'frame', MAX_BYTES // 3)
    join.clear()
    for stamp in range(20, 23):
        join.put_frame(stamp, 'frame', MAX_BYTES // 3)
    assert join.frames_dropped == 6 + 3


def test_of_two_frames_with_one_stamp_the_newest_is_kept():
    join = StampJoin[str, str]()
    join.put_frame(0, 'frame of a camera without stamps')
    join.put_frame(0, 'the next one')
    assert join.put_faces(0, 'rois') == ('the next one', 'rois')
    assert join.frames_dropped == 1


def test_stamps_that_jump_back_are_joined_at_once():
    join = StampJoin[str, str](capacity=3)
    for stamp in (100, 101, 102):
        join.put_frame(stamp, f'frame {stamp}')
    join.put_faces(100, 'rois 100')
    assert join.put_frame(5, 'frame 5') is None
    assert join.put_faces(5, 'rois 5') == ('frame 5', 'rois 5')
    assert join.frames_dropped == 2
