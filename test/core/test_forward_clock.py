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
from rtcnn_perception.core.frame import NOMINAL_STEP_S


def passed(*stamps):
    clock = ForwardClock()
    return [clock.advance(stamp) for stamp in stamps]


def test_time_is_that_of_the_stamps():
    assert passed(5.0, 5.5, 7.0) == [0.0, 0.5, 1.5]


def test_where_stamps_stand_still_frames_count():
    assert passed(5.0, 5.0, 5.0) == [0.0, NOMINAL_STEP_S, NOMINAL_STEP_S]


def test_what_was_assumed_is_taken_from_the_next_step():
    clock = ForwardClock()
    for number in range(31):  # 30 Hz, stamped by a clock of 10 Hz
        clock.advance(number // 3 * 0.1)
    assert clock.now == pytest.approx(1.0)
    assert min(passed(0.0, 0.0, 0.0, 0.01, 0.02)) == 0.0


def test_a_step_back_is_a_frame_like_any_other():
    assert passed(5.0, 5.0, 1.0, 1.5)[2:] == [NOMINAL_STEP_S, 0.5]


def test_after_a_restart_the_next_stamp_is_the_first():
    clock = ForwardClock()
    clock.advance(5.0)
    clock.advance(6.0)
    clock.restart()
    assert (clock.advance(100.0), clock.now) == (0.0, 1.0)
