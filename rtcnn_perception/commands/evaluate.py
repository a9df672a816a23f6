"""``rtcnn_perception evaluate``: judge a model or a face detector, and write a report."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
import json
from pathlib import Path

from rtcnn_perception.commands.command_line import command_line
from rtcnn_perception.commands.margin import check_margin
from rtcnn_perception.core.detection.registry import DETECTORS
from rtcnn_perception.core.models.card import card_path
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.paths import is_there
from rtcnn_perception.paths import with_home


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what ``evaluate`` takes."""
    parser.add_argument(
        'model',
        type=Path,
        help="a model's folder or file, Keras weights (.hdf5), or a face detector: rtcnn, yunet, "
        "haar or the folder of rtcnn's model",
    )
    parser.add_argument(
        'data',
        nargs='+',
        help='an .npz or .csv file, or a folder of labelled pictures; for a face detector any '
        'number of folders with annotations.json, of clips that show a face in every frame, and '
        'of pictures to compare with --against',
    )
    parser.add_argument(
        '--output', type=Path, help='folder for the report (default out/evaluate/<model>)'
    )
    parser.add_argument(
        '--part',
        choices=('train', 'val', 'test', 'all'),
        help='default: test; for a face detector val where there is no test',
    )
    parser.add_argument('--yunet', default='', help="YuNet's file, if it is not where it belongs")
    faces = parser.add_argument_group('models that judge faces')
    faces.add_argument('--margin', type=float, help="another crop margin than the model's own")
    faces.add_argument(
        '--emotion-votes',
        default='',
        metavar='CSV',
        help="FER+'s votes beside the original fer2013.csv, as emotion_votes of a configuration",
    )
    faces.add_argument(
        '--through-pipeline',
        type=int,
        default=0,
        metavar='N',
        help='judge N faces through detector, tracker and classifier as well, in larger scenes',
    )
    faces.add_argument(
        '--quick', action='store_true', help='leave out blur, rotation, size and crop'
    )
    detectors = parser.add_argument_group('face detectors')
    detectors.add_argument(
        '--width',
        type=int,
        nargs='+',
        default=(320, 416),
        metavar='PIXELS',
        help='widths at which photographs are shown to the detector (default: 320 416)',
    )
    detectors.add_argument(
        '--iou',
        type=float,
        default=0.4,
        help='intersection over union from which on a face counts as found (default: 0.4)',
    )
    detectors.add_argument(
        '--against',
        default='',
        metavar='DETECTOR',
        help='another, whose faces are to be found in pictures that nobody marked',
    )


def execute(args: argparse.Namespace) -> int:
    """Judge, write the folder and print the figures that matter most."""
    from rtcnn_perception.training.tasks.attributes import evaluate_run  # noqa: PLC0415  an extra

    check_margin(args.margin)
    if args.through_pipeline < 0:
        raise ConfigurationError(
            f'--through-pipeline must be at least 0, got {args.through_pipeline}'
        )
    args.output = args.output or Path('out/evaluate') / args.model.stem
    if _is_detector(args.model):
        lines = _judge_detector(args)
    elif args.against:
        raise ConfigurationError('--against is for face detectors')
    elif len(args.data) > 1:
        raise ConfigurationError(
            f'{args.model} judges one data set at a time, got {", ".join(args.data)}'
        )
    else:
        lines = evaluate_run.evaluate_run(
            args.model,
            args.data[0],
            args.output,
            part=args.part or 'test',
            margin=args.margin,
            emotion_votes=args.emotion_votes,
            with_conditions=not args.quick,
            pipeline_faces=args.through_pipeline,
            yunet=args.yunet,
            command=command_line(
                'evaluate',
                args.model,
                *args.data,
                part=args.part,
                margin=args.margin,
                emotion_votes=args.emotion_votes,
                through_pipeline=args.through_pipeline or None,
                quick=args.quick,
                yunet=args.yunet,
            ),
        )
    for line in lines:
        print(line)
    return 0


def _is_detector(model: Path) -> bool:
    """Return whether this is the name or the model of a face detector."""
    if str(model) in DETECTORS:
        return True
    path = with_home(model)
    if not is_there(path):
        raise ModelError(
            f"there is no model at {model}; expected a model's folder or file, or a face detector "
            f'out of {", ".join(DETECTORS)}'
        )
    try:
        card = json.loads(card_path(path).read_bytes())
    except (OSError, ValueError):
        return False  # what is wrong with it, whoever loads it says
    return isinstance(card, dict) and 'strides' in card and 'heads' not in card


def _judge_detector(args: argparse.Namespace) -> Iterator[str]:
    from rtcnn_perception.training.tasks.detector import evaluate as evaluate_detector  # noqa: PLC0415  an extra

    for option, is_given in (
        ('--margin', args.margin is not None),
        ('--emotion-votes', args.emotion_votes),
        ('--through-pipeline', args.through_pipeline),
        ('--quick', args.quick),
    ):
        if is_given:
            raise ConfigurationError(f'{option} is for models that judge faces')
    return evaluate_detector.evaluate_detector(
        evaluate_detector.DetectorChoice(str(args.model), args.yunet),
        args.data,
        args.output,
        part=args.part,
        widths=args.width,
        min_iou=args.iou,
        rival=evaluate_detector.DetectorChoice(args.against, args.yunet) if args.against else None,
        command=command_line(
            'evaluate',
            args.model,
            *args.data,
            width=args.width,
            iou=args.iou,
            against=args.against,
            part=args.part,
            yunet=args.yunet,
        ),
    )
