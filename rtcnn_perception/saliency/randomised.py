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

"""Networks with randomised weights, for the sanity check of their saliency maps."""

from __future__ import annotations

from dataclasses import replace
import hashlib
import math

import numpy as np
import onnx
from rtcnn_perception.core.attributes.card import AttributeCard
from rtcnn_perception.core.models.session import open_session
from rtcnn_perception.core.saliency.model import SaliencyModel
from rtcnn_perception.saliency.read_graph import fold_constants
from rtcnn_perception.saliency.saliency_graph import build_saliency_graph

LAYERS = ('Conv', 'Gemm', 'MatMul')
SHARES = {'trained': 0.0, 'last third': 1 / 3, 'two thirds': 2 / 3, 'all layers': 1.0}
"""The shares of the layers that are randomised, by their captions in figures."""


def randomised(content: bytes, share: float, seed: int) -> bytes:
    """
    Shuffle the weights of the last layers, each within itself.

    From the scores back to the input (cascading randomisation). A shuffled layer keeps the values
    of its weights and loses their order.
    Source: Adebayo and others: Sanity Checks for Saliency Maps, 2018, section 3.

    :param share: of the layers, from 0 to 1; above 0 at least the last
    """
    model = onnx.load_from_string(content)
    fold_constants(model)
    random = np.random.default_rng(seed)
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    layers = [
        node.input[1]
        for node in model.graph.node
        if node.op_type in LAYERS and node.input[1] in tensors
    ]
    count = math.ceil(share * len(layers))
    for name in layers[len(layers) - count :]:
        weights = onnx.numpy_helper.to_array(tensors[name])
        shuffled = random.permutation(weights.ravel()).reshape(weights.shape)
        tensors[name].CopyFrom(onnx.numpy_helper.from_array(shuffled, name))
    return bytes(model.SerializeToString())


def randomised_models(card: AttributeCard, seed: int = 0) -> list[tuple[str, SaliencyModel]]:
    """
    Return a model unchanged and with more and more of its layers randomised, with captions.

    :raises ModelError: if the model has operations that are not covered
    """
    content = card.read_model()
    models = []
    for name, share in SHARES.items():
        changed = randomised(content, share, seed)
        own = replace(card, sha256=hashlib.sha256(changed).hexdigest())
        session = open_session(build_saliency_graph(changed, own), card.path)
        models.append((name, SaliencyModel(session, own)))
    return models
