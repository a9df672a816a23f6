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

"""``rtcnn_perception evaluate``: evaluate a model or a face detector, and write a report."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from rtcnn_perception.commands.options import check_margin
from rtcnn_perception.commands.options import refuse_options
from rtcnn_perception.commands.options import refuse_overwriting
from rtcnn_perception.core.detection.base import DetectorConfig
from rtcnn_perception.core.detection.card import DetectorCard
from rtcnn_perception.core.detection.registry import detector_names
from rtcnn_perception.core.detection.registry import DETECTORS
from rtcnn_perception.core.detection.registry import parse_detector
from rtcnn_perception.core.models.card import kind_of
from rtcnn_perception.core.models.precision import FLOAT
from rtcnn_perception.core.models.precision import INT8
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.paths import is_there
from rtcnn_perception.paths import with_home

ATTRIBUTE_OPTIONS = (
    'margin',
    'where',
    'reader',
    'votes',
    'pictures',
    'leave_out_faulty',
    'through_pipeline',
    'int8',
    'quick',
)
"""Options that a detector has no use for."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``evaluate``."""
    detectors = ', '.join(DETECTORS)
    parser.add_argument(
        'model',
        help="a model's folder or file, a checkpoint, the original's Keras weights (.hdf5), or a "
        f'face detector: {detectors}, as NAME or NAME=MODEL',
    )
    parser.add_argument(
        'data',
        nargs='+',
        help='.npz or .csv files, or folders of labelled pictures, which are joined; for a face '
        'detector folders with annotations.json, clips that show a face in every frame, and '
        'pictures to compare with --against',
    )
    parser.add_argument(
        '--output', type=Path, help='folder for the report (default out/evaluate/<model>)'
    )
    parser.add_argument(
        '--part',
        choices=('train', 'val', 'test', 'all'),
        help='default: test; for a face detector val where there is no test',
    )
    faces = parser.add_argument_group('attribute networks')
    faces.add_argument('--margin', type=float, help="another crop margin than the model's own")
    faces.add_argument(
        '--where',
        nargs='+',
        metavar='CONDITION',
        help='only faces for which it holds, such as age>=20 or race=black',
    )
    faces.add_argument('--reader', help='reader of the data (default: by its kind)')
    faces.add_argument(
        '--votes', metavar='CSV', help="FER+'s votes beside the original fer2013.csv"
    )
    faces.add_argument(
        '--pictures', metavar='NPZ', help='the file whose rows the data has labels of'
    )
    faces.add_argument(
        '--leave-out-faulty',
        action='store_true',
        default=None,
        help='leave damaged and misnamed files of a folder out, which are refused otherwise',
    )
    faces.add_argument(
        '--through-pipeline',
        type=int,
        metavar='N',
        help='classify N faces through detector, tracker and classifier as well',
    )
    faces.add_argument(
        '--detector',
        default='auto',
        help=f'for --through-pipeline: {", ".join(detector_names())}, as NAME or NAME=MODEL',
    )
    faces.add_argument(
        '--int8',
        action='store_true',
        default=None,
        help="the model's graph in eight bits instead of the one in float32",
    )
    faces.add_argument(
        '--quick',
        action='store_true',
        default=None,
        help='leave out blur, rotation, size and crop',
    )
    faces_detected = parser.add_argument_group('face detectors')
    faces_detected.add_argument(
        '--width',
        type=int,
        nargs='+',
        default=(320, 416),
        metavar='PIXELS',
        help='widths of the photographs for the detector (default: 320 416)',
    )
    faces_detected.add_argument(
        '--iou',
        type=float,
        default=0.4,
        help='intersection over union from which on a face counts as found (default: 0.4)',
    )
    faces_detected.add_argument(
        '--against',
        default='',
        metavar='DETECTOR',
        help='a baseline, whose faces are to be found in pictures without annotations',
    )


def execute(args: argparse.Namespace) -> int:
    """Evaluate, write the folder and print the figures that matter most."""
    from rtcnn_perception.training.data.sources import AttributeData  # noqa: PLC0415  an extra
    from rtcnn_perception.training.tasks.attributes import evaluate  # noqa: PLC0415

    check_margin(args.margin)
    if args.through_pipeline is not None and args.through_pipeline < 0:
        raise ConfigurationError(
            f'--through-pipeline must be at least 0, got {args.through_pipeline}'
        )
    args.output = args.output or Path('out/evaluate') / Path(args.model).stem
    refuse_overwriting(map(with_home, args.data), [args.output / 'report.md'])
    if _is_detector(args.model):
        lines = _evaluate_detector(args)
    elif args.against:
        raise ConfigurationError('--against is for face detectors')
    else:
        source = AttributeData(
            path=tuple(args.data),
            reader=args.reader or '',
            votes=args.votes or '',
            pictures=args.pictures or '',
            leave_out_faulty=bool(args.leave_out_faulty),
        )
        lines = evaluate.evaluate_run(
            Path(args.model),
            source,
            args.output,
            part=args.part or 'test',
            where=tuple(args.where or ()),
            margin=args.margin,
            with_conditions=not args.quick,
            pipeline_faces=args.through_pipeline or 0,
            detector=parse_detector(args.detector),
            precision=INT8 if args.int8 else FLOAT,
            command=args.command_line,
        )
    for line in lines:
        print(line)
    return 0


def _is_detector(model: str) -> bool:
    """Return whether this is the name or the model of a face detector."""
    if model.partition('=')[0] in DETECTORS:
        return True
    path = with_home(model)
    if not is_there(path):
        raise ModelError(
            f"there is no model at {model}; expected a model's folder or file, or a face detector "
            f'of {", ".join(DETECTORS)}'
        )
    try:
        return kind_of(path) == DetectorCard.KIND
    except ModelError:
        return False  # loading it says what is wrong


def _detector(text: str) -> DetectorConfig:
    """Return a detector by its name, with or without a model, or by its model alone."""
    is_named = text.partition('=')[0] in detector_names()
    return parse_detector(text) if is_named else DetectorConfig(model_path=text)


def _evaluate_detector(args: argparse.Namespace) -> Iterator[str]:
    from rtcnn_perception.training.tasks.detector.evaluate import evaluate_detector  # noqa: PLC0415

    refuse_options(args, ATTRIBUTE_OPTIONS, 'attribute networks')
    return evaluate_detector(
        _detector(args.model),
        args.data,
        args.output,
        part=args.part,
        widths=args.width,
        min_iou=args.iou,
        baseline=_detector(args.against) if args.against else None,
        command=args.command_line,
    )
