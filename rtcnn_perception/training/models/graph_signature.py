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

"""What a graph of others takes and returns, as far as it says so itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.message import DecodeError  # type: ignore[import-untyped,import-not-found,unused-ignore]  # protobuf has no types
import numpy as np
from numpy.typing import NDArray
import onnx
from onnx import TensorProto
from rtcnn_perception.core.attributes.card import MAX_SIDE
from rtcnn_perception.exceptions import ModelError

LAYOUTS = ('nchw', 'nhwc')
INPUT_TYPES = {
    TensorProto.UINT8: 'uint8',
    TensorProto.FLOAT16: 'float16',
    TensorProto.FLOAT: 'float32',
}


@dataclass(frozen=True)
class Signature:
    """
    What a graph takes and returns.

    ``dtype`` is a value of ``INPUT_TYPES``; ``batch`` is how many faces it takes, None for any
    number; ``planes`` are 1 or 3, in the place that ``layout`` says.
    """

    input_name: str
    output_name: str
    dtype: str
    batch: int | None
    planes: int
    size_hw: tuple[int, int]
    layout: str

    def arranged(self, pixels: NDArray[np.float32]) -> NDArray[np.generic]:
        """Return scaled faces (N, C, H, W) in the layout and type that the graph takes."""
        moved = np.moveaxis(pixels, 1, 3) if self.layout == 'nhwc' else pixels
        return np.ascontiguousarray(moved.astype(self.dtype))


def parsed(content: bytes, path: Path) -> onnx.ModelProto:
    """
    Return a graph.

    :param path: for errors
    :raises ModelError: if it is no ONNX
    """
    try:
        model = onnx.load_from_string(content)
    except DecodeError as error:
        raise ModelError(f'{path}: expected an ONNX graph, got none ({error})') from error
    if not model.graph.node:
        raise ModelError(f'{path}: expected an ONNX graph, got one without any operation')
    return model


def signature_of(
    model: onnx.ModelProto,
    path: Path,
    *,
    output_name: str = '',
    layout: str = '',
    size_hw: tuple[int, int] | None = None,
    planes: int | None = None,
) -> Signature:
    """
    Return what a graph takes, and what it says of it.

    :param path: for errors
    :param output_name: which of several outputs has the scores of the classes
    :param layout: one of ``LAYOUTS``, needed where the shape fits both
    :param size_hw: needed where the graph takes any height and width
    :param planes: needed where the graph does not say how many it takes
    :raises ModelError: if it takes no faces, or something that was given contradicts it
    """
    weights = {each.name for each in model.graph.initializer}
    inputs = [each for each in model.graph.input if each.name not in weights]
    if len(inputs) != 1:
        several = ', '.join(each.name for each in inputs) or 'none'
        raise ModelError(f'{path}: expected a graph with one input, got {several}')
    tensor = inputs[0].type.tensor_type
    if tensor.elem_type not in INPUT_TYPES:
        kinds = {number: name for name, number in TensorProto.DataType.items()}
        kind = kinds.get(tensor.elem_type, f'type {tensor.elem_type}')
        known = ', '.join(INPUT_TYPES.values())
        raise ModelError(f'{path}: expected an input of one of {known}, got {kind}')
    # Some exporters write -1 where any number will do.
    axes = [axis.dim_value if axis.dim_value > 0 else None for axis in tensor.shape.dim]
    if len(axes) != 4:
        raise ModelError(
            f'{path}: expected an input of four axes, (N, C, H, W) or (N, H, W, C), got '
            f'{_shown(axes)}'
        )
    if axes[0] not in (None, 1):
        raise ModelError(f'{path}: expected a graph for one face or any number, got {axes[0]}')
    layout = layout or _layout(axes, path)
    own = tuple(axes[1:]) if layout == 'nchw' else (axes[3], axes[1], axes[2])
    height, width = _agreed(own[1:], size_hw or (None, None), '--size', path)
    if max(height, width) > MAX_SIDE:
        raise ModelError(
            f'{path}: expected an input of at most {MAX_SIDE}x{MAX_SIDE} pixels, got '
            f'{width}x{height}'
        )
    (count,) = _agreed(own[:1], (planes,), '--channels', path)
    if count not in (1, 3):
        raise ModelError(f'{path}: expected an input of 1 or 3 planes, got {_shown(axes)}')
    names = [each.name for each in model.graph.output]
    output_name = output_name or (names[0] if len(names) == 1 else '')
    if output_name not in names:
        raise ModelError(
            f'{path}: expected an output among {", ".join(names)}, got {output_name!r}; name it '
            'with --graph-output'
        )
    dtype = INPUT_TYPES[tensor.elem_type]
    size = height, width
    return Signature(inputs[0].name, output_name, dtype, axes[0], count, size, layout)


def _layout(axes: Sequence[int | None], path: Path) -> str:
    fit = [name for name, place in (('nchw', 1), ('nhwc', 3)) if axes[place] in (1, 3)]
    if len(fit) != 1:
        raise ModelError(
            f'{path}: the shape {_shown(axes)} does not say where the channels are; give --layout '
            f'{" or ".join(LAYOUTS)}'
        )
    return fit[0]


def _agreed(
    found: tuple[int | None, ...], given: tuple[int | None, ...], option: str, path: Path
) -> tuple[int, ...]:
    """Return what the graph says, or else what was given."""
    both = zip(found, given, strict=True)
    if any(own is not None and other is not None and own != other for own, other in both):
        raise ModelError(f'{path}: the graph takes {_shown(found)}, {option} says {_shown(given)}')
    agreed = [own or other for own, other in zip(found, given, strict=True)]
    known = tuple(each for each in agreed if each is not None)
    if len(known) != len(agreed):
        raise ModelError(f'{path}: the graph takes {_shown(found)}; say what with {option}')
    return known


def _shown(axes: Sequence[int | None]) -> str:
    return f'({", ".join("any" if axis is None else str(axis) for axis in axes)})'
