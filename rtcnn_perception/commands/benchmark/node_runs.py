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

"""Run the nodes in processes of their own, and measure."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
import time

from rclpy.context import Context
from rtcnn_perception.commands.benchmark.measures import ClipResult
from rtcnn_perception.commands.benchmark.measures import Drift
from rtcnn_perception.commands.benchmark.measures import drift
from rtcnn_perception.commands.benchmark.measures import percentiles_ms
from rtcnn_perception.commands.benchmark.measures import summarise_clip
from rtcnn_perception.commands.benchmark.processes import Processes
from rtcnn_perception.commands.benchmark.processes import Program
from rtcnn_perception.commands.benchmark.watcher import PATIENCE_S
from rtcnn_perception.commands.benchmark.watcher import Watcher
from rtcnn_perception.core.sources.open import open_source
from rtcnn_perception.core.statistics import LatencySummary
from rtcnn_perception.nodes.parameters import TABLES
from rtcnn_perception.nodes.parameters.camera import CameraParameters
from rtcnn_perception.nodes.parameters.names import node_name
from rtcnn_perception.nodes.parameters.names import role_of

SILENCE_S = 1.5
"""A clip is over after this time without a message."""
WARM_UP_S = 2.0
SOAK_RATE = 90.0
"""Frames per second: three times real time, which one core can still follow."""
SOAK_SAMPLES = 200
"""Samples of the memory in a long run."""
SOAK_STEP = 1000
"""Frames from one sample to the next, at most: they must come within the patience."""
SOAK_WARM_UP_FRAMES = 500
"""Until then caches and memory pools fill, which is no leak."""

CAMERA = node_name(CameraParameters)
CAMERA_LAST = {f'{CAMERA}:autostart': False}
"""The camera starts when the rest is ready, so that no frame is lost."""


@dataclass(frozen=True)
class Setup:
    """An arrangement of the nodes; ``subscribers`` must be connected before frames flow."""

    programs: tuple[Program, ...]
    source_node: str
    subscribers: Mapping[str, int]


def composed(parameters: Mapping[str, object]) -> Setup:
    """One process with a source of its own."""
    programs = (Program('perception', {**parameters, **CAMERA_LAST}),)
    return Setup(programs, CAMERA, {})


def composed_behind_a_driver(parameters: Mapping[str, object]) -> Setup:
    """One process that receives images from a camera node, as from a camera's driver."""
    driver = Program(
        'camera_node',
        {**parameters, 'driver:autostart': False},
        {'__node': 'driver', 'faces/image': 'image_raw'},
    )
    programs = (Program('perception', {**parameters, 'source': ''}), driver)
    return Setup(programs, 'driver', {'/image_raw': 1})


def separate(parameters: Mapping[str, object]) -> Setup:
    """Three processes, images and rois over topics."""
    names = ('classifier_node', 'detector_node', 'camera_node')
    programs = tuple(Program(name, {**parameters, **CAMERA_LAST}) for name in names)
    return Setup(programs, CAMERA, {'/faces/image': 2, '/faces/rois': 1})


SETUPS = {
    'composed': composed,
    'composed, camera in another process': composed_behind_a_driver,
    'three processes': separate,
}


@contextmanager
def running(context: Context, setup: Setup) -> Iterator[tuple[Processes, Watcher]]:
    """Run a setup with its camera active; end it on leaving."""
    with Processes(*setup.programs) as running, Watcher(context, running.check) as watcher:
        watcher.wait_for_graph(setup.subscribers)
        watcher.bring_up(setup.source_node)
        yield running, watcher


def play_clip(context: Context, clip: Path, parameters: Mapping[str, object]) -> ClipResult:
    """Play a clip with one person in real time, once."""
    frames = sum(1 for _ in open_source(str(clip)))
    setup = composed({**parameters, 'source': str(clip), 'source_loop': False})
    with running(context, setup) as (_, watcher):
        watcher.wait_until_quiet(SILENCE_S, timeout=frames / 10 + 20)
        return summarise_clip(watcher.received, frames)


@dataclass(frozen=True)
class LatencyResult:
    """One run in real time: latencies in ms, frames per second, dropped, CPU and memory."""

    stamp_to_reception: LatencySummary
    detect: LatencySummary
    classify: LatencySummary
    messages_per_second: float
    dropped: int
    cpu_percent: float
    resident_mb: float


def measure_latency(context: Context, setup: Setup, seconds: float) -> LatencyResult:
    """Run a setup for a while; the start-up is left out. CPU and memory are of all processes."""
    with running(context, setup) as (programs, watcher):
        watcher.wait(lambda: bool(watcher.received), 20.0, 'no message came')
        time.sleep(WARM_UP_S)
        dropped = watcher.received[-1].frames_dropped
        watcher.received.clear()
        begin, cpu = time.monotonic(), sum(programs.cpu_seconds())
        time.sleep(seconds)
        received = [*watcher.received]
        spent = time.monotonic() - begin
        cpu = sum(programs.cpu_seconds()) - cpu
        programs.check()
        return LatencyResult(
            stamp_to_reception=percentiles_ms([m.received_at - m.stamp for m in received]),
            detect=percentiles_ms([m.detect_s for m in received]),
            classify=percentiles_ms([m.classify_s for m in received]),
            messages_per_second=len(received) / spent,
            dropped=received[-1].frames_dropped - dropped if received else 0,
            cpu_percent=100 * cpu / spent,
            resident_mb=sum(programs.resident_mb()),
        )


def soak(context: Context, parameters: Mapping[str, object], frames: int) -> tuple[int, Drift]:
    """
    Measure the memory of the composed process over many frames, faster than real time.

    :returns: the number of processed frames, without dropped ones, and the memory
    """
    setup = composed({**parameters, 'source_rate': SOAK_RATE, 'source_loop': True})
    counts: list[int] = []
    memory: list[float] = []
    with running(context, setup) as (programs, watcher):
        step = min(max(frames // SOAK_SAMPLES, 1), SOAK_STEP)
        for target in range(SOAK_WARM_UP_FRAMES, SOAK_WARM_UP_FRAMES + frames + 1, step):
            message = f'the messages stopped before {target}'
            watcher.wait(lambda: len(watcher.received) >= target, PATIENCE_S, message)  # noqa: B023
            counts.append(len(watcher.received))
            memory += programs.resident_mb()
    return counts[-1], drift(counts, memory)


def idle(context: Context, parameters: Mapping[str, object], seconds: float) -> dict[str, float]:
    """Return the CPU time of each node while inactive, in percent of a core."""
    given = {**parameters, 'autostart': False}
    programs = [Program(f'{role_of(table)}_node', given) for table in TABLES]
    with Processes(*programs) as running, Watcher(context, running.check) as watcher:
        for node in map(node_name, TABLES):
            watcher.bring_up(node, is_active=False)
        time.sleep(WARM_UP_S)
        before = running.cpu_seconds()
        time.sleep(seconds)
        after = running.cpu_seconds()
        running.check()  # of a process that has ended the time stands still
    return {
        program.module: 100 * (late - early) / seconds
        for program, early, late in zip(programs, before, after, strict=True)
    }
