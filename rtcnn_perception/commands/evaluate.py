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
from collections.abc import Sequence
from pathlib import Path
import re

from rtcnn_perception.commands.export import is_of_detector
from rtcnn_perception.commands.options import check_folder
from rtcnn_perception.commands.options import check_margin
from rtcnn_perception.commands.options import name_of
from rtcnn_perception.commands.options import path_of
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
    'detector',
    'int8',
    'quick',
)
"""Options that a detector has no use for."""

DETECTOR_OPTIONS = ('width', 'iou', 'against')
"""Options that an attribute network has no use for."""

WIDTHS = (320, 416)
MIN_IOU = 0.4

REPORTS = Path('out/evaluate')
CHECKPOINTS = ('best.pt', 'last.pt', 'start.pt')
GRAPHS_AND_CARDS = ('model.onnx', 'model_int8.onnx', 'model.json')
"""These, and the checkpoints, are called alike in every folder."""

MOST_CHARACTERS = 40
"""Of a part of a report's path."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``evaluate``."""
    detectors = ', '.join(DETECTORS)
    parser.add_argument(
        'model',
        type=name_of,
        help="a model's folder or file, a checkpoint, the original's Keras weights (.hdf5), or a "
        f'face detector: {detectors}, as NAME or NAME=MODEL',
    )
    parser.add_argument(
        'data',
        type=name_of,
        nargs='+',
        help='.npz or .csv files, or folders of labelled pictures, which are joined; for a face '
        'detector folders with annotations.json, clips that show a face in every frame, and '
        'pictures to compare with --against',
    )
    parser.add_argument(
        '--output',
        type=path_of,
        help=f'folder for the report (default: {REPORTS}/MODEL/DATA, by the names of both; +N '
        'stands for N more data sets)',
    )
    parser.add_argument(
        '--part',
        choices=('train', 'val', 'test', 'all'),
        help='default: test; for a face detector val where there is no test, or all of it where '
        'there is neither',
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
        help='leave damaged, missing and misnamed files out, which are refused otherwise',
    )
    faces.add_argument(
        '--through-pipeline',
        type=int,
        metavar='N',
        help='classify N faces through detector, tracker and classifier as well',
    )
    faces.add_argument(
        '--detector',
        help='for --through-pipeline, and for the reader candidates: '
        f'{", ".join(detector_names())}, as NAME or NAME=MODEL (default: auto)',
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
        metavar='PIXELS',
        help=f'widths of the photographs for the detector (default: {" ".join(map(str, WIDTHS))})',
    )
    faces_detected.add_argument(
        '--iou',
        type=float,
        help=f'intersection over union from which on a face counts as found (default: {MIN_IOU})',
    )
    faces_detected.add_argument(
        '--against',
        type=name_of,
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
    args.output = args.output or report_folder(args.model, args.data)
    check_folder(args.output, '--output')
    report = args.output / 'report.md'
    # Of photographs a file lists what is read; of pictures folders in the folder do.
    is_detector = _is_detector(args.model)
    refuse_overwriting(map(with_home, args.data), [report], are_deep=not is_detector)
    if is_detector:
        lines = _evaluate_detector(args)
    else:
        refuse_options(args, DETECTOR_OPTIONS, 'face detectors')
        has_candidates = args.reader == 'candidates'
        if not (args.through_pipeline or has_candidates):
            refuse_options(args, ('detector',), '--through-pipeline and --reader candidates')
        source = AttributeData(
            path=tuple(args.data),
            reader=args.reader or '',
            votes=args.votes or '',
            pictures=args.pictures or '',
            leave_out_faulty=bool(args.leave_out_faulty),
            detector=(args.detector or '') if has_candidates else '',
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
            detector=parse_detector('auto' if args.detector is None else args.detector),
            precision=INT8 if args.int8 else FLOAT,
            command=args.command_line,
        )
    for line in lines:
        print(line)
    return 0


def report_folder(model: str, data: Sequence[str]) -> Path:
    """
    Return where a report lies by default: for each model and first data set another folder.

    A checkpoint is called by its folder and its own name, a graph or a card by its folder alone.
    """
    name, is_model, rest = model.partition('=')
    path = with_home(rest if is_model and name in DETECTORS else model)
    called = _short(path)
    if path.name in CHECKPOINTS + GRAPHS_AND_CARDS:
        state = f'_{path.stem}' if path.name in CHECKPOINTS else ''
        called = f'{_short(path.absolute().parent)}{state}'
    more = f'+{len(data) - 1}' if len(data) > 1 else ''
    return REPORTS / called / f'{_short(with_home(data[0]))}{more}'


def _short(path: Path) -> str:
    """Return a short name for what lies at a path, fit for a folder."""
    name = path.resolve().name if path.name in ('', '..') else path.name
    stem = re.sub(r'\.[a-zA-Z]\w{0,4}$', '', name)
    return re.sub(r'[^\w.-]+', '_', stem)[:MOST_CHARACTERS].strip('._') or 'unnamed'


def _is_detector(model: str) -> bool:
    """
    Return whether this is the name or the model of a face detector.

    :raises ModelError: if there is nothing, or a checkpoint that has to be exported first
    """
    from rtcnn_perception.training.models.exported_weights import is_exported  # noqa: PLC0415

    if model.partition('=')[0] in DETECTORS:
        return True
    path = with_home(model)
    if not is_there(path):
        raise ModelError(
            f"there is no model at {model}; expected a model's folder or file, or a face detector "
            f'of {", ".join(DETECTORS)}'
        )
    if not is_exported(path) and is_of_detector(path):
        raise ModelError(
            f'{model} is a checkpoint of a face detector: export it first, with '
            f'`rtcnn_perception export {model} --output FOLDER`, and evaluate FOLDER'
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
        widths=args.width or WIDTHS,
        min_iou=MIN_IOU if args.iou is None else args.iou,
        baseline=_detector(args.against) if args.against else None,
        command=args.command_line,
    )
