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

"""Mean saliency maps over labelled data, for ``rtcnn_perception explain --average``."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from collections.abc import Mapping
import time

import cv2
import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.commands.progress import Progress
from rtcnn_perception.core.arrays import Image
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.geometry.crops import cut_crops
from rtcnn_perception.core.geometry.landmarks import FaceRegion
from rtcnn_perception.core.saliency.figures import mean_map
from rtcnn_perception.core.saliency.figures import mean_tiles
from rtcnn_perception.core.saliency.model import SaliencyModel
from rtcnn_perception.core.saliency.overlay import sheet

DEFAULT_PART = 'test'
DEFAULT_LIMIT = 300
"""Faces of each class."""

FIGURE_COLORS = 'inferno'
"""Colour map of figures."""


def averages(
    models: Mapping[str, SaliencyModel], args: argparse.Namespace, missing: list[str]
) -> Iterator[tuple[str, Image]]:
    """
    Yield a figure of the mean maps for each attribute that the data has labels for.

    Labelled faces are gray; a model for colour gets the same in each channel, which is said.

    :param missing: takes the attributes without a face, if they are named, and such classes
    """
    from rtcnn_perception.training.data.heads import load_for_heads  # noqa: PLC0415  an extra
    from rtcnn_perception.training.data.sources import AttributeData  # noqa: PLC0415
    from rtcnn_perception.training.tasks.attributes.predictor import gray_notes  # noqa: PLC0415

    part_name, limit = args.part or DEFAULT_PART, args.limit or DEFAULT_LIMIT
    heads = {name: model.card.head(name).labels for name, model in models.items()}
    source = AttributeData(path=(args.average,))
    lacking: list[str] = []
    notes: list[str] = []
    for attribute, model in models.items():
        part = load_for_heads(heads, source, model.card.crop).part(part_name)
        known = part.labels[attribute].indices if attribute in part.labels else np.array([], int)
        if not (known >= 0).any():
            lacking.append(f'{args.average} has no labels of {attribute} in its part {part_name}')
            continue
        for note in gray_notes(model.card):
            if note not in notes:
                notes.append(note)
                print(note)
        means = []
        progress, start = Progress(), time.monotonic()
        labels = heads[attribute]
        for index, label in enumerate(labels):
            text = f'{attribute}, class {index + 1} of {len(labels)}: {label}'
            progress.show(time.monotonic() - start, None, text, share=index / len(labels))
            rows = np.flatnonzero(known == index)[:limit]
            if not len(rows):
                missing.append(
                    f'{args.average} has no face that is {label} ({attribute}) in its part '
                    f'{part_name}'
                )
            else:
                faces = np.concatenate(
                    [network_input(model, _color(part.pictures[i]), part.region(i)) for i in rows]
                )
                means.append(mean_map(model, attribute, faces, label, method=args.method))
        progress.clear()
        yield f'mean_{attribute}.png', sheet(mean_tiles(means, args.color_map or FIGURE_COLORS))
    if args.attributes is not None or len(lacking) == len(models):
        missing += lacking
    else:
        for text in lacking:
            print(f'{text}: left out')


def network_input(model: SaliencyModel, image: ImageBGR, region: FaceRegion) -> NDArray[np.uint8]:
    """Return the crop of one face as a batch (1, C, h, w) uint8."""
    card = model.card
    return cut_crops(image, (card.crop.crop(region),), card.input_size_hw, card.channels)


def _color(picture: Image) -> ImageBGR:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR), dtype=np.uint8)
