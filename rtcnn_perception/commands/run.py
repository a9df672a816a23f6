"""``rtcnn_perception run``: the three nodes on a source, with what they see told and recorded."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
import queue
import time
from typing import TYPE_CHECKING

from rtcnn_perception.commands.progress import Progress
from rtcnn_perception.commands.recorder import Recorder
from rtcnn_perception.commands.report import FrameCounts
from rtcnn_perception.commands.report import RunReport
from rtcnn_perception.commands.run_plan import DEFAULT_S
from rtcnn_perception.commands.run_plan import make_plan
from rtcnn_perception.commands.run_plan import PICTURE_S
from rtcnn_perception.commands.run_plan import Plan
from rtcnn_perception.commands.run_plan import seconds
from rtcnn_perception.commands.seen import SeenLog
from rtcnn_perception.commands.stopping import StopRequest
from rtcnn_perception.core.drawing.annotate import annotate
from rtcnn_perception.core.sources.open import BUILTIN
from rtcnn_perception.core.sources.open import EXPECTED
from rtcnn_perception.core.sources.open import FrameSource
from rtcnn_perception.core.sources.open import open_source
from rtcnn_perception.core.sources.video import DeviceMode
from rtcnn_perception.core.sources.video import PictureSource
from rtcnn_perception.exceptions import SourceError

if TYPE_CHECKING:
    from rtcnn_perception.core.pipeline import JudgedFrame
    from rtcnn_perception.nodes.perception import Perception

STEP_S = 0.1
"""How often the terminal is brought up to date."""
PATIENCE_S = 15.0
"""How long to wait for the first frame, where the run is to end by itself."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.description = (
        'Run camera, detector and classifier on a source, in one process and on the real topics; '
        'tell who is seen, and leave a video and a picture with the faces drawn in.'
    )
    parser.add_argument(
        '--source',
        metavar='SOURCE',
        help=f"{EXPECTED}; or 'topic:/camera/image_raw' (default: the one that the file of "
        f'--params gives to the camera, if any, else {BUILTIN})',
    )
    parser.add_argument(
        '--duration',
        type=seconds,
        metavar='SECONDS',
        help='end after so long; 0: at the end of the source or on Ctrl-C '
        f'(default: {DEFAULT_S:g}; a picture {PICTURE_S:g}, a video or folder to its end)',
    )
    parser.add_argument(
        '--output',
        type=Path,
        default=Path('out'),
        metavar='FOLDER',
        help='where annotated.mp4 and annotated.png go (default: %(default)s)',
    )
    parser.add_argument('--no-video', action='store_true', help='write the picture, and no video')
    parser.add_argument(
        '--detector',
        metavar='NAME',
        help='rtcnn, which comes with the package and which auto takes; yunet or haar '
        '(default: auto)',
    )
    parser.add_argument(
        '--detector-model', metavar='FILE', help="the detector's model, if not the default one"
    )
    parser.add_argument('--no-emotion', action='store_true', help='do not judge emotion')
    parser.add_argument('--no-gender', action='store_true', help='do not judge gender')
    parser.add_argument(
        '--params',
        type=Path,
        metavar='FILE',
        help='a ROS parameter file, such as config/perception.yaml',
    )


def execute(args: argparse.Namespace) -> int:
    """
    Run until the end; return the exit code.

    :raises PerceptionError: if something that was named cannot be used, or no frame came
    """
    plan = make_plan(args)
    # Only now, so that help and what is wrong with the options need no ROS.
    from rtcnn_perception.commands.ros import initialised_context  # noqa: PLC0415
    from rtcnn_perception.nodes.perception import Perception  # noqa: PLC0415

    watch = Watch()
    opened: list[FrameSource] = []

    def opener(text: str, mode: DeviceMode) -> FrameSource:
        source = open_source(text, mode)
        opened.append(source)
        return source

    with StopRequest() as stop, initialised_context(args.params) as context:
        perception = Perception(
            context=context,
            parameters=plan.parameters,
            remappings=plan.remappings,
            on_judged=watch.on_judged,
            opener=opener,
        )
        recorder = Recorder(
            args.output,
            lambda judged: annotate(judged, watch.labels),
            has_video=not args.no_video,
            fps=plan.fps,
        )
        watch.begin(recorder, lambda: perception.classifier.labels)
        try:
            with perception:
                follow(perception, plan, watch, stop)
                nodes = (perception.camera, perception.detector, perception.classifier)
                dropped = sum(node.dropped for node in nodes)
            # Only now, so that whatever is processed is among it.
            counts = FrameCounts(
                received=perception.camera.meter.received.count,
                dropped=dropped,
                failed=sum(node.errors.total for node in nodes),
            )
        finally:
            files = recorder.close()
    if watch.first is None and not stop.is_wanted:
        raise SourceError(f'no frame came from {plan.source}; is the camera running?')
    for line in summary(watch, counts, files, recorder.left_out, opened):
        print(line)
    return 0


class Watch:
    """What is made of each judged frame, in the thread that judged it."""

    def __init__(self) -> None:
        self.report = RunReport()
        self.seen = SeenLog({})
        self.lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.faces = 0
        self.first: float | None = None
        self.labels: Mapping[str, tuple[str, ...]] = {}
        self._recorder: Recorder | None = None
        self._labels_of: Callable[[], Mapping[str, tuple[str, ...]]] = dict

    def begin(
        self, recorder: Recorder, labels: Callable[[], Mapping[str, tuple[str, ...]]]
    ) -> None:
        """Take what could not be known before the nodes were made."""
        self._recorder = recorder
        self._labels_of = labels

    def on_judged(self, judged: JudgedFrame, total_s: float) -> None:
        """Take in a frame that was just published, ``total_s`` after its stamp."""
        now = time.monotonic()
        if self.first is None:
            self.first = now
            # Kept, for the recorder may still draw when the nodes have let go of their models.
            self.labels = dict(self._labels_of())
            self.seen = SeenLog(self.labels)
        self.report.add(judged, total_s, now - self.first)
        self.faces = len(judged.faces)
        for line in self.seen.update(judged, now - self.first):
            self.lines.put(line)
        if self._recorder is not None:
            self._recorder.add(judged)


def follow(perception: Perception, plan: Plan, watch: Watch, stop: StopRequest) -> None:
    """Keep the terminal up to date until the run is over."""
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
    seen = watch.seen
    lines = ['', *watch.report.lines(counts)]
    at_once = counted(seen.most_at_once, 'face')
    lines.append(f'{counted(seen.tracks, "track")}, at most {at_once} at once')
    lines += [f'  {line}' for line in seen.summary()]
    for source in opened:
        if isinstance(source, PictureSource):
            lines += [f'passed over: {path.name} ({why})' for path, why in source.skipped.items()]
    if left_out:
        frames = counted(left_out, 'frame')
        lines.append(f'not in the video: {frames}, for encoding could not keep up')
    if files:
        lines.append(f'written: {", ".join(str(path) for path in files)}')
    return lines


def counted(number: int, thing: str) -> str:
    """Return the number with the thing in its right form."""
    return f'{number} {thing}{"" if number == 1 else "s"}'
