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

"""``rtcnn_perception train``: train a network from a configuration file."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rtcnn_perception.commands.options import path_of
from rtcnn_perception.exceptions import ConfigurationError

if TYPE_CHECKING:
    from rtcnn_perception.training.data.faces import Labels
    from rtcnn_perception.training.tasks.attributes.config import TrainConfig
    from rtcnn_perception.training.tasks.detector.config import DetectorTrainConfig


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``train``."""
    parser.add_argument(
        'config',
        type=path_of,
        help='a TOML file, or the name of one that ships, such as face',
    )
    parser.add_argument(
        '--output', type=path_of, help='folder for checkpoints and logs (default runs/<name>)'
    )
    parser.add_argument(
        '--preview',
        type=path_of,
        metavar='PNG',
        help='only write a contact sheet of the augmented pictures',
    )
    parser.add_argument(
        '--workers',
        type=int,
        default=2,
        help='parts of a batch, each on a core of its own (default: %(default)s; on a CPU only)',
    )


def execute(args: argparse.Namespace) -> int:
    """Train, or resume an interrupted run in the same folder."""
    # The extra may be missing, which is reported where commands are run.
    from rtcnn_perception.training.engine import config as configs  # noqa: PLC0415
    from rtcnn_perception.training.tasks.attributes.config import TrainConfig  # noqa: PLC0415
    from rtcnn_perception.training.tasks.detector.config import DetectorTrainConfig  # noqa: PLC0415
    import torch  # noqa: PLC0415

    if args.workers < 1:
        raise ConfigurationError(f'--workers must be at least 1, got {args.workers}')
    torch.set_num_threads(1)  # the workers are the threads
    path = configs.find_config(args.config)
    if args.preview and args.preview.suffix.lower() != '.png':
        raise ConfigurationError(f'--preview must name a .png file, got {args.preview}')
    values = configs.read_toml(path)
    if DetectorTrainConfig.describes(values):
        return _train_detector(args, configs.from_mapping(DetectorTrainConfig, values, path.name))
    return _train_attributes(args, configs.from_mapping(TrainConfig, values, path.name))


def _train_attributes(args: argparse.Namespace, config: TrainConfig) -> int:
    from rtcnn_perception.training.data.faces import PARTS  # noqa: PLC0415
    from rtcnn_perception.training.data.load import load_splits  # noqa: PLC0415
    from rtcnn_perception.training.tasks.attributes.train import train  # noqa: PLC0415
    from rtcnn_perception.training.tasks.preview import write_preview  # noqa: PLC0415

    splits = load_splits(config.data, config.crop)
    for note in splits.train.notes:
        print(note)
    parts = {part: getattr(splits, part) for part in PARTS}
    counts = ', '.join(f'{part} {len(faces)}' for part, faces in parts.items())
    print(f'{config.name}: {counts} faces')
    for name, labels in splits.train.labels.items():
        counts = ', '.join(
            f'{part} {int(faces.labels[name].is_known.sum())}' for part, faces in parts.items()
        )
        print(f'{name} ({", ".join(labels.classes)}): {counts} labelled')
        for line in _by_class({part: faces.labels[name] for part, faces in parts.items()}):
            print(f'  {line}')
    if args.preview:
        write_preview(config, splits.train, args.preview)
        print(f'wrote {args.preview}')
        return 0
    folder = args.output or Path('runs') / config.name
    return _report(train(config, splits, folder, args.workers, command=args.command_line), folder)


def _by_class(parts: Mapping[str, Labels]) -> Iterator[str]:
    """Yield how many faces each class has, and which have none to learn or to measure."""
    for index, label in enumerate(next(iter(parts.values())).classes):
        of_part = {part: int((each.indices == index).sum()) for part, each in parts.items()}
        missing = [
            f'none to {use}'
            for part, use in (('train', 'learn from'), ('val', 'choose an epoch by'))
            if not of_part[part]
        ]
        listed = ', '.join(f'{part} {count}' for part, count in of_part.items())
        yield f'{label}: {listed}{"; " if missing else ""}{", ".join(missing)}'


def _train_detector(args: argparse.Namespace, config: DetectorTrainConfig) -> int:
    from rtcnn_perception.training.data.load import load_faces  # noqa: PLC0415
    from rtcnn_perception.training.data.photographs import face_pictures  # noqa: PLC0415
    from rtcnn_perception.training.data.photographs import UNCUT  # noqa: PLC0415
    from rtcnn_perception.training.tasks.detector.parts import configured_photographs  # noqa: PLC0415
    from rtcnn_perception.training.tasks.detector.train import train_detector  # noqa: PLC0415
    from rtcnn_perception.training.tasks.preview import write_scene_preview  # noqa: PLC0415

    photographs, test, note = configured_photographs(config)
    if note:
        print(f'{config.name}: {note}')
    faces = []
    for name in config.faces:
        given = load_faces(name, UNCUT).train
        found = face_pictures(given)
        if len(found) < len(given):
            crops = f'{len(given) - len(found)} crops without a box are left out'
            print(f'{config.name}: of {name} {crops}')
        faces += found
    if config.faces:
        print(f'{config.name}: {len(faces)} faces for scenes')
    for name in ('train', 'val'):
        part = [photograph for photograph in photographs if photograph.split == name]
        annotated = sum(len(photograph.boxes) for photograph in part)
        print(f'{config.name}: {name} {len(part)} photographs with {annotated} faces')
    if args.preview:
        shown = [p for p in photographs if p.split == 'train']
        write_scene_preview(config, shown, args.preview, faces)
        print(f'wrote {args.preview}')
        return 0
    folder = args.output or Path('runs') / config.name
    command = args.command_line
    best = train_detector(
        config, photographs, folder, args.workers, faces, test=test, command=command
    )
    return _report(best, folder)


def _report(best: dict[str, float], folder: Path) -> int:
    held_out = {
        name: value
        for name, value in best.items()
        if name not in ('epoch', 'seconds', 'loss') and not name.startswith('train_')
    }
    figures = ', '.join(f'{name} {value:.4f}' for name, value in held_out.items())
    at = f' (epoch {best["epoch"]:.0f})' if 'epoch' in best else ''
    print(f'best on the held-out part{at}: {figures}; {folder / "best.pt"}')
    return 0
