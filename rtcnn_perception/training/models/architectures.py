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
A declarative description of a small CNN, and the networks that have a name.

A description is read from the picture to the classes: stem, stages of blocks, head. Everything a
named network is stands in one table, ``ARCHITECTURES``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.training.models.blocks import BLOCKS
from rtcnn_perception.training.models.layers import batch_norm
from rtcnn_perception.training.models.layers import SameConv2d
from rtcnn_perception.training.models.layers import SeededDropout
from torch import nn
from torch import Tensor
from torch.nn import functional

PAPER = 'Arriaga, Ploeger, Valdenegro 2017; face_classification/src/models/cnn.py (MIT)'


@dataclass(frozen=True)
class Stem:
    """
    Square convolutions without bias, each with batch normalisation and ReLU.

    'same' pads half a kernel at each side, whatever the stride.
    """

    widths: tuple[int, ...]
    strides: tuple[int, ...]
    padding: Literal['same', 'valid']
    kernel: int = 3

    def __post_init__(self) -> None:
        """Reject widths without strides."""
        if len(self.widths) != len(self.strides):
            raise ValueError('a stem needs one stride for each width')


@dataclass(frozen=True)
class Stage:
    """Blocks of one kind and width; the first has the stride."""

    block: str
    width: int
    blocks: int = 1
    stride: int = 2


@dataclass(frozen=True)
class Head:
    """
    From features to the logits of each attribute.

    'convolution' puts a 3x3 convolution to the classes before global average pooling, as the paper
    does; 'linear' pools first, and may drop features out.
    """

    kind: Literal['convolution', 'linear'] = 'convolution'
    dropout: float = 0.0


@dataclass(frozen=True)
class Architecture:
    """A network without its classes: those come with the data."""

    source: str
    input_hw: tuple[int, int]
    stem: Stem
    stages: tuple[Stage, ...]
    head: Head = Head()
    channels: int = 1


def build_stem(width: int, spec: Stem) -> tuple[nn.Sequential, int]:
    """Return a stem on ``width`` channels, and how many channels it gives."""
    layers: list[nn.Module] = []
    padding = spec.kernel // 2 if spec.padding == 'same' else 0
    for wider, stride in zip(spec.widths, spec.strides, strict=True):
        layers.append(nn.Conv2d(width, wider, spec.kernel, stride, padding, bias=False))
        layers += [batch_norm(wider), nn.ReLU()]
        width = wider
    return nn.Sequential(*layers), width


def build_stages(width: int, stages: tuple[Stage, ...]) -> tuple[nn.Sequential, int]:
    """Return the blocks of stages on ``width`` channels, and how many channels they give."""
    blocks = []
    for stage in stages:
        for index in range(stage.blocks):
            stride = stage.stride if index == 0 else 1
            blocks.append(BLOCKS[stage.block](width, stage.width, stride))
            width = stage.width
    return nn.Sequential(*blocks), width


class Network(nn.Module):
    """
    A network built from its description.

    It takes (B, 1, H, W) float in [-1, 1] and returns the logits (B, C) of each attribute.
    """

    def __init__(self, name: str, spec: Architecture, classes: Mapping[str, int]) -> None:
        """Build the network; ``classes`` has how many each attribute has."""
        super().__init__()
        self.name, self.spec, self.classes = name, spec, dict(classes)
        self.stem, width = build_stem(spec.channels, spec.stem)
        self.blocks, width = build_stages(width, spec.stages)
        self.dropout = SeededDropout(spec.head.dropout)
        kind = SameConv2d if spec.head.kind == 'convolution' else nn.Linear
        sizes = (3,) if spec.head.kind == 'convolution' else ()
        self.heads = nn.ModuleDict(
            {name: kind(width, count, *sizes) for name, count in self.classes.items()}
        )

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Return the logits (B, C) of each attribute."""
        x = self.blocks(self.stem(x))
        if self.spec.head.kind == 'linear':
            x = self.dropout(functional.adaptive_avg_pool2d(x, 1).flatten(1))
            return {name: head(x) for name, head in self.heads.items()}
        x = self.dropout(x)
        return {name: head(x).mean((2, 3)) for name, head in self.heads.items()}


def _xception(stem: int, widths: tuple[int, ...]) -> Architecture:
    """Return a network of the paper's second kind."""
    return Architecture(
        source=PAPER,
        input_hw=(64, 64),
        stem=Stem((stem, stem), (1, 1), 'valid'),
        stages=tuple(Stage('xception', width) for width in widths),
    )


ARCHITECTURES: dict[str, Architecture] = {
    'mini_xception': _xception(8, (16, 32, 64, 128)),
    'tiny_xception': _xception(5, (8, 16, 32, 64)),
    'slim_resnet': Architecture(
        source='this project; blocks of He et al. 2016, chosen by time in eight bits',
        input_hw=(64, 64),
        stem=Stem((16,), (2,), 'same', kernel=5),
        stages=(Stage('dense', 24), Stage('dense', 64), Stage('dense', 128)),
        head=Head('linear'),
    ),
    'mobilenet': Architecture(
        source='Howard et al. 2017; a teacher, which can start from published weights',
        input_hw=(96, 96),
        stem=Stem((), (), 'same'),
        stages=(
            Stage('clipped_conv', 32),
            Stage('clipped', 64, stride=1),
            Stage('clipped', 128, blocks=2),
            Stage('clipped', 256, blocks=2),
            Stage('clipped', 512, blocks=6),
            Stage('clipped', 1024, blocks=2),
        ),
        head=Head('linear', dropout=0.3),
    ),
}
"""Every network that has a name."""


def architecture_called(name: str) -> Architecture:
    """
    Return a named network's description.

    :param name: a key of ``ARCHITECTURES``
    :raises ConfigurationError: if no network has that name
    """
    if name not in ARCHITECTURES:
        known = ', '.join(sorted(ARCHITECTURES))
        raise ConfigurationError(f'no architecture is called {name!r}; there are {known}')
    return ARCHITECTURES[name]


def build_network(name: str, classes: Mapping[str, int]) -> Network:
    """
    Build a named network.

    :param name: a key of ``ARCHITECTURES``
    :param classes: attribute to number of classes, one entry for each head
    :raises ConfigurationError: if no network has that name
    """
    return Network(name, architecture_called(name), classes)
