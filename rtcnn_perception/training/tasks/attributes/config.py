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

"""The configuration of a training of an attribute network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field

from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.training.data.augmentation import AugmentationConfig
from rtcnn_perception.training.data.sources import DataConfig
from rtcnn_perception.training.engine.config import BelowOne
from rtcnn_perception.training.engine.config import Count
from rtcnn_perception.training.engine.config import RunConfig
from rtcnn_perception.training.engine.config import Settings
from rtcnn_perception.training.engine.networks import Mix
from rtcnn_perception.training.engine.teachers import DistillationConfig
from torch import nn


@dataclass(frozen=True)
class LossConfig(Settings):
    """
    What the cross-entropy is taken with.

    ``label_smoothing`` is the share of a target that is spread over all classes, or over the
    neighbours of ordered ones.
    """

    label_smoothing: BelowOne = 0.0


@dataclass(frozen=True)
class SelectConfig:
    """
    The metrics on held-out faces by whose mean the best epoch is chosen.

    They are written 'HEAD.METRIC'; none means the balanced accuracies of all heads.
    """

    metrics: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TrainConfig(RunConfig):
    """
    A training of an attribute network, with a head for each attribute of the data.

    ``mix`` makes of some heads a mixture with another when the network is evaluated and exported;
    ``prior`` is the share of the classes' log frequencies that is taken from a head's logits then,
    so that rare classes are predicted more often.
    ``patience`` is in epochs, 0 never stops early. ``start_from`` is a checkpoint or an exported
    model, or published weights; heads that it lacks, or of which it lacks a class, start as one
    over the same classes, or at random. After ``ease_from`` epochs, if above 0, augmentation is
    half as strong.
    """

    architecture: str
    data: DataConfig
    crop: CropGeometry = field(default_factory=lambda: CropGeometry(0.0))
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    distillation: DistillationConfig = field(default_factory=DistillationConfig)
    mix: Mapping[str, Mix] = field(default_factory=dict)
    prior: Mapping[str, float] = field(default_factory=dict)
    select: SelectConfig = field(default_factory=SelectConfig)
    patience: Count = 0
    ease_from: Count = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        distillation, attributes = self.distillation, self.data.attributes
        for name in attributes:
            if hasattr(nn.ModuleDict(), name):  # which holds the heads by these names
                raise ValueError(f'PyTorch uses the name {name!r}: call the attribute otherwise')
        if self.data.unlabelled and not distillation.teachers:
            raise ValueError('[data] has unlabelled faces, so [distillation] must name teachers')
        if distillation.rounds and self.ease_from:
            raise ValueError('with rounds augmentation must not change: ease_from must be 0')
        if distillation.once and self.augmentation.mix_share:
            raise ValueError('with once no teacher sees blended faces: mix_share must be 0')
        mixed = (*self.mix, *(each.head for each in self.mix.values()))
        for table, names in (('mix', mixed), ('prior', self.prior)):
            for name in names:
                if name not in attributes:
                    known = ' or '.join(attributes)
                    raise ValueError(f'[{table}] has the head {name}, expected {known}')
        for name, share in self.prior.items():
            if not 0 <= share <= 1:
                raise ValueError(f'prior of {name} must be in [0, 1], got {share:g}')

    def augmentation_at(self, epoch: int) -> AugmentationConfig:
        """Return the augmentation when ``epoch`` epochs are done."""
        is_eased = 0 < self.ease_from <= epoch
        return self.augmentation.scaled(0.5) if is_eased else self.augmentation
