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

"""Networks of a few weights, with their cards, for tests that run them for real."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
from onnx import helper
from onnx import numpy_helper
from onnx import TensorProto

EMOTIONS = ('angry', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral')
GENDERS = ('woman', 'man')


def make_graph(
    heads: dict[str, int],
    *,
    size_hw: tuple[int, int] = (8, 8),
    channels: int = 1,
    dtype: int = TensorProto.UINT8,
    batch: str | int = 'N',
    seed: int = 1,
    last: str = 'Softmax',
    output_dtype: int = TensorProto.FLOAT,
) -> bytes:
    """
    Make a linear network over the pixels, and a softmax (or another last operator) per head.

    :param heads: number of classes by name of the output
    """
    random = np.random.default_rng(seed)
    pixels = channels * size_hw[0] * size_hw[1]
    nodes = [
        helper.make_node('Cast', ['face'], ['cast'], to=TensorProto.FLOAT),
        helper.make_node('Flatten', ['cast'], ['flat'], axis=1),
    ]
    weights = []
    for name, classes in heads.items():
        matrix = random.normal(0, 0.01, (pixels, classes)).astype(np.float32)
        weights.append(numpy_helper.from_array(matrix, f'{name}_weights'))
        nodes.append(helper.make_node('MatMul', ['flat', f'{name}_weights'], [f'{name}_scores']))
        nodes.append(helper.make_node(last, [f'{name}_scores'], [f'{name}_float']))
        nodes.append(helper.make_node('Cast', [f'{name}_float'], [name], to=output_dtype))
    graph = helper.make_graph(
        nodes,
        'tiny',
        [helper.make_tensor_value_info('face', dtype, [batch, channels, *size_hw])],
        [
            helper.make_tensor_value_info(name, output_dtype, [batch, classes])
            for name, classes in heads.items()
        ],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def make_card(model: bytes, heads: dict[str, tuple[str, ...]]) -> dict[str, object]:
    """Make the card of what ``make_graph`` gives by default, its outputs named as attributes."""
    return {
        'format': 2,
        'kind': 'attributes',
        'name': 'tiny',
        'file': 'model.onnx',
        'sha256': hashlib.sha256(model).hexdigest(),
        'opset': 17,
        'input': {
            'name': 'face',
            'size_hw': [8, 8],
            'channels': 'gray',
            'dtype': 'uint8',
            'scale': 1.0,
            'offset': 0.0,
        },
        'crop': {'margin': 0.1, 'shift_down': 0.05},
        'heads': [
            {
                'attribute': attribute,
                'output': attribute,
                'labels': list(labels),
                'temperature': 1.3,
            }
            for attribute, labels in heads.items()
        ],
        'architecture': 'one matrix',
        'metrics': {'accuracy': 0.0},
    }


def write_model(directory: Path, model: bytes, card: dict[str, object]) -> Path:
    """Write both into a folder and return it."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / 'model.onnx').write_bytes(model)
    (directory / 'model.json').write_text(json.dumps(card), encoding='utf-8')
    return directory


def write_tiny_model(
    directory: Path,
    heads: dict[str, tuple[str, ...]],
    *,
    margin: float = 0.1,
    seed: int = 1,
    channels: str = 'gray',
) -> Path:
    """Write a model that classifies these attributes, and return its folder."""
    counts = {name: len(labels) for name, labels in heads.items()}
    model = make_graph(counts, seed=seed, channels=1 if channels == 'gray' else 3)
    card = make_card(model, heads)
    card['input'] = {**card['input'], 'channels': channels}
    card['crop'] = {'margin': margin, 'shift_down': 0.05}
    return write_model(directory, model, card)
