"""The tables of the benchmark, from figures made by hand or from a few frames."""

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip('rclpy')

from rtcnn_perception.commands.benchmark import core_parts
from rtcnn_perception.commands.benchmark import node_parts
from rtcnn_perception.commands.benchmark import pipeline
from rtcnn_perception.commands.benchmark import stages
from rtcnn_perception.commands.benchmark.effort import Effort
from rtcnn_perception.commands.benchmark.inputs import Inputs
from rtcnn_perception.commands.benchmark.measures import ClipResult
from rtcnn_perception.commands.benchmark.measures import Drift
from rtcnn_perception.commands.benchmark.measures import Percentiles
from rtcnn_perception.commands.benchmark.pipeline import LatencyResult
from rtcnn_perception.commands.benchmark.stages import Cost
from rtcnn_perception.resources import models_directory

EFFORT = Effort(repeats=2, seconds=1.0, soak_frames=1000, stage_frames=4)
BARE = Inputs(yunet=None, clips=(), data=Path('data'), models=models_directory())
FULL = replace(BARE, yunet=Path('yunet.onnx'), clips=(Path('book.mkv'), Path('walk.mkv')))

WAYS = ('the original way', 'this package, rtcnn', 'this package, haar')

GOOD_CLIP = ClipResult(
    frames=100,
    messages=100,
    with_face=1.0,
    seen=1.0,
    seen_of_all=1.0,
    id_changes=0,
    early_changes=0,
)


def latency(p50: float, p99: float, resident: float) -> LatencyResult:
    times = Percentiles(count=30, p50=p50, p95=p99, p99=p99, maximum=p99)
    return LatencyResult(times, times, times, 30.0, 0, 25.0, resident)


def verdicts(section) -> dict[str, bool]:
    return {target.text: target.holds for target in section.targets}


def tell(text: str, share: float) -> None:
    assert text
    assert 0.0 <= share < 1.0


def test_without_clips_their_part_is_skipped_and_says_so():
    section = node_parts.clips(BARE, EFFORT, None, tell)
    assert 'no clips in data/video' in section.skipped
    assert section.rows == ()


@pytest.mark.parametrize(
    ('change', 'failing'),
    [
        ({}, set()),
        ({'messages': 98}, {'each clip, rtcnn: a message for 99 % of frames'}),
        ({'with_face': 0.99}, {'each clip, rtcnn: a face in every message'}),
        ({'id_changes': 1}, {'each clip, rtcnn: one id throughout'}),
        ({'seen': 0.98}, {'each clip, rtcnn: a face seen in 99 % of frames'}),
        (
            {'seen': 0.73},
            {
                'each clip, rtcnn: a face seen in 99 % of frames',
                'each clip, haar: a face seen in 74 % of frames with a message',
            },
        ),
        ({'seen_of_all': 0.73}, {'each clip, haar: a face seen in 74 % of all frames'}),
        (
            {'early_changes': 1},
            {'each clip, haar: no id changes but after a second without a face'},
        ),
    ],
)
def test_clips_are_played_with_each_detector_and_judged_by_the_worst(monkeypatch, change, failing):
    played = []

    def play(context, clip, parameters):
        del context
        played.append((clip.name, parameters['detector.name']))
        return replace(GOOD_CLIP, **change) if len(played) in (2, 6, 10) else GOOD_CLIP

    monkeypatch.setattr(pipeline, 'play_clip', play)
    section = node_parts.clips(FULL, EFFORT, None, tell)
    assert played == [
        (clip, detector)
        for detector in ('rtcnn', 'yunet', 'haar')
        for clip in ('book.mkv', 'walk.mkv')
        for _ in range(2)
    ]
    assert len(section.rows) == 6
    assert {text for text, holds in verdicts(section).items() if not holds} == failing


@pytest.mark.parametrize(
    ('p50', 'p99', 'resident', 'holds'),
    [
        (14.0, 34.0, 299.0, [True, True, True, True]),
        (16.0, 36.0, 301.0, [False, False, False, True]),
        (31.0, 34.0, 100.0, [True, False, True, False]),
    ],
)
def test_latency_is_measured_in_every_arrangement(monkeypatch, p50, p99, resident, holds):
    monkeypatch.setattr(pipeline, 'measure_latency', lambda *_, **__: latency(p50, p99, resident))
    section = node_parts.latency(FULL, EFFORT, None, tell)
    assert [row[0] for row in section.rows] == list(pipeline.SETUPS)
    assert list(verdicts(section).values()) == holds


