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

"""The original's released weights, as Keras stored them, in this project's mini-Xception."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.training.models.architectures import build_network
from rtcnn_perception.training.models.architectures import Network
from rtcnn_perception.training.models.keras_file import read_layers
from rtcnn_perception.training.models.keras_file import Weights
import torch
from torch import nn
from torch import Tensor


class Original(NamedTuple):
    """
    What a released network of the original classifies.

    ``margin`` is that of the crop about YuNet's box at which it scores best, measured.
    """

    attribute: str
    classes: tuple[str, ...]
    margin: float


ORIGINALS = {
    7: Original(
        'emotion', ('angry', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral'), 0.0
    ),
    2: Original('gender', ('woman', 'man'), 0.3),
}
"""
By the number of outputs.

Source: github.com/oarriaga/face_classification (MIT), ``src/utils/datasets.py``, ``get_labels``.
"""

KERAS_SUFFIXES = ('.hdf5', '.h5')


def load_keras(path: Path) -> tuple[Network, Original]:
    """
    Build mini-Xception and fill it with weights of the original.

    :returns: the network, of one attribute, and what it classifies
    :raises ModelError: if the file is damaged or holds another network
    """
    layers = read_layers(path)
    last = list(layers.values())[-1][-1] if layers else np.zeros(0)
    if last.ndim != 1 or len(last) not in ORIGINALS:
        raise ModelError(f'{path} does not end in 7 or 2 classes, so it is no original model')
    original = ORIGINALS[len(last)]
    network = build_network('mini_xception', {original.attribute: len(last)})
    left = dict(layers)
    for module in _targets(network, original.attribute):
        weights = _as_keras(module)
        shapes = [tuple(each.shape) for each in weights]
        fit = (name for name, each in left.items() if [w.shape for w in each] == shapes)
        name = next(fit, None)
        if name is None:
            raise ModelError(
                f'{path} is no mini_xception: expected a layer with weights of {shapes}, got '
                f'{_shown(left)}'
            )
        for weight, array in zip(weights, left.pop(name), strict=True):
            weight.copy_(torch.from_numpy(array))
    if left:
        raise ModelError(f'{path} is no mini_xception: it has further weights, {_shown(left)}')
    return network.eval(), original


def _shown(layers: Weights) -> str:
    """Return the first layers with their shapes."""
    first = [f'{name} {[each.shape for each in w]}' for name, w in [*layers.items()][:3]]
    return ', '.join(first) or 'none'


def _targets(network: Network, attribute: str) -> list[nn.Module]:
    """
    Return where the layers of a file belong, in the order in which Keras lists them.

    It lists them by how far they are from the output, whatever their names, which depend on the
    version and on what else was built before; Keras matches weights by this order too. Layers as
    far away as each other may be swapped, but have other shapes here.
    """
    targets = [*(network.stem[index] for index in (0, 1, 3, 4))]
    parts = ('first', 'first_norm', 'second', 'second_norm', 'shortcut', 'shortcut_norm')
    for block in network.blocks:
        targets += (block.get_submodule(part) for part in parts)
    return [*targets, network.heads[attribute]]


def _as_keras(module: nn.Module) -> list[Tensor]:
    """
    Return the weights of a module in the order and with the axes that Keras gives them.

    They are views, so that writing to them fills the module. A convolution has (H, W, in, out),
    one of each channel by itself (H, W, channels, 1).
    """
    views = []
    for name, value in module.state_dict().items():
        if value.ndim == 4:
            axes = (2, 3, 0, 1) if name.startswith('depthwise') else (2, 3, 1, 0)
            views.append(value.permute(axes))
        elif value.ndim == 1:  # and not the number of batches that a normalisation has met
            views.append(value)
    return views
