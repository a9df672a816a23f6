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

"""PyTorch's gradients and exported graphs, which the tests of saliency graphs compare."""

import contextlib
import io
from pathlib import Path
import warnings

import numpy as np
import onnx
import onnxruntime
from rtcnn_perception.core.attributes.card import AttributeCard
from rtcnn_perception.core.attributes.card import AttributeHead
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.core.saliency.names import CLASS_MAPS
from rtcnn_perception.core.saliency.names import METHODS
from rtcnn_perception.core.saliency.names import NOTHING
from rtcnn_perception.core.saliency.names import TOP
from rtcnn_perception.training.models.onnx_export import INPUT_NAME
import torch
from torch import nn
from torch.nn import functional

LABELS = {
    'emotion': ('angry', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral'),
    'gender': ('woman', 'man'),
}
TEMPERATURE = 1.3

torch.set_num_threads(1)


class GuidedRelu(torch.autograd.Function):
    """A ReLU that lets only positive gradients pass."""

    @staticmethod
    def forward(ctx, x):
        y = x.clamp(min=0)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, gradient):
        (y,) = ctx.saved_tensors
        return gradient.clamp(min=0) * (y > 0)


@contextlib.contextmanager
def relu_replaced(by):
    """Replace the ReLU of all layers, clipped or not, within the block."""
    relu, relu6 = functional.relu, functional.relu6
    functional.relu = lambda x, inplace=False: by(x)  # noqa: ARG005  as nn.ReLU calls it
    functional.relu6 = lambda x: by(x).clamp(max=6)
    try:
        yield
    finally:
        functional.relu, functional.relu6 = relu, relu6


@contextlib.contextmanager
def margins_recorded(margins):
    """Collect for each image the least distance of a ReLU or a pooling window to a tie."""
    relu, relu6, max_pool = functional.relu, functional.relu6, functional.max_pool2d

    def record(gaps, scale):
        margins.append((gaps.flatten(1).amin(1) / scale).double())

    def recorded_relu(x, inplace=False):  # noqa: ARG001  as nn.ReLU calls it
        record(x.detach().abs(), x.std())
        return relu(x)

    def recorded_relu6(x):
        record(x.detach().abs().minimum((x.detach() - 6).abs()), x.std())
        return relu6(x)

    def recorded_pool(x, kernel, stride, padding=0, ceil_mode=False):
        pad = [(0, 2 + kernel) if p == 0 else (p, p + kernel) for p in padding]
        wide = functional.pad(x, (*pad[1], *pad[0]), value=-1e9)
        windows = wide.unfold(2, kernel, stride).unfold(3, kernel, stride).flatten(4)
        out = max_pool(x, kernel, stride, padding, ceil_mode=ceil_mode)
        top = windows[:, :, : out.shape[2], : out.shape[3]].topk(2).values
        record((top[..., 0] - top[..., 1]).detach(), x.std())
        return out

    functional.relu, functional.relu6 = recorded_relu, recorded_relu6
    functional.max_pool2d = recorded_pool
    try:
        yield
    finally:
        functional.relu, functional.relu6, functional.max_pool2d = relu, relu6, max_pool


def initialise(network, seed=0):
    """Give batch normalisation statistics as after training, and gradients a usual size."""
    random = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(module.weight, nonlinearity='relu', generator=random)
        if isinstance(module, nn.BatchNorm2d):
            for values, low, high in (
                (module.running_mean, -0.3, 0.3),
                (module.running_var, 0.5, 2.0),
                (module.weight.data, 0.5, 1.5),
                (module.bias.data, -0.3, 0.3),
            ):
                values.copy_(torch.rand(values.shape, generator=random) * (high - low) + low)
    return network.eval()


def card_of(heads, shape, dtype='uint8'):
    """Return the card of a network with these heads."""
    return AttributeCard(
        name='tiny',
        directory=Path(),
        file='model.onnx',
        sha256='0' * 64,
        input_name=INPUT_NAME,
        input_size_hw=tuple(shape[1:]),
        input_dtype=dtype,
        channels={1: 'gray', 3: 'bgr'}[shape[0]],
        scale=1.0,
        offset=0.0,
        crop=CropGeometry(0.1),
        heads=tuple(AttributeHead(name, name, LABELS[name], TEMPERATURE) for name in heads),
    )


class PixelsToProbabilities(nn.Module):
    """From pixels to the probabilities of one head, as an exported network is."""

    def __init__(self, body, temperature=TEMPERATURE):
        super().__init__()
        self.body = body
        self.temperature = temperature

    def forward(self, face):
        return (self.body(face.float() / 127.5 - 1.0) / self.temperature).softmax(1)


def export(body, shape, dtype=torch.uint8, opset=13):
    """Return the graph of a small network with one head, emotion."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        torch.onnx.export(
            PixelsToProbabilities(body).eval(),
            (torch.zeros((2, *shape), dtype=dtype),),
            buffer,
            input_names=[INPUT_NAME],
            output_names=['emotion'],
            dynamic_axes={INPUT_NAME: {0: 'faces'}, 'emotion': {0: 'faces'}},
            opset_version=opset,
            training=torch.onnx.TrainingMode.PRESERVE,  # else it folds normalisation itself
            dynamo=False,
        )
    return buffer.getvalue()


def session(content):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        content, sess_options=options, providers=['CPUExecutionProvider']
    )


def run(opened, pixels, targets, method, heads=('emotion',)):
    """Return probabilities by head and the map."""
    pixels_input = opened.get_inputs()[0].name
    feed = {pixels_input: pixels, 'method': np.array([METHODS.index(method)])}
    for head in heads:
        feed[f'target_{head}'] = np.array(targets.get(head, [NOTHING] * len(pixels)))
    *probabilities, maps = opened.run([*heads, 'saliency'], feed)
    return dict(zip(heads, probabilities, strict=True)), maps


def objective(scores, maps, targets):
    """Return the target score, summed over the images, which do not mix."""
    total = 0.0
    for row, target in enumerate(targets):
        if target == CLASS_MAPS:
            total = total + maps[row].amax(0).sum()
        else:
            total = total + scores[row, scores[row].argmax() if target == TOP else target]
    return total


def relative_error(found, expected, scale=None):
    """Return the largest deviation of each map relative to its largest value."""
    found, expected, scale = (
        np.asarray(a, np.float64).reshape(len(a), -1)
        for a in (found, expected, expected if scale is None else scale)
    )
    return np.abs(found - expected).max(1) / np.maximum(np.abs(scale).max(1), 1e-30)


def operators(content):
    return {node.op_type for node in onnx.load_from_string(content).graph.node}
