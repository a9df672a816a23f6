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
Augmentation of whole batches of face crops.

The box is jittered before the crop is cut, and glasses are drawn where the landmarks are known
(``batches``); everything here acts on crops of the network's size, (B, 1, H, W) float in [0, 1],
and returns the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace
import math
from typing import Annotated

from rtcnn_perception.training.engine.config import Degrees
from rtcnn_perception.training.engine.config import NotNegative
from rtcnn_perception.training.engine.config import Range
from rtcnn_perception.training.engine.config import Settings
from rtcnn_perception.training.engine.config import Share
import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class AugmentationConfig(Settings):
    """
    How strong each change is and how often it occurs; 0 turns it off.

    ``scale`` and ``shift`` jitter the box, as fractions of its longer side; ``rotation`` is in
    degrees. ``light`` bounds gain and offset, ``noise`` the standard deviation, in units of full
    scale. The ``_share`` of the faces gets the change. ``occlusion_size`` is the longest side of
    the occlusion, as a fraction of the crop's; the shortest is 0.1. ``mix_share`` of the faces are
    blended with another face, and so are their targets (``batches``). ``glasses_share`` of those
    with landmarks get glasses (``glasses``).
    """

    scale: Share = 0.12
    shift: Share = 0.07
    rotation: Degrees = 12.0
    mirror: bool = True
    light: Share = 0.25
    gamma: NotNegative = 0.3
    blur_share: Share = 0.15
    low_resolution_share: Share = 0.15
    noise: Share = 0.03
    noise_share: Share = 0.2
    occlusion_share: Share = 0.2
    occlusion_size: Annotated[float, Range(0.1, 1)] = 0.4
    glasses_share: Share = 0.0
    mix_share: Share = 0.0

    def scaled(self, factor: float) -> AugmentationConfig:
        """Return all changes weaker and rarer by a factor; mirroring stays."""
        numbers = {
            name: value * factor
            for name, value in vars(self).items()
            if name not in ('mirror', 'occlusion_size')
        }
        return replace(self, **numbers)


