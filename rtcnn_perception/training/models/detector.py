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
The network that detects faces, built from a description as the attribute networks are.

Stem and stages, a path back from coarse to fine features, and at each of three strides a score, a
box and five landmarks for every anchor. All convolutions are full ones, which eight bits make
cheap; separable ones gain nothing from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.training.models.blocks import DenseResidual
from rtcnn_perception.training.models.layers import batch_norm
import torch
from torch import nn
from torch import Tensor
from torch.nn import functional

STRIDES = (8, 16, 32)
"""Pixels between the anchors of each level, which has a stage each."""

GROUP = 4
"""Pixels of a row that the stem takes as one of four times the channels."""

BOX_NUMBERS, LANDMARK_NUMBERS = 4, 10

RARE = -4.6
"""Logit of the scores at the start, 1 in 100: one half would be all false faces."""


class AnchorOutputs(NamedTuple):
    """
    What the network predicts for every anchor, level by level, row by row.

    ``score`` (B, N) are logits, ``box`` (B, N, 4) and ``landmarks`` (B, N, 10) in strides as
    ``core.detection.grid`` decodes them.
    """

    score: Tensor
    box: Tensor
    landmarks: Tensor


@dataclass(frozen=True)
class Level:
    """
    A stage, and its head behind the way back: one convolution, or a residual block of two.

    ``blocks`` counts the residual blocks of the stage.
    """

    width: int
    blocks: int = 1
    is_head_residual: bool = False


@dataclass(frozen=True)
class DetectorArchitecture:
    """
    A detector's description.

    ``stem`` has the rows, in pixels, and the columns, in groups of ``GROUP`` pixels, of the first
    kernel, and its width. ``levels`` are those of ``STRIDES``.
    """

    source: str
    stem: tuple[int, int, int]
    levels: tuple[Level, Level, Level]
    channels: int = 3


def grouped(images: Tensor) -> Tensor:
    """
    Give every ``GROUP`` pixels of a row as channels of one: a view of channels that lie last.

    A convolution over three channels is slow, and eight-bit kernels take multiples of four.

    :param images: (B, H, W, C)
    :returns: (B, ``GROUP`` C, H, W / ``GROUP``)
    """
    batch, height, _, channels = images.shape
    return images.reshape(batch, height, -1, GROUP * channels).permute(0, 3, 1, 2)


def _convolution(width_in: int, width_out: int, stride: int = 1) -> nn.Sequential:
    layer = nn.Conv2d(width_in, width_out, 3, stride, padding=1, bias=False)
    return nn.Sequential(layer, batch_norm(width_out), nn.ReLU())


def _head(level: Level) -> nn.Module:
    if level.is_head_residual:
        return DenseResidual(level.width, level.width, 1)
    return _convolution(level.width, level.width)


class FaceNetwork(nn.Module):
    """
    A detector built from its description.

    It takes (B, 3, H, W) float in [-1, 1], blue first, H and W multiples of 32.
    """

    def __init__(self, name: str, spec: DetectorArchitecture) -> None:
        """Build the network."""
        super().__init__()
        self.name, self.spec = name, spec
        rows, columns, width = spec.stem
        first = nn.Conv2d(
            GROUP * spec.channels,
            width,
            (rows, columns),
            (GROUP, 1),
            ((rows - GROUP) // 2, columns // 2),
            bias=False,
        )
        self.stem = nn.Sequential(first, batch_norm(width), nn.ReLU())
        stages = []
        for level in spec.levels:
            residual = (DenseResidual(level.width, level.width, 1) for _ in range(level.blocks))
            stages.append(nn.Sequential(_convolution(width, level.width, 2), *residual))
            width = level.width
        self.stages = nn.ModuleList(stages)
        widths = [level.width for level in spec.levels]
        self.downs = nn.ModuleList(
            nn.Sequential(nn.Conv2d(coarse, fine, 1, bias=False), batch_norm(fine))
            for fine, coarse in pairwise(widths)
        )
        self.levels = nn.ModuleList(map(_head, spec.levels))
        numbers = 1 + BOX_NUMBERS + LANDMARK_NUMBERS
        outputs = [nn.Conv2d(width, numbers, 1) for width in widths]
        self.outputs = nn.ModuleList(outputs)
        bias = torch.zeros(numbers)
        bias[0] = RARE
        bias[3:5] = 1.0  # faces are larger than a stride
        for output in outputs:
            nn.init.normal_(output.weight, std=0.01)
            output.bias = nn.Parameter(bias.clone())

    def forward(self, x: Tensor) -> AnchorOutputs:
        """Return the predictions for every anchor."""
        return self.of_groups(grouped(x.permute(0, 2, 3, 1)))

    def of_groups(self, x: Tensor) -> AnchorOutputs:
        """Return the predictions for (B, 12, H, W / 4), as :func:`grouped` gives it."""
        x = self.stem(x)  # (B, width, H / 4, W / 4)
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        for level in range(len(STRIDES) - 2, -1, -1):
            coarse = self.downs[level](features[level + 1])
            coarse = functional.interpolate(coarse, scale_factor=2.0, mode='nearest')
            features[level] = functional.relu(features[level] + coarse)
        rows = [
            output(level(feature)).permute(0, 2, 3, 1).flatten(1, 2)
            for output, level, feature in zip(self.outputs, self.levels, features, strict=True)
        ]
        anchors = torch.cat(rows, dim=1)
        parts = [1, BOX_NUMBERS, LANDMARK_NUMBERS]
        score, box, landmarks = torch.split(anchors, parts, dim=2)  # type: ignore[no-untyped-call,unused-ignore]
        return AnchorOutputs(score.flatten(1), box, landmarks)


DETECTOR_ARCHITECTURES: dict[str, DetectorArchitecture] = {
    'face_dense': DetectorArchitecture(
        source='this project; a feature pyramid after Lin et al. 2017, single-stage as YuNet',
        stem=(6, 3, 32),
        levels=(Level(48, is_head_residual=True), Level(64, blocks=2), Level(96)),
    ),
}
"""Every detector that has a name."""


def build_detector(name: str) -> FaceNetwork:
    """
    Build a named detector.

    :raises ConfigurationError: if none has that name
    """
    if name not in DETECTOR_ARCHITECTURES:
        known = ', '.join(sorted(DETECTOR_ARCHITECTURES))
        raise ConfigurationError(f'no detector architecture is called {name!r}; there are {known}')
    return FaceNetwork(name, DETECTOR_ARCHITECTURES[name])
