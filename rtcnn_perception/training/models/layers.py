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
Layers with the conventions of TensorFlow, so that Keras weights mean the same here.

Tensors are (B, C, H, W) float, best in channels_last memory.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch import Tensor
from torch.nn import functional

KERAS_EPSILON = 1e-3
"""Added to the variance by Keras's BatchNormalization."""

KERAS_MOMENTUM = 0.01
"""1 - 0.99: PyTorch counts the share of the new value, Keras that of the old."""


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """
    Return how many pixels TensorFlow's "same" adds before and after an axis.

    Source: TensorFlow API guide, ``tf.nn``, "Notes on padding": the output has
    ``ceil(size / stride)`` places, and the odd pixel goes after.
    """
    outputs = -(-size // stride)
    total = max((outputs - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def batch_norm(width: int) -> nn.BatchNorm2d:
    """Return a batch normalisation with the constants of Keras."""
    return nn.BatchNorm2d(width, eps=KERAS_EPSILON, momentum=KERAS_MOMENTUM)


class SameConv2d(nn.Conv2d):
    """A convolution padded as TensorFlow's "same" is."""

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, C', ceil(H / stride), ceil(W / stride))."""
        kernel, stride = int(self.kernel_size[0]), int(self.stride[0])
        top, bottom = same_padding(int(x.shape[2]), kernel, stride)
        left, right = same_padding(int(x.shape[3]), kernel, stride)
        symmetric = top == bottom and left == right
        if not symmetric:
            x = functional.pad(x, (left, right, top, bottom))
        return convolve(self, x, (top, left) if symmetric else (0, 0))


def convolve(layer: nn.Conv2d, x: Tensor, padding: tuple[int, int]) -> Tensor:
    """
    Apply a convolution; a strided depthwise one in float32 while training.

    In bfloat16 oneDNN's gradient of it takes 60 times as long (PyTorch 2.13, AVX-512).
    """
    is_strided_depthwise = layer.groups > 1 and int(layer.stride[0]) > 1
    if not (layer.training and is_strided_depthwise):
        return functional.conv2d(
            x, layer.weight, layer.bias, layer.stride, padding, layer.dilation, layer.groups
        )
    with torch.autocast(x.device.type, enabled=False):
        wide = functional.conv2d(
            x.float(), layer.weight, layer.bias, layer.stride, padding, groups=layer.groups
        )
    return wide.to(x.dtype)


class SamePool2d(nn.Module):
    """Maximum or average pooling padded as TensorFlow's "same" is; padding never counts."""

    def __init__(self, kind: str, kernel: int, stride: int) -> None:
        """Take ``kind`` 'max' or 'average'."""
        super().__init__()
        self.kind, self.kernel, self.stride = kind, kernel, stride

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, C, ceil(H / stride), ceil(W / stride))."""
        top, bottom = same_padding(int(x.shape[2]), self.kernel, self.stride)
        left, right = same_padding(int(x.shape[3]), self.kernel, self.stride)
        # PyTorch pads both sides alike, or lets the last window reach over the end: with both,
        # the graph needs no layer that pads.
        pads = {(top, bottom), (left, right)}
        if not pads <= {(0, 0), (0, 1)} and not all(before == after for before, after in pads):
            raise ValueError(f'no pooling of {self.kernel} by {self.stride} for {x.shape[2:]}')
        if self.kind == 'max':
            return functional.max_pool2d(
                x, self.kernel, self.stride, padding=(top, left), ceil_mode=True
            )
        return functional.avg_pool2d(
            x,
            self.kernel,
            self.stride,
            padding=(top, left),
            ceil_mode=True,
            count_include_pad=False,
        )


class DepthwiseConv2d(nn.Conv2d):
    """A convolution of each channel by itself."""

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, C, ceil(H / stride), ceil(W / stride))."""
        return convolve(self, x, (1, 1))


class SeparableConv2d(nn.Module):
    """
    A depthwise 3x3 convolution and a pointwise one, without biases, as Keras has it.

    With stride 1 one pixel at each side is what "same" means; with stride 2, which no network of
    Keras uses here, it stays so for the sake of a graph without padding layers.
    """

    def __init__(self, width_in: int, width_out: int, stride: int = 1) -> None:
        """Build for ``width_in`` channels in and ``width_out`` out."""
        super().__init__()
        self.depthwise = DepthwiseConv2d(
            width_in, width_in, 3, stride=stride, padding=1, groups=width_in, bias=False
        )
        self.pointwise = nn.Conv2d(width_in, width_out, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, width_out, ceil(H / stride), ceil(W / stride))."""
        return self.pointwise(self.depthwise(x))  # type: ignore[no-any-return,unused-ignore]


class StridedPointwise(nn.Conv2d):
    """
    A 1x1 convolution of every second pixel.

    While training it picks the pixels first: the same numbers, less work, and oneDNN's gradient of
    the strided form crashed in float32 (PyTorch 2.13, 8 channels in).
    """

    def __init__(self, width_in: int, width_out: int) -> None:
        """Build for ``width_in`` channels in and ``width_out`` out, without a bias."""
        super().__init__(width_in, width_out, 1, stride=2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, width_out, ceil(H / 2), ceil(W / 2))."""
        if not self.training:
            return super().forward(x)
        return functional.conv2d(x[:, :, ::2, ::2], self.weight, self.bias)


class SeededDropout(nn.Module):
    """Dropout with a stream of chance of its own, so that copies in threads repeat."""

    def __init__(self, share: float) -> None:
        """Drop a ``share`` of the values while training."""
        super().__init__()
        self.share = share
        self.seed(0)

    def seed(self, *origin: int) -> None:
        """Start the stream anew; another ``origin`` gives one that has nothing to do with it."""
        self._origin, self._draws = origin, 0

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` with some values zero and the others enlarged to the same mean."""
        if not self.training or self.share == 0.0:
            return x
        self._draws += 1
        (seed,) = np.random.SeedSequence((*self._origin, self._draws)).generate_state(1).tolist()
        generator = torch.Generator(x.device).manual_seed(seed)
        kept = torch.rand(x.shape, generator=generator, device=x.device) >= self.share
        return x * kept / (1 - self.share)
