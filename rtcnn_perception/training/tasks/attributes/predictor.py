"""One way to ask any model: this project's ONNX files and the original's Keras weights alike."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import Probabilities
from rtcnn_perception.core.attributes.model import FaceModel
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.core.labels import LABELS
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.training.data.batches import cut_faces
from rtcnn_perception.training.data.batches import to_input
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.models.keras_weights import KERAS_MARGINS
from rtcnn_perception.training.models.keras_weights import KERAS_SUFFIXES
from rtcnn_perception.training.models.keras_weights import load_keras
import torch

BATCH = 256


@dataclass(frozen=True)
class Judge:
    """
    A model with what has to be known to ask it.

    ``answer`` takes (N, h, w) uint8 gray crops and gives (N, C) probabilities by attribute.
    """

    name: str
    labels: Mapping[str, tuple[str, ...]]
    size_hw: tuple[int, int]
    geometry: CropGeometry
    answer: Callable[[NDArray[np.uint8]], dict[str, Probabilities]]

    def with_margin(self, margin: float) -> Judge:
        """Return a judge that looks at crops of another margin."""
        return replace(self, geometry=replace(self.geometry, margin=margin))

    def probabilities(self, faces: FaceSet) -> dict[str, Probabilities]:
        """Judge every face of a set, each from its run-time crop."""
        parts: dict[str, list[Probabilities]] = {name: [] for name in self.labels}
        for first in range(0, len(faces), BATCH):
            indices = np.arange(first, min(first + BATCH, len(faces)))
            crops = cut_faces(faces, self.geometry, self.size_hw, indices)
            for name, rows in self.answer(crops).items():
                parts[name].append(rows)
        if not len(faces):
            raise DataError('there is no face to judge')
        return {name: np.concatenate(rows) for name, rows in parts.items()}


def load_judge(path: Path) -> Judge:
    """
    Load a model's folder, its ONNX file, or the original's Keras weights.

    :raises ModelError: if the model is missing, damaged or takes colours
    """
    if path.suffix in KERAS_SUFFIXES:
        return _keras_judge(path)
    model = FaceModel.load(path)
    spec = model.spec
    if spec.channels != 'gray':
        raise ModelError(f'{spec.path} takes {spec.channels}; the data here is gray')
    return Judge(
        name=spec.tag,
        labels={head.attribute: head.labels for head in spec.heads},
        size_hw=spec.input_size_hw,
        geometry=spec.crop,
        answer=lambda crops: model.judge(crops[:, None]),
    )


def _keras_judge(path: Path) -> Judge:
    network = load_keras(path)
    attribute = next(iter(network.classes))

    def answer(crops: NDArray[np.uint8]) -> dict[str, Probabilities]:
        with torch.inference_mode():
            scores = network(to_input(crops))
        return {name: rows.softmax(1).numpy() for name, rows in scores.items()}

    return Judge(
        name=f'original {attribute} (Keras)',
        labels={attribute: LABELS[attribute]},
        size_hw=network.spec.input_hw,
        geometry=CropGeometry(KERAS_MARGINS[attribute]),
        answer=answer,
    )
