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

"""The graph of an attribute network in eight bits, and how far it is from the float graph."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from typing import NamedTuple

import numpy as np
from rtcnn_perception.core.arrays import Probabilities
from rtcnn_perception.core.models.session import open_session
from rtcnn_perception.training.data.batches import cut_all
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.engine.networks import LabelledNetwork
from rtcnn_perception.training.models.onnx_export import INPUT_NAME
from rtcnn_perception.training.models.onnx_export import shortened
from rtcnn_perception.training.models.quantise import quantised
from rtcnn_perception.training.tasks.attributes.metrics import accuracy

CHANGE = 'largest_change_of_a_probability'
"""Field of a card."""

CALIBRATION_FACES = 512
"""Faces that the ranges of eight bits are taken from: more change no range by much."""


class QuantisationFaces(NamedTuple):
    """
    The faces that a graph in eight bits is made with.

    ``calibration`` gives the ranges and is of the data called ``data``; the graphs are compared on
    ``held_out``.
    """

    calibration: FaceSet
    held_out: FaceSet
    data: Sequence[str]


def in_eight_bits(
    content: bytes, source: LabelledNetwork, faces: QuantisationFaces
) -> tuple[bytes, dict[str, Any]]:
    """
    Quantise a graph and compare both.

    :param content: the float graph of the network
    :returns: the graph in eight bits, and what its card says of calibration and parity
    :raises ModelError: if the graph cannot be quantised
    """
    chosen = np.random.default_rng(0).permutation(len(faces.calibration))[:CALIBRATION_FACES]
    spec = source.network.spec
    some = faces.calibration.take(chosen)
    batches = [crops[:, None] for crops in cut_all(some, source.crop, spec.input_hw)]
    graph = quantised(content, batches, is_stem_float=spec.channels == 1)
    in_float, in_int8 = (_probabilities(each, source, faces.held_out) for each in (content, graph))
    parity: dict[str, Any] = {'faces': len(faces.held_out), 'part': 'val'}
    for name, rows in in_float.items():
        change = np.abs(rows - in_int8[name]).max(axis=1)
        labels = faces.held_out.labels.get(name)
        parity[name] = {
            CHANGE: shortened(float(change.max())),
            'mean_change': shortened(float(change.mean())),
            'labels_changed': round(float((rows.argmax(1) != in_int8[name].argmax(1)).mean()), 4),
        }
        if labels is not None and labels.is_known.any():
            parity[name] |= {
                'accuracy_float': round(accuracy(rows, labels.indices), 4),
                'accuracy_int8': round(accuracy(in_int8[name], labels.indices), 4),
            }
    calibration = {'faces': len(some), 'part': 'train', 'data': list(faces.data)}
    return graph, {'calibration': calibration, 'parity': parity}


def _probabilities(
    content: bytes, source: LabelledNetwork, faces: FaceSet
) -> dict[str, Probabilities]:
    """Return the probabilities (N, C) of each attribute by a graph."""
    session = open_session(content, Path('the exported graph'))
    names = list(source.classes)
    parts = [
        session.run(names, {INPUT_NAME: crops[:, None]})
        for crops in cut_all(faces, source.crop, source.network.spec.input_hw)
    ]
    columns = zip(*parts, strict=True)
    return {name: np.concatenate(rows) for name, rows in zip(names, columns, strict=True)}
