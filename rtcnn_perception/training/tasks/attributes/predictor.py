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
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import Probabilities
from rtcnn_perception.core.attributes.model import AttributeModel
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
from rtcnn_perception.training.engine.networks import LabelledNetwork
from rtcnn_perception.training.engine.networks import load_network
from rtcnn_perception.training.models.exported_weights import is_exported
from rtcnn_perception.training.tasks.attributes.calibration import softmax
import torch


@dataclass(frozen=True)
class Predictor:
    """
    A model with its classes by attribute and the crops that it takes.

    ``predict`` takes (N, h, w) uint8 gray crops and returns (N, C) probabilities by attribute.
    """

    name: str
    classes: Mapping[str, tuple[str, ...]]
    size_hw: tuple[int, int]
    geometry: CropGeometry
    predict: Callable[[NDArray[np.uint8]], dict[str, Probabilities]]

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


def load_predictor(path: Path, precision: str = FLOAT) -> Predictor:
    """
    Load an exported model's folder or file, a checkpoint, or published weights.

    :param precision: which graph of an exported model, one of ``core.models.precision.PRECISIONS``
    :raises ModelError: if the model is missing, damaged or takes colours, or has no such graph
    """
    path = with_home(path)
    if is_exported(path) or not is_there(path):
        return of_model(AttributeModel.load(path, precision=precision))
    if precision == INT8:
        raise ModelError(f'{path} has to be exported with --int8 before it runs in eight bits')
    return of_network(load_network(path))


def of_model(model: AttributeModel) -> Predictor:
    """Return a predictor that runs an exported graph."""
    card = model.card
    if card.channels != 'gray':
        raise ModelError(f'{card.path} takes {card.channels}; the data here is gray')
    return Predictor(
        name=card.tag,
        classes={head.attribute: head.labels for head in card.heads},
        size_hw=card.input_size_hw,
        geometry=card.crop,
        predict=lambda crops: model.predict(crops[:, None]),
    )


def of_network(source: LabelledNetwork) -> Predictor:
    """Return a predictor that runs a network in PyTorch."""
    network = source.network

    @torch.inference_mode()
    def predict(crops: NDArray[np.uint8]) -> dict[str, Probabilities]:
        return {n: softmax(rows.numpy()) for n, rows in network(to_input(crops)).items()}

    return Predictor(source.name, source.classes, network.spec.input_hw, source.crop, predict)