class Augmentation:
    """Changes batches at random; every random number comes from one generator."""

    def __init__(self, config: AugmentationConfig, seed: int) -> None:
        """Make a stream of changes that ``seed`` repeats."""
        self.config = config
        self.generator = torch.Generator().manual_seed(seed)

    def __call__(self, faces: Tensor) -> Tensor:
        """Return changed copies of (B, 1, H, W) faces in [0, 1]."""
        faces = self.turn(faces)
        faces = self.degrade(faces)
        faces = self.relight(faces)
        faces = self.occlude(faces)
        return faces.clamp(0.0, 1.0)

    def _uniform(self, count: int, low: float, high: float) -> Tensor:
        """Draw (B, 1, 1, 1) numbers in [low, high)."""
        return torch.rand(count, 1, 1, 1, generator=self.generator) * (high - low) + low

    def _chosen(self, count: int, share: float) -> Tensor:
        """Draw (B, 1, 1, 1) booleans, true for a share of the faces."""
        return torch.rand(count, 1, 1, 1, generator=self.generator) < share

    def _indices(self, count: int, share: float) -> Tensor:
        """Draw which faces, a share of them, get a change: a rare change costs little then."""
        return self._chosen(count, share).flatten().nonzero().flatten()

    def turn(self, faces: Tensor) -> Tensor:
        """Rotate about the centre and mirror, the border's pixels repeated."""
        count = len(faces)
        limit = math.radians(self.config.rotation)
        angle = self._uniform(count, -limit, limit).reshape(count)
        flip = torch.ones(count)
        if self.config.mirror:
            flip = torch.where(self._chosen(count, 0.5).reshape(count), -1.0, 1.0)
        if limit == 0.0:
            return torch.where(flip.reshape(count, 1, 1, 1) < 0, faces.flip(3), faces)
        cos, sin, zero = angle.cos(), angle.sin(), torch.zeros(count)
        rows = torch.stack([flip * cos, -sin, zero, flip * sin, cos, zero], dim=1)
        grid = functional.affine_grid(
            rows.reshape(count, 2, 3), list(faces.shape), align_corners=False
        )
        return functional.grid_sample(faces, grid, padding_mode='border', align_corners=False)

    def degrade(self, faces: Tensor) -> Tensor:
        """Blur some, reduce the resolution of some, add noise to some."""
        config, count = self.config, len(faces)
        if config.blur_share:
            sigma = float(self._uniform(1, 0.6, 1.8))
            chosen = self._indices(count, config.blur_share)
            faces = faces.index_copy(0, chosen, gaussian_blur(faces[chosen], sigma))
        if config.low_resolution_share:
            factor = float(self._uniform(1, 0.3, 0.8))
            chosen = self._indices(count, config.low_resolution_share)
            faces = faces.index_copy(0, chosen, reduce_resolution(faces[chosen], factor))
        if config.noise_share:
            chosen = self._indices(count, config.noise_share)
            spread = self._uniform(len(chosen), 0.0, config.noise)
            grain = torch.randn(faces[chosen].shape, generator=self.generator)
            faces = faces.index_add(0, chosen, spread * grain)
        return faces

    def relight(self, faces: Tensor) -> Tensor:
        """Change gamma, gain about the face's mean, and offset."""
        config, count = self.config, len(faces)
        if config.gamma:
            gamma = self._uniform(count, -config.gamma, config.gamma).exp()
            faces = faces.clamp(1e-4, 1.0) ** gamma
        if config.light:
            gain = self._uniform(count, 1 - config.light, 1 + config.light)
            offset = self._uniform(count, -config.light, config.light) * 0.5
            mean = faces.mean((2, 3), keepdim=True)
            faces = (faces - mean) * gain + mean + offset
        return faces

    def occlude(self, faces: Tensor) -> Tensor:
        """Cover a rectangle of some faces with one gray."""
        config, count = self.config, len(faces)
        if not config.occlusion_share:
            return faces
        height, width = int(faces.shape[2]), int(faces.shape[3])
        size_y = self._uniform(count, 0.1, config.occlusion_size) * height
        size_x = self._uniform(count, 0.1, config.occlusion_size) * width
        top = self._uniform(count, 0.0, 1.0) * (height - size_y)
        left = self._uniform(count, 0.0, 1.0) * (width - size_x)
        rows = torch.arange(height).reshape(1, 1, height, 1)
        columns = torch.arange(width).reshape(1, 1, 1, width)
        covered = (rows >= top) & (rows < top + size_y) & (columns >= left)
        covered = covered & (columns < left + size_x)
        covered = covered & self._chosen(count, config.occlusion_share)
        return torch.where(covered, self._uniform(count, 0.0, 1.0), faces)


def gaussian_blur(faces: Tensor, sigma: float) -> Tensor:
    """Blur (B, 1, H, W) faces with a Gaussian of ``sigma`` pixels, the border repeated."""
    radius = max(1, math.ceil(2 * sigma))
    offsets = torch.arange(-radius, radius + 1, dtype=torch.float32)
    kernel = torch.exp(-(offsets**2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).reshape(1, 1, 1, -1)
    padded = functional.pad(faces, (radius, radius, radius, radius), mode='replicate')
    return functional.conv2d(functional.conv2d(padded, kernel), kernel.transpose(2, 3))


def reduce_resolution(faces: Tensor, factor: float) -> Tensor:
    """Shrink (B, 1, H, W) faces by ``factor`` below 1 and enlarge them again."""
    height, width = int(faces.shape[2]), int(faces.shape[3])
    small_hw = (max(4, round(height * factor)), max(4, round(width * factor)))
    small = functional.interpolate(faces, small_hw, mode='area')
    return functional.interpolate(small, (height, width), mode='bilinear', align_corners=False)
