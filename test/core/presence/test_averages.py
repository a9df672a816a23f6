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

"""The mean of probabilities over the last seconds, weighted, in bounded memory."""

import numpy as np
import pytest
from rtcnn_perception.core.presence.averages import BUCKET_S
from rtcnn_perception.core.presence.averages import MAX_SECONDS
from rtcnn_perception.core.presence.averages import NOTHING
from rtcnn_perception.core.presence.averages import ViewAverage

CALM, GLAD = np.array([0.9, 0.1], np.float32), np.array([0.2, 0.8], np.float32)


def average(*views):
    made = ViewAverage(('calm', 'glad'))
    for time, probabilities, weight in views:
        made.add(time, probabilities, weight)
    return made


def test_without_a_view_there_is_no_label():
    assert average().over(10.0, 5.0) is NOTHING
    assert (NOTHING.label, NOTHING.confidence, NOTHING.seconds, NOTHING.views) == ('', 0.0, 0.0, 0)
    assert NOTHING.probabilities.shape == (0,)


def test_one_view_is_its_own_mean():
    mean = average((3.0, GLAD, 0.7)).over(3.0, 1.0)
    np.testing.assert_allclose(mean.probabilities, GLAD)
    assert mean.probabilities.dtype == np.float32
    assert (mean.label, mean.seconds, mean.views) == ('glad', 0.0, 1)
    assert mean.confidence == pytest.approx(0.8)


def test_views_count_by_their_weight_and_those_of_one_time_share_a_row():
    mean = average((1.0, CALM, 0.2), (1.01, GLAD, 0.8), (2.5, CALM, 1.0)).over(2.5, 5.0)
    np.testing.assert_allclose(mean.probabilities, (0.2 * CALM + 0.8 * GLAD + CALM) / 2, rtol=1e-6)
    assert (mean.seconds, mean.views) == (pytest.approx(1.5), 3)


def test_views_older_than_the_time_are_left_out_to_within_a_row():
    made = average(*((number * 0.1, CALM if number < 50 else GLAD, 1.0) for number in range(100)))
    mean = made.over(9.9, 4.0)
    np.testing.assert_allclose(mean.probabilities, GLAD, rtol=1e-6)
    assert 4.0 <= mean.seconds <= 4.0 + BUCKET_S
    assert made.over(9.9, 60.0).views == 100
    assert made.over(30.0, 4.0) is NOTHING


def test_memory_does_not_grow_and_what_is_older_than_the_ring_is_gone():
    made = average()
    sizes = {name: array.nbytes for name, array in vars(made).items() if hasattr(array, 'nbytes')}
    for number in range(3000):
        made.add(number * 0.05, CALM if number < 1000 else GLAD, 1.0)
    assert {name: getattr(made, name).nbytes for name in sizes} == sizes
    mean = made.over(2999 * 0.05, 1e9)
    np.testing.assert_allclose(mean.probabilities, GLAD, rtol=1e-6)
    assert MAX_SECONDS - BUCKET_S <= mean.seconds <= MAX_SECONDS + BUCKET_S


def test_up_to_a_share_of_views_without_a_label_the_mean_is_that_of_the_others():
    made = average(*((0.1 * number, GLAD, 1.0) for number in range(3)))
    for number in range(5):
        made.add_bare(0.1 * number)
    for most_bare, views in ((0.62, 0), (5 / 8, 3), (0.63, 3)):
        assert made.over(0.4, 5.0, most_bare).views == views
