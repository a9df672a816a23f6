"""An ONNX graph as this package reads it: operations in order, constants, and every shape."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError  # type: ignore[import-untyped,import-not-found,unused-ignore]  # protobuf has no types
import numpy as np
from numpy.typing import NDArray
import onnx
import onnx.reference
from rtcnn_perception.exceptions import ModelError

Array = NDArray[Any]
"""A constant of any type."""

OPSETS = range(13, 18)
"""Versions of the operators that mean the same for all that is covered."""

FOLDED = frozenset(
    [
        'Add',
        'Cast',
        'Concat',
        'Constant',
        'ConstantOfShape',
        'Div',
        'Gather',
        'Identity',
        'Mul',
        'Reshape',
        'Shape',
        'Slice',
        'Squeeze',
        'Sub',
        'Transpose',
        'Unsqueeze',
    ]
)
"""What is computed at once where it depends on constants alone."""

CONTROL_FLOW = ('If', 'Loop', 'Scan')
NORMALISATION_EPSILON = 1e-5
"""What ONNX adds to the variance where a graph does not say."""


@dataclass(frozen=True)
class Operation:
    """One node: constants and results are told apart by name alone."""

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]

    @property
    def output(self) -> str:
        """The first result, which is the only one of all that is covered."""
        return self.outputs[0]


@dataclass(frozen=True)
class NetworkGraph:
    """
    A network from its one input to its outputs.

    ``shapes`` are those of one sample, without the leading batch axis; a shape that could not be
    told is missing.
    """

    operations: tuple[Operation, ...]
    constants: Mapping[str, Array]
    shapes: Mapping[str, tuple[int, ...]]
    input_info: onnx.ValueInfoProto
    output_infos: tuple[onnx.ValueInfoProto, ...]

    @property
    def input_name(self) -> str:
        """What the network is fed with."""
        return str(self.input_info.name)

    def producer(self, name: str) -> Operation | None:
        """Return the operation that makes a result, None for the input and constants."""
        for operation in self.operations:
            if name in operation.outputs:
                return operation
        return None

    def shape(self, name: str) -> tuple[int, ...]:
        """
        Return the shape of one sample.

        :raises ModelError: if the graph does not tell
        """
        if name not in self.shapes:
            raise ModelError(
                f'expected the shape of {name!r} to be known, got none from the graph; '
                f'export it with fixed height and width and only the batch axis free'
            )
        return self.shapes[name]


def read_graph(content: bytes, where: str) -> NetworkGraph:
    """
    Read a network for inference.

    :param content: a serialised ONNX model with one input
    :param where: what to call it in errors
    :raises ModelError: if it is damaged, of another opset, or has control flow or no shapes
    """
    model = onnx.ModelProto()
    try:
        model.ParseFromString(content)
        onnx.checker.check_model(model)
        fold_constants(model)
        model = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    except (DecodeError, ValueError, RuntimeError, onnx.checker.ValidationError) as error:
        raise ModelError(
            f'{where}: expected a valid ONNX graph, got one that is not '
            f'({" ".join(str(error).split())}); export it anew'
        ) from error
    _check_opset(model, where)
    _check_control_flow(model, where)
    constants = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    inputs = [info for info in model.graph.input if info.name not in constants]
    if len(inputs) != 1:
        raise ModelError(
            f'{where}: expected one input, got {[info.name for info in inputs]}; '
            f'only a network that takes one picture can be shown at work'
        )
    graph = NetworkGraph(
        operations=tuple(_operation(node) for node in model.graph.node),
        constants=constants,
        shapes=_shapes(model),
        input_info=inputs[0],
        output_infos=tuple(model.graph.output),
    )
    if len(graph.shapes.get(graph.input_name, ())) != 3:
        raise ModelError(
            f'{where}: expected input {graph.input_name} of shape (N, C, H, W) with C, H and W '
            f'fixed, got a graph that leaves them open; export it with fixed height and width'
        )
    return _folded(graph)


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
            f'{where}: expected a graph that always does the same, got dynamic control flow '
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


def fold_constants(model: onnx.ModelProto) -> None:
    """Compute, in place, what depends on constants alone: half precision, paddings, shapes."""
    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    kept = []
    for node in graph.node:
        if node.op_type not in FOLDED or any(name not in constants for name in node.input):
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


def _folded(graph: NetworkGraph) -> NetworkGraph:
    """Put normalisation into the convolutions, and leave out constants that nothing takes."""
    constants = dict(graph.constants)
    operations = _without_normalisation(graph.operations, constants, graph)
    used = {name for operation in operations for name in operation.inputs}
    return NetworkGraph(
        operations=tuple(operations),
        constants={name: array for name, array in constants.items() if name in used},
        shapes=graph.shapes,
        input_info=graph.input_info,
        output_infos=graph.output_infos,
    )


def _without_normalisation(
    operations: Sequence[Operation], constants: dict[str, Array], graph: NetworkGraph
) -> list[Operation]:
    """Fold each batch normalisation that alone follows a convolution into its weights."""
    readers: dict[str, int] = {info.name: 1 for info in graph.output_infos}
    for operation in operations:
        for name in operation.inputs:
            readers[name] = readers.get(name, 0) + 1
    result: list[Operation] = []
    places: dict[str, int] = {}
    for operation in operations:
        before = places.get(operation.inputs[0]) if operation.inputs else None
        if operation.op == 'BatchNormalization' and before is not None:
            convolution = result[before]
            if readers[convolution.output] == 1 and convolution.inputs[1] in constants:
                result[before] = _normalised(convolution, operation, constants)
                places[operation.output] = before
                continue
        if operation.op == 'Conv':
            places[operation.output] = len(result)
        result.append(operation)
    return result


def _normalised(convolution: Operation, norm: Operation, constants: dict[str, Array]) -> Operation:
    """Return the convolution that gives what the normalisation would make of it."""
    scale, shift = normalisation(norm, constants)
    weights = constants[convolution.inputs[1]]
    bias = constants[convolution.inputs[2]] if len(convolution.inputs) > 2 else 0.0
    names = (f'{norm.output}_weights', f'{norm.output}_bias')
    constants[names[0]] = (weights * scale.reshape(-1, 1, 1, 1)).astype(np.float32)
    constants[names[1]] = (bias * scale + shift).astype(np.float32)
    return Operation(
        'Conv', (convolution.inputs[0], *names), norm.outputs[:1], convolution.attributes
    )


def normalisation(norm: Operation, constants: Mapping[str, Array]) -> tuple[Array, Array]:
    """Return what each channel is multiplied by and what is added then."""
    scale, bias, mean, variance = (constants[name].astype(np.float64) for name in norm.inputs[1:5])
    epsilon = norm.attributes.get('epsilon', NORMALISATION_EPSILON)
    factor = scale / np.sqrt(variance + epsilon)
    return factor, bias - mean * factor
