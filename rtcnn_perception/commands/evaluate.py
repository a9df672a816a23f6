"""``rtcnn_perception evaluate``: judge a model on labelled faces and write a report."""

from __future__ import annotations

import argparse
from pathlib import Path


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what ``evaluate`` takes."""
    parser.add_argument(
        'model', type=Path, help="a model's folder or file, or Keras weights (.hdf5)"
    )
    parser.add_argument('data', help='an .npz or .csv file, or a folder of labelled pictures')
    parser.add_argument(
        '--output', type=Path, help='folder for the report (default out/evaluate/<model>)'
    )
    parser.add_argument(
        '--part', choices=('train', 'val', 'test'), default='test', help='default: test'
    )
    parser.add_argument('--margin', type=float, help="another crop margin than the model's own")
    parser.add_argument(
        '--through-pipeline',
        type=int,
        default=0,
        metavar='N',
        help='judge N faces through detector, tracker and classifier as well, in larger scenes',
    )
    parser.add_argument('--yunet', default='', help="YuNet's file, if it is not where it belongs")
    parser.add_argument(
        '--quick', action='store_true', help='leave out blur, rotation, size and crop'
    )


def execute(args: argparse.Namespace) -> int:
    """Judge, write the folder and print the figures that matter most."""
    from rtcnn_perception.training import evaluate_run  # noqa: PLC0415  an extra

    output = args.output or Path('out/evaluate') / args.model.stem
    for line in evaluate_run.evaluate_run(
        args.model,
        args.data,
        output,
        part=args.part,
        margin=args.margin,
        with_conditions=not args.quick,
        pipeline_faces=args.through_pipeline,
        yunet=args.yunet,
    ):
        print(line)
    return 0
