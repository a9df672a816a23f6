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
MobileNets that others have published as TensorFlow.js graph models, to start from.

Their normalisations are folded into the convolutions.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.files import parse_json
from rtcnn_perception.files import read_bytes
from rtcnn_perception.training.models.architectures import Network
from rtcnn_perception.training.models.blocks import ClippedConv
from rtcnn_perception.training.models.blocks import ClippedSeparable
from rtcnn_perception.training.models.exported_weights import is_exported
from rtcnn_perception.training.models.exported_weights import set_norm
from rtcnn_perception.training.models.keras_weights import KERAS_SUFFIXES
import torch
from torch import Tensor

TFJS_SUFFIX = '.json'

MEANS = (103.939, 116.779, 123.68)
"""Of blue, green and red, which MobileNets subtract from pixels of 0 to 255."""

HALF_RANGE = 127.5
"""Pixels of 0 to 255 are this much more than this many times those of -1 to 1."""

Arrays = dict[str, NDArray[np.float32]]


def is_published(path: Path) -> bool:
    """Return whether a path is that of weights that others have published."""
    return path.suffix in KERAS_SUFFIXES or (path.suffix == TFJS_SUFFIX and not is_exported(path))


def read_graph_model(path: Path) -> Arrays:
    """
    Return the float32 arrays of a model by name, in TensorFlow's layout.

    :param path: the .json file; the files it names lie beside it
    :raises ModelError: if a file is missing, too short, or no such model
    """
    arrays: Arrays = {}
    try:
        content: Any = parse_json(read_bytes(path))
        for group in content['weightsManifest']:
            blob = b''.join(read_bytes(path.parent / name) for name in group['paths'])
            place = 0
            for entry in group['weights']:
                if entry.get('quantization') or entry['dtype'] not in ('float32', 'int32'):
                    raise ModelError(f'{path}: {entry["name"]} must be float32, and is not')
                count = int(np.prod(entry['shape'], dtype=np.int64))
                values = np.frombuffer(blob, entry['dtype'], count, place).copy()
                place += values.nbytes
                if entry['dtype'] == 'float32':
                    arrays[entry['name']] = values.reshape(entry['shape'])
    except (OSError, ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f'{path} is no TensorFlow.js graph model: {error}') from error
    return arrays


@torch.no_grad()
def fill_mobilenet(network: Network, path: Path) -> None:
    """
    Put the convolutions of a published MobileNet into one, whose heads stay as they are.

    The published networks take three colours; this one takes gray as all three. Its
    normalisations get no statistics: see ``settle_norms``.

    :raises ModelError: if a file is missing or damaged, or holds another network
    """
    arrays = read_graph_model(path)
    stem, *rest = network.blocks
    blocks = [block for block in rest if isinstance(block, ClippedSeparable)]
    if not isinstance(stem, ClippedConv) or len(blocks) < len(rest):
        raise ModelError(f'{path} does not fit {network.name}: it holds a MobileNet')
    try:
        kernel = _kernel(arrays['conv1/convolution/merged_input'])
        bias = torch.from_numpy(arrays['conv1_bn/batchnorm_1/sub'])
        means = torch.tensor(MEANS).reshape(1, 3, 1, 1)
        bias = bias + (kernel * (HALF_RANGE - means)).sum((1, 2, 3))
        stem.convolution.weight.copy_(HALF_RANGE * kernel.sum(1, keepdim=True))
        set_norm(stem.convolution_norm, torch.ones_like(bias), bias)
        for number, block in enumerate(blocks, start=1):
            block.depthwise.weight.copy_(_depthwise(arrays[f'conv_dw_{number}/depthwise_kernel']))
            scale, bias = (
                torch.from_numpy(arrays[f'conv_dw_{number}_bn/batchnorm_1/{part}'])
                for part in ('mul', 'sub')
            )
            set_norm(block.depthwise_norm, scale, bias)
            pointwise = arrays[f'conv_pw_{number}/convolution/merged_input']
            block.pointwise.weight.copy_(_kernel(pointwise))
            bias = torch.from_numpy(arrays[f'conv_pw_{number}_bn/batchnorm_1/sub'])
            set_norm(block.pointwise_norm, torch.ones_like(bias), bias)
    except (KeyError, RuntimeError) as error:
        raise ModelError(f'{path} does not fit {network.name}: {error}') from error


def _kernel(array: NDArray[np.float32]) -> Tensor:
    """Turn (H, W, in, out) to (out, in, H, W)."""
    return torch.from_numpy(array).permute(3, 2, 0, 1)


def _depthwise(array: NDArray[np.float32]) -> Tensor:
    """Turn (H, W, channels, 1) to (channels, 1, H, W)."""
    return torch.from_numpy(array).permute(2, 3, 0, 1)
