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

"""Latencies, rates and counts stay correct and small, however long the pipeline runs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from rtcnn_perception.core.statistics import DeliveryMeter
from rtcnn_perception.core.statistics import LatencyWindow
from rtcnn_perception.core.statistics import RateMeter


def test_percentiles_of_no_latencies_are_nan():
    summary = LatencyWindow().summary()
    assert summary.count == 0
    assert all(map(math.isnan, (summary.p50, summary.p95, summary.p99, summary.maximum)))


def test_percentiles_are_those_of_numpy():
    seconds = np.random.default_rng(1).gamma(2.0, 0.01, 500)
    window = LatencyWindow()
    for each in seconds:
        window.add(float(each))
    summary = window.summary()
    assert summary.count == 500
    assert summary.p50 == np.percentile(seconds, 50)
    assert summary.p95 == np.percentile(seconds, 95)
    assert summary.p99 == np.percentile(seconds, 99)
    assert summary.maximum == seconds.max()


def test_only_the_last_latencies_count_but_all_are_counted():
    window = LatencyWindow(capacity=10)
    for each in [9.0] * 100 + [1.0] * 10:
        window.add(each)
    assert window.summary().maximum == 1.0
    assert window.summary().count == 110


def test_latencies_that_are_older_than_the_window_do_not_count():
    window = LatencyWindow(window=10.0)
    for now, each in ((0.0, 9.0), (5.0, 3.0), (10.0, 1.0)):
        window.add(each, now)
    found = [window.summary(now) for now in (9.0, 10.0, 15.0)]
    assert [(each.count, each.maximum) for each in found] == [(3, 9.0), (3, 3.0), (3, 1.0)]
    assert math.isnan(window.summary(20.0).p50)


def test_the_latency_of_an_image_without_stamp_is_left_out():
    window = LatencyWindow()
    window.add(math.nan)
    window.add(0.5)
    assert window.summary().count == 1
    assert window.summary().p99 == 0.5


def test_a_window_of_one_has_the_last_latency():
    window = LatencyWindow(capacity=1)
    for seconds in (0.1, 0.2):
        window.add(seconds)
    assert (window.summary().p50, window.summary().p99) == (0.2, 0.2)


def test_a_window_or_a_capacity_that_is_not_above_zero_is_refused():
    with pytest.raises(ValueError, match='got 0'):
        LatencyWindow(capacity=0)
    with pytest.raises(ValueError, match=r'got 0\.0'):
        RateMeter(window=0.0)
    with pytest.raises(ValueError, match='and 0'):
        RateMeter(capacity=0)


def test_the_rate_without_events_or_with_one_is_zero():
    meter = RateMeter()
    assert meter.rate(now=100.0) == 0.0
    meter.tick(100.0)
    assert meter.rate(now=100.0) == 0.0


@pytest.mark.parametrize('duration', [0.5, 2.0, 30.0])
def test_the_rate_of_a_steady_camera_is_correct_from_the_start(duration):
    meter = RateMeter(window=2.0)
    for frame in range(round(duration * 30) + 1):
        meter.tick(1000.0 + frame / 30)
    assert meter.rate(now=1000.0 + duration) == pytest.approx(30.0, abs=0.51)  # one in the window


def test_the_rate_falls_to_zero_when_the_camera_stops():
    meter = RateMeter(window=2.0)
    for frame in range(61):
        meter.tick(frame / 30)
    assert meter.rate(now=3.0) == pytest.approx(15.0, abs=0.5)
    assert meter.rate(now=4.1) == 0.0


def test_the_rate_is_correct_where_more_events_happen_than_are_remembered():
    meter = RateMeter(window=5.0, capacity=100)
    for event in range(1001):
        meter.tick(event / 1000)
    assert meter.rate(now=1.0) == pytest.approx(1000.0)


def test_the_rate_of_events_that_happen_at_one_time_is_finite():
    meter = RateMeter(window=5.0, capacity=3)
    for now in (1.0, 2.0, 2.0, 2.0):
        meter.tick(now)
    assert meter.rate(now=2.0) == 0.0


def test_events_are_counted_however_many_are_remembered():
    meter = RateMeter(window=5.0, capacity=3)
    assert meter.count == 0
    for now in range(10):
        meter.tick(float(now))
    assert meter.count == 10


def test_nothing_is_known_of_a_stream_before_the_first_window_is_over():
    meter = DeliveryMeter(window=5.0)
    assert [meter.sample(float(now), 30 * now, 0) for now in range(5)] == [None] * 5
    assert meter.best_rate == 0.0


def test_what_is_received_and_lost_is_that_of_the_last_window():
    meter = DeliveryMeter(window=5.0)
    for now in range(20):
        last = meter.sample(float(now), 30 * now, 0)
    assert (last.rate, last.lost, meter.best_rate) == (30.0, 0, 30.0)
    for now in range(20, 25):
        last = meter.sample(float(now), 570 + 10 * (now - 19), 20 * (now - 19))
    assert (last.seconds, last.received, last.lost) == (5.0, 50, 100)
    assert (last.rate, last.sent_rate, meter.best_rate) == (10.0, 30.0, 30.0)


def test_a_burst_is_no_steady_rate_and_a_higher_one_is_learnt():
    meter = DeliveryMeter(window=5.0)
    for now in range(30):
        meter.sample(float(now), 10 * now + (300 if now > 15 else 0), 0)
    assert meter.best_rate == 10.0
    for now in range(30, 60):
        meter.sample(float(now), 600 + 25 * (now - 29), 0)
    assert meter.best_rate == 25.0
    meter.restart()
    assert (meter.best_rate, meter.sample(60.0, 1500, 0)) == (0.0, None)


def test_a_stream_that_is_sampled_without_end_takes_no_more_memory():
    meter = DeliveryMeter(window=5.0)
    for now in range(1000):
        meter.sample(float(now), now, 0)
    assert len(meter._samples) < 20


def test_a_window_of_no_time_is_refused():
    with pytest.raises(ValueError, match=r'above 0, got 0\.0'):
        DeliveryMeter(window=0.0)
