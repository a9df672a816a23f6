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
Graphs in eight bits: weights and activations of convolutions as integers, with their scales.

What onnxruntime computes fast is unsigned activations and signed weights with a scale for each
channel. A ReLU behind a convolution costs nothing then: it is the zero point.
"""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Sequence
import logging
from pathlib import Path
import tempfile

import numpy as np
from numpy.typing import NDArray
import onnx
from onnx import numpy_helper
from onnxruntime import quantization
from onnxruntime.quantization.shape_inference import quant_pre_process
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.training.models.onnx_export import checked

QUANTISED = ('Conv', 'Add', 'Relu', 'Resize', 'MaxPool')
"""
Operations in eight bits. Averages are slower there (onnxruntime 1.32), and what turns the last
features into outputs is small: both stay in float32.
"""

LAYOUT = ('Identity', 'Reshape', 'Transpose')
SCALING = ('Cast', 'Mul', 'Sub', 'Add', 'Div')
"""What stands between the pixels and the first convolution: it moves values, or scales them."""


def quantised(
    content: bytes,
    batches: Sequence[NDArray[np.uint8]],
    *,
    is_stem_float: bool,
    float_results: Collection[str] = (),
) -> bytes:
    """
    Return a graph that computes the same in eight bits, as nearly as those allow.

    An average of 2x2 before a 1x1 convolution becomes one convolution, which is exact. Ranges are
    the least and the largest value that the batches give.

    :param content: a float graph that takes uint8 pixels, with its weights as float16 or float32
    :param batches: typical inputs, each as the graph takes it
    :param is_stem_float: leave the first convolution in float32, which is faster for one channel;
        otherwise the pixels themselves are its quantised input, which saves their scaling and
        moves the zero by at most half a level
    :param float_results: names of results that are computed in float32 as well
    :raises ModelError: if there is no batch, or the graph has no convolution or is not valid
    """
    if not len(batches):
        raise ModelError('expected pictures to calibrate eight bits with, got none')
    with tempfile.TemporaryDirectory() as scratch, _quiet():
        source, target = Path(scratch) / 'float.onnx', Path(scratch) / 'int8.onnx'
        quant_pre_process(onnx.load_from_string(content), source, skip_symbolic_shape=True)
        model = onnx.load(source)
        merge_averages(model)
        stem = _first_convolution(model)
        pixels = stem.input[0]
        scale, zero = _scaling(model, pixels)
        kept = {node.name for node in model.graph.node if set(node.output) & set(float_results)}
        range_of_pixels = {
            'scale': np.array(scale, np.float32),
            'zero_point': np.array(round(zero), np.uint8),
            'quant_type': quantization.QuantType.QUInt8,
        }
        quantization.quantize_static(
            model,
            target,
            _Batches(model.graph.input[0].name, batches),
            quant_format=quantization.QuantFormat.QDQ,
            per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            op_types_to_quantize=list(QUANTISED),
            nodes_to_exclude=sorted(kept | ({stem.name} if is_stem_float else set())),
            extra_options=(
                {} if is_stem_float else {'TensorQuantOverrides': {pixels: [range_of_pixels]}}
            ),
        )
        model = onnx.load(target)
    if not is_stem_float:
        _take_pixels(model, pixels)
    model.producer_name = 'rtcnn_perception'
    return checked(model)


class _Batches(quantization.CalibrationDataReader):
    """Inputs as onnxruntime asks for them."""

    def __init__(self, name: str, batches: Sequence[NDArray[np.uint8]]) -> None:
        self._name, self._batches = name, iter(batches)

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        batch = next(self._batches, None)
        return None if batch is None else {self._name: batch}


class _quiet:  # noqa: N801  used as a function
    """Keep advice for developers of onnxruntime from the terminal."""

    def __enter__(self) -> None:
        self._before = logging.root.manager.disable
        logging.disable(logging.WARNING)

    def __exit__(self, *_error: object) -> None:
        logging.disable(self._before)


def merge_averages(model: onnx.ModelProto) -> None:
    """
    Make each 1x1 convolution of averages of 2x2 one of 2x2 with stride 2, in place.

    Averages of an odd number of rows or columns, of which some are of fewer pixels, stay.
    """
    graph = model.graph
    even = _even_sized(model)
    weights = {tensor.name: tensor for tensor in graph.initializer}
    readers = [name for node in graph.node for name in node.input]
    averages = {
        node.output[0]: node
        for node in graph.node
        if node.op_type == 'AveragePool'
        and _window(node) == ([2, 2], [2, 2], [0, 0, 0, 0])
        and node.input[0] in even
    }
    for node in graph.node:
        average = averages.get(node.input[0]) if node.op_type == 'Conv' else None
        if average is None or _window(node) != ([1, 1], [1, 1], [0, 0, 0, 0]):
            continue
        if readers.count(average.output[0]) > 1 or readers.count(node.input[1]) > 1:
            continue
        tensor = weights[node.input[1]]
        merged = np.tile(numpy_helper.to_array(tensor) / 4, (1, 1, 2, 2))
        tensor.CopyFrom(numpy_helper.from_array(merged.astype(np.float32), tensor.name))
        node.input[0] = average.input[0]
        others = [each for each in node.attribute if each.name not in ('kernel_shape', 'strides')]
        del node.attribute[:]
        node.attribute.extend(others)
        for name in ('kernel_shape', 'strides'):
            node.attribute.append(onnx.helper.make_attribute(name, [2, 2]))
        graph.node.remove(average)
    del graph.value_info[:]


def _even_sized(model: onnx.ModelProto) -> set[str]:
    """Return the names of what is known to have an even height and width."""
    graph = onnx.shape_inference.infer_shapes(model).graph
    sizes = {
        info.name: [axis.dim_value for axis in info.type.tensor_type.shape.dim[2:]]
        for info in (*graph.input, *graph.value_info)
    }
    return {name for name, size in sizes.items() if size and all(n and n % 2 == 0 for n in size)}


def _window(node: onnx.NodeProto) -> tuple[list[int], ...]:
    """Return kernel, strides and pads."""
    given = {each.name: list(each.ints) for each in node.attribute}
    plain = {'kernel_shape': [0, 0], 'strides': [1, 1], 'pads': [0, 0, 0, 0]}
    return tuple(given.get(name, default) for name, default in plain.items())


def _first_convolution(model: onnx.ModelProto) -> onnx.NodeProto:
    for node in model.graph.node:
        if node.op_type == 'Conv':
            return node
    raise ModelError('expected a graph with convolutions to quantise, got one without')


def _before(model: onnx.ModelProto, name: str) -> list[onnx.NodeProto]:
    """Return the operations between the pixels and a result, the last first."""
    producers = {output: node for node in model.graph.node for output in node.output}
    found = []
    while name != model.graph.input[0].name:
        node = producers.get(name)
        if node is None or node.op_type not in (*LAYOUT, *SCALING):
            origin = 'a constant' if node is None else node.op_type
            raise ModelError(
                f'expected only scaling and layout before the first convolution, got {origin}'
            )
        found.append(node)
        name = node.input[0]
    return found


def _scaling(model: onnx.ModelProto, name: str) -> tuple[float, float]:
    """Return scale and zero point, in pixel values, of a result as pixels are scaled for it."""
    constants = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    scale, shift = 1.0, 0.0
    for node in reversed(_before(model, name)):
        if node.op_type in ('Cast', *LAYOUT):
            continue
        number = float(constants[node.input[1]])
        if node.op_type in ('Mul', 'Div'):
            factor = number if node.op_type == 'Mul' else 1 / number
            scale, shift = scale * factor, shift * factor
        else:
            shift += number if node.op_type == 'Add' else -number
    return scale, -shift / scale


def _take_pixels(model: onnx.ModelProto, name: str) -> None:
    """Make the pixels themselves the quantised input of the stem, in place."""
    graph = model.graph
    (quantise,) = (
        node for node in graph.node if node.op_type == 'QuantizeLinear' and node.input[0] == name
    )
    bypassed = {quantise.output[0]: name}
    for node in _before(model, name):
        if node.op_type in SCALING:
            bypassed[node.output[0]] = node.input[0]
            graph.node.remove(node)
    graph.node.remove(quantise)
    for node in graph.node:
        for index, each in enumerate(node.input):
            source = each
            while source in bypassed:
                source = bypassed[source]
            node.input[index] = source
    del graph.value_info[:]
