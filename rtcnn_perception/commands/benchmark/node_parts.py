"""The parts of the benchmark that run the nodes, as tables."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import asdict
import statistics

from rclpy.context import Context
from rtcnn_perception.commands.benchmark import node_runs
from rtcnn_perception.commands.benchmark.config import BenchmarkConfig
from rtcnn_perception.commands.benchmark.config import ReportProgress
from rtcnn_perception.commands.benchmark.inputs import Inputs
from rtcnn_perception.commands.benchmark.inputs import SHIPPED
from rtcnn_perception.commands.benchmark.measures import ClipResult
from rtcnn_perception.commands.benchmark.sections import Section
from rtcnn_perception.commands.benchmark.sections import Target
from rtcnn_perception.commands.benchmark.sections import with_range


def clips(
    inputs: Inputs, config: BenchmarkConfig, context: Context, report_progress: ReportProgress
) -> Section:
    """Play the clips in real time with each detector."""
    title = 'Clips of one person in real time'
    if not inputs.clips:
        return Section(title, skipped=f'there are no clips in {inputs.data.name}/video')
    rows, targets, raw = [], [], {}
    played, plays = 0, len(inputs.detectors) * len(inputs.clips) * config.repeats
    for name in (each.name for each in inputs.detectors):
        parameters = inputs.parameters(name)
        of_detector: list[ClipResult] = []
        for clip in inputs.clips:
            runs = []
            for repeat in range(config.repeats):
                report_progress(
                    f'{clip.name} with {name}, {repeat + 1} of {config.repeats}', played / plays
                )
                runs.append(node_runs.play_clip(context, clip, parameters))
                played += 1
            raw[f'{clip.name}, {name}'] = [asdict(run) for run in runs]
            rows.append(
                (
                    f'{clip.name}, {name}',
                    str(runs[0].frames),
                    with_range([100 * run.messages / run.frames for run in runs]),
                    with_range([100 * run.with_face for run in runs]),
                    with_range([100 * run.detected for run in runs]),
                    with_range([100 * run.detected_of_all for run in runs]),
                    with_range([float(run.id_changes) for run in runs], 0),
                    with_range([float(run.early_changes) for run in runs], 0),
                )
            )
            of_detector += runs
        if name in CLIP_TARGETS:
            targets += CLIP_TARGETS[name](of_detector)
    return Section(
        title,
        columns=(
            'clip, detector',
            'frames',
            'messages [%]',
            'with a face [%]',
            'face detected [%]',
            'of all frames [%]',
            'id changes',
            'within a second',
        ),
        rows=tuple(rows),
        notes=inputs.left_out,
        targets=tuple(targets),
        raw=raw,
    )


def _shipped_targets(runs: Sequence[ClipResult]) -> list[Target]:
    least = min(run.messages / run.frames for run in runs)
    face = min(run.with_face for run in runs)
    detected = min(run.detected for run in runs)
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
        runs = []
        for repeat in range(config.repeats):
            done = (number + repeat / config.repeats) / len(node_runs.SETUPS)
            report_progress(f'{name}, {repeat + 1} of {config.repeats}', done)
            runs.append(node_runs.measure_latency(context, arrange(parameters), config.seconds))
        raw[name] = [asdict(run) for run in runs]
        medians[name] = (
            statistics.median(run.stamp_to_reception.p50 for run in runs),
            statistics.median(run.stamp_to_reception.p99 for run in runs),
            statistics.median(run.resident_mb for run in runs),
        )
        rows.append(
            (
                name,
                with_range([run.stamp_to_reception.p50 for run in runs]),
                with_range([run.stamp_to_reception.p95 for run in runs]),
                with_range([run.stamp_to_reception.p99 for run in runs]),
                with_range([run.detect.p50 for run in runs]),
                with_range([run.classify.p50 for run in runs]),
                with_range([run.messages_per_second for run in runs]),
                with_range([float(run.dropped) for run in runs], 0),
                with_range([run.cpu_percent for run in runs], 0),
                with_range([run.resident_mb for run in runs], 0),
            )
        )
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
        columns=(
            'nodes',
            'p50 [ms]',
            'p95 [ms]',
            'p99 [ms]',
            'detect p50 [ms]',
            'classify p50 [ms]',
            'messages per s',
            'dropped',
            'CPU [% of a core]',
            'memory [MB]',
        ),
        rows=tuple(rows),
        notes=(
            "From the header's stamp to reception by another process. CPU and memory are those of "
            'all processes of the row, the publishing camera among them.',
            *inputs.substitutes,
        ),
        targets=tuple(targets),
        raw=raw,
    )


def memory(
    inputs: Inputs, config: BenchmarkConfig, context: Context, report_progress: ReportProgress
) -> Section:
    """Measure the memory of the composed process over many frames."""
    report_progress(f'{config.soak_frames} frames at {node_runs.SOAK_RATE:.0f} per second', 0.0)
    parameters = {**inputs.parameters(), 'source': inputs.one_face}
    processed, found = node_runs.soak(context, parameters, config.soak_frames)
    slope = found.per_10000_frames_mb
    return Section(
        'Memory of the composed process over a long run',
        columns=(
            'frames processed',
            'at first [MB]',
            'at last [MB]',
            'highest [MB]',
            'trend [MB per 10,000 frames]',
        ),
        rows=(
            (
                str(processed),
                f'{found.start_mb:.1f}',
                f'{found.end_mb:.1f}',
                f'{found.highest_mb:.1f}',
                f'{slope:+.2f}',
            ),
        ),
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
    runs = []
    for repeat in range(config.repeats):
        report_progress(
            f'inactive nodes, {repeat + 1} of {config.repeats}', repeat / config.repeats
        )
        runs.append(node_runs.idle(context, inputs.parameters(), config.seconds))
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
