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

"""``rtcnn_perception bench``: measure targets on this machine."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import asdict
from dataclasses import replace
from datetime import datetime
from datetime import timezone
import json
import math
import os
from pathlib import Path
import time

from rtcnn_perception.commands.benchmark import core_parts
from rtcnn_perception.commands.benchmark import machine
from rtcnn_perception.commands.benchmark.inputs import BenchmarkConfig
from rtcnn_perception.commands.benchmark.inputs import find_inputs
from rtcnn_perception.commands.benchmark.inputs import Inputs
from rtcnn_perception.commands.benchmark.inputs import ReportProgress
from rtcnn_perception.commands.benchmark.sections import as_markdown
from rtcnn_perception.commands.benchmark.sections import as_text
from rtcnn_perception.commands.benchmark.sections import Section
from rtcnn_perception.commands.options import check_output
from rtcnn_perception.commands.options import items
from rtcnn_perception.commands.options import path_of
from rtcnn_perception.commands.progress import Progress
from rtcnn_perception.core.attributes.classifier import DEFAULT_ATTRIBUTES
from rtcnn_perception.core.detection.registry import DETECTORS
from rtcnn_perception.core.models.files import replace_file
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import IncompleteError
from rtcnn_perception.exceptions import PerceptionError
from rtcnn_perception.install_hints import install_hint

THOROUGH = BenchmarkConfig(repeats=3, seconds=20.0, soak_frames=10_000, stage_frames=100)
QUICK = BenchmarkConfig(repeats=1, seconds=4.0, soak_frames=600, stage_frames=40)

CORE_PARTS: Mapping[str, Callable[[Inputs, BenchmarkConfig, ReportProgress], Section]] = {
    'strategies': core_parts.strategies,
    'detectors': core_parts.detectors,
    'steps': core_parts.steps,
}
NODE_PARTS = ('clips', 'latency', 'memory', 'idle')
"""The parts of ``node_parts``, which is imported only for them: it needs ROS."""

PARTS = (*NODE_PARTS, *CORE_PARTS)
DOMAINS = 100
LEAST_FRAMES = 3
"""Domain ids whose ports the system does not give to programs."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.description = (
        'Measure targets: clips in real time, latency, memory and idle CPU, and the times beside '
        'the original implementation. Takes about ten minutes.'
    )
    parser.add_argument(
        '--parts',
        type=part_names,
        default=PARTS,
        metavar='NAMES',
        help=f'what to measure, separated by commas: {", ".join(PARTS)} (default: all)',
    )
    parser.add_argument(
        '--quick', action='store_true', help='once and briefly: a check that it runs, no figures'
    )
    parser.add_argument('--repeats', type=int, metavar='N', help='number of repetitions')
    parser.add_argument('--seconds', type=float, metavar='S', help='length of one measurement')
    parser.add_argument('--soak-frames', type=int, metavar='N', help='frames of the long run')
    parser.add_argument(
        '--data',
        type=path_of,
        metavar='FOLDER',
        help='research data with video/*.mkv (default: $RTCNN_DATA or ../shared/data)',
    )
    parser.add_argument(
        '--detectors',
        type=items,
        metavar='NAMES',
        help=f'detectors to measure among {", ".join(DETECTORS)}, each as NAME or NAME=MODEL, '
        'separated by commas (default: all that can run)',
    )
    parser.add_argument(
        '--attributes',
        type=items,
        default=DEFAULT_ATTRIBUTES,
        metavar='NAMES',
        help=f'attributes to classify (default: {",".join(DEFAULT_ATTRIBUTES)})',
    )
    parser.add_argument(
        '--output',
        type=path_of,
        default=Path('out'),
        metavar='FOLDER',
        help='folder for bench.json (default: %(default)s)',
    )
    parser.add_argument(
        '--markdown', type=path_of, metavar='FILE', help='also write the tables as a document'
    )


