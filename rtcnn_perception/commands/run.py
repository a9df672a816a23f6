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

"""``rtcnn_perception run``: all nodes on a source, with a log, a video and a table of times."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
import queue
import signal
import time
from types import FrameType
from typing import TYPE_CHECKING

from rtcnn_perception.commands.options import path_of
from rtcnn_perception.commands.progress import Progress
from rtcnn_perception.commands.running.plan import DEFAULT_S
from rtcnn_perception.commands.running.plan import make_plan
from rtcnn_perception.commands.running.plan import PICTURE_S
from rtcnn_perception.commands.running.plan import Plan
from rtcnn_perception.commands.running.plan import seconds
from rtcnn_perception.commands.running.recorder import Recorder
from rtcnn_perception.commands.running.report import FrameCounts
from rtcnn_perception.commands.running.report import RunReport
from rtcnn_perception.commands.running.track_log import TrackLog
from rtcnn_perception.core.detection.registry import detector_names
from rtcnn_perception.core.sources.base import FrameSource
from rtcnn_perception.core.sources.device import DeviceMode
from rtcnn_perception.core.sources.open import BUILTIN
from rtcnn_perception.core.sources.open import EXPECTED
from rtcnn_perception.core.sources.open import open_source
from rtcnn_perception.exceptions import IncompleteError
from rtcnn_perception.exceptions import SourceError
from rtcnn_perception.process import handle_end_signals
from rtcnn_perception.process import restore_signals

if TYPE_CHECKING:
    from rtcnn_perception.core.results import FrameResult
    from rtcnn_perception.nodes.perception import Perception

STEP_S = 0.1
"""Interval of updates on the terminal."""
PATIENCE_S = 15.0
"""Longest wait for the first frame, in a run of limited duration."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.description = (
        'Run all nodes on a source, in one process and with their topics; log the faces, and '
        'write a video and a picture with the faces drawn in.'
    )
    parser.add_argument(
        '--source',
        metavar='SOURCE',
        help=f"{EXPECTED}; or 'topic:/camera/image_raw' (default: the camera's source in the file "
        f'of --params, if any, else {BUILTIN})',
    )
    parser.add_argument(
        '--duration',
        type=seconds,
        metavar='SECONDS',
        help='end after this time; 0: at the end of the source or on Ctrl-C '
        f'(default: {DEFAULT_S:g}; a picture {PICTURE_S:g}, a video or folder to its end)',
    )
    parser.add_argument(
        '--output',
        type=path_of,
        default=Path('out'),
        metavar='FOLDER',
        help='folder for annotated.mkv and annotated.png; frames that cannot be encoded in time '
        'are left out of the video, and counted at the end (default: %(default)s)',
    )
    parser.add_argument('--no-video', action='store_true', help='write the picture, and no video')
    parser.add_argument(
        '--detector',
        metavar='NAME[=MODEL]',
        help=f'a detector among {", ".join(detector_names())}, with the path of its model if not '
        'the default one (default: auto)',
    )
    parser.add_argument(
        '--attributes',
        metavar='NAMES',
        help='attributes to classify, separated by commas; empty for none (default: those of the '
        'parameter attributes)',
    )
    parser.add_argument(
        '--horizontal-fov',
        type=float,
        metavar='DEGREES',
        help='horizontal field of view of the camera, for the poses of heads (default: by '
        'camera_info beside a topic, else as in the file of --params)',
    )
    parser.add_argument(
        '--params',
        type=path_of,
        metavar='FILE',
        help='a ROS parameter file, such as config/perception.yaml',
    )


