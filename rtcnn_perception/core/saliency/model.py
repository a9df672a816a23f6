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

"""A saliency graph: loaded with the card of its model, checked and run."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
import onnxruntime
from rtcnn_perception.core.arrays import Probabilities
from rtcnn_perception.core.attributes.card import AttributeCard
from rtcnn_perception.core.models.card import card_path
from rtcnn_perception.core.models.card import read_fields
from rtcnn_perception.core.models.card import with_weights
from rtcnn_perception.core.models.fields import JsonFields
from rtcnn_perception.core.models.files import check_sha256
from rtcnn_perception.core.models.session import in_one_line
from rtcnn_perception.core.models.session import open_session
from rtcnn_perception.core.models.session import SESSION_ERRORS
from rtcnn_perception.core.saliency.names import CLASS_MAPS
from rtcnn_perception.core.saliency.names import MAP_OUTPUT
from rtcnn_perception.core.saliency.names import METADATA_KEY
from rtcnn_perception.core.saliency.names import METHOD_INPUT
from rtcnn_perception.core.saliency.names import METHODS
from rtcnn_perception.core.saliency.names import NOTHING
from rtcnn_perception.core.saliency.names import SALIENCY_FORMAT
from rtcnn_perception.core.saliency.names import SALIENCY_NAME
from rtcnn_perception.core.saliency.names import target_input
from rtcnn_perception.core.saliency.names import TOP
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.files import parse_json
from rtcnn_perception.files import read_bytes
from rtcnn_perception.paths import is_file

Maps = NDArray[np.float32]
"""(N, h, w): how much the score rises with each pixel; signed, but for Grad-CAM."""

TARGET_NAMES: Mapping[str, int] = {'top': TOP, 'class_maps': CLASS_MAPS}
"""Targets that are no class, by name."""

ADVICE = 'make it anew with `rtcnn_perception saliency-graph`'


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a model predicts for N faces, and the map of one attribute for each."""

    probabilities: Mapping[str, Probabilities]
    maps: Maps


