"""``rtcnn_perception explain``: see what the networks look at, in pictures and over data."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.commands.progress import Progress
from rtcnn_perception.core.arrays import Image
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.detection.registry import Detector
from rtcnn_perception.core.detection.registry import DetectorConfig
from rtcnn_perception.core.detection.registry import load_detector
from rtcnn_perception.core.geometry.face_crops import cut_faces
from rtcnn_perception.core.geometry.landmarks import FacePlace
from rtcnn_perception.core.labels import ATTRIBUTES
from rtcnn_perception.core.saliency.explanation import explain_faces
from rtcnn_perception.core.saliency.figures import class_tiles
from rtcnn_perception.core.saliency.figures import mean_map
from rtcnn_perception.core.saliency.figures import mean_tiles
from rtcnn_perception.core.saliency.figures import sanity_tiles
from rtcnn_perception.core.saliency.model import SaliencyModel
from rtcnn_perception.core.saliency.names import METHODS
from rtcnn_perception.core.saliency.overlay import COLOR_MAPS
from rtcnn_perception.core.saliency.overlay import lay_over
from rtcnn_perception.core.saliency.overlay import sheet
from rtcnn_perception.core.saliency.overlay import Tile
from rtcnn_perception.core.sources.open import open_source
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import PerceptionError
from rtcnn_perception.resources import models_directory
from rtcnn_perception.resources import models_search_path

FIGURE_COLORS, OVERLAY_COLORS = 'inferno', 'turbo'
"""Maps beside each other, and over a picture as ``faces/saliency`` has them."""

Models = dict[str, SaliencyModel]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what ``explain`` takes."""
    parser.description = (
        'For each face in the pictures: a figure with the map of every class, and the picture '
        'with the maps laid over the faces.'
    )
    parser.add_argument('pictures', nargs='*', metavar='PICTURE', help='files to look at')
    parser.add_argument(
        '--output', type=Path, default=Path('out/explain'), help='folder (default: %(default)s)'
    )
    parser.add_argument('--method', choices=METHODS, default=METHODS[0])
    parser.add_argument('--task', choices=('both', *ATTRIBUTES), default='both')
    parser.add_argument(
        '--target',
        default='top',
        metavar='CLASS',
        help='what the overlay shows: top, class_maps or a class (default: %(default)s)',
    )
    parser.add_argument(
        '--color-map',
        choices=tuple(COLOR_MAPS),
        help='colours of every map, from weak to strong '
        f'(default: {FIGURE_COLORS}, and over the picture {OVERLAY_COLORS})',
    )
    for attribute in ATTRIBUTES:
        parser.add_argument(
            f'--{attribute}-model',
            type=Path,
            metavar='FOLDER',
            help='instead of the model that comes with the package',
        )
    parser.add_argument(
        '--detector', default='auto', help='how faces are found (default: %(default)s)'
    )
    parser.add_argument(
        '--detector-model',
        default='',
        metavar='PATH',
        help='model.onnx of rtcnn, its card or their folder, or the file of yunet or haar; '
        'empty for the default of each',
    )
    parser.add_argument(
        '--average', metavar='DATA', help='also the mean map of each class over labelled faces'
    )
    parser.add_argument('--part', choices=('train', 'val', 'test'), default='test')
    parser.add_argument(
        '--limit',
        type=int,
        default=300,
        help='faces of each class, at most (default: %(default)s)',
    )
    parser.add_argument(
        '--sanity',
        action='store_true',
        help='also what is left of the maps when the weights are randomised, layer by layer',
    )


def execute(args: argparse.Namespace) -> int:
    """Write the figures; say of each where it lies."""
    if not args.pictures and not args.average:
        raise ConfigurationError('name a picture to explain, or data with --average')
    if args.limit < 1:
        raise ConfigurationError(f'--limit must be 1 or more, got {args.limit}')
    _check_names(args.pictures)
    models = _load_models(args)
    try:
        args.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f'cannot write to {args.output}: {error.strerror}') from error
    if args.pictures:
        config = DetectorConfig(name=args.detector, model_path=args.detector_model)
        detector = load_detector(config, models_search_path()).detector
        for text in args.pictures:
            for name, picture in _explain_picture(Path(text), models, detector, args):
                _write(args.output / name, picture)
    if args.average:
        for name, picture in _averages(models, args):
            _write(args.output / name, picture)
    return 0


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


