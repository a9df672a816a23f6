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

"""Read a network, fold constants and normalisation, and refuse what is not covered."""

from __future__ import annotations

from collections.abc import Sequence

from google.protobuf.message import DecodeError  # type: ignore[import-untyped,import-not-found,unused-ignore]  # protobuf has no types
import numpy as np
import onnx
import onnx.reference
from rtcnn_perception.core.models.session import in_one_line
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.saliency.network_graph import Array
from rtcnn_perception.saliency.network_graph import NetworkGraph
from rtcnn_perception.saliency.network_graph import Operation
from rtcnn_perception.saliency.network_graph import scale_and_shift

OPSETS = range(13, 18)
"""Versions in which the operators that are covered mean the same."""

UNUSABLE = (
    DecodeError,
    onnx.checker.ValidationError,
    onnx.shape_inference.InferenceError,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What onnx raises for a graph that it cannot read, check or compute."""

CONTROL_FLOW = ('If', 'Loop', 'Scan')


def read_graph(content: bytes, where: str) -> NetworkGraph:
    """
    Read a network for inference; normalisation behind a convolution becomes part of its weights.

    :param content: a serialised ONNX model with one input
    :param where: its name in errors
    :raises ModelError: if it is damaged, of another opset, or has control flow or no shapes
    """
    model = onnx.ModelProto()
    try:
        model.ParseFromString(content)
        onnx.checker.check_model(model)
        fold_constants(model)
        model = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
        constants = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    except UNUSABLE as error:
        raise ModelError(
            f'{where}: expected a valid ONNX graph, got one that is not '
            f'({in_one_line(error)}); export it anew'
        ) from error
    _check_opset(model, where)
    _check_control_flow(model, where)
    inputs = [info for info in model.graph.input if info.name not in constants]
    if len(inputs) != 1:
        raise ModelError(
            f'{where}: expected one input, got {[info.name for info in inputs]}; '
            f'only a network that takes one image has saliency maps'
        )
    outputs = tuple(model.graph.output)
    operations = _without_normalisation(
        [_operation(node) for node in model.graph.node], constants, [info.name for info in outputs]
    )
    used = {name for operation in operations for name in operation.inputs}
    graph = NetworkGraph(
        operations=tuple(operations),
        constants={name: array for name, array in constants.items() if name in used},
        shapes=_shapes(model),
        input_info=inputs[0],
        output_infos=outputs,
    )
    if len(graph.shapes.get(graph.input_name, ())) != 3:
        raise ModelError(
            f'{where}: expected input {graph.input_name} of shape (N, C, H, W) with C, H and W '
            f'fixed, got a graph that leaves them open; export it with fixed height and width'
        )
    return graph


def fold_constants(model: onnx.ModelProto) -> None:
    """Compute, in place, what depends on constants alone: half precision, paddings, shapes."""
    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    kept = []
    for node in graph.node:
        is_random = node.op_type.startswith('Random')
        is_plain = not node.domain and not is_random and node.op_type not in CONTROL_FLOW
        is_single = len(node.output) == 1
        if not (is_plain and is_single) or any(name not in constants for name in node.input):
            kept.append(node)
            continue
        body = onnx.helper.make_graph(
            [node],
            'constant',
            [],
            [onnx.helper.make_empty_tensor_value_info(node.output[0])],
            [constants[name] for name in node.input],
        )
        single = onnx.helper.make_model(
            body, opset_imports=model.opset_import, ir_version=model.ir_version
        )
        (value,) = onnx.reference.ReferenceEvaluator(single).run(None, {})
        tensor = onnx.numpy_helper.from_array(np.asarray(value), node.output[0])
        constants[tensor.name] = tensor
        graph.initializer.append(tensor)
    del graph.node[:]
    graph.node.extend(kept)


def _without_normalisation(
    operations: Sequence[Operation], constants: dict[str, Array], outputs: Sequence[str]
) -> list[Operation]:
    """Fold each normalisation that is the only reader of a convolution into its weights."""
    readers = dict.fromkeys(outputs, 1)
    for operation in operations:
        for name in operation.inputs:
            readers[name] = readers.get(name, 0) + 1
    result: list[Operation] = []
    convolutions: dict[str, int] = {}  # index in ``result`` by the name of the output
    for operation in operations:
        index = convolutions.get(operation.inputs[0]) if operation.inputs else None
        if operation.op == 'BatchNormalization' and index is not None:
            convolution = result[index]
            numbers = (*convolution.inputs[1:], *operation.inputs[1:])
            are_known = all(name in constants for name in numbers)
            if readers[convolution.output] == 1 and are_known:
                result[index] = _normalised(convolution, operation, constants)
                convolutions[operation.output] = index
                continue
        if operation.op == 'Conv':
            convolutions[operation.output] = len(result)
        result.append(operation)
    return result


def _normalised(convolution: Operation, norm: Operation, constants: dict[str, Array]) -> Operation:
    """Return the convolution that gives what the normalisation makes of its output."""
    scale, shift = scale_and_shift(norm, constants)
    weights = constants[convolution.inputs[1]]
    bias = constants[convolution.inputs[2]] if len(convolution.inputs) > 2 else 0.0
    names = (f'{norm.output}_weights', f'{norm.output}_bias')
    constants[names[0]] = (weights * scale.reshape(-1, 1, 1, 1)).astype(np.float32)
    constants[names[1]] = (bias * scale + shift).astype(np.float32)
    return Operation(
        'Conv', (convolution.inputs[0], *names), norm.outputs[:1], convolution.attributes
    )


def _check_opset(model: onnx.ModelProto, where: str) -> None:
    versions = [o.version for o in model.opset_import if o.domain in ('', 'ai.onnx')]
    if len(versions) != 1 or versions[0] not in OPSETS:
        raise ModelError(
            f'{where}: expected operators of opset {OPSETS[0]} to {OPSETS[-1]}, got {versions}; '
            f'export it anew for one of them'
        )


def _check_control_flow(model: onnx.ModelProto, where: str) -> None:
    found = sorted({node.op_type for node in model.graph.node} & set(CONTROL_FLOW))
    if found:
        raise ModelError(
            f'{where}: expected a graph without control flow, got dynamic control flow '
            f'({", ".join(found)}); export it without'
        )


def _operation(node: onnx.NodeProto) -> Operation:
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    prefix = '' if node.domain in ('', 'ai.onnx') else f'{node.domain}.'
    return Operation(
        prefix + node.op_type,
        tuple(node.input),
        tuple(node.output),
        {k: v.decode() if isinstance(v, bytes) else v for k, v in attributes.items()},
    )


def _shapes(model: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    shapes = {}
    graph = model.graph
    for info in (*graph.input, *graph.value_info, *graph.output):
        if not info.type.tensor_type.HasField('shape'):
            continue
        axes = info.type.tensor_type.shape.dim
        sizes = tuple(int(axis.dim_value) for axis in axes[1:])
        if len(axes) > 0 and all(size > 0 for size in sizes):
            shapes[info.name] = sizes
    return shapes
