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

"""Errors by cause, latencies, and the status that is published."""

import tracemalloc

import numpy as np
import pytest
from rtcnn_perception.core.decoding.picture import decode_jpeg_or_png
from rtcnn_perception.core.statistics import LatencySummary
from rtcnn_perception.exceptions import ImageFormatError
from rtcnn_perception.nodes.conversions.encodings import check_rows
from rtcnn_perception.nodes.diagnostics import ERROR
from rtcnn_perception.nodes.diagnostics import ErrorLog
from rtcnn_perception.nodes.diagnostics import Finding
from rtcnn_perception.nodes.diagnostics import latency_findings
from rtcnn_perception.nodes.diagnostics import latency_values
from rtcnn_perception.nodes.diagnostics import Meter
from rtcnn_perception.nodes.diagnostics import OK
from rtcnn_perception.nodes.diagnostics import SILENCE
from rtcnn_perception.nodes.diagnostics import status
from rtcnn_perception.nodes.diagnostics import WARN


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def logged():
    return []


@pytest.fixture
def log(clock, logged):
    return ErrorLog(logged.append, clock)


def test_without_errors_there_is_no_finding(log):
    assert list(log.findings()) == []
    assert log.values() == {'errors': '0', 'last error': 'none'}


def test_a_cause_is_logged_once_in_ten_seconds_and_counted_each_time(log, clock, logged):
    for _ in range(5):
        log.report(ImageFormatError('a step of 17'))
    assert logged == ['a step of 17']
    clock.now += SILENCE
    log.report(ImageFormatError('a step of 17'))
    assert len(logged) == 2
    assert log.total == 6


def test_random_payloads_have_one_cause(log, logged):
    random = np.random.default_rng(0)
    for _ in range(100):
        garbage = random.integers(0, 256, random.integers(4, 200), np.uint8)
        with pytest.raises(ImageFormatError) as refused:
            decode_jpeg_or_png(garbage.tobytes(), max_pixels=1e6)
        log.report(refused.value)
    assert len(logged) == 1
    assert len(log.values()) == 3


def test_an_error_is_a_warning_for_ten_seconds(log, clock):
    log.report(ImageFormatError('truncated'))
    assert list(log.findings()) == [Finding(WARN, 'truncated')]
    clock.now += SILENCE
    assert list(log.findings()) == []
    assert log.values()['last error'] == 'truncated'


def test_a_bad_input_that_follows_a_defect_does_not_hide_it(log, clock):
    log.report(ZeroDivisionError('a defect'))
    clock.now += 0.5 * SILENCE
    log.report(ImageFormatError('truncated'))
    assert list(log.findings()) == [
        Finding(ERROR, 'ZeroDivisionError: a defect'),
        Finding(WARN, 'truncated'),
    ]
    clock.now += 0.5 * SILENCE
    assert list(log.findings()) == [Finding(WARN, 'truncated')]


def test_a_defect_is_logged_with_its_traceback(log, logged):
    try:
        [].pop()
    except IndexError as error:
        log.report(error)
    assert 'Traceback' in logged[0]
    assert 'test_diagnostics.py' in logged[0]
    assert log.values()['last error'] == 'IndexError: pop from empty list'
    assert list(log.findings()) == [Finding(ERROR, 'IndexError: pop from empty list')]


def test_each_place_that_raises_is_a_cause_that_is_logged_and_counted_whatever_it_quotes(
    log, logged
):
    # More places than any real code has: each function of its own stands on a line of its own.
    lines = [f'def check{line}(text): raise ImageFormatError(text)' for line in range(1, 101)]
    scope = {'ImageFormatError': ImageFormatError}
    exec(compile('\n'.join(lines), 'cameras.py', 'exec'), scope)
    for text in ('got 1', "got 'rgb12'"):
        for line in range(1, 101):
            with pytest.raises(ImageFormatError) as refused:
                scope[f'check{line}'](f'{line}: {text}')
            log.report(refused.value)
    assert logged == [f'{line}: got 1' for line in range(1, 101)]
    values = log.values()
    assert [values[f'errors: ImageFormatError at cameras.py:{line}'] for line in (1, 100)] == [
        '2',
        '2',
    ]
    assert (values['errors'], values['last error']) == ('200', "100: got 'rgb12'")


