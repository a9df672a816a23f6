"""The networks of exported models, to go on from or to learn from without their checkpoints."""

from __future__ import annotations

import json
from pathlib import Path

from rtcnn_perception.core.attributes.card import ModelSpec
from rtcnn_perception.core.models.card import card_path
from rtcnn_perception.core.models.card import ModelCard
from rtcnn_perception.core.models.fields import JsonFields
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.paths import is_file
from rtcnn_perception.paths import is_folder
from rtcnn_perception.training.engine.checkpoints import fill_network
from rtcnn_perception.training.models.architectures import ARCHITECTURES
from rtcnn_perception.training.models.architectures import build_network
from rtcnn_perception.training.models.architectures import Network
from rtcnn_perception.training.models.folding import convolutions_with_norms
from rtcnn_perception.training.models.layers import KERAS_EPSILON
from rtcnn_perception.training.models.onnx_export import stored_weights
import torch
from torch import nn
from torch import Tensor

GRAPH_SUFFIX = '.onnx'


def is_exported(path: Path) -> bool:
    """Return whether a path is that of an exported model: its folder, its graph or its card."""
    is_card = path.suffix == '.json' and is_file(path.with_suffix(GRAPH_SUFFIX))
    return is_folder(path) or path.suffix == GRAPH_SUFFIX or is_card


def exported_network(path: Path) -> Network:
    """
    Rebuild the network of a model that ``rtcnn_perception export`` wrote, ready to judge.

    :raises ModelError: if card or graph are missing or damaged, or of no network known here
    """
    spec = ModelSpec.load(path)
    card = exported_card(path)
    name = card.text('architecture')
    if name not in ARCHITECTURES:
        known = f'one of the architectures {", ".join(sorted(ARCHITECTURES))}'
        raise card.refusal('architecture', known, name)
    network = build_network(name, {head.attribute: len(head.labels) for head in spec.heads})
    fill_exported(network, spec)
    return network.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload,unused-ignore]


def fill_exported(network: nn.Module, model: ModelCard) -> None:
    """
    Put the weights of an exported model, as exact as they are stored, into its network.

    Normalisations, folded into the convolutions before them, get no statistics: see
    ``settle_norms``.

    :raises ModelError: if the graph is damaged or of another network
    """
    weights = stored_weights(model.read_model(), str(model.path))
    own = network.state_dict()
    for convolution, norm in convolutions_with_norms(network):
        bias = weights.pop(f'{convolution}.bias', None)
        if bias is None:
            continue
        weights |= {f'{norm}.{part}': value for part, value in _norm_adding(bias).items()}
        if f'{convolution}.bias' in own:
            weights[f'{convolution}.bias'] = torch.zeros_like(bias)
    fill_network(network, weights, model.path)


def exported_card(path: Path) -> JsonFields:
    """
    Return all that the card of a model says.

    :raises ModelError: if it is missing or damaged
    """
    card = card_path(path)
    try:
        content = json.loads(card.read_text(encoding='utf-8'))
    except (OSError, ValueError) as error:
        raise ModelError(f'{card} is no readable card of a model: {error}') from error
    return JsonFields(card, content, 'name a model that `rtcnn_perception export` wrote')


def _norm_adding(bias: Tensor) -> dict[str, Tensor]:
    """Return the state of a normalisation that adds ``bias`` (C,) to its input."""
    return {
        'weight': torch.full_like(bias, (1.0 + KERAS_EPSILON) ** 0.5),
        'bias': bias,
        'running_mean': torch.zeros_like(bias),
        'running_var': torch.ones_like(bias),
        'num_batches_tracked': torch.tensor(0),
    }
