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

from classified_frames import make_result
import pytest
from rtcnn_perception.commands.running.report import FrameCounts
from rtcnn_perception.commands.running.report import RunReport


def test_a_run_without_frames_has_a_table_without_numbers():
    lines = RunReport().lines(FrameCounts(received=3, dropped=3))
    assert lines[-1] == '3 frames in, 0 processed, 3 dropped, 0.0 fps'
    assert all(line.split()[-4:] == ['-'] * 4 for line in lines[1:-1])


def test_each_stage_has_its_own_percentiles():
    report = RunReport()
    for i in range(11):
        result = make_result(
            time=i,
            received=i + 0.002,
            detect_s=0.001 * i,
            classify_s=0.0005 * i,
            latency_s=0.003 * i,
        )
        report.add(result, now=0.1 * i)
    stages = report.stages()
    assert stages['camera to pipeline'].p50 == pytest.approx(0.002)
    assert stages['camera to pipeline'].count == 10, 'the frame with stamp 0 has no age'
    assert stages['detection and tracking'].p50 == pytest.approx(0.005)
    assert stages['classification'].maximum == pytest.approx(0.005)
    assert stages['stamp to publication'].p50 == pytest.approx(0.015)
    assert report.fps == pytest.approx(10.0)


def test_the_table_is_in_milliseconds_and_counts_dropped_frames():
    report = RunReport()
    for i in range(1, 4):
        result = make_result(time=i, received=i + 0.002, detect_s=0.0042, latency_s=0.0123)
        report.add(result, now=i / 30)
    lines = report.lines(FrameCounts(received=5, dropped=2))
    assert lines[0].split() == ['p50', 'p95', 'p99', 'max']
    assert '4.2 ms' in lines[2]
    assert lines[4].startswith('stamp to publication')
    assert '12.3 ms' in lines[4]
    assert lines[-1] == '5 frames in, 3 processed, 2 dropped, 30.0 fps'


def test_images_of_the_own_source_have_no_row_for_their_arrival():
    report = RunReport()
    report.add(make_result(time=1.0), now=0.0)
    lines = report.lines(FrameCounts(received=1, dropped=0))
    assert not any(line.startswith('camera to pipeline') for line in lines)


def test_a_frame_without_a_stamp_has_no_latency():
    report = RunReport()
    report.add(make_result(time=0.0, received=1.0, latency_s=float('nan')), now=0.0)
    assert report.stages()['stamp to publication'].count == 0


@pytest.mark.parametrize(('failed', 'expected'), [(0, []), (2, ['2 failed'])])
def test_failed_frames_have_a_line_where_there_are_any(failed, expected):
    lines = RunReport().lines(FrameCounts(received=3, dropped=1, failed=failed))
    assert lines[lines.index('3 frames in, 0 processed, 1 dropped, 0.0 fps') + 1 :] == expected
