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

"""``rtcnn_perception adapt``: make a model folder of a graph that others trained."""

from __future__ import annotations

import argparse
from fractions import Fraction
import re

from rtcnn_perception.commands.options import items
from rtcnn_perception.commands.options import path_of
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.attributes.card import MAX_SIDE
from rtcnn_perception.core.attributes.model import AttributeModel
from rtcnn_perception.core.detection.base import DetectorConfig
from rtcnn_perception.core.detection.registry import load_detector
from rtcnn_perception.core.geometry.crops import CHANNELS
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.core.geometry.crops import cut_crops
from rtcnn_perception.core.geometry.landmarks import FaceRegion
from rtcnn_perception.core.sources.builtin import load_portrait
from rtcnn_perception.core.sources.builtin import PORTRAIT
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import PerceptionError
from rtcnn_perception.resources import models_search_path

SHOWN = 8
"""Classes that are printed for the picture, the most probable first."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.description = (
        'Make a model folder of a graph that was trained elsewhere: a card, and the graph changed '
        'so that it takes any number of faces as pixels from 0 to 255 and returns probabilities. '
        'It is compared with the graph as it came, and tried on the picture in the package.'
    )
    parser.add_argument(
        'graph', type=path_of, help='an ONNX file; weights beside it are put into it'
    )
    parser.add_argument(
        '--labels',
        required=True,
        metavar='A,B,C',
        help='the classes, in the order of the outputs',
    )
    parser.add_argument(
        '--attribute', required=True, metavar='NAME', help='what the classes are of'
    )
    parser.add_argument('--output', type=path_of, required=True, metavar='FOLDER')
    parser.add_argument('--name', help="the model's name (default: that of the folder)")
    parser.add_argument(
        '--channels',
        choices=tuple(CHANNELS),
        help='order of the planes (default: gray for a graph that takes one)',
    )
    parser.add_argument(
        '--scale',
        type=_numbers,
        default=(1.0,),
        metavar='NUMBERS',
        help='the graph takes PIXEL * SCALE + OFFSET with pixels from 0 to 255: 1/255, or one '
        'number for each plane, such as 0.0171,0.0175,0.0174, which is 1 / (255 * deviation) '
        '(default: 1)',
    )
    parser.add_argument(
        '--offset',
        type=_numbers,
        default=(0.0,),
        metavar='NUMBERS',
        help='likewise, such as --offset=-1, or -mean / deviation of each plane (default: 0)',
    )
    parser.add_argument(
        '--layout', choices=('nchw', 'nhwc'), default='', help='order of the axes of the input'
    )
    parser.add_argument(
        '--size',
        type=_size,
        metavar='HEIGHTxWIDTH',
        help='where the graph takes any size, such as 224x224',
    )
    parser.add_argument(
        '--outputs',
        choices=('auto', 'probabilities', 'scores'),
        default='auto',
        help='what the graph returns; scores get a softmax (default: as it does on a trial)',
    )
    parser.add_argument(
        '--temperature', type=float, default=1.0, help='divides scores before the softmax'
    )
    parser.add_argument(
        '--graph-output', default='', metavar='OUTPUT', help='which of several outputs it is'
    )
    parser.add_argument(
        '--margin',
        type=float,
        default=0.0,
        help="what the crop has beyond the face's box at each side, as a fraction of the box's "
        'longer side (default: 0)',
    )
    parser.add_argument(
        '--shift-down', type=float, default=0.0, help='how far the crop moves down, likewise'
    )
    parser.add_argument(
        '--upright', action='store_true', help='rotate crops as heads lean, by the landmarks'
    )


def execute(args: argparse.Namespace) -> int:
    """Adapt, write the folder, and print what the model says of a picture."""
    from rtcnn_perception.training.tasks.attributes.adapt import adapt  # noqa: PLC0415  an extra
    from rtcnn_perception.training.tasks.attributes.adapt import AdaptSettings  # noqa: PLC0415

    try:
        crop = CropGeometry(args.margin, args.shift_down, args.upright)
    except ValueError as error:
        name, _, wrong = str(error).partition(' ')
        raise ConfigurationError(f'--{name.replace("_", "-")} {wrong}') from error
    settings = AdaptSettings(
        attribute=args.attribute,
        labels=items(args.labels),
        name=args.name or args.output.name or args.graph.stem,
        channels=args.channels or '',
        scale=args.scale,
        offset=args.offset,
        layout=args.layout,
        size_hw=args.size,
        outputs=args.outputs,
        temperature=args.temperature,
        graph_output=args.graph_output,
        crop=crop,
        command=args.command_line,
    )
    model, summary, removed = adapt(args.graph, args.output, settings)
    print(summary)
    print(f'wrote {model.card.path} and its card')
    if removed:
        print(f'removed {", ".join(removed)} of the model that was there before')
    print(_said_of(model, load_portrait()))
    return 0


def _numbers(text: str) -> tuple[float, ...]:
    """Read numbers or fractions; raise what argparse reports for anything else."""
    try:
        return tuple(float(Fraction(each)) for each in text.split(','))
    except (ValueError, ZeroDivisionError, OverflowError):
        raise argparse.ArgumentTypeError(
            f"expected numbers or fractions, such as 1/255, got '{text}'"
        ) from None


def _size(text: str) -> tuple[int, int]:
    """Read height and width; raise what argparse reports for anything else."""
    match = re.fullmatch(r'(\d{1,4})x(\d{1,4})', text, re.ASCII)
    height, width = (int(match[1]), int(match[2])) if match else (0, 0)
    if not (1 <= height <= MAX_SIDE and 1 <= width <= MAX_SIDE):
        raise argparse.ArgumentTypeError(
            f"expected HEIGHTxWIDTH of 1 to {MAX_SIDE} pixels each, such as 48x48, got '{text}'"
        )
    return height, width


def _said_of(model: AttributeModel, image: ImageBGR) -> str:
    """Return in a line what a model says of the largest face in the picture of the package."""
    detector = load_detector(DetectorConfig(), models_search_path()).detector
    found = detector.detect(image)
    if not found:
        raise PerceptionError(f'{detector.tag} finds no face in the picture of the package')
    face = max(found, key=lambda each: each.box.area)
    region = FaceRegion(face.box, face.landmarks, detector.landmark_names)
    card = model.card
    crops = cut_crops(image, (card.crop.crop(region),), card.input_size_hw, card.channels)
    ((attribute, rows),) = model.predict(crops).items()
    ranked = sorted(zip(rows[0], card.head(attribute).labels, strict=True), reverse=True)
    shares = ', '.join(f'{label} {share:.0%}' for share, label in ranked[:SHOWN])
    more = f' and {len(ranked) - SHOWN} more' if len(ranked) > SHOWN else ''
    return f'{attribute} of {PORTRAIT}, which smiles: {shares}{more}'
