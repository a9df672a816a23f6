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

"""Scenes as batches of tensors."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.training.tasks.detector.assignment import Annotations
from rtcnn_perception.training.tasks.detector.scenes.process import SceneProcess
from rtcnn_perception.training.tasks.detector.scenes.transformation import Scene
import torch
from torch import Tensor


@dataclass(frozen=True)
class SceneBatch:
    """``pixels`` (B, 3, H, W) float in [-1, 1], blue first, channels last; and annotations."""

    pixels: Tensor
    faces: Annotations


def to_pixels(images: Tensor) -> Tensor:
    """
    Scale pixels, here as in the exported graph.

    :param images: (B, H, W, 3) uint8, BGR
    :returns: (B, 3, H, W) float32 in [-1, 1], channels last
    """
    return images.permute(0, 3, 1, 2).float() * (2.0 / 255.0) - 1.0


def collate(scenes: Sequence[Scene]) -> SceneBatch:
    """Stack scenes of one size, with rows of no face as padding."""
    return SceneBatch(
        to_pixels(torch.from_numpy(np.stack([scene.image for scene in scenes]))),
        Annotations(
            _filled([scene.boxes for scene in scenes], (4,)),
            _filled([scene.weights for scene in scenes], ()),
            _filled([scene.landmarks for scene in scenes], (5, 2)),
            _filled([scene.ignored for scene in scenes], (4,)),
        ),
    )


def _filled(parts: list[NDArray[np.float32]], shape: tuple[int, ...]) -> Tensor:
    rows = np.zeros((len(parts), max(1, *map(len, parts)), *shape), np.float32)
    for row, part in zip(rows, parts, strict=True):
        row[: len(part)] = part
    return torch.from_numpy(rows)


class SceneBatches:
    """The batches of one epoch, each in as many parts as there are workers."""

    def __init__(
        self, scenes: SceneProcess, *, steps: int, batch_size: int, parts: int, seed: int
    ) -> None:
        """Prepare an epoch that ``seed`` repeats."""
        self.scenes, self.steps, self.batch_size = scenes, steps, batch_size
        self.parts, self.seed = parts, seed

    def __len__(self) -> int:
        """Return how many batches there are."""
        return self.steps

    def __iter__(self) -> Iterator[list[SceneBatch]]:
        """Yield each batch in its parts."""
        for scenes in self.scenes.batches(self.seed, self.steps, self.batch_size):
            yield [collate(scenes[first :: self.parts]) for first in range(self.parts)]
