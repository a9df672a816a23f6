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

"""A detector of a few weights, with its card: it finds what is painted at its anchor points."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

import numpy as np
import onnx
from onnx import helper
from onnx import numpy_helper
from onnx import TensorProto
from tiny_model import write_model

STRIDES = (8, 16, 32)

SIDE = 2.0
"""Width and height of each box, in strides."""

LANDMARKS = np.array([[-0.5, -0.5], [0.5, -0.5], [0, 0], [-0.5, 0.5], [0.5, 0.5]], np.float32)
"""From the centre of the face, in strides."""


def make_detector(
    *,
    strides: tuple[int, ...] = STRIDES,
    input_shape: tuple[int | str, ...] = (1, 'H', 'W', 3),
    dtype: int = TensorProto.UINT8,
    score_dtype: int = TensorProto.FLOAT,
    last: str = 'Identity',
    log_side: float = math.log(SIDE),
    numbers: int = 4,
) -> bytes:
    """
    Make a network that reads the output row of each anchor point off the pixel under it.

    Blue is the score in 255ths; green and red are how far the centre of the face lies right of and
    below the anchor point, in 128ths of a stride.

    :param last: operator through which the score goes
    :param log_side: logarithm of the sides of every box in strides
    :param numbers: how many there are to a box
    """
    score, place = np.zeros((3, 1)), np.zeros((3, 2))
    score[0] = 1 / 255
    place[1, 0] = place[2, 1] = 1 / 128
    box = np.concatenate([place, np.zeros((3, numbers - 2))], axis=1)
    arrays = {
        'end': np.array([2**31] * 2),
        'axes': np.array([1, 2]),
        'flat': np.array([1, -1, 3]),
        'row': np.array([1, -1]),
        'score_weights': score.astype(np.float32),
        'box_weights': box.astype(np.float32),
        'box_bias': np.array([0, 0, *[log_side] * (numbers - 2)], np.float32),
        'landmarks_weights': np.tile(place, 5).astype(np.float32),
        'landmarks_bias': LANDMARKS.ravel(),
    }
    make_node = helper.make_node
    nodes = [make_node('Cast', ['image'], ['cast'], to=TensorProto.FLOAT)]
    for stride in strides:
        arrays |= {
            f'from{stride}': np.array([stride // 2] * 2),
            f'by{stride}': np.array([stride] * 2),
        }
        taken = ['cast', f'from{stride}', 'end', 'axes', f'by{stride}']
        nodes += [
            make_node('Slice', taken, [f'middles{stride}']),
            make_node('Reshape', [f'middles{stride}', 'flat'], [f'cells{stride}']),
        ]
    nodes += [
        make_node('Concat', [f'cells{stride}' for stride in strides], ['cells'], axis=1),
        make_node('MatMul', ['cells', 'score_weights'], ['score_column']),
        make_node('Reshape', ['score_column', 'row'], ['score_row']),
        make_node(last, ['score_row'], ['score_last']),
        make_node('Cast', ['score_last'], ['score'], to=score_dtype),
    ]
    for name in ('box', 'landmarks'):
        nodes += [
            make_node('MatMul', ['cells', f'{name}_weights'], [f'{name}_product']),
            make_node('Add', [f'{name}_product', f'{name}_bias'], [name]),
        ]
    graph = helper.make_graph(
        nodes,
        'tiny_detector',
        [helper.make_tensor_value_info('image', dtype, input_shape)],
        [
            helper.make_tensor_value_info('score', score_dtype, [1, 'N']),
            helper.make_tensor_value_info('box', TensorProto.FLOAT, [1, 'N', numbers]),
            helper.make_tensor_value_info('landmarks', TensorProto.FLOAT, [1, 'N', 10]),
        ],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def make_detector_card(model: bytes) -> dict[str, object]:
    """Make the card of what ``make_detector`` gives by default."""
    return {
        'format': 2,
        'kind': 'detector',
        'name': 'tiny_face',
        'file': 'model.onnx',
        'sha256': hashlib.sha256(model).hexdigest(),
        'opset': 17,
        'input': {'name': 'image', 'channels': 'bgr', 'dtype': 'uint8', 'multiple': 32},
        'strides': list(STRIDES),
        'nms_iou': 0.3,
        'width': 320,
        'outputs': {'score': 'score', 'box': 'box', 'landmarks': 'landmarks'},
        'architecture': 'three matrices',
    }


def write_tiny_detector(directory: Path) -> Path:
    """Write a detector with its card and return its folder."""
    model = make_detector()
    return write_model(directory, model, make_detector_card(model))
