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

"""The backward pass of elementwise operations: guided and plain activations, arithmetic."""

from __future__ import annotations

import numpy as np
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.saliency.gradient_context import GradientContext
from rtcnn_perception.saliency.gradient_context import Gradients
from rtcnn_perception.saliency.network_graph import Operation
from rtcnn_perception.saliency.network_graph import scale_and_shift

STEEP = 1e30
"""Maps every number above 0 to one above 1."""


def relu(context: GradientContext, operation: Operation, gradient: str) -> str:
    """
    Pass the gradient where the input was positive; if guided, only its positive part.

    Source: Springenberg, Dosovitskiy, Brox, Riedmiller: Striving for Simplicity: The All
    Convolutional Net, 2015, section 3.4, figure 1.
    """
    if context.is_guided:
        gradient = context.builder.add('Relu', gradient)
    return _where_positive(context, operation.output, gradient)


def clip(context: GradientContext, operation: Operation, gradient: str) -> str:
    """
    Pass the gradient where nothing was clipped; at the lower bound this is a ReLU.

    A bound may be missing, and must be constant.
    """
    low, high = (*operation.inputs[1:], '', '')[:2]
    for index, bound in enumerate((low, high), start=1):
        if bound:
            context.weights(operation, index)
    if low and context.is_guided:
        gradient = context.builder.add('Relu', gradient)
    for larger, smaller in ((operation.output, low), (high, operation.output)):
        if larger and smaller:
            distance = context.builder.add('Sub', larger, smaller)
            gradient = _where_positive(context, distance, gradient)
    return gradient


def _where_positive(context: GradientContext, values: str, gradient: str) -> str:
    """Return a gradient where values are above 0, and 0 elsewhere."""
    # HardSigmoid is max(0, min(1, alpha * x + beta)): with a steep slope, 1 above 0 and else 0.
    # It is many times faster than comparing and casting.
    mask = context.builder.add('HardSigmoid', values, alpha=STEEP, beta=0.0)
    return context.builder.add('Mul', gradient, mask)


def sigmoid(context: GradientContext, operation: Operation, gradient: str) -> str:
    """Multiply by s (1 - s)."""
    builder, s = context.builder, operation.output
    slope = builder.add('Mul', s, builder.add('Sub', builder.number(1.0), s))
    return builder.add('Mul', gradient, slope)


def tanh(context: GradientContext, operation: Operation, gradient: str) -> str:
    """Multiply by 1 - t²."""
    builder, t = context.builder, operation.output
    slope = builder.add('Sub', builder.number(1.0), builder.add('Mul', t, t))
    return builder.add('Mul', gradient, slope)


def same(_context: GradientContext, _operation: Operation, gradient: str) -> str:
    """Pass the gradient unchanged."""
    return gradient


def add(context: GradientContext, operation: Operation, gradient: str) -> Gradients:
    """Pass the gradient to each summand that depends on the input image."""
    return [
        (name, context.unbroadcast(gradient, name, operation.output))
        for name in operation.inputs
        if name in context.active
    ]


def subtract(context: GradientContext, operation: Operation, gradient: str) -> Gradients:
    """Pass the gradient, negated for the subtrahend."""
    gradients = []
    for name, sign in zip(operation.inputs, (1, -1), strict=True):
        if name in context.active:
            signed = gradient if sign > 0 else context.builder.add('Neg', gradient)
            gradients.append((name, context.unbroadcast(signed, name, operation.output)))
    return gradients


def multiply(context: GradientContext, operation: Operation, gradient: str) -> Gradients:
    """Multiply by the other factor."""
    first, second = operation.inputs
    gradients = []
    for name, other in ((first, second), (second, first)):
        if name in context.active:
            scaled = context.builder.add('Mul', gradient, other)
            gradients.append((name, context.unbroadcast(scaled, name, operation.output)))
    return gradients


def divide(context: GradientContext, operation: Operation, gradient: str) -> str:
    """Divide by the divisor, which must be constant."""
    context.weights(operation, 1)
    scaled = context.builder.add('Div', gradient, operation.inputs[1])
    return context.unbroadcast(scaled, operation.inputs[0], operation.output)


def batch_normalisation(context: GradientContext, operation: Operation, gradient: str) -> str:
    """Multiply each channel by its factor."""
    for index in range(1, 5):
        context.weights(operation, index)
    if operation.attributes.get('training_mode', 0):
        raise ModelError(
            f'expected fixed statistics in BatchNormalization {operation.output!r}, got one that '
            f'trains; export the network for inference'
        )
    factor, _ = scale_and_shift(operation, context.graph.constants)
    rank = len(context.shape(operation.output)) - 1
    scale = factor.astype(np.float32).reshape(1, -1, *[1] * rank)
    return context.builder.add('Mul', gradient, context.builder.constant(scale))
