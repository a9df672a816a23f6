"""What can be computed before a network is run: constants, and normalisation."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence

import numpy as np
import onnx
import onnx.reference
from rtcnn_perception.saliency.network_graph import Array
from rtcnn_perception.saliency.network_graph import NetworkGraph
from rtcnn_perception.saliency.network_graph import Operation

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

NORMALISATION_EPSILON = 1e-5
"""What ONNX adds to the variance where a graph does not say."""


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


def simplified(graph: NetworkGraph) -> NetworkGraph:
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