def execute(args: argparse.Namespace) -> int:
    """
    Measure and report; return the exit code, which does not depend on the figures.

    :raises PerceptionError: if something that was named cannot be used
    :raises IncompleteError: if a part could not be measured
    """
    inputs = find_inputs(args.data, args.detectors, args.attributes)
    config = _config(args)
    path = args.output / 'bench.json'
    check_output(path, '--output')
    if args.markdown is not None:
        if args.markdown.absolute() == path.absolute():
            raise ConfigurationError(f'--markdown must not be {path}, where the figures go')
        check_output(args.markdown, '--markdown')
    begun = datetime.now(timezone.utc)
    load = os.getloadavg()[0]
    progress = Progress()
    clock = time.monotonic()
    sections = []
    for number, name in enumerate(args.parts):
        report_progress = _reporter(progress, clock, args.parts, number)
        try:
            section = _measure(name, inputs, config, report_progress)
        except PerceptionError as error:  # the minutes of the other parts are not lost
            section = Section(name, skipped=str(error))
        except ModuleNotFoundError as error:
            hint = install_hint(error)
            if hint is None:
                raise
            section = Section(name, skipped=hint)
        progress.line(as_text(section))
        sections.append(section)
    progress.clear()
    about = {**machine.describe(), 'load before (1 min)': f'{load:.1f}'}
    date = begun.strftime('%Y-%m-%d %H:%M UTC')
    report = {
        'command': args.command_line,
        'date': date,
        'machine': about,
        'config': asdict(config),
        'sections': {
            name: asdict(section) for name, section in zip(args.parts, sections, strict=True)
        },
    }
    _write(path, json.dumps(report, indent=2) + '\n')
    if args.markdown is not None:
        _write(args.markdown, as_markdown(sections, about, date, args.command_line))
    missing = [
        f'{name} is not measured: {section.skipped}'
        for name, section in zip(args.parts, sections, strict=True)
        if section.skipped
    ]
    if missing:
        raise IncompleteError('; '.join(missing))
    return 0


def _write(path: Path, text: str) -> None:
    try:
        replace_file(path, text.encode())
    except OSError as error:
        raise PerceptionError(f'{path} is not written: {error.strerror}') from error
    print(f'written: {path}')


def part_names(text: str) -> tuple[str, ...]:
    """Split and check the names of parts; raises ArgumentTypeError."""
    names = items(text)
    for name in names:
        if name not in PARTS:
            raise argparse.ArgumentTypeError(f'no part {name!r}; known are {", ".join(PARTS)}')
    if not names:
        raise argparse.ArgumentTypeError(f'no part is named; known are {", ".join(PARTS)}')
    return names


def _config(args: argparse.Namespace) -> BenchmarkConfig:
    base = QUICK if args.quick else THOROUGH
    named = {name: getattr(args, name) for name in ('repeats', 'seconds', 'soak_frames')}
    config = replace(base, **{name: value for name, value in named.items() if value is not None})
    for name, least in (('repeats', 1), ('soak_frames', LEAST_FRAMES)):
        if getattr(config, name) < least:
            option = name.replace('_', '-')
            raise ConfigurationError(
                f'--{option} must be at least {least}, got {getattr(config, name)}'
            )
    if not 0 < config.seconds < math.inf:
        raise ConfigurationError(f'--seconds must be a number above 0, got {config.seconds:g}')
    return config


def _measure(
    name: str, inputs: Inputs, config: BenchmarkConfig, report_progress: ReportProgress
) -> Section:
    if name in CORE_PARTS:
        return CORE_PARTS[name](inputs, config, report_progress)
    # Other nodes of the network would disturb the measurement.
    os.environ.setdefault('ROS_DOMAIN_ID', str(1 + os.getpid() % DOMAINS))
    os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    from rtcnn_perception.commands.benchmark import node_parts  # noqa: PLC0415
    from rtcnn_perception.commands.ros import initialised_context  # noqa: PLC0415

    with initialised_context(has_images=True) as context:
        return node_parts.PARTS[name](inputs, config, context, report_progress)


def _reporter(
    progress: Progress, begin: float, parts: Sequence[str], number: int
) -> ReportProgress:
    where = f'part {number + 1} of {len(parts)}, {parts[number]}'

    def report(text: str, share: float) -> None:
        whole = (number + share) / len(parts)
        progress.show(time.monotonic() - begin, None, f'{where}: {text}', share=whole)

    return report
