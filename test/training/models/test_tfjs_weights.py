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

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.training.engine.networks import fill_start
from rtcnn_perception.training.models import tfjs_weights
from rtcnn_perception.training.models.architectures import build_network
from rtcnn_perception.training.models.layers import same_padding
from rtcnn_perception.training.models.tfjs_weights import fill_mobilenet
import torch
from torch.nn import functional

WIDTHS = (32, 64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)
"""Of the stem and of each block of MobileNet."""

HALVING = (2, 4, 6, 12)
"""The blocks of stride 2."""


def write_model(folder, arrays, *, change=None, lost=0):
    """
    Write a graph model as TensorFlow.js does.

    :param change: of what the manifest says of the first array
    :param lost: bytes that the file of the numbers lacks
    """
    manifest = [
        {'name': n, 'shape': list(a.shape), 'dtype': str(a.dtype)} for n, a in arrays.items()
    ]
    if change:
        manifest[0].update(change)
    content = b''.join(a.tobytes() for a in arrays.values())
    (folder / 'model.bin').write_bytes(content[: len(content) - lost])
    path = folder / 'model.json'
    content = {'weightsManifest': [{'paths': ['model.bin'], 'weights': manifest}]}
    path.write_text(json.dumps(content))
    return path


@pytest.fixture(scope='module')
def arrays():
    """Weights of a published network, at random, so scaled that no layer saturates."""
    rng = np.random.default_rng(1)

    def normal(*shape, spread):
        return rng.normal(0.0, spread, shape).astype(np.float32)

    made = {
        'conv1/convolution/merged_input': normal(3, 3, 3, 32, spread=0.004),
        'conv1_bn/batchnorm_1/sub': normal(32, spread=0.5),
    }
    for number, (width, wider) in enumerate(itertools.pairwise(WIDTHS), start=1):
        made[f'conv_dw_{number}/depthwise_kernel'] = normal(3, 3, width, 1, spread=0.4)
        made[f'conv_dw_{number}_bn/batchnorm_1/mul'] = rng.uniform(0.5, 1.5, width).astype('f4')
        made[f'conv_dw_{number}_bn/batchnorm_1/sub'] = normal(width, spread=0.5)
        pointwise = normal(1, 1, width, wider, spread=width**-0.5)
        made[f'conv_pw_{number}/convolution/merged_input'] = pointwise
        made[f'conv_pw_{number}_bn/batchnorm_1/sub'] = normal(wider, spread=0.5)
    made['reduction_indices'] = np.array([1, 2], np.int32)
    return made


def tensorflow_convolution(x, kernel, stride, groups=1):
    """Convolve as TensorFlow pads; ``kernel`` is (out, in, H, W)."""
    sides = [same_padding(size, kernel.shape[2], stride) for size in reversed(x.shape[2:])]
    padded = functional.pad(x, [side for pair in sides for side in pair])
    return functional.conv2d(padded, kernel, stride=stride, groups=groups)


def published_features(arrays, colours):
    """Return what the published network makes of (B, 3, H, W) pixels less their mean."""

    def kernel(name):
        return torch.from_numpy(arrays[name]).permute(3, 2, 0, 1)

    def column(name):
        return torch.from_numpy(arrays[name]).reshape(1, -1, 1, 1)

    x = tensorflow_convolution(colours, kernel('conv1/convolution/merged_input'), 2)
    x = functional.relu6(x + column('conv1_bn/batchnorm_1/sub'))
    for number, width in enumerate(WIDTHS[:-1], start=1):
        depthwise = torch.from_numpy(arrays[f'conv_dw_{number}/depthwise_kernel'])
        stride = 2 if number in HALVING else 1
        x = tensorflow_convolution(x, depthwise.permute(2, 3, 0, 1), stride, groups=width)
        norm = f'conv_dw_{number}_bn/batchnorm_1'
        x = functional.relu6(x * column(f'{norm}/mul') + column(f'{norm}/sub'))
        x = functional.conv2d(x, kernel(f'conv_pw_{number}/convolution/merged_input'))
        x = functional.relu6(x + column(f'conv_pw_{number}_bn/batchnorm_1/sub'))
    return x


