"""Weights that others have published for MobileNet, as TensorFlow.js stores them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.training.models.architectures import Network
from rtcnn_perception.training.models.blocks import ClippedConv
from rtcnn_perception.training.models.blocks import ClippedSeparable
import torch
from torch import nn
from torch import Tensor

PUBLISHED_SUFFIX = '.json'

MEANS = (103.939, 116.779, 123.68)
"""Of blue, green and red, which these networks see subtracted from pixels of 0 to 255."""

HALF_RANGE = 127.5
"""Pixels of 0 to 255 are this much more than this many times those of -1 to 1."""

Arrays = dict[str, NDArray[np.float32]]


def read_graph_model(path: Path) -> Arrays:
    """
    Return the float32 arrays of a TensorFlow.js graph model by name, in TensorFlow's layout.

    :param path: the .json file; the files it names lie beside it
    :raises ModelError: if a file is missing, too short, or no such model
    """
    arrays: Arrays = {}
    try:
        for group in json.loads(path.read_text(encoding='utf-8'))['weightsManifest']:
            content = b''.join((path.parent / name).read_bytes() for name in group['paths'])
            place = 0
            for entry in group['weights']:
                if entry.get('quantization') or entry['dtype'] not in ('float32', 'int32'):
                    raise ModelError(f'{path}: {entry["name"]} must be float32, and is not')
                count = int(np.prod(entry['shape'], dtype=np.int64))
                values = np.frombuffer(content, entry['dtype'], count, place).copy()
                place += values.nbytes
                if entry['dtype'] == 'float32':
                    arrays[entry['name']] = values.reshape(entry['shape'])
    except (OSError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f'{path} is no TensorFlow.js graph model: {error}') from error
    return arrays


def fill_published(network: Network, path: Path) -> None:
    """
    Put the convolutions of a published MobileNet into one, whose heads stay as they are.

    The published networks see three colours; this one sees gray as all three. Their normalisation
    is folded to a scale and a bias, so here it has no statistics: see ``settle_norms``.

    :raises ModelError: if a file is missing or damaged, or holds another network
    """
    arrays = read_graph_model(path)
    stem, *rest = network.blocks
    blocks = [block for block in rest if isinstance(block, ClippedSeparable)]
    if not isinstance(stem, ClippedConv) or len(blocks) < len(rest):
        raise ModelError(f'{path} does not fit {network.name}: it holds a MobileNet')
    try:
        with torch.no_grad():
            kernel = _kernel(arrays['conv1/convolution/merged_input'])
            bias = _vector(arrays['conv1_bn/batchnorm_1/sub'])
            means = torch.tensor(MEANS).reshape(1, 3, 1, 1)
            bias = bias + (kernel * (HALF_RANGE - means)).sum((1, 2, 3))
            stem.convolution.weight.copy_(HALF_RANGE * kernel.sum(1, keepdim=True))
            _set_norm(stem.convolution_norm, torch.ones_like(bias), bias)
            for number, block in enumerate(blocks, start=1):
                depthwise = arrays[f'conv_dw_{number}/depthwise_kernel']
                block.depthwise.weight.copy_(torch.from_numpy(depthwise).permute(2, 3, 0, 1))
                _set_norm(
                    block.depthwise_norm,
                    _vector(arrays[f'conv_dw_{number}_bn/batchnorm_1/mul']),
                    _vector(arrays[f'conv_dw_{number}_bn/batchnorm_1/sub']),
                )
                pointwise = arrays[f'conv_pw_{number}/convolution/merged_input']
                block.pointwise.weight.copy_(_kernel(pointwise))
                bias = _vector(arrays[f'conv_pw_{number}_bn/batchnorm_1/sub'])
                _set_norm(block.pointwise_norm, torch.ones_like(bias), bias)
    except (KeyError, RuntimeError) as error:
        raise ModelError(f'{path} does not fit {network.name}: {error}') from error


def settle_norms(network: nn.Module, pixels: Tensor) -> None:
    """
    Give every batch normalisation the statistics of a batch, and let it compute what it did.

    So a network that came without statistics, or with those of other pictures, begins to train as
    the function it is. It is left in evaluation mode.

    :param pixels: (B, C, H, W) float, typical inputs
    """
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]

    def settle(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if not isinstance(norm, nn.BatchNorm2d):
            return
        mean, variance = norm.running_mean, norm.running_var
        if mean is None or variance is None:
            return
        new_variance, new_mean = torch.var_mean(inputs[0].float(), dim=(0, 2, 3), correction=0)
        slope = norm.weight / (variance + norm.eps).sqrt()
        norm.bias.add_(slope * (new_mean - mean))
        norm.weight.copy_(slope * (new_variance + norm.eps).sqrt())
        mean.copy_(new_mean)
        variance.copy_(new_variance)

    handles = [norm.register_forward_pre_hook(settle) for norm in norms]
    try:
        with torch.no_grad():
            network.eval()(pixels)
    finally:
        for handle in handles:
            handle.remove()


def _kernel(array: NDArray[np.float32]) -> Tensor:
    """Turn (H, W, in, out) to (out, in, H, W)."""
    return torch.from_numpy(array).permute(3, 2, 0, 1)


def _vector(array: NDArray[np.float32]) -> Tensor:
    return torch.from_numpy(array)


def _set_norm(norm: nn.BatchNorm2d, scale: Tensor, bias: Tensor) -> None:
    """Make a normalisation compute ``scale * x + bias``, with no statistics."""
    norm.reset_running_stats()
    norm.weight.copy_(scale * (1.0 + norm.eps) ** 0.5)
    norm.bias.copy_(bias)
