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

"""``rtcnn_perception explain``: saliency maps of pictures, and means over labelled data."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import cv2
from rtcnn_perception.commands.mean_maps import averages
from rtcnn_perception.commands.mean_maps import DEFAULT_LIMIT
from rtcnn_perception.commands.mean_maps import DEFAULT_PART
from rtcnn_perception.commands.mean_maps import FIGURE_COLORS
from rtcnn_perception.commands.mean_maps import network_input
from rtcnn_perception.commands.options import items
from rtcnn_perception.commands.options import name_of
from rtcnn_perception.commands.options import path_of
from rtcnn_perception.commands.options import refuse_options
from rtcnn_perception.commands.options import refuse_overwriting
from rtcnn_perception.core.arrays import Image
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.attributes.classifier import DEFAULT_ATTRIBUTES
from rtcnn_perception.core.attributes.classifier import model_paths
from rtcnn_perception.core.detection.base import Detector
from rtcnn_perception.core.detection.registry import detector_names
from rtcnn_perception.core.detection.registry import load_detector
from rtcnn_perception.core.detection.registry import parse_detector
from rtcnn_perception.core.geometry.landmarks import FaceRegion
from rtcnn_perception.core.saliency.explanation import explain_faces
from rtcnn_perception.core.saliency.explanation import load_saliency_models
from rtcnn_perception.core.saliency.explanation import overlay_map
from rtcnn_perception.core.saliency.figures import class_tiles
from rtcnn_perception.core.saliency.figures import sanity_tiles
from rtcnn_perception.core.saliency.model import SaliencyModel
from rtcnn_perception.core.saliency.names import METHODS
from rtcnn_perception.core.saliency.overlay import blend
from rtcnn_perception.core.saliency.overlay import COLOR_MAPS
from rtcnn_perception.core.saliency.overlay import sheet
from rtcnn_perception.core.saliency.overlay import Tile
from rtcnn_perception.core.sources.open import open_source
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import IncompleteError
from rtcnn_perception.exceptions import PerceptionError
from rtcnn_perception.exceptions import SourceError
from rtcnn_perception.paths import is_folder
from rtcnn_perception.paths import with_home
from rtcnn_perception.resources import models_search_path

OVERLAY_COLORS = 'turbo'
"""Colour map of overlays, as on ``faces/saliency``."""

Models = dict[str, SaliencyModel]


class NoFaceError(PerceptionError):
    """A picture shows no face that the detector finds."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.description = (
        'For each face in the pictures: a figure with the map of every class, and the picture '
        'with the maps over the faces.'
    )
    parser.add_argument(
        'pictures', type=name_of, nargs='*', metavar='PICTURE', help='picture files'
    )
    parser.add_argument(
        '--output', type=path_of, default=Path('out/explain'), help='folder (default: %(default)s)'
    )
    parser.add_argument('--method', choices=METHODS, default=METHODS[0])
    parser.add_argument(
        '--attributes',
        metavar='NAMES',
        help='attributes to explain, separated by commas; the overlay shows the first '
        f'(default: {",".join(DEFAULT_ATTRIBUTES)}, with --average those that the data labels)',
    )
    parser.add_argument(
        '--target',
        metavar='CLASS',
        help='score that the overlay is of: top, class_maps or a class (default: top)',
    )
    parser.add_argument(
        '--color-map',
        choices=tuple(COLOR_MAPS),
        help='colours of every map, from weak to strong '
        f'(default: {FIGURE_COLORS}, and over the picture {OVERLAY_COLORS})',
    )
    parser.add_argument(
        '--model',
        type=_attribute_model,
        action='append',
        default=[],
        metavar='ATTRIBUTE=MODEL',
        help='model of an attribute instead of the default one; may be given several times',
    )
    parser.add_argument(
        '--detector',
        metavar='NAME[=MODEL]',
        help=f'a detector among {", ".join(detector_names())}, with the path of its model if not '
        'the default one (default: auto)',
    )
    parser.add_argument(
        '--average',
        type=name_of,
        metavar='DATA',
        help='also the mean map of each class over labelled faces',
    )
    parser.add_argument(
        '--part',
        choices=('train', 'val', 'test'),
        help=f'of the data for --average (default: {DEFAULT_PART})',
    )
    parser.add_argument(
        '--limit',
        type=int,
        help=f'faces of each class for --average, at most (default: {DEFAULT_LIMIT})',
    )
    parser.add_argument(
        '--sanity',
        action='store_true',
        default=None,
        help='also the maps of networks whose weights are randomised layer by layer',
    )


def execute(args: argparse.Namespace) -> int:
    """Write the figures and print their paths."""
    if not args.pictures and not args.average:
        raise ConfigurationError('name a picture to explain, or data with --average')
    if not args.average:
        refuse_options(args, ('part', 'limit'), '--average')
    if not args.pictures:
        refuse_options(args, ('target', 'detector', 'sanity'), 'pictures')
    if args.limit is not None and args.limit < 1:
        raise ConfigurationError(f'--limit must be 1 or more, got {args.limit}')
    _check_names(args.pictures)
    _check_apart(args.pictures, args.average, args.output)
    models = _load_models(args)
    try:
        args.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f'cannot write to {args.output}: {error.strerror}') from error
    missing: list[str] = []
    if args.pictures:
        config = parse_detector(args.detector or 'auto')
        detector = load_detector(config, models_search_path()).detector
        missing += _explain_pictures(models, detector, args)
    if args.average:
        for name, picture in averages(models, args, missing):
            _write(args.output / name, picture)
    if missing:
        raise IncompleteError('; '.join(missing))
    return 0


