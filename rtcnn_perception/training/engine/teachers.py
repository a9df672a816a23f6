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

"""Teachers: networks whose predictions are soft targets for the network in training."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.training.data.batches import Batch
from rtcnn_perception.training.data.batches import cut_all
from rtcnn_perception.training.data.batches import to_input
from rtcnn_perception.training.data.classes import positions
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.engine.config import Count
from rtcnn_perception.training.engine.config import Positive
from rtcnn_perception.training.engine.config import Settings
from rtcnn_perception.training.engine.config import Share
from rtcnn_perception.training.engine.networks import LabelledNetwork
from rtcnn_perception.training.engine.networks import load_network
import torch
from torch import Tensor
from torch.nn import functional

SoftTargets = dict[str, Tensor]
"""Probabilities (B, C) of each attribute that a teacher classifies, softened."""


@dataclass(frozen=True)
class TeacherConfig(Settings):
    """
    One teacher: a checkpoint, an exported model or Keras weights.

    ``weight`` is relative to the other teachers of an attribute; ``attributes`` are those that it
    teaches, all that it classifies where there are none.
    """

    path: str
    weight: Positive = 1.0
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True)
class DistillationConfig(Settings):
    """
    How teachers count and when they are run.

    Their mean prediction counts ``share`` of the loss, at ``temperature``; with ``mirror`` it is
    the mean over a face and its mirror image, which takes twice the time. With ``rounds`` above 0
    augmentation repeats after so many epochs, and soft targets are kept. With ``once`` they are
    computed once for each face from its crop at run time, and augmentation need not repeat.
    """

    share: Share = 0.0
    temperature: Positive = 2.0
    mirror: bool = False
    rounds: Count = 0
    once: bool = False
    teachers: tuple[TeacherConfig, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if bool(self.teachers) != bool(self.share):
            raise ValueError(
                f'teachers and a share above 0 go together, got {len(self.teachers)} teachers and '
                f'the share {self.share:g}'
            )
        if (self.rounds or self.once) and not self.teachers:
            raise ValueError('rounds and once are about teachers, so teachers must name one')
        if self.rounds and self.once:
            raise ValueError('of rounds and once one at most may be given')


@dataclass(frozen=True)
class Teacher:
    """
    A network with its weight, and for each attribute that it teaches the order of its classes.

    ``places`` (C,) are the columns of its logits in the order of the student's classes.
    """

    source: LabelledNetwork
    weight: float
    places: Mapping[str, NDArray[np.int64]]

    @torch.no_grad()
    def predict(self, pixels: Tensor, config: DistillationConfig) -> SoftTargets:
        """
        Return softened probabilities in the student's order.

        :param pixels: (B, 1, H, W) float in [-1, 1], which are scaled to the input of the network
        """
        size_hw = self.source.network.spec.input_hw
        if tuple(pixels.shape[2:]) != size_hw:
            pixels = functional.interpolate(pixels, size_hw, mode='bilinear')
        views = (pixels, pixels.flip(3)) if config.mirror else (pixels,)
        device = pixels.device.type
        with torch.autocast(device, torch.bfloat16):
            logits = [self.source.network(view) for view in views]
        return {
            name: torch.stack(
                [
                    (each[name].float()[:, places] / config.temperature).softmax(1)
                    for each in logits
                ]
            ).mean(0)
            for name, places in self.places.items()
        }


class Teachers:
    """
    All teachers of a training.

    Soft targets are kept where faces come back unchanged: for every batch where the augmentation
    repeats, or for every face where teachers are run once.
    """

    def __init__(
        self, config: DistillationConfig, device: str, classes: Mapping[str, Sequence[str]]
    ) -> None:
        """
        Load the teachers; there may be none.

        :param classes: of the student, by attribute
        :raises ConfigurationError: if one of them teaches no attribute of the student
        :raises ModelError: if one is missing or damaged
        :raises UnknownClassError: if one lacks a class of the student
        """
        self.config, self.device = config, device
        self.teachers = [load_teacher(each, device, classes) for each in config.teachers]
        self._of_batches: dict[tuple[int, bytes], SoftTargets] = {}
        self._of_faces: SoftTargets = {}

    def run_once(self, faces: FaceSet) -> None:
        """
        Compute the soft targets of all faces, if that is how teachers are run.

        Each teacher gets the crops that it is made for.
        """
        if not self.config.once:
            return
        found = []
        for teacher in self.teachers:
            source = teacher.source
            crops = cut_all(faces, source.crop, source.network.spec.input_hw, source.name)
            parts = [
                teacher.predict(to_input(each).to(self.device), self.config) for each in crops
            ]
            found.append({n: torch.cat([part[n] for part in parts]) for n in teacher.places})
        self._of_faces = self._mean(found)

    def soft_targets(self, batch: Batch, augmentation_round: int) -> SoftTargets:
        """
        Return the soft targets of a batch.

        :param augmentation_round: the same faces of the same round have the same pixels
        """
        if self._of_faces:
            return {name: rows[batch.indices] for name, rows in self._of_faces.items()}
        key = augmentation_round, batch.indices.tobytes()
        found = self._of_batches.get(key)
        if found is None:
            pixels = batch.pixels.to(self.device)
            found = self._mean([each.predict(pixels, self.config) for each in self.teachers])
        if self.config.rounds:
            self._of_batches[key] = found
        return found

    def _mean(self, predictions: Sequence[SoftTargets]) -> SoftTargets:
        """Return the mean of the teachers' predictions by their weights."""
        result: SoftTargets = {}
        for name in dict.fromkeys(name for each in predictions for name in each):
            weighted = [
                (teacher.weight, each[name])
                for teacher, each in zip(self.teachers, predictions, strict=True)
                if name in each
            ]
            total = sum(weight for weight, _ in weighted)
            result[name] = torch.stack([rows * (weight / total) for weight, rows in weighted]).sum(
                0
            )
        return result


def load_teacher(
    config: TeacherConfig, device: str, classes: Mapping[str, Sequence[str]]
) -> Teacher:
    """Load one teacher of a student with these classes; errors as of :class:`Teachers`."""
    found = load_network(Path(config.path))
    wanted = config.attributes or tuple(name for name in classes if name in found.classes)
    missing = [name for name in wanted if name not in classes or name not in found.classes]
    if missing or not wanted:
        raise ConfigurationError(
            f'the teacher {config.path} must classify {" and ".join(missing or classes)}, which '
            f'the network learns: it classifies {", ".join(found.classes)}, the network learns '
            f'{", ".join(classes)}'
        )
    places = {
        name: positions(classes[name], found.classes[name], f'{name} of the teacher {config.path}')
        for name in wanted
    }
    return Teacher(replace(found, network=found.network.to(device)), config.weight, places)
