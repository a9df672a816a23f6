"""An ONNX graph as this package reads it: operations in order, constants, and every shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray
import onnx
from rtcnn_perception.exceptions import ModelError

Array = NDArray[Any]
"""A constant of any type."""


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
