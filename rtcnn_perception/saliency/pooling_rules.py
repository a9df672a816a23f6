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

"""The backward pass of pooling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
import math

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.saliency.gradient_context import GradientContext
from rtcnn_perception.saliency.network_graph import Operation

LOWEST = -3.4028234663852886e38
"""The smallest float32: padding that is never a maximum, and never gives NaN."""


def maximum(context: GradientContext, operation: Operation, gradient: str) -> str:
    """
    Give each gradient to the first of the largest pixels in its window, row by row.

    :raises ModelError: for padding by name
    """
    _check_padding(operation)
    windows = _Windows.of(context, operation)
    if windows is not None:
        return windows.route(gradient)
    return _scatter(context, operation, gradient)


def _scatter(context: GradientContext, operation: Operation, gradient: str) -> str:
    """Route by the indices that onnxruntime's pooling returns: for any window, but slow."""
    builder, source = context.builder, operation.inputs[0]
    _, indices = builder.add_pair('MaxPool', source, **operation.attributes)
    flat_indices, flat_gradient = builder.reshape(indices, -1), builder.reshape(gradient, -1)
    shape = builder.add('Shape', source)
    size = builder.add('ReduceProd', shape, keepdims=1)
    zeros = builder.add('ConstantOfShape', size)
    sums = builder.add(
        'ScatterElements', zeros, flat_indices, flat_gradient, axis=0, reduction='add'
    )
    return builder.add('Reshape', sums, shape)


@dataclass(frozen=True)
class _Windows:
    """
    Routes gradients through maximum pooling of 3x3 windows with stride 2.

    onnxruntime's pooling can return the indices of the maxima, but then takes twenty times as
    long, as it reads one number after the other. Here windows are split into rows and rows into
    pixels; each is compared with the maximum, for whole images at a time. Of equal ones the first
    takes the gradient, row by row, as in PyTorch.

    ``before`` and ``size`` are the padding (top, left) and the padded height and width, both even:
    the third row or column of the last window always lies in the padding.
    """

    context: GradientContext
    operation: Operation
    before: tuple[int, int]
    size: tuple[int, int]

    @classmethod
    def of(cls, context: GradientContext, operation: Operation) -> _Windows | None:
        """Return None for windows of other kinds."""
        attributes = operation.attributes
        top, left, *_ = attributes.get('pads', (0, 0, 0, 0))
        _, height, width = context.shape(operation.inputs[0])
        _, rows, columns = context.shape(operation.output)
        is_covered = (
            tuple(attributes['kernel_shape']) == (3, 3)
            and tuple(attributes.get('strides', (1, 1))) == (2, 2)
            and set(attributes.get('dilations', (1, 1))) == {1}
            and 2 * rows >= top + height
            and 2 * columns >= left + width
        )
        return (
            cls(context, operation, (top, left), (2 * rows, 2 * columns)) if is_covered else None
        )

    def route(self, gradient: str) -> str:
        """Write the routing of the gradient of the maxima to the pixels, and return its name."""
        context, builder = self.context, self.context.builder
        source = self.operation.inputs[0]
        channels, height, width = context.shape(source)
        (top, left), (full_height, full_width) = self.before, self.size
        after = (full_height - top - height, full_width - left - width)
        padded = builder.pad(source, self.before, after, LOWEST)
        row_maxima = builder.add(
            'MaxPool', padded, kernel_shape=[1, 3], strides=[1, 2], pads=[0, 0, 0, 1]
        )
        by_row = self._to_rows(gradient, row_maxima)

        pixels = builder.add('Transpose', builder.reshape(padded, -1, 2), perm=[1, 0])
        is_largest = builder.add('Equal', pixels, builder.reshape(row_maxima, 1, -1))
        first, second, third = self._shares(
            builder.reshape(by_row, 1, -1), builder.add_pair('Split', is_largest, axis=0)
        )
        even = builder.add('Add', first, self._shifted(third, 1))
        pairs = [builder.reshape(even, -1, 1), builder.reshape(second, -1, 1)]
        joined = builder.add('Concat', *pairs, axis=1)
        joined = builder.reshape(joined, -1, channels, full_height, full_width)
        return builder.pad(joined, (-top, -left), [-size for size in after], 0.0)

    def _to_rows(self, gradient: str, row_maxima: str) -> str:
        """Write the routing from windows to the rows of windows."""
        builder = self.context.builder
        channels, rows, columns = self.context.shape(self.operation.output)
        pairs = builder.reshape(row_maxima, -1, channels, rows, 2 * columns)
        is_largest = [
            builder.add('Equal', row, self.operation.output)
            for row in builder.add_pair('Split', pairs, axis=3)
        ]
        first, second, third = self._shares(gradient, is_largest)
        shifted = builder.reshape(self._shifted(third, columns), -1, channels, rows, columns)
        even = builder.add('Add', first, shifted)
        return builder.add('Concat', even, second, axis=3)

    def _shifted(self, third: str, step: int) -> str:
        """
        Write the gradients of the third of each window where the next window begins.

        All are one long row for this: the last third lies in the padding and gets 0, so that
        nothing is shifted into the next row or image.
        """
        builder = self.context.builder
        flat = builder.reshape(third, -1)
        return builder.add('Pad', flat, builder.integers(step, -step), builder.number(0.0))

    def _shares(self, gradient: str, is_largest: Sequence[str]) -> tuple[str, str, str]:
        """Write the split of a gradient among three: the third takes what the others leave."""
        builder = self.context.builder
        shares = []
        for condition in is_largest:
            mask = builder.add('Cast', condition, to=1)
            shares.append(builder.add('Mul', gradient, mask))
            gradient = builder.add('Sub', gradient, shares[-1])
        return shares[0], shares[1], gradient


