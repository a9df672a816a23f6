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
An attribute network: loaded with its card, checked against it, and run.

Crops come from ``geometry.crops`` and are scaled by the card. Softmax and temperature are in the
graph, where ``training.models.onnx_export`` puts them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
import onnxruntime
from rtcnn_perception.core.arrays import Probabilities
from rtcnn_perception.core.attributes.card import AttributeCard
from rtcnn_perception.core.models.precision import FLOAT
from rtcnn_perception.core.models.precision import load_precision
from rtcnn_perception.core.models.session import check_signature
from rtcnn_perception.core.models.session import contradiction
from rtcnn_perception.core.models.session import in_one_line
from rtcnn_perception.core.models.session import open_session
from rtcnn_perception.core.models.session import SESSION_ERRORS
from rtcnn_perception.core.models.session import Tensor

MAX_FACES_PER_RUN = 16
"""
More faces than this go in several runs.

A mini-Xception costs the same per face from 4 to 16 at once; 64 at once cost a quarter more, as
they fall out of the processor's cache, and hold 60 MB more memory from then on.
"""

SUM_TOLERANCE = 1e-3
"""How far from 1 a row may sum up: half precision keeps three digits."""


class AttributeModel:
    """
    A network and its card; several threads may use it at once.

    :raises ModelError: if the graph does not take or return what the card says; it is run once
    """

    def __init__(self, session: onnxruntime.InferenceSession, card: AttributeCard) -> None:
        """Check the graph against the card, by what it declares and by running it."""
        self.card = card
        self.precision_note = ''
        """Which graph runs and why, for the log."""
        self._session = session
        check_signature(
            session,
            card.path,
            Tensor(card.input_name, card.input_dtype, ('N', *card.input_shape)),
            [Tensor(head.output, 'float32', ('N', len(head.labels))) for head in card.heads],
        )
        for faces in (1, 2):
            self.predict(np.zeros((faces, *card.input_shape), dtype=np.uint8))

    @classmethod
    def load(
        cls,
        path: Path,
        threads: int = 1,
        allow_spinning: bool = False,
        precision: str = FLOAT,
    ) -> AttributeModel:
        """
        Load a model and its card.

        :param path: the folder, the graph, or the card
        :param threads: how many threads one run may use
        :param allow_spinning: whether threads occupy their core while they wait for work
        :param precision: which of its graphs, one of ``precision.PRECISIONS``
        :raises ModelError: if either is missing or damaged, one contradicts the other, or there is
            no graph of that precision
        """

        def load(card: AttributeCard) -> AttributeModel:
            graph = card.read_model()
            session = open_session(
                graph, card.path, threads=threads, allow_spinning=allow_spinning
            )
            return cls(session, card)

        def run(model: AttributeModel) -> None:
            model.predict(np.zeros((1, *model.card.input_shape), dtype=np.uint8))

        model, note = load_precision(AttributeCard.load(path), precision, load, run)
        model.precision_note = note
        return model

    def predict(self, faces: NDArray[np.uint8]) -> dict[str, Probabilities]:
        """
        Classify crops.

        :param faces: (N, C, h, w) uint8 as ``cut_crops`` returns them; N = 0 runs nothing
        :returns: (N, classes) probabilities by attribute
        :raises ModelError: if the network returns what are no probabilities
        """
        parts = [
            self._run(faces[first : first + MAX_FACES_PER_RUN])
            for first in range(0, len(faces), MAX_FACES_PER_RUN)
        ]
        predicted: dict[str, Probabilities] = {}
        for index, head in enumerate(self.card.heads):
            none = np.empty((0, len(head.labels)), dtype=np.float32)
            predicted[head.attribute] = np.concatenate([none, *(part[index] for part in parts)])
        return predicted

    def _run(self, faces: NDArray[np.uint8]) -> list[Probabilities]:
        names = [head.output for head in self.card.heads]
        feed = {self.card.input_name: self.card.network_input(faces)}
        try:
            outputs = self._session.run(names, feed)
        except SESSION_ERRORS as error:
            raise contradiction(
                self.card.path,
                f'a graph that takes {len(faces)} faces of shape {self.card.input_shape}',
                f'one that fails ({in_one_line(error)})',
            ) from error
        return [
            self._checked(head.output, output, (len(faces), len(head.labels)))
            for head, output in zip(self.card.heads, outputs, strict=True)
        ]

    def _checked(
        self, name: str, output: NDArray[np.float32], shape: tuple[int, int]
    ) -> Probabilities:
        """Return the output as rows that sum to 1, or refuse it."""
        if output.shape != shape:
            raise contradiction(
                self.card.path,
                f'output {name} of shape {shape}, a column for each label of the card',
                f'{output.shape}',
            )
        if not np.isfinite(output).all():
            raise contradiction(
                self.card.path, f'finite numbers in output {name}', 'NaN or infinity'
            )
        sums = output.sum(axis=1, keepdims=True)
        if output.min() < 0.0 or np.abs(sums - 1.0).max() > SUM_TOLERANCE:
            raise contradiction(
                self.card.path,
                f'probabilities in output {name}, from 0 and with sum 1',
                f'rows from {output.min():.4g}, with sums {sums.min():.4g} to {sums.max():.4g}',
            )
        rows: Probabilities = (output / sums).astype(np.float32)
        return rows