def test_a_published_network_gives_the_same_features_here(arrays, tmp_path, monkeypatch):
    # Beyond the border this network has middle gray, the published one its mean: here the same.
    monkeypatch.setattr(tfjs_weights, 'MEANS', (127.5, 127.5, 127.5))
    network = build_network('mobilenet', {'emotion': 7}).eval()
    fill_mobilenet(network, write_model(tmp_path, arrays))
    gray = torch.rand(2, 1, 96, 96, generator=torch.Generator().manual_seed(1)) * 2 - 1
    with torch.inference_mode():
        found = network.blocks(network.stem(gray))
        expected = published_features(arrays, (gray * 127.5).expand(2, 3, 96, 96))
    assert expected.std() > 0.1
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def test_the_mean_that_a_published_network_subtracts_is_its_bias_here(arrays, tmp_path):
    network = build_network('mobilenet', {'emotion': 7}).eval()
    fill_mobilenet(network, write_model(tmp_path, arrays))
    kernel = torch.from_numpy(arrays['conv1/convolution/merged_input']).permute(3, 2, 0, 1)
    black = -torch.tensor(tfjs_weights.MEANS).reshape(1, 3, 1, 1).expand(1, 3, 5, 5)
    bias = torch.from_numpy(arrays['conv1_bn/batchnorm_1/sub']).reshape(1, -1, 1, 1)
    with torch.inference_mode():
        found = network.blocks[0](torch.full((1, 1, 5, 5), -1.0))[:, :, 1, 1]
        expected = functional.relu6(functional.conv2d(black, kernel, stride=2) + bias)[:, :, 1, 1]
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def test_a_training_starts_with_published_weights_and_statistics_of_its_faces(arrays, tmp_path):
    path = write_model(tmp_path, arrays)
    network = build_network('mobilenet', {'emotion': 7})
    faces = torch.rand(4, 1, 96, 96, generator=torch.Generator().manual_seed(3)) * 2 - 1
    fill_start(network, {'emotion': tuple('abcdefg')}, path, lambda _hw: faces)
    first = network.blocks[0]
    kernel = torch.from_numpy(arrays['conv1/convolution/merged_input']).permute(3, 2, 0, 1)
    torch.testing.assert_close(first.convolution.weight, 127.5 * kernel.sum(1, keepdim=True))
    with torch.inference_mode():
        mean = first.convolution(faces).mean((0, 2, 3))
    torch.testing.assert_close(first.convolution_norm.running_mean, mean, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ('how', 'message'),
    [
        ({'change': {'dtype': 'float16'}}, 'must be float32'),
        ({'change': {'quantization': {'dtype': 'uint8'}}}, 'must be float32'),
        ({'change': {'dtype': 3}}, 'must be float32'),
        ({'lost': 8}, 'is no TensorFlow.js graph model'),
        ({'change': {'shape': [2**70]}}, 'is no TensorFlow.js graph model'),
        ({'change': {'name': 'conv9'}}, 'does not fit mobilenet.*conv1/convolution'),
        ({'change': {'shape': [3, 3, 32, 3]}}, 'does not fit mobilenet'),
    ],
)
def test_a_file_of_another_network_is_refused_by_its_path(arrays, tmp_path, how, message):
    path = write_model(tmp_path, arrays, **how)
    network = build_network('mobilenet', {'emotion': 7})
    with pytest.raises(ModelError, match=message) as refusal:
        fill_mobilenet(network, path)
    assert str(path) in str(refusal.value)


def test_a_missing_file_and_another_architecture_are_refused(arrays, tmp_path):
    with pytest.raises(ModelError, match=r'absent\.json'):
        fill_mobilenet(build_network('mobilenet', {'emotion': 7}), tmp_path / 'absent.json')
    with pytest.raises(ModelError, match='does not fit slim_resnet'):
        fill_mobilenet(build_network('slim_resnet', {'emotion': 7}), write_model(tmp_path, arrays))
