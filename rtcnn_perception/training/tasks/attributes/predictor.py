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

"""One way to run any attribute network: exported models, checkpoints and published weights."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import Probabilities
from rtcnn_perception.core.attributes.card import AttributeCard
from rtcnn_perception.core.attributes.model import AttributeModel
from rtcnn_perception.core.geometry.crops import CHANNELS
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.core.models.precision import FLOAT
from rtcnn_perception.core.models.precision import INT8
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.paths import is_there
from rtcnn_perception.paths import with_home
from rtcnn_perception.training.data.batches import cut_all
from rtcnn_perception.training.data.batches import to_input
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.engine.checkpoints import load_checkpoint
from rtcnn_perception.training.engine.config import from_mapping
from rtcnn_perception.training.engine.config import Settings
from rtcnn_perception.training.engine.networks import LabelledNetwork
from rtcnn_perception.training.engine.networks import load_network
from rtcnn_perception.training.engine.networks import Mix
from rtcnn_perception.training.engine.networks import network_of
from rtcnn_perception.training.models.exported_weights import is_exported
from rtcnn_perception.training.models.tfjs_weights import is_published
from rtcnn_perception.training.tasks.attributes.calibration import softmax
import torch

UNCALIBRATED = 'a checkpoint is not calibrated: its temperatures are fitted when it is exported'


@dataclass(frozen=True)
class Predictor:
    """
    A model with its classes by attribute and the crops that it takes.

    ``predict`` takes (N, h, w) uint8 gray crops and returns (N, C) probabilities by attribute.
    ``notes`` say what a reader of its figures has to know.
    """

    name: str
    classes: Mapping[str, tuple[str, ...]]
    size_hw: tuple[int, int]
    geometry: CropGeometry
    predict: Callable[[NDArray[np.uint8]], dict[str, Probabilities]]
    notes: tuple[str, ...] = ()

    def with_margin(self, margin: float) -> Predictor:
        """Return a predictor that takes crops of another margin."""
        return replace(self, geometry=replace(self.geometry, margin=margin))

    def probabilities(self, faces: FaceSet) -> dict[str, Probabilities]:
        """
        Classify every face of a set, each from its crop at run time.

        :raises DataError: if there is none
        """
        if not len(faces):
            raise DataError('there is no face to classify')
        parts = [self.predict(crops) for crops in cut_all(faces, self.geometry, self.size_hw)]
        return {name: np.concatenate([part[name] for part in parts]) for name in self.classes}


@dataclass(frozen=True)
class HeadChanges(Settings):
    """What a configuration makes of some heads when a network is evaluated and exported."""

    mix: Mapping[str, Mix] = field(default_factory=dict)
    prior: Mapping[str, float] = field(default_factory=dict)


def load_predictor(path: Path, precision: str = FLOAT) -> Predictor:
    """
    Load an exported model's folder or file, a checkpoint, or published weights.

    :param precision: which graph of an exported model, one of ``core.models.precision.PRECISIONS``
    :raises ModelError: if the model is missing or damaged, or has no such graph
    """
    path = with_home(path)
    if is_exported(path) or not is_there(path):
        return of_model(AttributeModel.load(path, precision=precision))
    if precision == INT8:
        raise ModelError(f'{path} has to be exported with --int8 before it runs in eight bits')
    if is_published(path):
        return of_network(load_network(path))
    return of_checkpoint(load_checkpoint(path), path)


def of_model(model: AttributeModel) -> Predictor:
    """Return a predictor that runs an exported graph; one for colour gets gray in each channel."""
    card = model.card
    planes = CHANNELS[card.channels]
    return Predictor(
        name=card.tag,
        classes={head.attribute: head.labels for head in card.heads},
        size_hw=card.input_size_hw,
        geometry=card.crop,
        predict=lambda crops: model.predict(np.repeat(crops[:, None], planes, axis=1)),
        notes=gray_notes(card),
    )


def gray_notes(card: AttributeCard) -> tuple[str, ...]:
    """Return what is to be said where labelled faces, which are gray, go to a model."""
    if CHANNELS[card.channels] == 1:
        return ()
    return (
        f'{card.tag} takes colour ({card.channels}), labelled faces are read as gray: it gets the '
        'same in each channel, and may do better in colour',
    )


def of_checkpoint(checkpoint: Mapping[str, Any], path: Path) -> Predictor:
    """
    Return a predictor that runs the network of a checkpoint, its heads as they are exported.

    They are mixed, and have a part of the classes' frequencies taken from them, as the
    configuration says. Their temperatures are fitted at export.

    :param path: where the checkpoint lies, for errors
    :raises ModelError: if it is incomplete, or of no attribute network
    :raises ConfigurationError: if its configuration makes of the heads what cannot be
    """
    source, config = network_of(checkpoint, path), checkpoint['config']
    given = {key: config[key] for key in ('mix', 'prior') if key in config}
    changes = from_mapping(HeadChanges, given, path.name)
    frequencies = _frequencies(checkpoint, source, path)
    known = {name: share for name, share in changes.prior.items() if name in frequencies}
    notes = [UNCALIBRATED]
    if len(known) < len(changes.prior):
        lacking = ', '.join(name for name in changes.prior if name not in known)
        notes.append(
            f'{path} does not say how frequent the classes of {lacking} are, as it is of an older '
            'version: it is evaluated without their [prior]'
        )
    source = source.mixed(changes.mix).without_prior(frequencies, known)
    return replace(of_network(source), notes=tuple(notes))


def _frequencies(
    checkpoint: Mapping[str, Any], source: LabelledNetwork, path: Path
) -> dict[str, NDArray[np.float64]]:
    """Return how often each class was learnt (C,), by the attributes that a checkpoint says."""
    found = checkpoint.get('frequencies', {})
    try:
        return {
            name: np.array(found[name], np.float64).reshape(len(classes))
            for name, classes in source.classes.items()
            if name in found
        }
    except (TypeError, ValueError) as error:
        raise ModelError(
            f'{path} is no complete checkpoint: its frequencies of classes are none ({error})'
        ) from error


def of_network(source: LabelledNetwork) -> Predictor:
    """Return a predictor that runs a network in PyTorch, its heads as they are."""
    network = source.network

    @torch.inference_mode()
    def predict(crops: NDArray[np.uint8]) -> dict[str, Probabilities]:
        return {n: softmax(rows.numpy()) for n, rows in network(to_input(crops)).items()}

    return Predictor(source.name, source.classes, network.spec.input_hw, source.crop, predict)
