"""The backward pass of what treats each number by itself."""

from __future__ import annotations

import numpy as np
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.saliency.gradient_context import GradientContext
from rtcnn_perception.saliency.network_graph import Operation
from rtcnn_perception.saliency.simplify import normalisation

STEEP = 1e30
"""Turns whatever is above 0 into something above 1."""


def relu(context: GradientContext, operation: Operation, gradient: str) -> dict[str, str]:
    """
    Let the gradient pass where the input was positive; if guided, only what is positive of it.

    Source: Springenberg, Dosovitskiy, Brox, Riedmiller: Striving for Simplicity: The All
    Convolutional Net, 2015, section 3.4, figure 1.
    """
    if context.is_guided:
        gradient = context.writer.add('Relu', gradient)
    return {operation.inputs[0]: _where_positive(context, operation.output, gradient)}


def clip(context: GradientContext, operation: Operation, gradient: str) -> dict[str, str]:
    """
    Let the gradient pass where nothing was cut off; at the lower bound this is a ReLU.

    A bound may be missing, and must be constant.
    """
    low, high = (*operation.inputs[1:], '', '')[:2]
    for index, bound in enumerate((low, high), start=1):
        if bound:
            context.weights(operation, index)
    if low and context.is_guided:
        gradient = context.writer.add('Relu', gradient)
    for larger, smaller in ((operation.output, low), (high, operation.output)):
        if larger and smaller:
            room = context.writer.add('Sub', larger, smaller)
            gradient = _where_positive(context, room, gradient)
    return {operation.inputs[0]: gradient}


def _where_positive(context: GradientContext, values: str, gradient: str) -> str:
    """Return a gradient where values are above 0, and 0 elsewhere."""
    # HardSigmoid is max(0, min(1, alpha * x + beta)): with a steep slope, 1 above 0 and else 0.
    # It is many times faster than to compare and to cast.
    mask = context.writer.add('HardSigmoid', values, alpha=STEEP, beta=0.0)
    return context.writer.add('Mul', gradient, mask)


def sigmoid(context: GradientContext, operation: Operation, gradient: str) -> dict[str, str]:
    """Multiply by s (1 - s)."""
    writer, s = context.writer, operation.output
    slope = writer.add('Mul', s, writer.add('Sub', writer.number(1.0), s))
    return {operation.inputs[0]: writer.add('Mul', gradient, slope)}


def tanh(context: GradientContext, operation: Operation, gradient: str) -> dict[str, str]:
    """Multiply by 1 - t²."""
    writer, t = context.writer, operation.output
    slope = writer.add('Sub', writer.number(1.0), writer.add('Mul', t, t))
    return {operation.inputs[0]: writer.add('Mul', gradient, slope)}


def same(_context: GradientContext, operation: Operation, gradient: str) -> dict[str, str]:
    """Pass the gradient on as it is."""
    return {operation.inputs[0]: gradient}


def add(context: GradientContext, operation: Operation, gradient: str) -> dict[str, str]:
    """Pass the gradient on to each summand that depends on the picture."""
    return _merged(
        context,
        [
            (name, context.unbroadcast(gradient, name, operation.output))
            for name in operation.inputs
            if name in context.active
        ],
    )


def subtract(context: GradientContext, operation: Operation, gradient: str) -> dict[str, str]:
    """Pass the gradient on, turned round for what is taken away."""
    gradients = []
    for name, sign in zip(operation.inputs, (1, -1), strict=True):
        if name in context.active:
            signed = gradient if sign > 0 else context.writer.add('Neg', gradient)
            gradients.append((name, context.unbroadcast(signed, name, operation.output)))
    return _merged(context, gradients)


def multiply(context: GradientContext, operation: Operation, gradient: str) -> dict[str, str]:
    """Multiply by the other factor."""
    first, second = operation.inputs
    gradients = []
    for name, other in ((first, second), (second, first)):
        if name in context.active:
            scaled = context.writer.add('Mul', gradient, other)
            gradients.append((name, context.unbroadcast(scaled, name, operation.output)))
    return _merged(context, gradients)


def divide(context: GradientContext, operation: Operation, gradient: str) -> dict[str, str]:
    """Divide by the divisor, which must be constant."""
    context.weights(operation, 1)
    dividend = operation.inputs[0]
    scaled = context.writer.add('Div', gradient, operation.inputs[1])
    return {dividend: context.unbroadcast(scaled, dividend, operation.output)}


def batch_normalisation(
    context: GradientContext, operation: Operation, gradient: str
) -> dict[str, str]:
    """Multiply each channel by its factor."""
    for index in range(1, 5):
        context.weights(operation, index)
    if operation.attributes.get('training_mode', 0):
        raise ModelError(
            f'expected fixed statistics in BatchNormalization {operation.output!r}, got one that '
            f'trains; export the network for inference'
        )
    factor, _ = normalisation(operation, context.graph.constants)
    rank = len(context.shape(operation.output)) - 1
    scale = factor.astype(np.float32).reshape(1, -1, *[1] * rank)
    return {
        operation.inputs[0]: context.writer.add('Mul', gradient, context.writer.constant(scale))
    }


def _merged(context: GradientContext, gradients: list[tuple[str, str]]) -> dict[str, str]:
    """Sum up where one result stands on both sides."""
    merged: dict[str, str] = {}
    for name, gradient in gradients:
        merged[name] = (
            context.writer.add('Add', merged[name], gradient) if name in merged else gradient
        )
    return merged
