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

"""From labelled faces to batches, each crop cut as the pipeline cuts it."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import ImageGray
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.core.geometry.crops import cut_crop
from rtcnn_perception.core.geometry.landmarks import FaceRegion
from rtcnn_perception.training.data.augmentation import Augmentation
from rtcnn_perception.training.data.augmentation import AugmentationConfig
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.data.glasses import draw_glasses
import torch
from torch import Tensor
from tqdm import tqdm

AT_ONCE = 256
"""Faces of one batch where nothing is learnt."""

T = TypeVar('T')


@dataclass(frozen=True)
class Batch:
    """
    Faces with their targets.

    ``pixels`` is (B, 1, H, W) float in [-1, 1]; ``targets`` has (B, C) distributions for each
    attribute and ``weights`` (B,), 0 where a face has no target; ``indices`` (B,) are those of the
    faces in their set.
    """

    pixels: Tensor
    targets: dict[str, Tensor]
    weights: dict[str, Tensor]
    indices: NDArray[np.int64]


def parts_of(batch: Batch, count: int) -> list[Batch]:
    """Return ``count`` parts, each of every ``count``-th face."""
    return [
        Batch(
            batch.pixels[first::count].contiguous(memory_format=torch.channels_last),
            {name: values[first::count] for name, values in batch.targets.items()},
            {name: values[first::count] for name, values in batch.weights.items()},
            batch.indices[first::count],
        )
        for first in range(count)
    ]


def to_input(crops: NDArray[np.uint8]) -> Tensor:
    """
    Scale pixels as the exported graph does.

    :param crops: (B, H, W) uint8
    :returns: (B, 1, H, W) float32 in [-1, 1], channels last
    """
    pixels = torch.from_numpy(crops).unsqueeze(1).float() * (2.0 / 255.0) - 1.0
    return pixels.contiguous(memory_format=torch.channels_last)


def jittered(
    box: BoundingBox, scale: float, shift: float, rng: np.random.Generator
) -> BoundingBox:
    """
    Scale and shift a box by chance, as boxes of a detector vary.

    :param scale: bound of the relative change of size, uniform in its logarithm
    :param shift: bound of the shift in x and in y as a fraction of the longer side
    """
    factor = float(np.exp(rng.uniform(-scale, scale)))
    longer = max(box.width, box.height)
    shift_x, shift_y = (rng.uniform(-shift, shift, 2) * longer).tolist()
    (x, y), width, height = box.center, box.width * factor, box.height * factor
    return BoundingBox.from_xywh(x + shift_x - width / 2, y + shift_y - height / 2, width, height)


def cut_faces(
    faces: FaceSet,
    geometry: CropGeometry,
    size_hw: tuple[int, int],
    indices: NDArray[np.int64],
) -> NDArray[np.uint8]:
    """Cut the crops of the faces at ``indices``: (B, H, W) uint8."""
    crops = np.empty((len(indices), *size_hw), np.uint8)
    for row, index in enumerate(indices):
        crop = geometry.crop(faces.region(int(index)))
        crops[row] = cut_crop(faces.pictures[int(index)], crop, size_hw)
    return crops


def cut_all(
    faces: FaceSet, geometry: CropGeometry, size_hw: tuple[int, int], title: str = ''
) -> Iterator[NDArray[np.uint8]]:
    """
    Yield the crops of all faces, some at a time.

    :param title: of a progress bar; empty for none
    """
    starts = range(0, len(faces), AT_ONCE)
    hidden = None if title else True  # None: where there is no terminal
    for first in tqdm(starts, title, leave=False, mininterval=1.0, disable=hidden):
        chosen = np.arange(first, min(first + AT_ONCE, len(faces)))
        yield cut_faces(faces, geometry, size_hw, chosen)


def cut_jittered(
    faces: FaceSet,
    geometry: CropGeometry,
    size_hw: tuple[int, int],
    indices: NDArray[np.int64],
    *,
    config: AugmentationConfig,
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """
    Cut crops about jittered boxes, some with glasses: (B, H, W) uint8.

    They are not rotated: augmentation does that.
    """
    crops = np.empty((len(indices), *size_hw), np.uint8)
    for row, index in enumerate(indices):
        region = faces.region(int(index))
        crop = geometry.crop(FaceRegion(jittered(region.box, config.scale, config.shift, rng)))
        crops[row] = cut_crop(faces.pictures[int(index)], crop, size_hw)
        if config.glasses_share and rng.random() < config.glasses_share:
            crops[row] = _with_glasses(crops[row], region, crop.square, rng)
    return crops


def _with_glasses(
    crop: ImageGray, region: FaceRegion, square: BoundingBox, rng: np.random.Generator
) -> ImageGray:
    """Draw glasses on a face whose eyes are known, into its crop of ``square``."""
    if region.landmarks is None:
        return crop
    eyes = (region.landmarks[:2] - (square.x0, square.y0)) * (crop.shape[1] / square.width) - 0.5
    return draw_glasses(crop, eyes[np.argsort(eyes[:, 0])], rng)


def mixed(batch: Batch, share: float, rng: np.random.Generator) -> Batch:
    """
    Blend a share of the faces with their neighbours in the batch, and their targets likewise.

    The other face counts up to a half, uniformly. A face without a target adds none.
    Source: Zhang, Cisse, Dauphin, Lopez-Paz: mixup: Beyond Empirical Risk Minimization, 2018.
    """
    count = len(batch.indices)
    chosen = rng.random(count) < share
    other = torch.from_numpy(np.where(chosen, rng.uniform(0.0, 0.5, count), 0.0)).float()
    pixels = torch.lerp(batch.pixels, batch.pixels.roll(1, 0), other.reshape(-1, 1, 1, 1))
    targets, weights = {}, {}
    for name, weight in batch.weights.items():
        ours, theirs = (1 - other) * weight, other * weight.roll(1, 0)
        weights[name] = ours + theirs
        target = batch.targets[name]
        blend = ours.unsqueeze(1) * target + theirs.unsqueeze(1) * target.roll(1, 0)
        targets[name] = blend / weights[name].clamp(min=1e-9).unsqueeze(1)
    return Batch(pixels, targets, weights, batch.indices)


def drawn(faces: FaceSet, rng: np.random.Generator) -> NDArray[np.int64]:
    """
    Return the faces of an epoch in random order.

    A face with a share of 2.5 comes twice or three times, one with a share of 0.3 in three epochs
    of ten.
    """
    indices = np.arange(len(faces))
    if faces.shares is not None:
        drawn_times = np.floor(faces.shares + rng.random(len(faces))).astype(int)
        if not drawn_times.any():
            raise DataError(
                f'an epoch has none of the {len(faces)} faces, by the shares of [data.shares], of '
                f'{faces.shares.sum():.2g} in the mean: give larger ones'
            )
        indices = np.repeat(indices, drawn_times)
    return rng.permutation(indices)


class TrainingBatches:
    """The faces of one epoch in random order, augmented; ``seed`` repeats it."""

    def __init__(
        self,
        faces: FaceSet,
        weights: dict[str, NDArray[np.float32]],
        *,
        geometry: CropGeometry,
        size_hw: tuple[int, int],
        batch_size: int,
        augmentation: AugmentationConfig,
        seed: int,
    ) -> None:
        """Prepare an epoch; the last incomplete batch is left out where there are others."""
        self.faces, self.weights = faces, weights
        self.geometry, self.size_hw, self.batch_size = geometry, size_hw, batch_size
        self.config = augmentation
        self.rng = np.random.default_rng(seed)
        self.augment = Augmentation(augmentation, seed)
        self.order = drawn(faces, self.rng)

    def __len__(self) -> int:
        return max(1, len(self.order) // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        for number in range(len(self)):
            first = number * self.batch_size
            indices = self.order[first : first + self.batch_size]
            crops = cut_jittered(
                self.faces,
                self.geometry,
                self.size_hw,
                indices,
                config=self.config,
                rng=self.rng,
            )
            pixels = self.augment(torch.from_numpy(crops).unsqueeze(1).float() / 255.0)
            pixels = (pixels * 2.0 - 1.0).contiguous(memory_format=torch.channels_last)
            batch = Batch(
                pixels,
                {n: torch.from_numpy(self.faces.labels[n].targets[indices]) for n in self.weights},
                {n: torch.from_numpy(w[indices]) for n, w in self.weights.items()},
                indices,
            )
            yield mixed(batch, self.config.mix_share, self.rng) if self.config.mix_share else batch


def prepared_ahead(batches: Iterable[T]) -> Iterator[T]:
    """Yield the same batches, the next one prepared in a thread while the last is used."""
    source = iter(batches)
    with ThreadPoolExecutor(1, thread_name_prefix='batches') as maker:
        following = maker.submit(next, source, None)
        while (batch := following.result()) is not None:
            following = maker.submit(next, source, None)
            yield batch
