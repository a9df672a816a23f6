"""The backward pass of pooling."""

from __future__ import annotations

import math

import numpy as np
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.saliency.gradient_context import GradientContext
from rtcnn_perception.saliency.network_graph import Operation
from rtcnn_perception.saliency.window_maxima import WindowMaxima


def maximum(context: GradientContext, operation: Operation, gradient: str) -> dict[str, str]:
    """
    Give each gradient to the first of the largest pixels in its window, row by row.

    :raises ModelError: for padding by name
    """
    _check_padding(operation)
    source = operation.inputs[0]
    windows = WindowMaxima.of(context, operation)
    if windows is not None:
        return {source: windows.route(gradient)}
    return {source: _scatter(context, operation, gradient)}


def _scatter(context: GradientContext, operation: Operation, gradient: str) -> str:
    """Route by the places that onnxruntime's pooling can tell: for any window, but slow."""
    writer, source = context.writer, operation.inputs[0]
    _, places = writer.add_pair('MaxPool', source, **operation.attributes)
    flat_places, flat_gradient = writer.reshape(places, -1), writer.reshape(gradient, -1)
    shape = writer.add('Shape', source)
    size = writer.add('ReduceProd', shape, keepdims=1)
    zeros = writer.add('ConstantOfShape', size)
    sums = writer.add(
        'ScatterElements', zeros, flat_places, flat_gradient, axis=0, reduction='add'
    )
    return writer.add('Reshape', sums, shape)


def average(context: GradientContext, operation: Operation, gradient: str) -> dict[str, str]:
    """Share each gradient among the pixels of its window."""
    _check_padding(operation)
    writer, source = context.writer, operation.inputs[0]
    channels, *size_in = context.shape(source)
    size_out = context.shape(operation.output)[1:]
    kernel = operation.attributes['kernel_shape']
    strides = operation.attributes.get('strides', (1, 1))
    pads = operation.attributes.get('pads', (0, 0, 0, 0))
    counts = _counts(operation, size_in, size_out)
    if np.all(counts == counts[0, 0]):
        counts = counts[:1, :1]
    share = writer.constant((1.0 / counts).astype(np.float32)[None, None])
    gradient = writer.add('Mul', gradient, share)
    tiles = [s * o for s, o in zip(strides, size_out, strict=True)]
    if tuple(kernel) == tuple(strides) and not any(pads[:2]):
        scales = writer.constant(np.array([1, 1, *strides], dtype=np.float32))
        spread = writer.add(
            'Resize',
            gradient,
            '',
            scales,
            mode='nearest',
            coordinate_transformation_mode='asymmetric',
            nearest_mode='floor',
        )
        return {
            source: writer.pad(
                spread, (0, 0), [i - t for i, t in zip(size_in, tiles, strict=True)], 0.0
            )
        }
    ones = writer.constant(np.ones((channels, 1, *kernel), dtype=np.float32))
    full = writer.add(
        'ConvTranspose',
        gradient,
        ones,
        group=channels,
        kernel_shape=list(kernel),
        strides=list(strides),
    )
    reached = [s * (o - 1) + k for s, o, k in zip(strides, size_out, kernel, strict=True)]
    before = [-p for p in pads[:2]]
    after = [i - r + p for i, r, p in zip(size_in, reached, pads[:2], strict=True)]
    return {source: writer.pad(full, before, after, 0.0)}


def _counts(
    operation: Operation, size_in: list[int], size_out: tuple[int, ...]
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return by how many pixels each window of an average divides."""
    kernel = operation.attributes['kernel_shape']
    strides = operation.attributes.get('strides', (1, 1))
    pads = operation.attributes.get('pads', (0, 0, 0, 0))
    counts_padding = bool(operation.attributes.get('count_include_pad', 0))
    sides = []
    for axis in range(2):
        low, high = 0, size_in[axis]
        if counts_padding:
            low, high = -pads[axis], high + pads[axis + 2]
        begin = np.arange(size_out[axis]) * strides[axis] - pads[axis]
        end = np.minimum(begin + kernel[axis], high)
        sides.append((end - np.maximum(begin, low)).astype(np.float64))
    return np.outer(*sides)


def global_average(
    context: GradientContext, operation: Operation, gradient: str
) -> dict[str, str]:
    """Share the gradient among all pixels."""
    writer, source = context.writer, operation.inputs[0]
    shape = context.shape(source)
    axes = averaged_axes(context, operation)
    kept = [1 if i + 1 in axes else size for i, size in enumerate(shape)]
    gradient = writer.reshape(gradient, -1, *kept)
    averaged = [size if i + 1 in axes else 1 for i, size in enumerate(shape)]
    share = np.full((1, *averaged), 1.0 / math.prod(averaged), dtype=np.float32)
    return {source: writer.add('Mul', gradient, writer.constant(share))}


def averaged_axes(context: GradientContext, operation: Operation) -> set[int]:
    """
    Return which axes an average is taken over, counted with the batch as 0.

    :raises ModelError: if the batch is among them
    """
    rank = len(context.shape(operation.inputs[0])) + 1
    if operation.op == 'GlobalAveragePool':
        return set(range(2, rank))
    axes = operation.attributes.get('axes')
    if axes is None or 0 in {axis % rank for axis in axes}:
        raise ModelError(
            f'expected ReduceMean {operation.output!r} to average over given axes other than the '
            f'batch, got axes {axes}; such a network is not covered'
        )
    return {axis % rank for axis in axes}


def _check_padding(operation: Operation) -> None:
    dilations = set(operation.attributes.get('dilations', (1, 1)))
    mode = operation.attributes.get('auto_pad', 'NOTSET')
    kernel = operation.attributes['kernel_shape']
    is_average_dilated = operation.op == 'AveragePool' and dilations != {1}
    if mode != 'NOTSET' or len(kernel) != 2 or is_average_dilated:
        raise ModelError(
            f'expected {operation.op} {operation.output!r} over two axes with its padding in '
            f'numbers, got a window of {list(kernel)} and auto_pad {mode}; '
            f'such a network is not covered'
        )
