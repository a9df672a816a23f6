"""``rtcnn_perception export``: make a model for the pipeline from a trained network."""

from __future__ import annotations

import argparse
from pathlib import Path
import tempfile

from rtcnn_perception.commands.command_line import command_line
from rtcnn_perception.commands.margin import check_margin
from rtcnn_perception.core.saliency.model import has_saliency
from rtcnn_perception.exceptions import ConfigurationError


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what ``export`` takes."""
    parser.add_argument(
        'checkpoints',
        type=Path,
        nargs='+',
        metavar='checkpoint',
        help='best.pt of a training run, or several for the mean of their weights, where each '
        'began with another; or Keras weights (.hdf5)',
    )
    parser.add_argument(
        '--output', type=Path, required=True, help='folder to write, such as models/emotion'
    )
    parser.add_argument('--name', help="the model's name (default: that of the configuration)")
    parser.add_argument(
        '--float32', action='store_true', help='store weights as float32, twice the size'
    )
    parser.add_argument(
        '--votes',
        type=float,
        help="share of the head that learnt from FER+'s votes (default: the configuration's)",
    )
    parser.add_argument(
        '--margin',
        type=float,
        help='margin of the crop, for Keras weights only: a checkpoint knows its own',
    )
    parser.add_argument(
        '--saliency',
        action='store_true',
        help='write the graph that shows what the network looks at, too (see saliency-graph)',
    )


def execute(args: argparse.Namespace) -> int:
    """Export, judge once on the test part, and write the folder."""
    from rtcnn_perception.training.engine.checkpoints import mean_checkpoint  # noqa: PLC0415  an extra
    from rtcnn_perception.training.engine.checkpoints import save_checkpoint  # noqa: PLC0415

    check_margin(args.margin)
    if args.votes is not None and not 0 <= args.votes <= 1:
        raise ConfigurationError(f'--votes must be in [0, 1], got {args.votes:g}')
    command = command_line(
        'export',
        *args.checkpoints,
        output=args.output,
        name=args.name,
        float32=args.float32,
        votes=args.votes,
        margin=args.margin,
        saliency=args.saliency,
    )
    if len(args.checkpoints) == 1:
        return _export(args, args.checkpoints[0], command)
    with tempfile.TemporaryDirectory() as scratch:
        mean = Path(scratch) / 'mean.pt'
        save_checkpoint(mean, mean_checkpoint(args.checkpoints))
        return _export(args, mean, command)


def _export(args: argparse.Namespace, checkpoint: Path, command: str) -> int:
    from rtcnn_perception.saliency.write_graph import write_saliency_graph  # noqa: PLC0415
    from rtcnn_perception.training.tasks.attributes.export_run import export_run  # noqa: PLC0415  an extra
    from rtcnn_perception.training.tasks.detector.export import export_detector  # noqa: PLC0415

    if _is_of_detector(checkpoint):
        for option in ('margin', 'votes', 'saliency'):
            value = getattr(args, option)
            if value is not None and value is not False:
                raise ConfigurationError(f'--{option} is for models that judge faces')
        written = export_detector(
            checkpoint,
            args.output,
            name=args.name,
            half=not args.float32,
            command=command,
        )
        print(f'wrote {written}')
        return 0
    written = export_run(
        checkpoint,
        args.output,
        name=args.name,
        half=not args.float32,
        margin=args.margin,
        votes=args.votes,
        command=command,
    )
    print(f'wrote {written}')
    # A graph of the model that lay there before would be refused: it is renewed.
    if args.saliency or has_saliency(written):
        print(f'wrote {write_saliency_graph(written)}')
    return 0


def _is_of_detector(checkpoint: Path) -> bool:
    from rtcnn_perception.training.engine.checkpoints import load_checkpoint  # noqa: PLC0415
    from rtcnn_perception.training.models.keras_weights import KERAS_SUFFIXES  # noqa: PLC0415
    from rtcnn_perception.training.tasks.detector.config import DetectorTrainConfig  # noqa: PLC0415

    if checkpoint.suffix in KERAS_SUFFIXES:
        return False
    return DetectorTrainConfig.describes(load_checkpoint(checkpoint)['config'])
