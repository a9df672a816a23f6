"""From a network to an ONNX graph that is valid and agrees with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
import tempfile
import warnings

import numpy as np
from numpy.typing import NDArray
import onnx
import onnxruntime
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.training.architectures import Network
from rtcnn_perception.training.folding import folded
import torch
from torch import nn
from torch import Tensor

INPUT_NAME = 'face'
OPSET = 13
"""Any onnxruntime of the last years reads it; nothing here needs a newer one."""

TOLERANCE = 1e-4
PARITY_FACES = 64
PARITY_BATCHES = (1, 16)


class PixelsToProbabilities(nn.Module):
    """The network with its scaling before it and the calibrated softmax behind."""

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
) -> tuple[bytes, float]:
    """
    Export a network and check what came out.

    :param network: trained, on the CPU
    :param temperatures: for each attribute
    :param half: store weights as float16; they are computed with as float32
    :returns: the serialised graph and the largest deviation from PyTorch
    :raises ModelError: if the graph is invalid or deviates by more than 1e-4
    """
    network = folded(network, half)
    wrapped = PixelsToProbabilities(network, temperatures).eval()
    shape = (2, network.spec.channels, *network.spec.input_hw)
    names = list(wrapped.temperatures)
    model = traced(
        wrapped,
        torch.zeros(shape, dtype=torch.uint8),
        {INPUT_NAME: {0: 'faces'}},
        {name: {0: 'faces'} for name in names},
        half,
    )
    for info in model.graph.output:  # tracing leaves the classes' axis unnamed now and then
        info.type.tensor_type.shape.dim[1].dim_value = network.classes[info.name]
    content = checked(model)
    return content, check_parity(content, wrapped, shape[1:])


Axes = Mapping[str, Mapping[int, str]]
"""By the name of an input or output, the axes that are free, and what they count."""


def traced(
    wrapped: nn.Module, example: Tensor, inputs: Axes, outputs: Axes, half: bool
) -> onnx.ModelProto:
    """
    Return the graph of a network that takes one tensor.

    :param half: store weights as float16; they are computed with as float32
    """
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        path = Path(folder) / 'model.onnx'
        warnings.simplefilter('ignore')  # the tracer remarks on sizes: parity is tried at several
        torch.onnx.export(
            wrapped,
            (example,),
            str(path),
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes={**inputs, **outputs},
            opset_version=OPSET,
            dynamo=False,
        )
        model = onnx.load(path)
    if half:
        store_half(model)
    model.producer_name = 'rtcnn_perception'
    return model


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
    """Store weights as float16 behind a cast, which onnxruntime folds away when it loads."""
    casts = []
    for tensor in model.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        is_exact = np.array_equal(values.astype(np.float16).astype(values.dtype), values)
        if values.dtype != np.float32 or values.size < 16 or not is_exact:
            continue
        name = tensor.name
        tensor.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), f'{name}_half'))
        casts.append(
            onnx.helper.make_node('Cast', [tensor.name], [name], to=onnx.TensorProto.FLOAT)
        )
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def open_session(content: bytes) -> onnxruntime.InferenceSession:
    """Open a graph on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        content, sess_options=options, providers=['CPUExecutionProvider']
    )


def check_parity(content: bytes, wrapped: nn.Module, shape: tuple[int, ...]) -> float:
    """
    Compare the graph with PyTorch on noise and on smooth faces-like pictures.

    :raises ModelError: if a probability differs by more than 1e-4
    """
    session = open_session(content)
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (PARITY_FACES, *shape))
    ramps = np.linspace(0, 1, shape[-1]) * rng.integers(0, 256, (PARITY_FACES, shape[0], 1, 1))
    faces: NDArray[np.uint8] = np.where(
        np.arange(PARITY_FACES).reshape(-1, 1, 1, 1) % 2, noise, ramps
    ).astype(np.uint8)
    worst = 0.0
    for size in PARITY_BATCHES:
        for first in range(0, PARITY_FACES, size):
            found = deviation(session, wrapped, INPUT_NAME, faces[first : first + size])
            worst = float(np.maximum(worst, found))  # keeps NaN
    return tolerated(worst)


def deviation(
    session: onnxruntime.InferenceSession, wrapped: nn.Module, name: str, pixels: NDArray[np.uint8]
) -> float:
    """Return the largest difference of any output between a graph and its network."""
    with torch.inference_mode():
        expected = wrapped(torch.from_numpy(pixels))
    found = session.run(None, {name: pixels})
    apart = [np.abs(a - b.numpy()).max() for a, b in zip(found, expected, strict=True)]
    return float(np.max(apart))


def tolerated(worst: float) -> float:
    """
    Return a deviation that is small enough.

    :raises ModelError: if it is not
    """
    if not worst <= TOLERANCE:
        raise ModelError(
            f'the exported graph deviates from PyTorch by {worst:.2e}, at most {TOLERANCE} is '
            'allowed; nothing was written'
        )
    return worst
