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

"""Time goes forward as frames come, whatever their stamps do."""

import pytest
from rtcnn_perception.core.forward_clock import ForwardClock
from rtcnn_perception.core.forward_clock import NOMINAL_STEP_S


def passed(*stamps):
    clock = ForwardClock()
    return [clock.advance(stamp) for stamp in stamps]


def test_time_is_that_of_the_stamps():
    assert passed(5.0, 5.5, 7.0) == [0.0, 0.5, 1.5]


def test_where_stamps_stand_still_frames_count():
    assert passed(5.0, 5.0, 5.0) == [0.0, NOMINAL_STEP_S, NOMINAL_STEP_S]


@pytest.mark.parametrize(
    ('frames', 'stamps'), [(30, 10), (60, 10), (100, 10), (120, 30), (25, 10)]
)
def test_frames_that_share_stamps_let_time_run_no_faster(frames, stamps):
    clock = ForwardClock()
    for number in range(10 * frames + 1):
        clock.advance(number * stamps // frames / stamps)
    # Before the first step it is not known how long one is.
    assert clock.now == pytest.approx(10.0, abs=0.31)


def test_what_was_assumed_is_taken_from_the_next_step():
    found = passed(0.0, 0.1, 0.1, 0.1, 0.2, 0.21)
    assert found == pytest.approx([0.0, 0.1, 1 / 30, 1 / 30, 0.1 / 3, 0.01])


def test_after_some_repeats_a_clock_stands_still_and_frames_count():
    found = passed(0.0, 0.1, *[0.1] * 40)
    assert sum(found[:2]) == pytest.approx(0.1)
    assert sum(found[2:32]) == pytest.approx(0.1)
    assert found[32:] == [NOMINAL_STEP_S] * 10


def test_a_step_back_is_a_frame_like_any_other():
    assert passed(5.0, 5.0, 1.0, 1.5)[2:] == [NOMINAL_STEP_S, 0.5]


def test_after_a_restart_the_next_stamp_is_the_first():
    clock = ForwardClock()
    clock.advance(5.0)
    clock.advance(6.0)
    clock.restart()
    assert (clock.advance(100.0), clock.now) == (0.0, 1.0)
