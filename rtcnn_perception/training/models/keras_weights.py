"""The original's released weights, as Keras stored them, in this project's mini-Xception."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.files import check_file
from rtcnn_perception.training.models.architectures import build_network
from rtcnn_perception.training.models.architectures import Network
from rtcnn_perception.training.models.layers import SeparableConv2d
import torch
from torch import nn


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

Weights = dict[str, list[NDArray[np.float32]]]


def read_layers(path: Path) -> Weights:
    """
    Return the weights of every layer that has any, by its name, in the file's order.

    :raises ModelError: if the file is missing or is no Keras model
    """
    try:
        check_file(path)
        with h5py.File(path, 'r') as file:
            group = file.get('model_weights', file)
            layers: Weights = {}
            for name in _names(group.attrs['layer_names']):
                weights = [
                    np.asarray(group[name][weight], np.float32)
                    for weight in _names(group[name].attrs['weight_names'])
                ]
                if weights:
                    layers[name] = weights
            return layers
    except (OSError, KeyError, RuntimeError, TypeError, ValueError) as error:
        raise ModelError(f'{path} holds no Keras weights that can be read: {error}') from error


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
    targets = _targets(network, original.attribute)
    if layers.keys() != targets.keys():
        differing = sorted(layers.keys() ^ targets.keys())
        raise ModelError(f'{path} is no mini_xception: it differs in {", ".join(differing)}')
    try:
        for name, module in targets.items():
            _fill(module, layers[name])
    except (RuntimeError, ValueError) as error:
        raise ModelError(f'{path} does not fit mini_xception in {name}: {error}') from error
    return network.eval(), original


def _names(attribute: Iterable[bytes | str]) -> list[str]:
    return [n.decode() if isinstance(n, bytes) else str(n) for n in attribute]


def _targets(network: Network, attribute: str) -> dict[str, nn.Module]:
    """
    Return where each layer of the file belongs.

    Keras numbered the layers of each kind as the original's code made them: two of the stem, then
    in each module the shortcut before the branch.
    """
    stem = network.stem
    targets: dict[str, nn.Module] = {
        'conv2d_1': stem[0],
        'batch_normalization_1': stem[1],
        'conv2d_2': stem[3],
        'batch_normalization_2': stem[4],
        'conv2d_7': network.heads[attribute],
    }
    for index, block in enumerate(network.blocks):
        targets[f'conv2d_{index + 3}'] = block.get_submodule('shortcut')
        for offset, part in enumerate(('shortcut_norm', 'first_norm', 'second_norm')):
            targets[f'batch_normalization_{3 * index + 3 + offset}'] = block.get_submodule(part)
        for offset, part in enumerate(('first', 'second')):
            targets[f'separable_conv2d_{2 * index + 1 + offset}'] = block.get_submodule(part)
    return targets


def _fill(module: nn.Module, weights: list[NDArray[np.float32]]) -> None:
    """Turn one layer's arrays from (H, W, in, out) to (out, in, H, W) and copy them."""
    tensors = [torch.from_numpy(array) for array in weights]
    if isinstance(module, nn.BatchNorm2d):
        names = ('weight', 'bias', 'running_mean', 'running_var')
        state = dict(zip(names, tensors, strict=True))
        state['num_batches_tracked'] = module.state_dict()['num_batches_tracked']
    elif isinstance(module, SeparableConv2d):
        depthwise, pointwise = tensors  # (H, W, C, 1) and (1, 1, C, C')
        state = {
            'depthwise.weight': depthwise.permute(2, 3, 0, 1),
            'pointwise.weight': pointwise.permute(3, 2, 0, 1),
        }
    else:
        state = {'weight': tensors[0].permute(3, 2, 0, 1)}
        if len(tensors) > 1:
            state['bias'] = tensors[1]
    module.load_state_dict(state)
