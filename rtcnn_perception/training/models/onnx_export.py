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

"""From a network to an ONNX graph: traced, checked, and compared with onnxruntime."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
import math
from pathlib import Path
import tempfile
from typing import Any
import warnings

from google.protobuf.message import DecodeError  # type: ignore[import-untyped,import-not-found,unused-ignore]  # protobuf has no types
import numpy as np
from numpy.typing import NDArray
import onnx
from rtcnn_perception.core.models.session import open_session
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.training.models.architectures import Network
from rtcnn_perception.training.models.folding import folded
import torch
from torch import nn
from torch import Tensor

INPUT_NAME = 'face.pixels'
"""Heads are named by attributes, whose names have no dot."""
NETWORK = 'network.'
HALF = '_half'
OPSET = 13
"""Any onnxruntime of the last years reads it; nothing here needs a newer one."""

TOLERANCE = 1e-4
PARITY_FACES = 64
PARITY_BATCHES = (1, 16)


class PixelsToProbabilities(nn.Module):
    """An attribute network with the scaling of pixels and a calibrated softmax."""

    def __init__(self, network: Network, temperatures: Mapping[str, float]) -> None:
        """Wrap a network; each attribute has its temperature."""
        super().__init__()
        self.network = network
        self.temperatures = {name: temperatures[name] for name in network.classes}

    def forward(self, face: Tensor) -> tuple[Tensor, ...]:
        """Return (N, C) probabilities of each attribute for (N, 1, H, W) uint8 faces."""
        logits = self.network(face.float() * (2.0 / 255.0) - 1.0)
        return tuple((logits[n] / t).softmax(1) for n, t in self.temperatures.items())


def to_onnx(
    network: Network, temperatures: Mapping[str, float], half: bool
) -> tuple[bytes, dict[str, Any]]:
    """
    Export an attribute network and compare it with PyTorch.

    :param network: trained, on the CPU
    :param temperatures: for each attribute
    :param half: store weights as float16; they are computed with as float32
    :returns: as :func:`compared`
    :raises ModelError: likewise
    """
    shape = (network.spec.channels, *network.spec.input_hw)
    model = traced(
        PixelsToProbabilities(folded(network), temperatures),
        torch.zeros((2, *shape), dtype=torch.uint8),
        {INPUT_NAME: {0: 'faces'}},
        {name: {0: 'faces'} for name in network.classes},
    )
    for info in model.graph.output:  # tracing sometimes leaves this axis unnamed
        info.type.tensor_type.shape.dim[1].dim_value = network.classes[info.name]
    faces = parity_faces(shape)
    batches = [
        faces[first : first + size]
        for size in PARITY_BATCHES
        for first in range(0, PARITY_FACES, size)
    ]
    return compared(model, PixelsToProbabilities(network, temperatures), batches, half)


Axes = Mapping[str, Mapping[int, str]]
"""By the name of an input or output, the axes of any length, and what they count."""


def traced(wrapped: nn.Module, example: Tensor, inputs: Axes, outputs: Axes) -> onnx.ModelProto:
    """Trace a network that takes one tensor."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        path = Path(folder) / 'model.onnx'
        warnings.simplefilter('ignore')  # the tracer warns of sizes: several are compared
        torch.onnx.export(
            wrapped.eval(),
            (example,),
            str(path),
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes={**inputs, **outputs},
            opset_version=OPSET,
            dynamo=False,
        )
        model = onnx.load(path)
    model.producer_name = 'rtcnn_perception'
    return model


def compared(
    model: onnx.ModelProto, trained: nn.Module, inputs: Sequence[NDArray[np.uint8]], half: bool
) -> tuple[bytes, dict[str, Any]]:
    """
    Return a graph as it is written, and how far it deviates from its network, for the card.

    The limit holds for float32; what float16 changes is reported by output, and no fault.

    :param trained: takes and returns what the graph does, as it was trained
    :param half: store weights as float16; they are computed with as float32
    :raises ModelError: if the graph is no valid ONNX, deviates by more than 1e-4, or returns no
        finite numbers
    """
    content = checked(model)
    worst = float(np.max([*deviations(content, trained, inputs).values()]))
    if not worst <= TOLERANCE:
        raise ModelError(
            f'the exported graph deviates from PyTorch by {worst:.2e}, at most {TOLERANCE} is '
            'allowed; nothing was written'
        )
    fields: dict[str, Any] = {'largest_deviation_from_pytorch': shortened(worst)}
    if half:
        store_half(model)
        content = checked(model)
        rounded = deviations(content, trained, inputs)
        if not all(map(math.isfinite, rounded.values())):
            raise ModelError('float16 cannot hold the weights; export them with --float32')
        fields['largest_deviation_with_float16'] = {n: shortened(v) for n, v in rounded.items()}
    return content, fields


def shortened(number: float) -> float:
    """Return a number to two digits."""
    return float(f'{number:.1e}')


def checked(model: onnx.ModelProto) -> bytes:
    """
    Return a graph as it is written.

    :raises ModelError: if it is no valid ONNX
    """
    try:
        onnx.checker.check_model(model, full_check=True)
    except onnx.checker.ValidationError as error:
        raise ModelError(f'the exported graph is not valid ONNX: {error}') from error
    return bytes(model.SerializeToString())


def store_half(model: onnx.ModelProto) -> None:
    """Round weights to float16 behind a cast, which onnxruntime folds away when it loads."""
    casts = []
    for tensor in model.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < 16:
            continue
        name = tensor.name
        with np.errstate(over='ignore'):  # infinity is found when the graph is compared
            half = values.astype(np.float16)
        tensor.CopyFrom(onnx.numpy_helper.from_array(half, f'{name}{HALF}'))
        casts.append(
            onnx.helper.make_node('Cast', [tensor.name], [name], to=onnx.TensorProto.FLOAT)
        )
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def stored_weights(content: bytes, where: str) -> dict[str, Tensor]:
    """
    Return the weights of a graph by their names in the folded network, as float32.

    :param where: what errors call it
    :raises ModelError: if it is no ONNX
    """
    try:
        model = onnx.load_from_string(content)
    except DecodeError as error:
        raise ModelError(f'{where}: expected an ONNX graph, got none ({error})') from error
    return {
        tensor.name.removeprefix(NETWORK).removesuffix(HALF): torch.from_numpy(
            onnx.numpy_helper.to_array(tensor).astype(np.float32)
        )
        for tensor in model.graph.initializer
        if tensor.name.startswith(NETWORK)
    }


def parity_faces(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return noise and smooth pictures alternately."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (PARITY_FACES, *shape))
    ramps = np.linspace(0, 1, shape[-1]) * rng.integers(0, 256, (PARITY_FACES, shape[0], 1, 1))
    faces: NDArray[np.uint8] = np.where(
        np.arange(PARITY_FACES).reshape(-1, 1, 1, 1) % 2, noise, ramps
    ).astype(np.uint8)
    return faces


def deviations(
    content: bytes, trained: nn.Module, inputs: Sequence[NDArray[np.uint8]]
) -> dict[str, float]:
    """Return the largest difference of each output between a graph and its network; NaN counts."""
    session = open_session(content, Path('the exported graph'))
    (name,) = (each.name for each in session.get_inputs())
    apart = []
    for pixels in inputs:
        with torch.inference_mode():
            expected = trained.eval()(torch.from_numpy(pixels))
        found = session.run(None, {name: pixels})
        apart.append([np.abs(a - b.numpy()).max() for a, b in zip(found, expected, strict=True)])
    outputs = (each.name for each in session.get_outputs())
    return dict(zip(outputs, np.max(apart, axis=0).tolist(), strict=True))
