"""Batch normalisation folded into the convolution before it."""

from __future__ import annotations

import copy
from typing import TypeVar

from rtcnn_perception.training.layers import SeparableConv2d
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

N = TypeVar('N', bound=nn.Module)
SUFFIX = '_norm'


def folded(network: N) -> N:
    """
    Return a copy that judges the same with fewer layers.

    A normalisation follows the convolution of its own name in a block, or the one before it in a
    sequence.
    """
    network = copy.deepcopy(network).cpu().eval()
    for module in list(network.modules()):
        if isinstance(module, nn.Sequential):
            _fold_sequence(module)
        else:
            _fold_named(module)
    left = [name for name, m in network.named_modules() if isinstance(m, nn.BatchNorm2d)]
    if left:
        raise ValueError(f'no convolution was found before the normalisation {left[0]}')
    return network


def _fold_sequence(sequence: nn.Sequential) -> None:
    for index in range(1, len(sequence)):
        before, norm = sequence[index - 1], sequence[index]
        if isinstance(norm, nn.BatchNorm2d) and isinstance(before, nn.Conv2d):
            sequence[index - 1] = fuse_conv_bn_eval(before, norm)
            sequence[index] = nn.Identity()


def _fold_named(module: nn.Module) -> None:
    for name, norm in list(module.named_children()):
        if not isinstance(norm, nn.BatchNorm2d):
            continue
        before = getattr(module, name.removesuffix(SUFFIX))
        if isinstance(before, SeparableConv2d):
            before.pointwise = fuse_conv_bn_eval(before.pointwise, norm)
        else:
            setattr(module, name.removesuffix(SUFFIX), fuse_conv_bn_eval(before, norm))
        setattr(module, name, nn.Identity())
