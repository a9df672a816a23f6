"""
The network that detects faces, built from a description as the attribute networks are.

Stem and stages, a path back from coarse to fine features, and at each of three strides a score, a
box and five landmarks for every anchor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.training.models.architectures import build_stages
from rtcnn_perception.training.models.architectures import build_stem
from rtcnn_perception.training.models.architectures import Stage
from rtcnn_perception.training.models.architectures import Stem
from rtcnn_perception.training.models.blocks import BLOCKS
import torch
from torch import nn
from torch import Tensor
from torch.nn import functional

STRIDES = (8, 16, 32)
"""Pixels between the anchors of each level; stages at these strides have a level each."""

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
class DetectorArchitecture:
    """
    A detector's description.

    The last stages, one for each of ``STRIDES``, each halve what comes before and have one width.
    ``head`` counts the separable blocks of each level before its outputs.
    """

    source: str
    stem: Stem
    stages: tuple[Stage, ...]
    head: int = 1
    channels: int = 3


class FaceNetwork(nn.Module):
    """
    A detector built from its description.

    It takes (B, 3, H, W) float in [-1, 1], blue first, H and W multiples of 32.
    """

    def __init__(self, name: str, spec: DetectorArchitecture) -> None:
        """Build the network."""
        super().__init__()
        self.name, self.spec = name, spec
        self.stem, width = build_stem(spec.channels, spec.stem)
        stages = []
        for stage in spec.stages:
            blocks, width = build_stages(width, (stage,))
            stages.append(blocks)
        self.stages = nn.ModuleList(stages)
        separable = BLOCKS['separable']
        self.merges = nn.ModuleList(separable(width, width, 1, 3) for _ in STRIDES[:-1])
        self.levels = nn.ModuleList(
            nn.Sequential(*(separable(width, width, 1, 3) for _ in range(spec.head)))
            for _ in STRIDES
        )
        numbers = 1 + BOX_NUMBERS + LANDMARK_NUMBERS
        outputs = [nn.Conv2d(width, numbers, 1) for _ in STRIDES]
        self.outputs = nn.ModuleList(outputs)
        bias = torch.zeros(numbers)
        bias[0] = RARE
        bias[3:5] = 1.0  # faces are larger than a stride
        for output in outputs:
            nn.init.normal_(output.weight, std=0.01)
            output.bias = nn.Parameter(bias.clone())

    def forward(self, x: Tensor) -> AnchorOutputs:
        """Return the predictions for every anchor."""
        x = self.stem(x)
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        features = features[-len(STRIDES) :]
        for level in range(len(STRIDES) - 2, -1, -1):
            coarse = functional.interpolate(features[level + 1], scale_factor=2.0, mode='nearest')
            features[level] = self.merges[level](features[level] + coarse)
        rows = [
            output(level(feature)).flatten(2).transpose(1, 2)
            for output, level, feature in zip(self.outputs, self.levels, features, strict=True)
        ]
        anchors = torch.cat(rows, dim=1)
        return AnchorOutputs(anchors[..., 0], anchors[..., 1:5], anchors[..., 5:])


DETECTOR_ARCHITECTURES: dict[str, DetectorArchitecture] = {
    'face_cells': DetectorArchitecture(
        source='this project; single-stage with a path back to fine features, after YuNet (2023)',
        stem=Stem((16,), (2,), 'same'),
        stages=(
            Stage('separable', 32, blocks=2),
            Stage('separable', 64, blocks=3),
            Stage('separable', 64, blocks=3),
            Stage('separable', 64, blocks=2),
        ),
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
