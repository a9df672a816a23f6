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

"""``rtcnn_perception export``: write a trained network as a model for the pipeline."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
import tempfile
from typing import TYPE_CHECKING

from rtcnn_perception.commands.options import check_margin
from rtcnn_perception.commands.options import path_of
from rtcnn_perception.commands.options import refuse_options
from rtcnn_perception.core.detection.check import FOLDER
from rtcnn_perception.core.saliency.model import has_saliency
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.paths import is_there

if TYPE_CHECKING:
    from rtcnn_perception.training.engine.networks import Mix

ATTRIBUTE_OPTIONS = ('margin', 'mix', 'heads', 'saliency')
"""Options that a detector has no use for."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``export``."""
    parser.add_argument(
        'checkpoints',
        type=path_of,
        nargs='+',
        metavar='checkpoint',
        help='best.pt of a training, or several for the mean of their weights, where one started '
        "from the other; or the original's Keras weights (.hdf5)",
    )
    parser.add_argument(
        '--output', type=path_of, required=True, help='folder to write, such as models/mine'
    )
    parser.add_argument('--name', help="the model's name (default: that of the configuration)")
    parser.add_argument(
        '--float32', action='store_true', help='store weights as float32, twice the size'
    )
    parser.add_argument(
        '--mix',
        nargs='+',
        metavar='HEAD=OTHER:SHARE',
        help='make a head a mixture with a share of another over the same classes, such as 0.1 '
        '(default: as configured)',
    )
    parser.add_argument(
        '--heads', nargs='+', metavar='HEAD', help='heads to export (default: all)'
    )
    parser.add_argument(
        '--margin',
        type=float,
        help='margin of the crop, for published weights only: a checkpoint has its own',
    )
    parser.add_argument(
        '--int8',
        nargs='*',
        metavar='DATA',
        help='write a graph in eight bits as well, its ranges taken from training pictures of '
        'this data (default: that of the configuration)',
    )
    parser.add_argument(
        '--saliency',
        action='store_true',
        default=None,
        help='write the saliency graph as well (see saliency-graph)',
    )


def execute(args: argparse.Namespace) -> int:
    """Export, evaluate once on the test part, and write the folder."""
    from rtcnn_perception.training.engine.checkpoints import mean_checkpoint  # noqa: PLC0415  an extra
    from rtcnn_perception.training.engine.checkpoints import save_checkpoint  # noqa: PLC0415

    check_margin(args.margin)
    mixes = parse_mixes(args.mix or ())
    if len(args.checkpoints) == 1:
        return _export(args, args.checkpoints[0], mixes)
    with tempfile.TemporaryDirectory() as scratch:
        mean = Path(scratch) / 'mean.pt'
        save_checkpoint(mean, mean_checkpoint(args.checkpoints))
        return _export(args, mean, mixes)


def parse_mixes(texts: Iterable[str]) -> dict[str, Mix]:
    """
    Read texts such as 'emotion=emotion_votes:0.1'.

    :raises ConfigurationError: if one has another form, or a share out of range
    """
    from rtcnn_perception.training.engine.networks import Mix  # noqa: PLC0415  an extra

    mixes = {}
    for text in texts:
        head, is_mix, rest = text.partition('=')
        other, has_share, share = rest.rpartition(':')
        if not (is_mix and has_share and head and other):
            raise ConfigurationError(f'--mix must be HEAD=OTHER:SHARE, got {text}')
        try:
            mixes[head] = Mix(other, float(share))
        except ValueError as error:
            raise ConfigurationError(f'--mix {text}: {error}') from error
    return mixes


def _export(args: argparse.Namespace, checkpoint: Path, mixes: dict[str, Mix]) -> int:
    from rtcnn_perception.saliency.write_graph import write_saliency_graph  # noqa: PLC0415
    from rtcnn_perception.training.tasks.attributes.export import export_run  # noqa: PLC0415
    from rtcnn_perception.training.tasks.attributes.export import ExportSettings  # noqa: PLC0415
    from rtcnn_perception.training.tasks.detector.export import export_detector  # noqa: PLC0415

    if is_of_detector(checkpoint):
        refuse_options(args, ATTRIBUTE_OPTIONS, 'attribute networks')
        written = export_detector(
            checkpoint,
            args.output,
            name=args.name,
            half=not args.float32,
            int8=None if args.int8 is None else tuple(args.int8),
            command=args.command_line,
        )
        print(f'wrote {written}')
        check = args.output / FOLDER
        if is_there(check):
            print(f'{check} is of the detector before: train and export it anew, or remove it')
        return 0
    settings = ExportSettings(
        name=args.name or '',
        half=not args.float32,
        mixes=mixes,
        heads=args.heads or (),
        margin=args.margin,
        int8=None if args.int8 is None else tuple(args.int8),
        command=args.command_line,
    )
    written = export_run(checkpoint, args.output, settings)
    print(f'wrote {written}')
    # A saliency graph of the model that was there before would be refused: it is renewed.
    if args.saliency or has_saliency(written):
        print(f'wrote {write_saliency_graph(written)}')
    return 0


def is_of_detector(checkpoint: Path) -> bool:
    """
    Return whether a file is a checkpoint of a face detector.

    :raises ModelError: if it is neither a checkpoint nor published weights
    """
    from rtcnn_perception.training.engine.checkpoints import load_checkpoint  # noqa: PLC0415
    from rtcnn_perception.training.models.tfjs_weights import is_published  # noqa: PLC0415
    from rtcnn_perception.training.tasks.detector.config import DetectorTrainConfig  # noqa: PLC0415

    return not is_published(checkpoint) and DetectorTrainConfig.describes(
        load_checkpoint(checkpoint)['config']
    )