def _load_models(args: argparse.Namespace) -> Models:
    chosen = ATTRIBUTES if args.task == 'both' else (args.task,)
    paths = {a: getattr(args, f'{a}_model') or models_directory() / a for a in chosen}
    return {attribute: SaliencyModel.load(path) for attribute, path in paths.items()}


def _explain_picture(
    path: Path, models: Models, detector: Detector, args: argparse.Namespace
) -> Iterator[tuple[str, Image]]:
    """Give the names and contents of the figures of one picture."""
    image = _read(path)
    places = [FacePlace(found.box, found.landmarks) for found in detector.detect(image)]
    if not places:
        raise PerceptionError(
            f'{path}: expected a face, got a picture in which {detector.name} finds none; try '
            f'another --detector'
        )
    explained = explain_faces(models, image, places, target=args.target, method=args.method)
    placed = [face[0].placed for face in explained]  # two would hide each other
    laid_over = lay_over(image, placed, 0.8, args.color_map or OVERLAY_COLORS)
    yield f'{path.stem}_overlay.png', laid_over
    for number, place in enumerate(places, start=1):
        rows = [
            class_tiles(
                model,
                attribute,
                cut_faces(image, (place,), model.spec)[0],
                method=args.method,
                color_map=args.color_map or FIGURE_COLORS,
            )
            for attribute, model in models.items()
        ]
        yield f'{path.stem}_face{number}.png', sheet(rows)
        if args.sanity:
            for attribute, tiles in _sanity(models, image, place, args.color_map or FIGURE_COLORS):
                yield f'{path.stem}_face{number}_sanity_{attribute}.png', sheet(tiles)


def _sanity(
    models: Models, image: ImageBGR, place: FacePlace, color_map: str
) -> Iterator[tuple[str, list[list[Tile]]]]:
    """Give for each attribute a row of tiles for each method."""
    from rtcnn_perception.saliency.randomised import forgetful_models  # noqa: PLC0415  an extra

    for attribute, model in models.items():
        forgetful = forgetful_models(model.spec)
        face = cut_faces(image, (place,), model.spec)[0]
        yield (
            attribute,
            [
                sanity_tiles(forgetful, attribute, face, method=method, color_map=color_map)
                for method in METHODS
            ],
        )


def _averages(models: Models, args: argparse.Namespace) -> Iterator[tuple[str, Image]]:
    """Give a figure of the mean maps for each attribute that the data knows."""
    from rtcnn_perception.training import data  # noqa: PLC0415  an extra

    path = data.find_data(args.average)
    for attribute, model in models.items():
        part = data.load_any(path, model.spec.crop, tuple(models)).part(args.part)
        known = part.labels.get(attribute)
        if known is None or not (known >= 0).any():
            continue
        means = []
        progress = Progress()
        labels = model.spec.head(attribute).labels
        for index, label in enumerate(labels):
            progress.show(index, len(labels), f'{attribute}: {label}')
            rows = np.flatnonzero(known == index)[: args.limit]
            if len(rows):
                faces = np.concatenate(
                    [
                        cut_faces(_color(part.pictures[i]), (part.place(i),), model.spec)
                        for i in rows
                    ]
                )
                means.append(mean_map(model, attribute, faces, label, method=args.method))
        progress.clear()
        yield f'mean_{attribute}.png', sheet(mean_tiles(means, args.color_map or FIGURE_COLORS))


def _color(picture: Image) -> ImageBGR:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR), dtype=np.uint8)


def _read(path: Path) -> ImageBGR:
    source = open_source(str(path))
    try:
        first: NDArray[np.uint8] = next(iter(source))
    finally:
        source.close()
    return first


def _write(path: Path, picture: Image) -> None:
    is_encoded, content = cv2.imencode(path.suffix, picture)
    if not is_encoded:
        raise PerceptionError(f'{path}: the picture could not be encoded')
    try:
        path.write_bytes(content.tobytes())
    except OSError as error:
        raise ConfigurationError(f'cannot write {path}: {error.strerror}') from error
    print(f'wrote {path}')
