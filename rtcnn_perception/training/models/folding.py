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

"""Batch normalisation folded into the convolution before it."""

from __future__ import annotations

from collections.abc import Iterator
import copy
from typing import cast
from typing import TypeVar

from rtcnn_perception.training.models.layers import SeparableConv2d
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

N = TypeVar('N', bound=nn.Module)
SUFFIX = '_norm'


def folded(network: N) -> N:
    """
    Return a copy that computes the same with fewer layers.

    :raises ValueError: if a normalisation has no convolution before it
    """
    network = copy.deepcopy(network).cpu().eval()
    for convolution, norm in convolutions_with_norms(network):
        before = cast('nn.Conv2d', network.get_submodule(convolution))
        after = cast('nn.BatchNorm2d', network.get_submodule(norm))
        _replace(network, convolution, fuse_conv_bn_eval(before, after))
        _replace(network, norm, nn.Identity())
    left = [name for name, m in network.named_modules() if isinstance(m, nn.BatchNorm2d)]
    if left:
        raise ValueError(f'no convolution was found before the normalisation {left[0]}')
    return network


def convolutions_with_norms(network: nn.Module) -> list[tuple[str, str]]:
    """
    Return the names of each convolution that a normalisation follows, and of that one.

    A normalisation follows the convolution of its own name in a block, or the one before it in a
    sequence.
    """
    return [
        (f'{prefix}{convolution}', f'{prefix}{norm}')
        for name, module in network.named_modules()
        for prefix in [f'{name}.' if name else '']
        for convolution, norm in _pairs(module)
    ]


def _pairs(module: nn.Module) -> Iterator[tuple[str, str]]:
    children = dict(module.named_children())
    for name, child in children.items():
        if not isinstance(child, nn.BatchNorm2d):
            continue
        in_sequence = isinstance(module, nn.Sequential)
        before = str(int(name) - 1) if in_sequence else name.removesuffix(SUFFIX)
        if isinstance(children.get(before), SeparableConv2d):
            before += '.pointwise'
        if isinstance(module.get_submodule(before), nn.Conv2d):
            yield before, name


def _replace(network: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, child = name.rpartition('.')
    setattr(network.get_submodule(parent), child, module)
