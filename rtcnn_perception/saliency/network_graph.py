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

"""An ONNX graph as this package reads it: operations in order, constants, and all shapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
import onnx
from rtcnn_perception.exceptions import ModelError

Array = NDArray[Any]
"""A constant of any type."""

NORMALISATION_EPSILON = 1e-5
"""What ONNX adds to the variance where a graph gives no other value."""


@dataclass(frozen=True)
class Operation:
    """One node; constants and results have names of one namespace."""

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]

    @property
    def output(self) -> str:
        """Return the first result; operations that are covered have no other."""
        return self.outputs[0]


@dataclass(frozen=True)
class NetworkGraph:
    """
    A network from its one input to its outputs.

    ``shapes`` are those of one sample, without the leading batch axis; unknown ones are missing.
    """

    operations: tuple[Operation, ...]
    constants: Mapping[str, Array]
    shapes: Mapping[str, tuple[int, ...]]
    input_info: onnx.ValueInfoProto
    output_infos: tuple[onnx.ValueInfoProto, ...]

    @property
    def input_name(self) -> str:
        """Name of the one input."""
        return str(self.input_info.name)

    def producer(self, name: str) -> Operation | None:
        """Return the operation that computes a result, None for the input and constants."""
        for operation in self.operations:
            if name in operation.outputs:
                return operation
        return None

    def shape(self, name: str) -> tuple[int, ...]:
        """
        Return the shape of one sample.

        :raises ModelError: if it is unknown
        """
        if name not in self.shapes:
            raise ModelError(
                f'expected the shape of {name!r} to be known, got none from the graph; '
                f'export it with fixed height and width and only the batch axis free'
            )
        return self.shapes[name]


def scale_and_shift(norm: Operation, constants: Mapping[str, Array]) -> tuple[Array, Array]:
    """
    Return the factor and the summand (C,) float64 of a BatchNormalization for each channel.

    :raises ModelError: if the graph computes them
    """
    unknown = [name for name in norm.inputs[1:5] if name not in constants]
    if unknown:
        raise ModelError(
            f'expected a BatchNormalization with constants, got {", ".join(map(repr, unknown))} '
            'computed by the graph; such a network is not covered'
        )
    scale, bias, mean, variance = (constants[name].astype(np.float64) for name in norm.inputs[1:5])
    epsilon = norm.attributes.get('epsilon', NORMALISATION_EPSILON)
    factor = scale / np.sqrt(variance + epsilon)
    return factor, bias - mean * factor
