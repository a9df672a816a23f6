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

"""The backward pass of operations that move numbers without changing them."""

from __future__ import annotations

import numpy as np
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.saliency.gradient_context import GradientContext
from rtcnn_perception.saliency.gradient_context import Gradients
from rtcnn_perception.saliency.network_graph import Operation


def reshape(context: GradientContext, operation: Operation, gradient: str) -> str:
    """Give the gradient the shape of the input."""
    return context.builder.reshape(gradient, -1, *context.shape(operation.inputs[0]))


def transpose(context: GradientContext, operation: Operation, gradient: str) -> str:
    """Exchange the axes back."""
    rank = len(context.shape(operation.output)) + 1
    perm = operation.attributes.get('perm', list(reversed(range(rank))))
    if perm[0] != 0:
        raise ModelError(
            f'expected Transpose {operation.output!r} to leave the batch first, got {list(perm)}; '
            f'such a network is not covered'
        )
    back = [int(i) for i in np.argsort(perm)]
    return context.builder.add('Transpose', gradient, perm=back)


def concat(context: GradientContext, operation: Operation, gradient: str) -> Gradients:
    """Slice the gradient as the inputs were joined."""
    builder = context.builder
    rank = len(context.shape(operation.output)) + 1
    axis = operation.attributes['axis'] % rank
    gradients = []
    begin = 0
    for name in operation.inputs:
        end = begin + context.shape(name)[axis - 1]
        if name in context.active:
            part = builder.add(
                'Slice',
                gradient,
                builder.integers(begin),
                builder.integers(end),
                builder.integers(axis),
            )
            gradients.append((name, part))
        begin = end
    return gradients


def pad(context: GradientContext, operation: Operation, gradient: str) -> str:
    """Crop the padding."""
    mode = operation.attributes.get('mode', 'constant')
    pads = [int(p) for p in context.weights(operation, 1)]
    rank = len(pads) // 2
    others = [*pads[: rank - 2], *pads[rank : 2 * rank - 2]]
    if mode != 'constant' or rank < 3 or any(others) or len(operation.inputs) > 3:
        raise ModelError(
            f'expected Pad {operation.output!r} to add constants to the last two axes, got mode '
            f'{mode} and pads {pads}; such a network is not covered'
        )
    before, after = pads[rank - 2 : rank], pads[2 * rank - 2 :]
    return context.builder.pad(gradient, [-p for p in before], [-p for p in after], 0.0)