def average(context: GradientContext, operation: Operation, gradient: str) -> str:
    """Share each gradient among the pixels of its window."""
    _check_padding(operation)
    builder = context.builder
    channels, *size_in = context.shape(operation.inputs[0])
    size_out = context.shape(operation.output)[1:]
    kernel = operation.attributes['kernel_shape']
    strides = operation.attributes.get('strides', (1, 1))
    pads = operation.attributes.get('pads', (0, 0, 0, 0))
    counts = _counts(operation, size_in, size_out)
    if np.all(counts == counts[0, 0]):
        counts = counts[:1, :1]
    share = builder.constant((1.0 / counts).astype(np.float32)[None, None])
    gradient = builder.add('Mul', gradient, share)
    tiles = [s * o for s, o in zip(strides, size_out, strict=True)]
    if tuple(kernel) == tuple(strides) and not any(pads[:2]):
        scales = builder.constant(np.array([1, 1, *strides], dtype=np.float32))
        spread = builder.add(
            'Resize',
            gradient,
            '',
            scales,
            mode='nearest',
            coordinate_transformation_mode='asymmetric',
            nearest_mode='floor',
        )
        after = [i - t for i, t in zip(size_in, tiles, strict=True)]
        return builder.pad(spread, (0, 0), after, 0.0)
    ones = builder.constant(np.ones((channels, 1, *kernel), dtype=np.float32))
    full = builder.add(
        'ConvTranspose',
        gradient,
        ones,
        group=channels,
        kernel_shape=list(kernel),
        strides=list(strides),
    )
    covered = [s * (o - 1) + k for s, o, k in zip(strides, size_out, kernel, strict=True)]
    before = [-p for p in pads[:2]]
    after = [i - c + p for i, c, p in zip(size_in, covered, pads[:2], strict=True)]
    return builder.pad(full, before, after, 0.0)


def _counts(
    operation: Operation, size_in: list[int], size_out: tuple[int, ...]
) -> NDArray[np.float64]:
    """Return the number of pixels that each window of an average divides by."""
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


def global_average(context: GradientContext, operation: Operation, gradient: str) -> str:
    """Share the gradient among all pixels."""
    builder = context.builder
    shape = context.shape(operation.inputs[0])
    axes = averaged_axes(context, operation)
    kept = [1 if i + 1 in axes else size for i, size in enumerate(shape)]
    gradient = builder.reshape(gradient, -1, *kept)
    averaged = [size if i + 1 in axes else 1 for i, size in enumerate(shape)]
    share = np.full((1, *averaged), 1.0 / math.prod(averaged), dtype=np.float32)
    return builder.add('Mul', gradient, builder.constant(share))


def averaged_axes(context: GradientContext, operation: Operation) -> set[int]:
    """
    Return the axes that an average is taken over; axis 0 is the batch.

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
