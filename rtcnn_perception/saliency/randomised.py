"""Networks that forgot what they learned, for the sanity check of their maps."""

from __future__ import annotations

from dataclasses import replace
import hashlib
import math

import numpy as np
import onnx
import onnxruntime
from rtcnn_perception.core.attributes.card import ModelSpec
from rtcnn_perception.core.saliency.model import SaliencyModel
from rtcnn_perception.saliency.saliency_graph import build_saliency_graph
from rtcnn_perception.saliency.simplify import fold_constants

LAYERS = ('Conv', 'Gemm', 'MatMul')
SHARES = {'trained': 0.0, 'last third': 1 / 3, 'two thirds': 2 / 3, 'all layers': 1.0}
"""How much is randomised, by the names that figures give it."""


def randomised(content: bytes, share: float, seed: int) -> bytes:
    """
    Shuffle the weights of the last layers, each within itself.

    From the scores back to the picture, as Adebayo and others do it (cascading randomisation):
    Sanity Checks for Saliency Maps, 2018, section 3. A shuffled layer keeps the sizes of its
    weights and loses all they say.

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


def forgetful_models(spec: ModelSpec, seed: int = 0) -> list[tuple[str, SaliencyModel]]:
    """
    Return a model as it is and with more and more of its layers randomised, and their names.

    :raises ModelError: if the model is not covered
    """
    content = spec.read_model()
    models = []
    for name, share in SHARES.items():
        changed = randomised(content, share, seed)
        own = replace(spec, sha256=hashlib.sha256(changed).hexdigest())
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(
            build_saliency_graph(changed, own),
            sess_options=options,
            providers=['CPUExecutionProvider'],
        )
        models.append((name, SaliencyModel(session, own)))
    return models