def test_what_must_hold_for_one_face_is_not_judged_by_the_clip_that_stood_in(monkeypatch):
    monkeypatch.setattr(pipeline, 'measure_latency', lambda *_, **__: latency(99.0, 99.0, 200.0))
    section = node_parts.latency(BARE, EFFORT, None, tell)
    assert list(verdicts(section)) == ['composed: resident memory at most 300 MB']
    assert any('built-in' in note for note in section.notes)


@pytest.mark.parametrize(('end', 'holds'), [(204.0, True), (206.0, False), (194.0, False)])
def test_memory_is_flat_within_five_megabytes(monkeypatch, end, holds):
    found = Drift(start_mb=200.0, end_mb=end, highest_mb=210.0, per_10000_frames_mb=1.5)
    monkeypatch.setattr(pipeline, 'soak', lambda *_: (1000, found))
    section = node_parts.memory(FULL, EFFORT, None, tell)
    assert section.rows == (('1000', '200.0', f'{end:.1f}', '210.0', '+1.50'),)
    assert list(verdicts(section).values()) == [holds, True]


@pytest.mark.parametrize(('highest', 'holds'), [(1.9, True), (2.1, False)])
def test_the_busiest_inactive_node_counts(monkeypatch, highest, holds):
    runs = iter(
        [
            {'camera_node': 0.1, 'detector_node': 0.1},
            {'camera_node': 0.1, 'detector_node': highest},
        ]
    )
    monkeypatch.setattr(pipeline, 'idle', lambda *_: next(runs))
    section = node_parts.idle(FULL, EFFORT, None, tell)
    assert [row[0] for row in section.rows] == ['camera_node', 'detector_node']
    assert list(verdicts(section).values()) == [holds]


def test_the_original_way_stands_beside_this_one(monkeypatch):
    monkeypatch.setattr(stages, 'WARM_UP_FRAMES', 2)
    monkeypatch.setattr(core_parts, 'CROWDS', (1, 4))
    section = core_parts.ways(BARE, EFFORT, tell)
    assert [row[:2] for row in section.rows] == [
        (faces, way) for faces in ('1', '4') for way in WAYS
    ]
    assert any('fetch-yunet' in note for note in section.notes)
    for row in section.rows:
        assert len(row) == len(section.columns)
        assert float(row[-1]) == float(row[0]), 'every face is judged'


@pytest.mark.parametrize(('ours', 'share', 'holds'), [(2.0, '0.40', True), (2.6, '0.52', False)])
def test_the_detectors_stand_beside_yunet(monkeypatch, ours, share, holds):
    times = {'rtcnn': ours, 'yunet': 5.0, 'haar': 50.0}

    def compare(makers, clip, repeats):
        assert list(makers) == list(times)
        assert {frame.shape for frame in clip} == {(480, 640, 3)}
        assert repeats == EFFORT.repeats
        return {
            name: Cost({'total': time}, {'total': (time, time)}, faces=1.0)
            for name, time in times.items()
        }

    monkeypatch.setattr(core_parts, 'compare', compare)
    section = core_parts.detectors(FULL, EFFORT, tell)
    assert section.rows == (
        ('rtcnn', '320', f'{ours:.2f}', share, '1.0'),
        ('yunet', '320', '5.00', '1.00', '1.0'),
        ('haar', '640', '50.00', '10.00', '1.0'),
    )
    assert list(verdicts(section).values()) == [holds]


def test_detectors_without_yunet_have_nothing_to_be_measured_by(monkeypatch):
    monkeypatch.setattr(stages, 'WARM_UP_FRAMES', 2)
    section = core_parts.detectors(BARE, EFFORT, tell)
    assert [(row[0], row[3]) for row in section.rows] == [('rtcnn', '-'), ('haar', '-')]
    assert any('fetch-yunet' in note for note in section.notes)
    assert section.targets == ()


def test_every_step_has_a_row(monkeypatch):
    monkeypatch.setattr(stages, 'WARM_UP_FRAMES', 2)
    monkeypatch.setattr(core_parts, 'CROWDS', (1, 4))
    section = core_parts.steps(BARE, EFFORT, tell)
    assert {'detect', 'track', 'crops for gender', 'emotion network', 'quality'} <= {
        row[0] for row in section.rows
    }
    assert section.columns == ('step', '1 face [ms]', '4 faces [ms]')
