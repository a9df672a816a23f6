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
Measure the effect of drawn-on glasses on predictions: the same faces with and without.

Dark frames are drawn around the eyes; real_glasses.py has faces that wear some. The picture has
the mean face and the mean saliency map for each attribute, the lines the mean probabilities.

    python benchmarks/glasses.py OUTPUT.png models/attributes
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import ImageGray
from rtcnn_perception.core.attributes.classifier import DEFAULT_ATTRIBUTES
from rtcnn_perception.core.attributes.classifier import model_paths
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.crops import cut_crops
from rtcnn_perception.core.geometry.landmarks import FaceRegion
from rtcnn_perception.core.saliency.model import Explanation
from rtcnn_perception.core.saliency.model import SaliencyModel
from rtcnn_perception.core.saliency.names import TOP
from rtcnn_perception.core.saliency.overlay import heat_of
from rtcnn_perception.core.saliency.overlay import paint
from rtcnn_perception.core.saliency.overlay import sheet
from rtcnn_perception.core.saliency.overlay import Tile
from rtcnn_perception.core.saliency.overlay import TILE_PX
from rtcnn_perception.resources import models_search_path
from rtcnn_perception.training.data.sources import find_data

DATA = 'gender/gender_faces_112.npz'
"""Faces with landmarks: below ``../shared/data``, or where ``RTCNN_DATA`` points."""

LEAST_SCORE = 0.8
"""Detection score from which on the landmarks of a face are used."""

FACES, AT_ONCE = 600, 32
LENS, LINE = 0.36, 0.07
"""Radius of a lens and thickness of a frame, as shares of the distance between the eyes."""

INK = 20


def read_faces(count: int) -> list[tuple[ImageGray, FaceRegion]]:
    """Return gray faces of the test part, at random, with their boxes and landmarks."""
    with np.load(find_data(DATA), allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    test = [str(name) for name in arrays['split_names']].index('test')
    rows = np.flatnonzero((arrays['split'] == test) & (arrays['score'] > LEAST_SCORE))
    faces = []
    for row in np.random.default_rng(0).permutation(rows)[:count]:
        content = arrays['jpeg'][arrays['offset'][row] : arrays['offset'][row + 1]]
        picture = np.asarray(cv2.imdecode(content, cv2.IMREAD_GRAYSCALE), dtype=np.uint8)
        box = BoundingBox(*(float(value) for value in arrays['box'][row]))
        points = arrays['landmarks'][row].reshape(5, 2).astype(np.float32)
        faces.append((picture, FaceRegion(box, points)))
    return faces


def with_glasses(picture: ImageGray, region: FaceRegion) -> ImageGray:
    """Draw dark frames around the eyes into a copy of a gray face (h, w) uint8."""
    drawn = picture.copy()
    right, left = np.asarray(region.landmarks, np.float64)[:2]
    distance = float(np.hypot(*(left - right)))
    radius, line = round(LENS * distance), max(1, round(LINE * distance))
    for eye in (right, left):
        cv2.circle(drawn, tuple(np.rint(eye).astype(int)), radius, INK, line, cv2.LINE_AA)
    inner = [right + (left - right) * share for share in (LENS, 1 - LENS)]
    ends = [tuple(np.rint(point).astype(int)) for point in inner]
    cv2.line(drawn, *ends, INK, line, cv2.LINE_AA)
    return drawn


def crops_of(model: SaliencyModel, faces: list[tuple[ImageGray, FaceRegion]]) -> NDArray[np.uint8]:
    """Return the network's input (N, C, h, w) uint8 of gray faces."""
    card = model.card
    batches = [
        cut_crops(
            np.asarray(cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR), np.uint8),
            [card.crop.crop(region)],
            card.input_size_hw,
            card.channels,
        )
        for picture, region in faces
    ]
    return np.concatenate(batches)


def explain(model: SaliencyModel, attribute: str, crops: NDArray[np.uint8]) -> Explanation:
    """Return probabilities and maps of all crops."""
    parts = [
        model.explain(batch, attribute, [TOP] * len(batch))
        for batch in np.split(crops, range(AT_ONCE, len(crops), AT_ONCE))
    ]
    probabilities = np.concatenate([part.probabilities[attribute] for part in parts])
    return Explanation({attribute: probabilities}, np.concatenate([part.maps for part in parts]))


def compare(
    model: SaliencyModel, attribute: str, faces: list[tuple[ImageGray, FaceRegion]]
) -> list[Tile]:
    """Return mean faces and maps without and with glasses, and print mean probabilities."""
    tiles, means = [], []
    drawn = [(with_glasses(picture, region), region) for picture, region in faces]
    for caption, shown in ((attribute, faces), ('with glasses', drawn)):
        crops = crops_of(model, shown)
        explained = explain(model, attribute, crops)
        means.append(explained.probabilities[attribute].mean(0))
        maps = np.abs(explained.maps)
        maps /= np.maximum(maps.sum((1, 2), keepdims=True), 1e-30)
        heat = paint(heat_of(maps.mean(0)), 'inferno', (TILE_PX, TILE_PX))
        tiles += [
            Tile(np.rint(crops.mean((0, 1))).astype(np.uint8), caption),
            Tile(heat, 'saliency'),
        ]
    labels = model.card.head(attribute).labels
    for label, before, after in zip(labels, *means, strict=True):
        print(f'{attribute}: {label} {before:.1%} without, {after:.1%} with')
    return tiles


def main() -> None:
    """Write the picture and print the changes."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument('output', type=Path, help='picture to write')
    parser.add_argument(
        'models',
        nargs='*',
        type=Path,
        metavar='MODEL',
        help='folders with a saliency graph (default: those of the default attributes)',
    )
    parser.add_argument('--faces', type=int, default=FACES, help='number of faces (default: 600)')
    arguments = parser.parse_args()
    defaults = model_paths(DEFAULT_ATTRIBUTES, {}, models_search_path()).values()
    models = [SaliencyModel.load(folder) for folder in arguments.models or dict.fromkeys(defaults)]
    faces = read_faces(arguments.faces)
    rows = [compare(model, name, faces) for model in models for name in model.card.names]
    if not cv2.imwrite(str(arguments.output), sheet(rows)):
        raise SystemExit(f'cannot write {arguments.output.absolute()}')


if __name__ == '__main__':
    main()
