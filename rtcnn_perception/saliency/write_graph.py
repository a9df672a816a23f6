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

"""Write the saliency graph beside its model and name it in the card, both or neither."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
from rtcnn_perception.core.attributes.card import AttributeCard
from rtcnn_perception.core.models.card import card_path
from rtcnn_perception.core.models.files import replace_file
from rtcnn_perception.core.models.session import in_one_line
from rtcnn_perception.core.models.session import open_session
from rtcnn_perception.core.models.session import SESSION_ERRORS
from rtcnn_perception.core.saliency.names import MAP_OUTPUT
from rtcnn_perception.core.saliency.names import METHOD_INPUT
from rtcnn_perception.core.saliency.names import METHODS
from rtcnn_perception.core.saliency.names import SALIENCY_NAME
from rtcnn_perception.core.saliency.names import target_input
from rtcnn_perception.core.saliency.names import TOP
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.saliency.saliency_graph import build_saliency_graph

TOLERANCE = 1e-5
"""Largest difference to a probability of the model: rounding in another order causes less."""

CHECK_BATCHES = (1, 3)

EXTERNAL_FROM = 256
"""Bytes from which on a constant is worth a reference to the file of the model."""


def write_saliency_graph(path: Path) -> Path:
    """
    Build, check and write the saliency graph of a model.

    Its weights are references to the file of the model, so that the graph is small.

    :param path: the folder, the model, or the card
    :returns: where the graph lies
    :raises ModelError: if the model has no card or is not covered, if the graph's probabilities
        differ from those of the model, or if the folder cannot be written to
    """
    card = AttributeCard.load(path)
    content = card.read_model()
    graph = build_saliency_graph(content, card)
    try:
        check_agreement(content, graph, card)
    except SESSION_ERRORS as error:
        raise ModelError(
            f'{card.path}: expected a network that runs on {CHECK_BATCHES[-1]} faces at once, got '
            f'one that fails ({in_one_line(error)}); nothing was written'
        ) from error
    graph = with_external_weights(graph, card.path.read_bytes(), card.file)
    card_file = card_path(path)
    fields = json.loads(card_file.read_text(encoding='utf-8'))
    fields['saliency'] = {
        'file': SALIENCY_NAME,
        'sha256': hashlib.sha256(graph).hexdigest(),
        'methods': list(METHODS),
    }
    target = card.directory / SALIENCY_NAME
    before = target.read_bytes() if target.exists() else None
    place = target
    try:
        replace_file(target, graph)
        place = card_file
        replace_file(card_file, (json.dumps(fields, indent=2) + '\n').encode())
    except OSError as error:
        if place == card_file:  # the card names the graph of before
            _restore(target, before)
        raise ModelError(
            f'{place} cannot be written: {error.strerror}; nothing was changed; copy the model to '
            'a folder of your own'
        ) from error
    return target


def _restore(path: Path, content: bytes | None) -> None:
    if content is None:
        path.unlink()
    else:
        replace_file(path, content)


def check_agreement(content: bytes, graph: bytes, card: AttributeCard) -> None:
    """
    Refuse a graph with other probabilities than its model, or maps that are not finite.

    :raises ModelError: with the method and the largest difference
    """
    sessions = [
        open_session(serialised, card.path, advice='nothing was written')
        for serialised in (content, graph)
    ]
    random = np.random.default_rng(0)
    names = [head.output for head in card.heads]
    for faces in CHECK_BATCHES:
        pixels = random.integers(0, 256, (faces, *card.input_shape)).astype(card.input_dtype)
        expected = sessions[0].run(names, {card.input_name: pixels})
        for number, method in enumerate(METHODS):
            feed = {card.input_name: pixels, METHOD_INPUT: np.array([number], dtype=np.int64)}
            for head in card.heads:
                feed[target_input(head.attribute)] = np.full(faces, TOP, dtype=np.int64)
            *found, maps = sessions[1].run([*names, MAP_OUTPUT], feed)
            worst = max(float(np.abs(f - e).max()) for f, e in zip(found, expected, strict=True))
            if not (worst <= TOLERANCE and np.isfinite(maps).all()):
                raise ModelError(
                    f'{card.path}: expected the same probabilities and finite maps from the '
                    f'saliency graph, got a difference of {worst:.2e} with method {method}; '
                    f'nothing was written'
                )


def with_external_weights(graph: bytes, model: bytes, file: str) -> bytes:
    """
    Return a graph whose weights are references into the file of its model (ONNX external data).

    :param graph: serialised; weights that are not in the file of the model stay in it
    :param model: the content of the model's file, which is searched for the bytes
    :param file: the name of the model's file, in the same folder
    """
    parsed = onnx.load_from_string(graph)
    for tensor in parsed.graph.initializer:
        content = tensor.raw_data
        offset = model.find(content) if len(content) >= EXTERNAL_FROM else -1
        if offset < 0:
            continue
        tensor.ClearField('raw_data')
        tensor.data_location = onnx.TensorProto.EXTERNAL
        for key, value in (('location', file), ('offset', offset), ('length', len(content))):
            tensor.external_data.add(key=key, value=str(value))
    return bytes(parsed.SerializeToString())
