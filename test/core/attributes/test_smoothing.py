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

"""Probabilities are smoothed over time, for each track and attribute on its own."""

from __future__ import annotations

import math

import numpy as np
import pytest
from rtcnn_perception.core.attributes.smoothing import FORGET_AFTER
from rtcnn_perception.core.attributes.smoothing import MAX_TRACKS
from rtcnn_perception.core.attributes.smoothing import TrackSmoother


def row(*probabilities):
    return np.array(probabilities, dtype=np.float32)


WOMAN, MAN = {'gender': row(1, 0)}, {'gender': row(0, 1)}


def test_no_probabilities_give_none():
    smoother = TrackSmoother(0.5)
    assert smoother.update(1, 0.0, {}) == {}
    assert smoother.hold(2, 0.0) is None


@pytest.mark.parametrize('time_constant', [-0.1, math.nan, math.inf])
def test_a_time_constant_below_zero_or_that_is_not_finite_is_refused(time_constant):
    with pytest.raises(ValueError, match='time_constant must be 0 or above'):
        TrackSmoother(time_constant)


def test_the_first_probabilities_of_a_track_are_taken_as_they_are():
    smoothed = TrackSmoother(0.5).update(1, 0.0, {'emotion': row(0.2, 0.3, 0.5)})
    np.testing.assert_array_equal(smoothed['emotion'], row(0.2, 0.3, 0.5))


def test_after_one_time_constant_63_percent_are_new():
    smoother = TrackSmoother(0.5)
    smoother.update(1, 10.0, WOMAN)
    man = smoother.update(1, 10.5, MAN)['gender'][1]
    assert man == pytest.approx(1 - math.exp(-1), abs=1e-6)


def test_the_result_does_not_depend_on_the_frame_rate():
    after_a_second = []
    for rate in (5, 30, 100):
        smoother = TrackSmoother(0.7)
        smoother.update(1, 0.0, WOMAN)
        for frame in range(1, rate + 1):
            smoothed = smoother.update(1, frame / rate, MAN)
        after_a_second.append(smoothed['gender'][1])
    assert after_a_second == pytest.approx([1 - math.exp(-1 / 0.7)] * 3, abs=1e-5)


def test_tracks_and_attributes_do_not_mix():
    smoother = TrackSmoother(0.5)
    smoother.update(1, 0.0, WOMAN)
    smoother.update(2, 0.0, MAN)
    smoother.update(1, 0.1, {'emotion': row(0, 1)})
    np.testing.assert_array_equal(smoother.update(2, 0.1, MAN)['gender'], row(0, 1))
    np.testing.assert_array_equal(smoother.update(1, 0.2, WOMAN)['gender'], row(1, 0))


def test_rows_stay_probabilities():
    random = np.random.default_rng(1)
    smoother = TrackSmoother(0.3)
    for frame in range(1000):
        raw = random.dirichlet(np.full(7, 0.3)).astype(np.float32)
        smoothed = smoother.update(1, frame / 30, {'emotion': raw})['emotion']
        assert smoothed.dtype == np.float32
        assert smoothed.min() >= 0.0
        assert smoothed.sum() == pytest.approx(1.0, abs=1e-6)


def test_without_a_time_constant_nothing_is_smoothed():
    smoother = TrackSmoother(0.0)
    smoother.update(1, 0.0, WOMAN)
    np.testing.assert_array_equal(smoother.update(1, 0.001, MAN)['gender'], row(0, 1))


def test_the_time_constant_may_be_set_at_any_time():
    smoother = TrackSmoother(10.0)
    smoother.update(1, 0.0, WOMAN)
    smoother.time_constant = 0.5
    man = smoother.update(1, 0.5, MAN)['gender'][1]
    assert man == pytest.approx(1 - math.exp(-1), abs=1e-6)
    assert smoother.time_constant == 0.5


def test_another_thread_may_set_the_time_constant_to_zero_during_an_update():
    smoother = TrackSmoother(10.0)
    smoother.update(1, 0.0, WOMAN)

    class SetToZero(float):
        """A time constant that another thread sets to 0 just after it was compared with 0."""

        __hash__ = float.__hash__

        def __eq__(self, other):
            smoother.time_constant = 0.0
            return float(self) == other

    smoother.time_constant = SetToZero(0.5)
    man = smoother.update(1, 0.5, MAN)['gender'][1]
    assert man == pytest.approx(1 - math.exp(-1), abs=1e-6)
    assert smoother.time_constant == 0.0


def test_a_model_with_other_classes_starts_anew():
    smoother = TrackSmoother(5.0)
    smoother.update(1, 0.0, {'emotion': row(1, 0)})
    smoothed = smoother.update(1, 0.1, {'emotion': row(0.2, 0.3, 0.5)})
    np.testing.assert_array_equal(smoothed['emotion'], row(0.2, 0.3, 0.5))


def test_held_probabilities_are_copies():
    smoother = TrackSmoother(0.5)
    smoother.update(1, 0.0, WOMAN)['gender'][:] = 7
    held = smoother.hold(1, 0.4)
    np.testing.assert_array_equal(held['gender'], row(1, 0))
    held['gender'][:] = 7
    man = smoother.update(1, 0.5, MAN)['gender'][1]
    assert man == pytest.approx(1 - math.exp(-1), abs=1e-6)


def test_tracks_that_are_no_longer_used_are_forgotten():
    smoother = TrackSmoother(0.5)
    for track_id in range(10):
        smoother.update(track_id, 0.0, WOMAN)
    smoother.update(3, FORGET_AFTER, WOMAN)
    assert len(smoother) == 10
    smoother.update(3, FORGET_AFTER + 0.1, WOMAN)
    assert len(smoother) == 1
    assert smoother.hold(4, FORGET_AFTER + 0.1) is None
    smoother.reset()
    assert len(smoother) == 0


def test_a_track_that_is_held_for_long_is_not_forgotten_while_others_are_updated():
    smoother = TrackSmoother(0.5)
    smoother.update(1, 0.0, WOMAN)
    smoother.update(2, 0.0, WOMAN)
    for now in np.arange(0.0, 4 * FORGET_AFTER, FORGET_AFTER / 2):
        smoother.update(3, now, MAN)
        held = smoother.hold(1, now)
        np.testing.assert_array_equal(held['gender'], row(1, 0))
    assert len(smoother) == 2, 'the second was neither updated nor held'
    again = smoother.update(1, 4 * FORGET_AFTER, MAN)['gender']
    np.testing.assert_allclose(again, row(0, 1), atol=1e-6, err_msg='the held ones are old')


def test_memory_is_bounded_though_the_clock_stands_still():
    smoother = TrackSmoother(0.5)
    for track_id in range(MAX_TRACKS + 100):
        smoother.update(track_id, 0.0, WOMAN)
    assert len(smoother) == MAX_TRACKS
    assert smoother.hold(99, 0.0) is None
    assert smoother.hold(MAX_TRACKS + 99, 0.0) is not None