def _explain_pictures(models: Models, detector: Detector, args: argparse.Namespace) -> list[str]:
    """
    Write the figures of every picture that has some.

    :returns: why the others have none
    :raises PerceptionError: if all of them are others
    """
    failures: list[PerceptionError] = []
    for text in args.pictures:
        try:
            for name, picture in _explain_picture(Path(text), models, detector, args):
                _write(args.output / name, picture)
        except (SourceError, NoFaceError) as error:  # noqa: PERF203 - a picture takes far longer
            failures.append(error)
    if len(failures) == len(args.pictures):
        raise PerceptionError('; '.join(map(str, failures)))
    return [str(error) for error in failures]


def _check_names(pictures: Sequence[str]) -> None:
    """Refuse pictures of one name, whose figures would overwrite each other."""
    known: dict[str, str] = {}
    for picture in pictures:
        name = Path(picture).stem
        other = known.setdefault(name, picture)
        if other != picture:
            raise ConfigurationError(
                f'the figures of {other} and {picture} would have the same names, {name}_...; '
                f'explain each with an --output of its own'
            )


def _check_apart(pictures: Sequence[str], data: str | None, output: Path) -> None:
    """Refuse data, and a picture with the name of another one's figure, in the figures' folder."""
    stems = {Path(picture).stem for picture in pictures}
    named = [name for name in _names_in(output) if any(name.startswith(f'{s}_') for s in stems)]
    refuse_overwriting(map(with_home, pictures), [output / name for name in named])
    if data:
        mean = output / 'mean_attribute.png'
        refuse_overwriting([with_home(data)], [mean], are_deep=True)


def _names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()] if is_folder(folder) else []


def _load_models(args: argparse.Namespace) -> Models:
    names = DEFAULT_ATTRIBUTES if args.attributes is None else items(args.attributes)
    if not names:
        raise ConfigurationError('--attributes must name at least one attribute, got none')
    for name, _ in args.model:
        if name not in names:
            raise ConfigurationError(
                f'--model {name}=... is of an attribute that is not explained: add it to '
                f'--attributes {",".join(names)}'
            )
    return load_saliency_models(model_paths(names, dict(args.model), models_search_path()))


def _attribute_model(text: str) -> tuple[str, str]:
    """Split ATTRIBUTE=MODEL; raise what argparse reports for anything else."""
    name, _, path = text.partition('=')
    if not name or not path:
        raise argparse.ArgumentTypeError(f"expected ATTRIBUTE=MODEL, got '{text}'")
    return name, path


def _explain_picture(
    path: Path, models: Models, detector: Detector, args: argparse.Namespace
) -> Iterator[tuple[str, Image]]:
    """Yield names and contents of the figures of one picture."""
    image = _read(path)
    names = detector.landmark_names
    regions = [FaceRegion(each.box, each.landmarks, names) for each in detector.detect(image)]
    if not regions:
        raise NoFaceError(
            f'{path}: expected a face, got a picture in which {detector.tag} finds none; try '
            f'another --detector'
        )
    target = args.target or 'top'
    explained = explain_faces(models, image, regions, target=target, method=args.method)
    placed = [overlay_map(face, target) for face in explained]
    overlay = blend(image, placed, 0.8, args.color_map or OVERLAY_COLORS)
    yield f'{path.stem}_overlay.png', overlay
    for number, region in enumerate(regions, start=1):
        rows = [
            class_tiles(
                model,
                attribute,
                network_input(model, image, region)[0],
                method=args.method,
                color_map=args.color_map or FIGURE_COLORS,
            )
            for attribute, model in models.items()
        ]
        yield f'{path.stem}_face{number}.png', sheet(rows)
        if args.sanity:
            for attribute, tiles in _sanity(
                models, image, region, args.color_map or FIGURE_COLORS
            ):
                yield f'{path.stem}_face{number}_sanity_{attribute}.png', sheet(tiles)


def _sanity(
    models: Models, image: ImageBGR, region: FaceRegion, color_map: str
) -> Iterator[tuple[str, list[list[Tile]]]]:
    """Yield for each attribute a row of tiles for each method."""
    from rtcnn_perception.saliency.randomised import randomised_models  # noqa: PLC0415  an extra

    for attribute, model in models.items():
        randomised = randomised_models(model.card)
        face = network_input(model, image, region)[0]
        yield (
            attribute,
            [
                sanity_tiles(randomised, attribute, face, method=method, color_map=color_map)
                for method in METHODS
            ],
        )


def _read(path: Path) -> ImageBGR:
    if is_folder(path):
        raise SourceError(f'{path} is a folder; name its pictures, such as {path}/*')
    with closing(open_source(str(path))) as source:
        return next(iter(source))


def _write(path: Path, picture: Image) -> None:
    is_encoded, content = cv2.imencode(path.suffix, picture)
    if not is_encoded:
        raise PerceptionError(f'{path}: the picture could not be encoded')
    try:
        path.write_bytes(content.tobytes())
    except OSError as error:
        raise ConfigurationError(f'cannot write {path}: {error.strerror}') from error
    print(f'wrote {path}')
