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

"""Weights put into a network: of checkpoints, and of exported models without statistics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.attributes.card import AttributeCard
from rtcnn_perception.core.attributes.model import AttributeModel
from rtcnn_perception.core.models.card import card_path
from rtcnn_perception.core.models.card import ModelCard
from rtcnn_perception.core.models.card import read_fields
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.paths import is_file
from rtcnn_perception.paths import is_folder
from rtcnn_perception.training.models.architectures import ARCHITECTURES
from rtcnn_perception.training.models.architectures import build_network
from rtcnn_perception.training.models.architectures import Network
from rtcnn_perception.training.models.folding import convolutions_with_norms
from rtcnn_perception.training.models.onnx_export import stored_weights
import torch
from torch import nn
from torch import Tensor

GRAPH_SUFFIX = '.onnx'
TRIAL_FACES = 16

SAME = 0.05
"""Largest difference of the logarithm of a probability from the graph's; rounding causes less."""


def is_exported(path: Path) -> bool:
    """Return whether a path is that of an exported model: its folder, its graph or its card."""
    is_card = path.suffix == '.json' and is_file(path.with_suffix(GRAPH_SUFFIX))
    return is_folder(path) or path.suffix == GRAPH_SUFFIX or is_card


def exported_network(path: Path) -> tuple[Network, AttributeCard]:
    """
    Rebuild the network of a model that ``rtcnn_perception export`` wrote.

    The order of its classes is that of the card, whatever the order of the stored weights.

    :raises ModelError: if card or graph are missing or damaged, or of no network known here
    """
    model = AttributeModel.load(path)
    fields = read_fields(card_path(path))
    name = fields.text('architecture')
    if name not in ARCHITECTURES:
        known = f'one of the architectures {", ".join(sorted(ARCHITECTURES))}'
        raise fields.refusal('architecture', known, name)
    card = model.card
    network = build_network(name, {head.attribute: len(head.labels) for head in card.heads})
    fill_exported(network, card)
    _arrange_classes(network.eval(), model)
    return network, card


@torch.no_grad()
def _arrange_classes(network: Network, model: AttributeModel) -> None:
    """Put the rows of the heads into the order in which the graph gives their probabilities."""
    rng = np.random.default_rng(0)
    faces = rng.integers(0, 256, (TRIAL_FACES, *model.card.input_shape), dtype=np.uint8)
    expected = model.predict(faces)
    logits = network(torch.from_numpy(faces).float() * (2.0 / 255.0) - 1.0)
    for head in model.card.heads:
        found = (logits[head.attribute] / head.temperature).log_softmax(1).numpy()
        places = _columns(found, np.log(np.maximum(expected[head.attribute], 1e-30)))
        if places is None:
            raise ModelError(
                f'{model.card.path}: expected the graph of a {network.name}, got one '
                f'that computes {head.attribute} otherwise; name its checkpoint instead'
            )
        layer = network.heads[head.attribute]
        for parameter in layer.parameters():
            parameter.copy_(parameter[torch.from_numpy(places)].clone())


def _columns(
    found: NDArray[np.float32], expected: NDArray[np.float32]
) -> NDArray[np.int64] | None:
    """Return for each expected column (N, C) the one of ``found`` that equals it, or None."""
    apart = np.abs(found[:, None, :] - expected[:, :, None]).max(axis=0)  # (C, C)
    places = apart.argmin(axis=1)
    is_order = len(set(places.tolist())) == len(places)
    return places if is_order and apart.min(axis=1).max() <= SAME else None


def fill_exported(network: nn.Module, card: ModelCard) -> None:
    """
    Put the weights of an exported model, as exact as they are stored, into its network.

    Normalisations, folded into the convolutions before them, get no statistics: see
    ``settle_norms``.

    :raises ModelError: if the graph is damaged or of another network
    """
    weights = stored_weights(card.read_model(), str(card.path))
    own = network.state_dict()
    for convolution, name in convolutions_with_norms(network):
        bias = weights.pop(f'{convolution}.bias', None)
        norm = network.get_submodule(name)
        if bias is None or not isinstance(norm, nn.BatchNorm2d):
            continue
        if len(bias) == norm.num_features:
            set_norm(norm, torch.ones_like(bias), bias)
        weights |= {f'{name}.{part}': value for part, value in norm.state_dict().items()}
        if f'{convolution}.bias' in own:
            weights[f'{convolution}.bias'] = torch.zeros_like(bias)
    fill_network(network, weights, card.path)


def fill_network(network: nn.Module, weights: dict[str, Any], path: Path) -> None:
    """
    Put weights into a network.

    :param path: where the weights lie, for errors
    :raises ModelError: if the weights belong to another architecture
    """
    try:
        network.load_state_dict(weights)
    except (AttributeError, RuntimeError, TypeError) as error:  # also of names that are no text
        first = str(error).split('\n')[1:2] or [str(error)]
        raise ModelError(
            f'{path} does not hold weights of the architecture {network.name}: {first[0].strip()}'
        ) from error


@torch.no_grad()
def set_norm(norm: nn.BatchNorm2d, scale: Tensor, bias: Tensor) -> None:
    """Make a normalisation compute ``scale * x + bias``, with no statistics."""
    norm.reset_running_stats()
    norm.weight.copy_(scale * (1.0 + norm.eps) ** 0.5)
    norm.bias.copy_(bias)


def settle_norms(network: nn.Module, pixels: Tensor) -> None:
    """
    Give every batch normalisation the statistics of a batch, without changing what it computes.

    So a network that came without statistics, or with those of other pictures, starts to train as
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
