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

"""The parts of the benchmark that run the nodes, as tables."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
import statistics
from typing import TypeVar

from rclpy.context import Context
from rtcnn_perception.commands.benchmark import node_runs
from rtcnn_perception.commands.benchmark.inputs import BenchmarkConfig
from rtcnn_perception.commands.benchmark.inputs import Inputs
from rtcnn_perception.commands.benchmark.inputs import ReportProgress
from rtcnn_perception.commands.benchmark.inputs import SHIPPED
from rtcnn_perception.commands.benchmark.measures import ClipResult
from rtcnn_perception.commands.benchmark.sections import Section
from rtcnn_perception.commands.benchmark.sections import Target
from rtcnn_perception.commands.benchmark.sections import with_range

R = TypeVar('R')


def clips(
    inputs: Inputs, config: BenchmarkConfig, context: Context, report_progress: ReportProgress
) -> Section:
    """Play the clips in real time with each detector."""
    title = 'Clips of one person in real time'
    if not inputs.clips:
        return Section(title, skipped=f'there are no clips in {inputs.data.name}/video')
    rows, targets, raw = [], [], {}
    plays = [(each.name, clip) for each in inputs.detectors for clip in inputs.clips]
    by_detector: dict[str, list[ClipResult]] = {each.name: [] for each in inputs.detectors}
    for number, (name, clip) in enumerate(plays):
        play = partial(node_runs.play_clip, context, clip, inputs.parameters(name))
        report = _part_of(report_progress, number, len(plays))
        runs = _repeated(config, f'{clip.name} with {name}', report, play)
        raw[f'{clip.name}, {name}'] = [asdict(run) for run in runs]
        cells = (cell(runs) for cell in CLIP_COLUMNS.values())
        rows.append((f'{clip.name}, {name}', *cells))
        by_detector[name] += runs
    for name, runs in by_detector.items():
        if name in CLIP_TARGETS:
            targets += CLIP_TARGETS[name](runs)
    return Section(
        title,
        columns=('clip, detector', *CLIP_COLUMNS),
        rows=tuple(rows),
        notes=inputs.left_out,
        targets=tuple(targets),
        raw=raw,
    )


def _part_of(report_progress: ReportProgress, number: int, count: int) -> ReportProgress:
    """Return what reports the progress of one of several equal parts of a whole."""
    return lambda text, share: report_progress(text, (number + share) / count)


def _repeated(
    config: BenchmarkConfig, what: str, report_progress: ReportProgress, measure: Callable[[], R]
) -> list[R]:
    runs = []
    for repeat in range(config.repeats):
        text = f'{what}, {repeat + 1} of {config.repeats}'
        report_progress(text, repeat / config.repeats)
        runs.append(measure())
    return runs


CLIP_COLUMNS: Mapping[str, Callable[[Sequence[ClipResult]], str]] = {
    'frames': lambda runs: str(runs[0].frames),
    'messages [%]': lambda runs: with_range([100 * run.messages / run.frames for run in runs]),
    'with a face [%]': lambda runs: with_range([100 * run.with_face for run in runs]),
    'face detected [%]': lambda runs: with_range([100 * run.detected for run in runs]),
    'of all frames [%]': lambda runs: with_range([100 * run.detected_of_all for run in runs]),
    'id changes': lambda runs: with_range([float(run.id_changes) for run in runs], 0),
    'within a second': lambda runs: with_range([float(run.early_changes) for run in runs], 0),
}


def _shipped_targets(runs: Sequence[ClipResult]) -> list[Target]:
    least = min(run.messages / run.frames for run in runs)
    face = min(run.with_face for run in runs)
    detected = min(run.detected_of_all for run in runs)
    changes = max(run.id_changes for run in runs)
    return [
        Target('each clip, rtcnn: a message for 99 % of frames', f'{least:.1%}', least >= 0.99),
        Target('each clip, rtcnn: a face in every message', f'{face:.1%}', face >= 1.0),
        Target(
            'each clip, rtcnn: a face detected in 99 % of frames',
            f'{detected:.1%}',
            detected >= 0.99,
        ),
        Target('each clip, rtcnn: one id throughout', f'{changes} changes', changes == 0),
    ]


def _haar_targets(runs: Sequence[ClipResult]) -> list[Target]:
    detected = min(run.detected for run in runs)
    detected_of_all = min(run.detected_of_all for run in runs)
    early = max(run.early_changes for run in runs)
    return [
        Target(
            'each clip, haar: a face detected in 74 % of frames with a message',
            f'{detected:.1%}',
            detected >= 0.74,
        ),
        Target(
            'each clip, haar: a face detected in 74 % of all frames',
            f'{detected_of_all:.1%}',
            detected_of_all >= 0.74,
        ),
        Target(
            'each clip, haar: no id changes but after a second without a face',
            f'{early} changes',
            early == 0,
        ),
    ]


CLIP_TARGETS: Mapping[str, Callable[[Sequence[ClipResult]], list[Target]]] = {
    SHIPPED: _shipped_targets,
    'haar': _haar_targets,
}
"""Targets for what needs no download; YuNet is there to compare with."""


def latency(
    inputs: Inputs, config: BenchmarkConfig, context: Context, report_progress: ReportProgress
) -> Section:
    """Measure from the stamp to reception by another process, in each arrangement."""
    parameters = {**inputs.parameters(), 'source': inputs.one_face, 'source_loop': True}
    rows, raw = [], {}
    medians: dict[str, tuple[float, float, float]] = {}
    for number, (name, arrange) in enumerate(node_runs.SETUPS.items()):
        setup = arrange(parameters)
        measure = partial(node_runs.measure_latency, context, setup, config.seconds)
        report = _part_of(report_progress, number, len(node_runs.SETUPS))
        runs = _repeated(config, name, report, measure)
        raw[name] = [asdict(run) for run in runs]
        medians[name] = (
            statistics.median(run.stamp_to_reception.p50 for run in runs),
            statistics.median(run.stamp_to_reception.p99 for run in runs),
            statistics.median(run.resident_mb for run in runs),
        )
        rows.append((name, *(cell(runs) for cell in LATENCY_COLUMNS.values())))
    p50, p99, resident = medians['composed']
    apart = medians['three processes'][0]
    targets = [
        Target('composed: resident memory at most 300 MB', f'{resident:.0f} MB', resident <= 300)
    ]
    if not inputs.substitutes:
        targets += [
            Target('composed: stamp to reception, p50 at most 15 ms', f'{p50:.1f} ms', p50 <= 15),
            Target('composed: stamp to reception, p99 at most 35 ms', f'{p99:.1f} ms', p99 <= 35),
            Target('three processes: p50 at most 30 ms', f'{apart:.1f} ms', apart <= 30),
        ]
    return Section(
        'Latency at 640x480 and 30 Hz, one face',
        columns=('nodes', *LATENCY_COLUMNS),
        rows=tuple(rows),
        notes=(
            "From the header's stamp to reception by another process. CPU and memory are those of "
            'all processes of the row, the publishing camera among them.',
            *inputs.substitutes,
        ),
        targets=tuple(targets),
        raw=raw,
    )


LATENCY_COLUMNS: Mapping[str, Callable[[Sequence[node_runs.LatencyResult]], str]] = {
    'p50 [ms]': lambda runs: with_range([run.stamp_to_reception.p50 for run in runs]),
    'p95 [ms]': lambda runs: with_range([run.stamp_to_reception.p95 for run in runs]),
    'p99 [ms]': lambda runs: with_range([run.stamp_to_reception.p99 for run in runs]),
    'detect p50 [ms]': lambda runs: with_range([run.detect.p50 for run in runs]),
    'classify p50 [ms]': lambda runs: with_range([run.classify.p50 for run in runs]),
    'messages per s': lambda runs: with_range([run.messages_per_second for run in runs]),
    'dropped': lambda runs: with_range([float(run.dropped) for run in runs], 0),
    'CPU [% of a core]': lambda runs: with_range([run.cpu_percent for run in runs], 0),
    'memory [MB]': lambda runs: with_range([run.resident_mb for run in runs], 0),
}


def memory(
    inputs: Inputs, config: BenchmarkConfig, context: Context, report_progress: ReportProgress
) -> Section:
    """Measure the memory of the composed process over many frames."""
    report_progress(f'{config.soak_frames} frames at {node_runs.SOAK_RATE:.0f} per second', 0.0)
    parameters = {**inputs.parameters(), 'source': inputs.one_face}
    processed, found = node_runs.soak(context, parameters, config.soak_frames)
    cells = {
        'frames processed': str(processed),
        'at first [MB]': f'{found.start_mb:.1f}',
        'at last [MB]': f'{found.end_mb:.1f}',
        'highest [MB]': f'{found.highest_mb:.1f}',
        'trend [MB per 10,000 frames]': f'{found.per_10000_frames_mb:+.2f}',
    }
    return Section(
        'Memory of the composed process over a long run',
        columns=tuple(cells),
        rows=(tuple(cells.values()),),
        notes=(
            f'Resident memory, from frame {node_runs.SOAK_WARM_UP_FRAMES} on, at '
            f'{node_runs.SOAK_RATE:.0f} frames per second; the trend is that of a fitted line.',
        ),
        targets=(
            Target(
                f'composed: memory flat over {config.soak_frames} frames, within 5 MB',
                f'{found.end_mb - found.start_mb:+.1f} MB',
                abs(found.end_mb - found.start_mb) <= 5,
            ),
            Target(
                'composed: highest resident memory at most 300 MB',
                f'{found.highest_mb:.0f} MB',
                found.highest_mb <= 300,
            ),
        ),
        raw=asdict(found),
    )


def idle(
    inputs: Inputs, config: BenchmarkConfig, context: Context, report_progress: ReportProgress
) -> Section:
    """Measure the CPU time of inactive nodes."""
    measure = partial(node_runs.idle, context, inputs.parameters(), config.seconds)
    runs = _repeated(config, 'inactive nodes', report_progress, measure)
    highest = max(max(run.values()) for run in runs)
    return Section(
        'Inactive nodes',
        columns=('node', 'CPU [% of a core]'),
        rows=tuple((name, with_range([run[name] for run in runs], 2)) for name in runs[0]),
        targets=(
            Target('an inactive node takes under 2 % of a core', f'{highest:.2f} %', highest < 2),
        ),
        raw={'runs': runs},
    )


PARTS: Mapping[str, Callable[[Inputs, BenchmarkConfig, Context, ReportProgress], Section]] = {
    'clips': clips,
    'latency': latency,
    'memory': memory,
    'idle': idle,
}
"""By their names on the command line."""
