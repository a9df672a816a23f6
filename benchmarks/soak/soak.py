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

"""
Run the nodes over many frames while everything that can go wrong does: `make soak FRAMES=1000000`.

The frames come in parts: raw and compressed images for the nodes in one process, a film as the
camera's own source, and the nodes in three processes, which are killed. Each part is added to
parts.json beside this file, so that a run that was stopped goes on with the next, also on another
machine; the page gets all parts together.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
import random
import sys
import time

from films import FilmPart
from films import RATE
from films import write_film
from parts import frames_of
from parts import TopicPart
from rclpy.context import Context
from record import Record
from rig import NODES
from rig import Rig
from rig import SoakError
from rtcnn_perception.commands.benchmark.machine import describe
from rtcnn_perception.commands.benchmark.processes import Program
from rtcnn_perception.commands.ros import initialised_context
from rtcnn_perception.core.models.files import replace_file
from rtcnn_perception.exceptions import PerceptionError
from table import page_with

KINDS = ('raw', 'compressed', 'film', 'three processes')
PART_FRAMES = 30_000
ROUNDS = 3
"""How often each disturbance comes in a part."""
DOMAINS = 100
PARTS = Path(__file__).with_name('parts.json')
SCRATCH = Path('out/soak')
"""Of the last part: the film, and what the nodes logged."""


def programs_of(kind: str, film: Path) -> dict[str, Program]:
    """Return the programs of a part by the name of their node."""
    if kind == 'three processes':
        return {each: Program(f'{each}_node') for each in NODES}
    parameters: dict[str, object] = {}
    if kind == 'compressed':
        parameters = {'image_transport': 'compressed'}
    if kind == 'film':
        parameters = {'source': str(film), 'source_rate': RATE, 'faces_camera:autostart': False}
    return {'perception': Program('perception', parameters)}


def run_part(context: Context, kind: str, count: int, folder: Path, seed: int) -> Record:
    """Run a part of about so many frames; what goes wrong stands in its record."""
    record = Record(kind)
    film = folder / 'film.avi'
    write_film(film)
    begin = time.monotonic()
    log = folder / 'nodes.log'
    log.unlink(missing_ok=True)
    with Rig(context, programs_of(kind, film), log) as rig:
        try:
            run = run_film if kind == 'film' else run_topic
            run(rig, record, kind, film, count, random.Random(seed))
        except SoakError as error:
            record.wrong.append(str(error))
        for node, values in rig.status.items():
            for key, value in values.items():
                if key.startswith('errors: '):
                    record.errors[f'{node}: {key[8:]}'] += int(value)
    record.seconds = round(time.monotonic() - begin, 1)
    return record


def run_topic(
    rig: Rig, record: Record, kind: str, _film: Path, count: int, chance: random.Random
) -> None:
    """Send frames over a topic."""
    is_composed = kind != 'three processes'
    topic = 'image_raw/compressed' if kind == 'compressed' else 'image_raw'
    part = TopicPart(rig, record, frames_of(kind), topic, chance, is_composed=is_composed)
    rig.wait(lambda: set(NODES) <= set(rig.status), 'all nodes')
    part.synchronise(is_counted=False)
    rig.answers.clear()
    exact = [part.steady, part.mixed, part.bursts, part.silence, part.parameters]
    inexact = [part.drivers, part.transitions] + ([] if is_composed else [part.kills])
    size = max(count // (ROUNDS * len(exact + inexact)), 60)
    part.run(part.mixed, size, is_exact=True)  # caches and pools of memory fill
    record.resources.append(rig.resources())
    for number in range(ROUNDS):
        for segment in exact:
            part.run(segment, size, is_exact=True)
        for segment in inexact:
            part.run(segment, size, is_exact=False)
        if number == ROUNDS // 2:
            record.resources.append(rig.resources())
    record.resources.append(rig.resources())


def run_film(
    rig: Rig, record: Record, _kind: str, film: Path, count: int, _chance: random.Random
) -> None:
    """Let the camera node play a film."""
    rig.wait(lambda: set(NODES) <= set(rig.status), 'all nodes')
    if not rig.change_state('camera', 'configure'):
        raise SoakError('the camera does not configure')
    part = FilmPart(rig, record, film)
    part.run('play', 500)
    record.resources.append(rig.resources())
    while record.frames < count:
        for segment in ('play', 'end', 'vanish', 'damage', 'refuse'):
            part.run(segment, count // 40)
        if len(record.resources) == 1 and record.frames > count // 2:
            record.resources.append(rig.resources())
    record.resources.append(rig.resources())


def machine() -> str:
    """Return what the parts were run on."""
    about = describe()
    return f'{about["cores"]} cores of {about["CPU"]}, {about["ROS distribution"]}'


def main() -> int:
    """Run parts until there are enough frames, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument('--frames', type=int, default=1_000_000, help='all parts together')
    parser.add_argument('--part-frames', type=int, default=PART_FRAMES, help='about, of a part')
    parser.add_argument(
        '--kinds', nargs='+', choices=KINDS, default=KINDS, help='of parts, in turn (default: all)'
    )
    parser.add_argument('--seconds', type=float, default=None, help='begin no part after these')
    parser.add_argument('--state', type=Path, default=PARTS, help='file (default: %(default)s)')
    parser.add_argument('--page', type=Path, default=None, help='document that gets the tables')
    args = parser.parse_args()
    SCRATCH.mkdir(parents=True, exist_ok=True)
    parts = json.loads(args.state.read_text()) if args.state.exists() else []
    os.environ.setdefault('ROS_DOMAIN_ID', str(1 + os.getpid() % DOMAINS))
    os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    begin = time.monotonic()
    with initialised_context(has_images=True) as context:
        while sum(sum(each['sent'].values()) for each in parts) < args.frames:
            if args.seconds is not None and time.monotonic() - begin > args.seconds:
                break
            kind = args.kinds[len(parts) % len(args.kinds)]
            record = run_part(context, kind, args.part_frames, SCRATCH, seed=len(parts))
            record.check_growth()
            ended = time.strftime('%Y-%m-%d %H:%M', time.gmtime())
            parts.append({**record.as_dict(), 'ended': ended, 'machine': machine()})
            replace_file(args.state, json.dumps(parts, indent=1).encode() + b'\n')
            speed = record.frames / record.seconds
            print(f'part {len(parts)}, {kind}: {record.frames} frames, {speed:.0f} a second')
            for each in record.wrong:
                print(f'  wrong: {each}')
            sys.stdout.flush()
    if args.page is not None and parts:
        args.page.write_text(page_with(args.page.read_text(encoding='utf-8'), parts))
    return 1 if any(each['wrong'] for each in parts) else 0


if __name__ == '__main__':
    try:
        sys.exit(main())
    except (KeyboardInterrupt, PerceptionError) as error:
        sys.exit(str(error) or 'stopped; run it again to go on')
