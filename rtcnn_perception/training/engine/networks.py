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
Attribute networks with the names of their classes, wherever their weights lie.

Checkpoints, exported models and the original's Keras weights are loaded here alike: to teach, to
start from, to evaluate and to export.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
import copy
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.core.models.fields import shown
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.paths import with_home
from rtcnn_perception.training.data.batches import cut_all
from rtcnn_perception.training.data.batches import to_input
from rtcnn_perception.training.data.classes import positions
from rtcnn_perception.training.data.classes import same_attribute
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.engine.checkpoints import load_checkpoint
from rtcnn_perception.training.engine.config import Settings
from rtcnn_perception.training.engine.config import Share
from rtcnn_perception.training.models.architectures import build_network
from rtcnn_perception.training.models.architectures import Network
from rtcnn_perception.training.models.exported_weights import exported_network
from rtcnn_perception.training.models.exported_weights import fill_network
from rtcnn_perception.training.models.exported_weights import is_exported
from rtcnn_perception.training.models.exported_weights import settle_norms
from rtcnn_perception.training.models.keras_weights import KERAS_SUFFIXES
from rtcnn_perception.training.models.keras_weights import load_keras
from rtcnn_perception.training.models.tfjs_weights import fill_mobilenet
from rtcnn_perception.training.models.tfjs_weights import is_published
import torch
from torch import Tensor

LEAST_FREQUENCY = 1e-4
"""A class counts as at least so frequent when its prior is taken from its logit."""


@dataclass(frozen=True)
class Mix(Settings):
    """A share of another head over the same classes; the rest is the head's own."""

    head: str
    share: Share


@dataclass(frozen=True)
class LabelledNetwork:
    """A network, the names of its classes by attribute, and the crop it is made for."""

    name: str
    network: Network
    classes: Mapping[str, tuple[str, ...]]
    crop: CropGeometry

    def mixed(self, mixes: Mapping[str, Mix], kept: Sequence[str] = ()) -> LabelledNetwork:
        """
        Return a network some of whose heads are a mixture with another.

        Heads are linear in the same features, so that their weighted sum is one head again.

        :param mixes: by attribute
        :param kept: the heads of the result; empty for all
        :raises ConfigurationError: if the network lacks a head
        :raises UnknownClassError: if heads to be mixed have different classes
        """
        named = (*mixes, *(mix.head for mix in mixes.values()), *kept)
        for name in named:
            if name not in self.classes:
                known = ', '.join(self.classes)
                raise ConfigurationError(f'{self.name} has no head {name}; it has {known}')
        weights = self.network.state_dict()
        result = dict(weights)
        for name, mix in mixes.items():
            places = positions(
                self.classes[name], self.classes[mix.head], f'{mix.head} of {self.name}'
            )
            for part in ('weight', 'bias'):
                own, other = (weights[f'heads.{each}.{part}'] for each in (name, mix.head))
                result[f'heads.{name}.{part}'] = torch.lerp(own, other[places], mix.share)
        classes = {name: self.classes[name] for name in kept or self.classes}
        counts = {name: len(names) for name, names in classes.items()}
        network = Network(self.network.name, self.network.spec, counts)
        own_names = network.state_dict().keys()
        network.load_state_dict({name: result[name] for name in own_names})
        device = next(self.network.parameters()).device
        return replace(self, network=ready(network.to(device)), classes=classes)

    def without_prior(
        self, frequencies: Mapping[str, NDArray[np.float64]], shares: Mapping[str, float]
    ) -> LabelledNetwork:
        """
        Return a network that predicts the rare classes of some heads more often.

        A share of the logarithm of each class's frequency is taken from its logit; a share of 1
        would leave nothing of the frequencies that a network trained on them has learnt.
        Source: Menon et al.: Long-tail learning via logit adjustment, 2021, section 4.1.

        :param frequencies: of the classes (C,) in training, by head
        :param shares: by head; those of others stay as they are
        """
        network = copy.deepcopy(self.network)
        with torch.no_grad():
            for name, share in shares.items():
                if name in self.classes:
                    rare = np.log(np.maximum(frequencies[name], LEAST_FREQUENCY))
                    bias = network.heads[name].get_parameter('bias')  # of a training on a GPU too
                    bias.sub_(share * torch.from_numpy(rare).float().to(bias.device))
        return replace(self, network=network)

    @torch.inference_mode()
    def logits(self, faces: FaceSet) -> dict[str, NDArray[np.float32]]:
        """Return (N, C) logits of each attribute for every face, each from its crop."""
        network = self.network.eval()
        device = next(network.parameters()).device
        crops = cut_all(faces, self.crop, network.spec.input_hw)
        parts = [network(to_input(each).to(device)) for each in crops]
        rows = {name: torch.cat([part[name] for part in parts]) for name in self.classes}
        return {name: each.float().cpu().numpy() for name, each in rows.items()}


