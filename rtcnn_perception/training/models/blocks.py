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
The blocks a stage is made of, by the name a description gives them.

Tensors are (B, C, H, W) float, best in channels_last memory.
"""

from __future__ import annotations

from collections.abc import Callable

from rtcnn_perception.training.models.layers import batch_norm
from rtcnn_perception.training.models.layers import SameConv2d
from rtcnn_perception.training.models.layers import SamePool2d
from rtcnn_perception.training.models.layers import SeparableConv2d
from rtcnn_perception.training.models.layers import StridedPointwise
from torch import nn
from torch import Tensor
from torch.nn import functional


class XceptionBlock(nn.Module):
    """
    The residual module of mini-Xception: two separable convolutions, halved by max pooling.

    Source: Arriaga, Ploeger, Valdenegro: Real-time Convolutional Neural Networks for Emotion and
    Gender Classification, 2017, section III, figure 2.
    """

    def __init__(self, width_in: int, width_out: int) -> None:
        """Build a module that halves the picture."""
        super().__init__()
        self.shortcut = StridedPointwise(width_in, width_out)
        self.shortcut_norm = batch_norm(width_out)
        self.first = SeparableConv2d(width_in, width_out)
        self.first_norm = batch_norm(width_out)
        self.second = SeparableConv2d(width_out, width_out)
        self.second_norm = batch_norm(width_out)
        self.pool = SamePool2d('max', 3, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, width_out, ceil(H / 2), ceil(W / 2))."""
        residual = self.shortcut_norm(self.shortcut(x))
        y = functional.relu(self.first_norm(self.first(x)))
        y = self.pool(self.second_norm(self.second(y)))
        return y + residual  # type: ignore[no-any-return,unused-ignore]


def projection(width_in: int, width_out: int, stride: int) -> nn.Module:
    """Return the shortcut of a residual block: the identity where nothing changes."""
    if stride == 1 and width_in == width_out:
        return nn.Identity()
    layers: list[nn.Module] = [SamePool2d('average', 2, 2)] if stride > 1 else []
    pointwise = nn.Conv2d(width_in, width_out, 1, bias=False)
    return nn.Sequential(*layers, pointwise, batch_norm(width_out))


class DenseResidual(nn.Module):
    """
    Two full 3x3 convolutions beside a shortcut, halving by stride or not.

    Where a separable convolution moves more memory than it computes, a full one of fewer channels
    takes less time for as many multiply-accumulates.
    Source: He, Zhang, Ren, Sun: Deep Residual Learning for Image Recognition, 2016, figure 2, with
    the shortcut that averages before it projects.
    """

    def __init__(self, width_in: int, width_out: int, stride: int) -> None:
        """Build a module; the shortcut is the identity where nothing changes."""
        super().__init__()
        self.first = nn.Conv2d(width_in, width_out, 3, stride, padding=1, bias=False)
        self.first_norm = batch_norm(width_out)
        self.second = nn.Conv2d(width_out, width_out, 3, padding=1, bias=False)
        self.second_norm = batch_norm(width_out)
        self.shortcut = projection(width_in, width_out, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, width_out, ceil(H / stride), ceil(W / stride))."""
        y = functional.relu(self.first_norm(self.first(x)))
        return functional.relu(self.second_norm(self.second(y)) + self.shortcut(x))


class ClippedConv(nn.Module):
    """A full 3x3 convolution clipped to [0, 6], with a stride or not: the stem of MobileNet."""

    def __init__(self, width_in: int, width_out: int, stride: int) -> None:
        """Build a stem."""
        super().__init__()
        self.convolution = SameConv2d(width_in, width_out, 3, stride, bias=False)
        self.convolution_norm = batch_norm(width_out)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, width_out, ceil(H / stride), ceil(W / stride))."""
        return functional.relu6(self.convolution_norm(self.convolution(x)))


class ClippedSeparable(nn.Module):
    """
    A depthwise convolution and a pointwise one, each clipped to [0, 6], halving by stride or not.

    Source: Howard et al.: MobileNets: Efficient Convolutional Neural Networks for Mobile Vision
    Applications, 2017, figure 3, clipped as TensorFlow's implementation is.
    """

    def __init__(self, width_in: int, width_out: int, stride: int) -> None:
        """Build a module."""
        super().__init__()
        self.depthwise = SameConv2d(width_in, width_in, 3, stride, groups=width_in, bias=False)
        self.depthwise_norm = batch_norm(width_in)
        self.pointwise = nn.Conv2d(width_in, width_out, 1, bias=False)
        self.pointwise_norm = batch_norm(width_out)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, width_out, ceil(H / stride), ceil(W / stride))."""
        y = functional.relu6(self.depthwise_norm(self.depthwise(x)))
        return functional.relu6(self.pointwise_norm(self.pointwise(y)))


BlockFactory = Callable[[int, int, int], nn.Module]
"""Takes width in, width out and stride."""

BLOCKS: dict[str, BlockFactory] = {
    'xception': lambda w_in, w_out, _stride: XceptionBlock(w_in, w_out),  # always halves
    'dense': DenseResidual,
    'clipped_conv': ClippedConv,
    'clipped': ClippedSeparable,
}
"""The kinds of block a stage may name."""