def test_what_a_sender_quotes_takes_no_memory(log, logged, clock):
    tracemalloc.start()
    try:
        for number in range(40):
            with pytest.raises(ImageFormatError) as refused:
                check_rows(
                    np.zeros(3, np.uint8), height=1, width=1, step=3, encoding=f'{number}' * 2**20
                )
            log.report(refused.value)
            clock.now += SILENCE
            del refused
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 2**19
    assert len(logged) == 40
    assert max(map(len, logged)) < 1000
    assert sum(len(key) + len(value) for key, value in log.values().items()) < 1000
    assert len(log.values()) == 3


def test_a_status_without_findings_is_ok():
    made = status('detector: faces', [], {}, 'robot1')
    assert (made.name, made.level, made.message) == ('detector: faces', OK, '')
    assert made.hardware_id == 'robot1'


def test_a_status_has_the_level_of_its_worst_finding_and_names_it_first():
    findings = [Finding(OK, 'working'), Finding(ERROR, 'no camera'), Finding(WARN, 'slow')]
    made = status('camera: faces', findings, {'errors': '2'}, '/dev/video0')
    assert (made.level, made.message) == (ERROR, 'no camera; slow; working')
    assert [(value.key, value.value) for value in made.values] == [('errors', '2')]


def test_the_texts_of_a_status_are_bounded():
    long = 'x\x1b' * 2**20
    made = status('camera: faces', [Finding(WARN, 'a\n' * 2**20)], {'source': long}, long)
    texts = (made.message, made.values[0].value, made.hardware_id)
    assert all(len(each) < 1000 and each.isprintable() for each in texts)


@pytest.mark.parametrize(
    ('p50', 'p95', 'expected'),
    [
        (0.01, 0.05, []),
        (0.01, 0.051, ['p95 latency 51 ms is above 50 ms']),
        (-0.002, 0.01, ["stamps lie 0.002 s ahead of this node's clock"]),
        (3600.0, 3600.0, ["stamps lie 3600.000 s behind this node's clock"]),
    ],
)
def test_a_high_latency_and_clocks_that_differ_are_distinguished(p50, p95, expected):
    summary = LatencySummary(count=3, p50=p50, p95=p95, p99=p95, maximum=p95)
    findings = list(latency_findings(summary, limit_ms=50.0))
    assert [finding.message.partition(':')[0] for finding in findings] == expected
    assert all(finding.level == WARN for finding in findings)


@pytest.mark.parametrize(
    ('p50', 'step', 'expected'),
    [
        (-0.013, 0.025, []),
        (-0.013, float('nan'), []),  # of one message of /clock there is no step
        (-0.030, 0.025, ['stamps lie 0.030 s ahead of']),
        (-1000.0, 0.025, ['stamps lie 1000.000 s ahead of']),
        (1000.0, 0.025, ['stamps lie 1000.000 s behind']),
    ],
)
def test_stamps_may_lie_ahead_of_simulated_time_by_one_step_of_it(p50, step, expected):
    summary = LatencySummary(count=3, p50=p50, p95=p50, p99=p50, maximum=p50)
    messages = [each.message for each in latency_findings(summary, 50.0, clock_step=step)]
    assert [each.partition(" this node's clock")[0] for each in messages] == expected
    assert not any('use_sim_time' in each for each in messages), 'it is set'


def test_without_a_latency_there_is_no_finding():
    nan = float('nan')
    summary = LatencySummary(count=0, p50=nan, p95=nan, p99=nan, maximum=nan)
    assert list(latency_findings(summary, limit_ms=50.0)) == []


def test_latencies_are_reported_in_milliseconds():
    summary = LatencySummary(count=1, p50=0.0123, p95=0.02, p99=0.03, maximum=0.04)
    assert latency_values('work', summary) == {'work p50 [ms]': '12.3', 'work p95 [ms]': '20.0'}


def test_latencies_are_those_of_the_last_seconds_whatever_the_rate():
    meter = Meter()
    for now in range(40):
        meter.count_published(float(now), 0.01, 0.4 if now < 20 else 0.02)
    assert meter.values(39.0)['stamp to publication p95 [ms]'] == '20.0'
    assert meter.latency.summary(39.0).count == 40
    assert list(latency_findings(meter.latency.summary(3600.0), 1.0)) == []


def test_silence_is_counted_from_the_activation_and_from_what_came_last():
    meter = Meter(100.0)
    assert (meter.silent_for(103.0), meter.unanswered_for(103.0)) == (3.0, 0.0)
    meter.count_received(104.0)
    meter.count_received(105.0)
    assert (meter.silent_for(106.0), meter.unanswered_for(106.0)) == (1.0, 2.0)
    meter.count_published(106.5, work_s=0.5, latency_s=0.1)
    assert (meter.silent_for(107.0), meter.unanswered_for(107.0)) == (2.0, 0.0)
