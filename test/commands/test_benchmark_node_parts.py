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

"""The tables of the parts that run the nodes, from figures made by hand."""

from dataclasses import replace
from pathlib import Path

import pytest
from rtcnn_perception.commands.benchmark import node_parts
from rtcnn_perception.commands.benchmark import node_runs
from rtcnn_perception.commands.benchmark.inputs import BenchmarkConfig
from rtcnn_perception.commands.benchmark.inputs import Inputs
from rtcnn_perception.commands.benchmark.measures import ClipResult
from rtcnn_perception.commands.benchmark.measures import Drift
from rtcnn_perception.commands.benchmark.node_runs import LatencyResult
from rtcnn_perception.core.detection.base import DetectorConfig
from rtcnn_perception.core.statistics import LatencySummary

CONFIG = BenchmarkConfig(repeats=2, seconds=1.0, soak_frames=1000, stage_frames=4)
WITHOUT_CLIPS = Inputs(
    detectors=tuple(DetectorConfig(name) for name in ('rtcnn', 'yunet', 'haar')),
    left_out=(),
    attributes=('gender',),
    clips=(),
    data=Path('data'),
    models=(),
)
WITH_CLIPS = replace(WITHOUT_CLIPS, clips=(Path('book.mkv'), Path('walk.mkv')))

GOOD_CLIP = ClipResult(
    frames=100,
    messages=100,
    with_face=1.0,
    detected=1.0,
    detected_of_all=1.0,
    id_changes=0,
    early_changes=0,
)


def latency(p50: float, p99: float, resident: float) -> LatencyResult:
    times = LatencySummary(count=30, p50=p50, p95=p99, p99=p99, maximum=p99)
    return LatencyResult(times, times, times, 30.0, 0, 25.0, resident)


def targets_of(section) -> dict[str, bool]:
    return {target.text: target.holds for target in section.targets}


def report_progress(text: str, share: float) -> None:
    assert text
    assert 0.0 <= share < 1.0


def test_without_clips_their_part_is_skipped_with_the_reason():
    section = node_parts.clips(WITHOUT_CLIPS, CONFIG, None, report_progress)
    assert 'no clips in data/video' in section.skipped
    assert section.rows == ()


@pytest.mark.parametrize(
    ('change', 'failing'),
    [
        ({}, set()),
        ({'messages': 98}, {'each clip, rtcnn: a message for 99 % of frames'}),
        ({'with_face': 0.99}, {'each clip, rtcnn: a face in every message'}),
        ({'id_changes': 1}, {'each clip, rtcnn: one id throughout'}),
        ({'detected_of_all': 0.98}, {'each clip, rtcnn: a face detected in 99 % of frames'}),
        (
            {'detected': 0.73},
            {'each clip, haar: a face detected in 74 % of frames with a message'},
        ),
        (
            {'detected_of_all': 0.73},
            {
                'each clip, rtcnn: a face detected in 99 % of frames',
                'each clip, haar: a face detected in 74 % of all frames',
            },
        ),
        (
            {'early_changes': 1},
            {'each clip, haar: no id changes but after a second without a face'},
        ),
    ],
)
def test_clips_are_played_with_each_detector_and_the_worst_run_decides(
    monkeypatch, change, failing
):
    played = []

    def play(context, clip, parameters):
        del context
        played.append((clip.name, parameters['detector.name']))
        return replace(GOOD_CLIP, **change) if len(played) in (2, 6, 10) else GOOD_CLIP

    monkeypatch.setattr(node_runs, 'play_clip', play)
    section = node_parts.clips(WITH_CLIPS, CONFIG, None, report_progress)
    assert played == [
        (clip, detector)
        for detector in ('rtcnn', 'yunet', 'haar')
        for clip in ('book.mkv', 'walk.mkv')
        for _ in range(2)
    ]
    assert len(section.rows) == 6
    assert {text for text, holds in targets_of(section).items() if not holds} == failing


@pytest.mark.parametrize(
    ('p50', 'p99', 'resident', 'holds'),
    [
        (14.0, 34.0, 299.0, [True, True, True, True]),
        (16.0, 36.0, 301.0, [False, False, False, True]),
        (31.0, 34.0, 100.0, [True, False, True, False]),
    ],
)
def test_latency_is_measured_in_every_arrangement(monkeypatch, p50, p99, resident, holds):
    monkeypatch.setattr(node_runs, 'measure_latency', lambda *_, **__: latency(p50, p99, resident))
    section = node_parts.latency(WITH_CLIPS, CONFIG, None, report_progress)
    assert [row[0] for row in section.rows] == list(node_runs.SETUPS)
    assert list(targets_of(section).values()) == holds


def test_targets_for_one_face_are_not_checked_on_the_substitute_clip(monkeypatch):
    monkeypatch.setattr(node_runs, 'measure_latency', lambda *_, **__: latency(99.0, 99.0, 200.0))
    section = node_parts.latency(WITHOUT_CLIPS, CONFIG, None, report_progress)
    assert list(targets_of(section)) == ['composed: resident memory at most 300 MB']
    assert any('built-in' in note for note in section.notes)


@pytest.mark.parametrize(('end', 'holds'), [(204.0, True), (206.0, False), (194.0, False)])
def test_memory_is_flat_within_five_megabytes(monkeypatch, end, holds):
    found = Drift(start_mb=200.0, end_mb=end, highest_mb=210.0, per_10000_frames_mb=1.5)
    monkeypatch.setattr(node_runs, 'soak', lambda *_: (1000, found))
    section = node_parts.memory(WITH_CLIPS, CONFIG, None, report_progress)
    assert section.rows == (('1000', '200.0', f'{end:.1f}', '210.0', '+1.50'),)
    assert list(targets_of(section).values()) == [holds, True]


@pytest.mark.parametrize(('highest', 'holds'), [(1.9, True), (2.1, False)])
def test_the_busiest_inactive_node_counts(monkeypatch, highest, holds):
    runs = iter(
        [
            {'camera_node': 0.1, 'detector_node': 0.1},
            {'camera_node': 0.1, 'detector_node': highest},
        ]
    )
    monkeypatch.setattr(node_runs, 'idle', lambda *_: next(runs))
    section = node_parts.idle(WITH_CLIPS, CONFIG, None, report_progress)
    assert [row[0] for row in section.rows] == ['camera_node', 'detector_node']
    assert list(targets_of(section).values()) == [holds]


def test_the_nodes_run_with_the_first_detector_and_the_attributes(monkeypatch):
    used = []

    def measure(_context, setup, _seconds):
        used.append(setup.programs[0].parameters)
        return latency(10.0, 20.0, 100.0)

    monkeypatch.setattr(node_runs, 'measure_latency', measure)
    detectors = (DetectorConfig('bright', model_path='my.level'),)
    node_parts.latency(replace(WITH_CLIPS, detectors=detectors), CONFIG, None, report_progress)
    for parameters in used:
        assert parameters['detector.name'] == 'bright'
        assert parameters['detector.model_path'] == 'my.level'
        assert parameters['attributes'] == ('gender',)


def test_a_detector_without_targets_has_rows_alone(monkeypatch):
    monkeypatch.setattr(node_runs, 'play_clip', lambda *_: GOOD_CLIP)
    inputs = replace(WITH_CLIPS, detectors=(DetectorConfig('bright'),))
    section = node_parts.clips(inputs, CONFIG, None, report_progress)
    assert [row[0] for row in section.rows] == ['book.mkv, bright', 'walk.mkv, bright']
    assert section.targets == ()