def execute(args: argparse.Namespace) -> int:
    """
    Run until the end; return the exit code.

    :raises PerceptionError: if something that was named cannot be used, or no frame came
    :raises IncompleteError: if frames failed, or something could not be read or written whole
    """
    plan = make_plan(args)
    # Only now, so that help and errors of options need no ROS.
    from rtcnn_perception.commands.ros import initialised_context  # noqa: PLC0415
    from rtcnn_perception.nodes.perception import Perception  # noqa: PLC0415

    opened: list[FrameSource] = []

    def opener(text: str, mode: DeviceMode) -> FrameSource:
        source = open_source(text, mode)
        opened.append(source)
        return source

    with StopRequest() as stop, initialised_context(args.params) as context:
        recorder = Recorder(args.output, has_video=not args.no_video, fps=plan.fps)
        watch = Watch(recorder)
        try:
            perception = Perception(
                context=context,
                parameters={**plan.parameters, 'tracker.first_id': 1, 'autostart': True},
                remappings=plan.remappings,
                on_result=watch.on_result,
                opener=opener,
            )
            with perception:
                follow(perception, plan, watch, stop)
                dropped = perception.dropped
            # Only now, so that every processed frame is counted.
            counts = FrameCounts(
                received=perception.camera.meter.received.count,
                dropped=dropped,
                failed=sum(node.errors.total for node in perception.nodes),
            )
        finally:
            files = recorder.close()
    if watch.first is None and not (stop.is_wanted and counts.received):
        if counts.received:
            raise SourceError(
                f'{counted(counts.received, "frame")} came from {plan.source}, of which none '
                'could be processed; the messages of the nodes say why'
            )
        reason = 'it was stopped before' if stop.is_wanted else 'is the camera running?'
        raise SourceError(f'no frame came from {plan.source}; {reason}')
    for line in summary(watch, counts, files, recorder.left_out, opened):
        print(line)
    missing = [*recorder.missing]
    missing += [f'{path} is not read whole: {why}' for path, why in skipped(opened)]
    if counts.failed:
        missing.append(f'{counted(counts.failed, "error")} in the nodes')
    if missing:
        raise IncompleteError('; '.join(missing))
    return 0


class StopRequest:
    """
    Turns a signal to end into a request to stop; a second SIGINT ends at once.

    The others may come several times for one reason, as SIGHUP from the system and the shell.
    Use it as a context manager, in the main thread.
    """

    def __init__(self) -> None:
        self.is_wanted = False
        self._before: dict[signal.Signals, signal._HANDLER] = {}

    def __enter__(self) -> StopRequest:
        self._before = handle_end_signals(self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        restore_signals(self._before)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        del frame
        self.is_wanted = True
        if number == signal.SIGINT:
            signal.signal(number, self._before[signal.SIGINT])


class Watch:
    """What is done with each result, in the thread that published it."""

    def __init__(self, recorder: Recorder) -> None:
        self.report = RunReport()
        self.tracks = TrackLog()
        self.lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.faces = 0
        self.first: float | None = None
        self._recorder = recorder

    def on_result(self, result: FrameResult) -> None:
        """Take a result that was just published."""
        now = time.monotonic()
        if self.first is None:
            self.first = now
        self.report.add(result, now - self.first)
        self.faces = len(result.faces)
        for line in self.tracks.update(result, now - self.first):
            self.lines.put(line)
        self._recorder.add(result)


def follow(perception: Perception, plan: Plan, watch: Watch, stop: StopRequest) -> None:
    """Update the terminal until the run is over."""
    progress = Progress()
    begin = time.monotonic()
    is_over = False
    while not is_over:
        is_over = perception.wait(STEP_S) or stop.is_wanted
        now = time.monotonic()
        while not watch.lines.empty():
            progress.line(watch.lines.get())
        if watch.first is None:
            progress.show(0.0, plan.expected, 'waiting for the first frame')
            is_over = is_over or (plan.duration is not None and now - begin > PATIENCE_S)
        else:
            elapsed = now - watch.first
            faces = counted(watch.faces, 'face')
            progress.show(elapsed, plan.expected, f'{watch.report.fps:.1f} fps, {faces}')
            is_over = is_over or (plan.duration is not None and elapsed >= plan.duration)
    progress.clear()


def summary(
    watch: Watch,
    counts: FrameCounts,
    files: list[Path],
    left_out: int,
    opened: Sequence[FrameSource],
) -> list[str]:
    """Return the lines at the end."""
    tracks = watch.tracks
    lines = ['', *watch.report.lines(counts)]
    at_once = counted(tracks.most_at_once, 'face')
    lines.append(f'{counted(tracks.tracks, "track")}, at most {at_once} at once')
    lines += [f'  {line}' for line in tracks.summary()]
    lines += [f'skipped: {path.name} ({why})' for path, why in skipped(opened)]
    if left_out:
        frames = counted(left_out, 'frame')
        lines.append(f'not in the video: {frames}, as encoding could not keep up')
    if files:
        lines.append(f'written: {", ".join(str(path) for path in files)}')
    return lines


def skipped(opened: Sequence[FrameSource]) -> list[tuple[Path, str]]:
    """Return the files of all sources that were not read whole, each with the reason."""
    return [each for source in opened for each in source.skipped.items()]


def counted(number: int, thing: str) -> str:
    """Return a number with its noun, singular or plural."""
    return f'{number} {thing}{"" if number == 1 else "s"}'
