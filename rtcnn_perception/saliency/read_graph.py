"""Read a network from a file's content, and refuse what cannot be shown at work."""

from __future__ import annotations

from google.protobuf.message import DecodeError  # type: ignore[import-untyped,import-not-found,unused-ignore]  # protobuf has no types
import onnx
from rtcnn_perception.core.models.session import in_one_line
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.saliency.network_graph import NetworkGraph
from rtcnn_perception.saliency.network_graph import Operation
from rtcnn_perception.saliency.simplify import fold_constants
from rtcnn_perception.saliency.simplify import simplified

OPSETS = range(13, 18)
"""Versions of the operators that mean the same for all that is covered."""

CONTROL_FLOW = ('If', 'Loop', 'Scan')


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
            f'({in_one_line(error)}); export it anew'
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
    return simplified(graph)


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