class SaliencyModel:
    """
    A network with its backward pass; several threads may use it at once.

    :raises ModelError: if the graph was made of another model, or cannot be run
    """

    def __init__(self, session: onnxruntime.InferenceSession, card: AttributeCard) -> None:
        """Check that the graph belongs to the card."""
        self.card = card
        self._session = session
        self._path = card.directory / SALIENCY_NAME
        self._has_class_maps = self._checked_metadata()
        for method in METHODS:
            blank = np.zeros((1, *card.input_shape), dtype=np.uint8)
            self.explain(blank, card.heads[0].attribute, (TOP,), method)

    @classmethod
    def load(cls, path: Path, threads: int = 1, allow_spinning: bool = False) -> SaliencyModel:
        """
        Load the graph that lies beside a model.

        :param path: the folder, the graph, or the card
        :raises ModelError: if any is missing or damaged, or one contradicts the other
        """
        card = AttributeCard.load(path)
        graph = checked_saliency(card_path(path), card)
        session = open_session(
            graph,
            card.directory / SALIENCY_NAME,
            threads=threads,
            allow_spinning=allow_spinning,
            advice=ADVICE,
        )
        return cls(session, card)

    def target(self, attribute: str, name: str) -> int:
        """
        Return the number of a target by its name: a class, 'top', or 'class_maps'.

        :raises ConfigurationError: if there is none of that name
        :raises ModelError: if the model does not classify the attribute
        """
        labels = self.card.head(attribute).labels
        if name in labels:
            return labels.index(name)
        if name not in TARGET_NAMES:
            raise ConfigurationError(
                f'expected a target for {attribute} among {(*TARGET_NAMES, *labels)}, got {name!r}'
            )
        return TARGET_NAMES[name]

    def explain(
        self,
        faces: NDArray[np.uint8],
        attribute: str,
        targets: Sequence[int],
        method: str = METHODS[0],
    ) -> Explanation:
        """
        Classify faces and map which pixels led to the result, all in one run.

        :param faces: (N, C, h, w) uint8 as ``cut_crops`` returns them; N = 0 runs nothing
        :param attribute: whose map to make
        :param targets: for each face the index of a class, or TOP or CLASS_MAPS
        :param method: one of ``METHODS``
        :returns: the maps have the network's height and width, for Grad-CAM its last features'
        :raises ConfigurationError: for a target, method or attribute that does not exist
        :raises ModelError: if the model does not classify the attribute, or fails
        :raises ValueError: if there is not one target for each face
        """
        self._check_request(len(faces), attribute, targets, method)
        heads = self.card.heads
        if len(faces) == 0:
            none = {h.attribute: np.empty((0, len(h.labels)), dtype=np.float32) for h in heads}
            return Explanation(none, np.empty((0, *self.card.input_size_hw), dtype=np.float32))
        feed = {
            self.card.input_name: self.card.network_input(faces),
            METHOD_INPUT: np.array([METHODS.index(method)], dtype=np.int64),
        }
        for head in heads:
            numbers = targets if head.attribute == attribute else [NOTHING] * len(faces)
            feed[target_input(head.attribute)] = np.array(numbers, dtype=np.int64)
        names = [*(head.output for head in heads), MAP_OUTPUT]
        try:
            *outputs, maps = self._session.run(names, feed)
        except SESSION_ERRORS as error:
            raise ModelError(
                f'{self._path}: expected a graph that takes {len(faces)} faces, got one that '
                f'fails ({in_one_line(error)}); {ADVICE}'
            ) from error
        return Explanation(
            {head.attribute: rows for head, rows in zip(heads, outputs, strict=True)},
            strongest_channel(maps),
        )

    def _check_request(
        self, count: int, attribute: str, targets: Sequence[int], method: str
    ) -> None:
        labels = self.card.head(attribute).labels
        if method not in METHODS:
            raise ConfigurationError(f'expected a method among {METHODS}, got {method!r}')
        if len(targets) != count:
            raise ValueError(f'expected a target for each of {count} faces, got {len(targets)}')
        wrong = [number for number in targets if not CLASS_MAPS <= number < len(labels)]
        if wrong:
            raise ConfigurationError(
                f'expected targets for {attribute} from 0 to {len(labels) - 1}, {TOP} for the top '
                f'class or {CLASS_MAPS} for the class maps, got {wrong[0]}'
            )
        if CLASS_MAPS in targets and not self._has_class_maps[attribute]:
            raise ConfigurationError(
                f'{self._path}: expected a network that ends in maps of its classes, got one that '
                f'has none for {attribute}; choose a class or the top one as the target'
            )

    def _checked_metadata(self) -> dict[str, bool]:
        """Return for each attribute whether there are class maps."""
        text = self._session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
        if text is None:
            raise ModelError(
                f'{self._path}: expected a graph with the metadata of its model, got one without; '
                f'{ADVICE}'
            )
        try:
            content = parse_json(text)
        except ValueError as error:
            raise ModelError(
                f'{self._path}: expected metadata in JSON, got what cannot be read as such '
                f'({error}); {ADVICE}'
            ) from error
        fields = JsonFields(self._path, content, ADVICE)
        version, sha256 = fields.integer('format'), fields.text('model_sha256')
        if version != SALIENCY_FORMAT:
            raise fields.refusal('format', f'{SALIENCY_FORMAT}', version)
        if sha256 != self.card.sha256:
            raise ModelError(
                f'{self._path}: expected a graph made of {self.card.tag}, got one of another '
                f'model ({sha256[:8]}); {ADVICE}'
            )
        has_maps = fields.section('has_class_maps')
        return {name: has_maps.flag(name, default=False) for name in self.card.names}


def strongest_channel(maps: NDArray[np.float32]) -> Maps:
    """Return (N, h, w) from (N, C, h, w): of each pixel the channel of largest magnitude."""
    if maps.shape[1] == 1:
        return np.asarray(maps[:, 0], dtype=np.float32)
    index = np.expand_dims(np.abs(maps).argmax(axis=1), 1)
    return np.asarray(np.take_along_axis(maps, index, axis=1)[:, 0], dtype=np.float32)


def has_saliency(path: Path) -> bool:
    """Return whether a saliency graph lies beside a model."""
    return is_file(card_path(path).parent / SALIENCY_NAME)


def checked_saliency(card_file: Path, card: AttributeCard) -> bytes:
    """
    Return the saliency graph beside its model, with the weights that lie in the model's file.

    :raises ModelError: if it is missing, or not the one that the card names
    """
    path = card.directory / SALIENCY_NAME
    command = f'`rtcnn_perception saliency-graph {card.path}`'
    try:
        content = read_bytes(path)
    except OSError as error:
        raise ModelError(
            f'{path}: expected the saliency graph of the model, got none '
            f'({error.strerror}); make it with {command}'
        ) from error
    # The card names the graph that was made of this model: another one may lie beside it.
    fields = read_fields(card_file, advice=f'make the saliency graph anew with {command}')
    check_sha256(content, fields.section('saliency').text('sha256'), path, ADVICE)
    return with_weights(content, path).content
