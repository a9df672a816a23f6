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

"""The backward pass of convolutions and of matrix products."""

from __future__ import annotations

import numpy as np
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.saliency.gradient_context import GradientContext
from rtcnn_perception.saliency.network_graph import Array
from rtcnn_perception.saliency.network_graph import Operation

NARROW = 4
"""
Input channels up to which a transposed convolution is used: a convolution to few channels wastes
the width of the processor's registers.
"""


def convolution(context: GradientContext, operation: Operation, gradient: str) -> str:
    """
    Convolve with flipped weights; for larger strides and few channels, transpose the convolution.

    :raises ModelError: for other than two axes, padding by name, or computed weights
    """
    weights = context.weights(operation, 1)
    if weights.ndim != 4 or operation.attributes.get('auto_pad', 'NOTSET') != 'NOTSET':
        raise ModelError(
            f'expected Conv {operation.output!r} over two axes with its padding in numbers, got '
            f'weights of shape {weights.shape} and auto_pad '
            f'{operation.attributes.get("auto_pad", "NOTSET")}; such a network is not covered'
        )
    strides = tuple(operation.attributes.get('strides', (1, 1)))
    is_narrow = weights.shape[1] * operation.attributes.get('group', 1) <= NARROW
    is_convolution = strides == (1, 1) and not is_narrow
    write = _as_convolution if is_convolution else _as_transpose
    return write(context, operation, gradient, weights)


def _as_convolution(
    context: GradientContext, operation: Operation, gradient: str, weights: Array
) -> str:
    """Write the backward pass of stride 1 as a convolution, which runs as fast as the forward."""
    builder = context.builder
    group = operation.attributes.get('group', 1)
    dilations = operation.attributes.get('dilations', (1, 1))
    pads = operation.attributes.get('pads', (0, 0, 0, 0))
    size_in = context.shape(operation.inputs[0])[1:]
    size_out = context.shape(operation.output)[1:]
    reach = [d * (k - 1) for d, k in zip(dilations, weights.shape[2:], strict=True)]
    before = [r - p for r, p in zip(reach, pads[:2], strict=True)]
    after = [i - o + r - b for i, o, r, b in zip(size_in, size_out, reach, before, strict=True)]
    # A convolution that pads by more than its reach has edges that depend on padding alone.
    cut_before, cut_after = ([min(p, 0) for p in side] for side in (before, after))
    gradient = builder.pad(gradient, cut_before, cut_after, 0.0)
    return builder.add(
        'Conv',
        gradient,
        _flipped_weights(context, operation.inputs[1], weights, group),
        group=group,
        dilations=list(dilations),
        kernel_shape=list(weights.shape[2:]),
        strides=[1, 1],
        pads=[*(max(p, 0) for p in before), *(max(p, 0) for p in after)],
    )


def _flipped_weights(context: GradientContext, name: str, weights: Array, group: int) -> str:
    """
    Return weights with input and output exchanged and the kernel rotated by 180 degrees.

    They are operations on the weights of the network, so that a file holds those once.
    onnxruntime computes them when it loads the graph, and chooses the memory layout; in a branch
    it does so only for operations of that branch.
    """
    builder = context.builder
    width_out, group_in, height, width = weights.shape
    if (height, width) != (1, 1):
        name = builder.add(
            'Slice',
            name,
            builder.integers(-1, -1),
            builder.integers(-height - 1, -width - 1),
            builder.integers(2, 3),
            builder.integers(-1, -1),
        )
    if group == 1:
        return builder.add('Transpose', name, perm=[1, 0, 2, 3])
    if group == width_out and group_in == 1:
        return name
    sizes = builder.integers(group, width_out // group, group_in, height, width)
    name = builder.add('Reshape', name, sizes)
    name = builder.add('Transpose', name, perm=[0, 2, 1, 3, 4])
    sizes = builder.integers(group * group_in, width_out // group, height, width)
    return builder.add('Reshape', name, sizes)


def _as_transpose(
    context: GradientContext, operation: Operation, gradient: str, weights: Array
) -> str:
    """Write the backward pass as a transposed convolution, for any stride."""
    group = operation.attributes.get('group', 1)
    dilations = operation.attributes.get('dilations', (1, 1))
    strides = operation.attributes.get('strides', (1, 1))
    pads = operation.attributes.get('pads', (0, 0, 0, 0))
    size_in = context.shape(operation.inputs[0])[1:]
    size_out = context.shape(operation.output)[1:]
    covered = [
        s * (o - 1) + d * (k - 1) + 1 - before - after
        for s, o, d, k, before, after in zip(
            strides, size_out, dilations, weights.shape[2:], pads[:2], pads[2:], strict=True
        )
    ]
    return context.builder.add(
        'ConvTranspose',
        gradient,
        operation.inputs[1],
        group=group,
        dilations=list(dilations),
        kernel_shape=list(weights.shape[2:]),
        strides=list(strides),
        pads=list(pads),
        output_padding=[i - c for i, c in zip(size_in, covered, strict=True)],
    )


def matrix(context: GradientContext, operation: Operation, gradient: str) -> str:
    """Multiply by the transposed matrix of a MatMul."""
    weights = context.weights(operation, 1)
    if weights.ndim != 2 or operation.inputs[0] not in context.active:
        raise ModelError(
            f'expected MatMul {operation.output!r} of a result by a matrix of constants, got '
            f'one of shape {weights.shape}; such a network is not covered'
        )
    transposed = context.builder.add('Transpose', operation.inputs[1], perm=[1, 0])
    return context.builder.add('MatMul', gradient, transposed)


def gemm(context: GradientContext, operation: Operation, gradient: str) -> str:
    """Multiply by the transposed matrix of a Gemm, and by its factor."""
    weights = context.weights(operation, 1)
    if operation.attributes.get('transA', 0):
        raise ModelError(
            f'expected Gemm {operation.output!r} to take rows of features, got transA; '
            f'such a network is not covered'
        )
    transposed = weights if operation.attributes.get('transB', 0) else weights.T
    transposed = np.ascontiguousarray(transposed * operation.attributes.get('alpha', 1.0))
    matrix_name = context.builder.constant(transposed.astype(np.float32))
    return context.builder.add('MatMul', gradient, matrix_name)