def ready(network: Network) -> Network:
    """Return a network in evaluation mode, in the memory format that is fastest."""
    return network.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return,unused-ignore]


def load_network(path: Path) -> LabelledNetwork:
    """
    Load a network by what lies at a path.

    :param path: a checkpoint, an exported model, or Keras weights (.hdf5)
    :raises ModelError: if it is missing, damaged, or of no network known here
    """
    path = with_home(path)
    if path.suffix in KERAS_SUFFIXES:
        network, original = load_keras(path)
        classes, crop = {original.attribute: original.classes}, CropGeometry(original.margin)
        return LabelledNetwork(path.name, ready(network), classes, crop)
    if is_exported(path):
        network, card = exported_network(path)
        classes = {head.attribute: head.labels for head in card.heads}
        return LabelledNetwork(card.tag, ready(network), classes, card.crop)
    return network_of(load_checkpoint(path), path)


def network_of(checkpoint: Mapping[str, Any], path: Path) -> LabelledNetwork:
    """
    Return the averaged network of a checkpoint.

    :param path: where the checkpoint lies, for errors
    :raises ModelError: if it is incomplete, or of no attribute network
    """
    config = checkpoint['config']
    classes = _classes_of(checkpoint, path)
    counts = {name: len(names) for name, names in classes.items()}
    try:
        network = build_network(config['architecture'], counts)
        crop = CropGeometry(**config['crop'])
    except KeyError as error:
        raise ModelError(f'{path} is no complete checkpoint: its config lacks {error}') from error
    except (TypeError, ValueError) as error:
        raise ModelError(f'{path} is no complete checkpoint: its config: {error}') from error
    fill_network(network, checkpoint['average'], path)
    return LabelledNetwork(str(path), ready(network), classes, crop)


def _classes_of(checkpoint: Mapping[str, Any], path: Path) -> dict[str, tuple[str, ...]]:
    """Return the classes by attribute; raise a ModelError for what is none."""
    found = checkpoint.get('classes')
    if not isinstance(found, dict) or not found:
        raise ModelError(f'{path} is no checkpoint of an attribute network')
    for name, names in found.items():
        is_list = isinstance(names, (list, tuple)) and len(names) > 1
        if not (is_list and all(isinstance(each, str) for each in (name, *names))):
            raise ModelError(
                f'{path}: the classes of {name!r} must be a list of texts, got {shown(names)}'
            )
    return {name: tuple(names) for name, names in found.items()}


def fill_start(
    network: Network,
    classes: Mapping[str, tuple[str, ...]],
    path: Path,
    examples: Callable[[tuple[int, int]], Tensor],
) -> list[str]:
    """
    Put the weights of a checkpoint, of an exported model, or published ones into a network.

    :param classes: of the network, by attribute
    :param examples: gives inputs of a height and width, for norms that come without statistics
    :returns: notes on heads, as of :func:`start_from`
    :raises ModelError: if the weights are missing, damaged, or of another architecture
    """
    notes = []
    if is_published(path) and path.suffix not in KERAS_SUFFIXES:
        fill_mobilenet(network, path)
    else:
        notes = start_from(network, classes, load_network(path), path)
        if not is_exported(path):
            return notes
    settle_norms(network, examples(network.spec.input_hw))
    return notes


def start_from(
    network: Network,
    classes: Mapping[str, tuple[str, ...]],
    source: LabelledNetwork,
    path: Path,
) -> list[str]:
    """
    Take over the weights of another network, those of its heads by the names of the classes.

    A head that it lacks, or of which it lacks a class, starts as one over the same classes, or
    stays as it is.

    :returns: a note on each head that does not start as that of its attribute
    :raises ModelError: if the weights, which lie at ``path``, are of another architecture
    """
    notes = []
    theirs = source.network.state_dict()
    taken: dict[str, Any] = {
        name: value for name, value in theirs.items() if not name.startswith('heads.')
    }
    for attribute, names in classes.items():
        same = [each for each, known in source.classes.items() if set(known) == set(names)]
        has_own = set(names) <= set(source.classes.get(attribute, ()))
        head = attribute if has_own else next(iter(same), None)
        if head is None:
            notes.append(f'{attribute} starts at random: {path} has no head of these classes')
        elif not same_attribute(attribute, head):
            notes.append(f'{attribute} starts as the head {head} of {path}, of the same classes')
        for part in ('weight', 'bias'):
            if head is None:
                own = network.state_dict()[f'heads.{attribute}.{part}']
                taken[f'heads.{attribute}.{part}'] = own
                continue
            places = positions(names, source.classes[head], f'{head} of {path}')
            rows = theirs[f'heads.{head}.{part}'][torch.from_numpy(places)]
            taken[f'heads.{attribute}.{part}'] = rows
    fill_network(network, taken, path)
    return notes
