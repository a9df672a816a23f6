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

"""Small networks in PyTorch, and the check of their saliency graphs against autograd."""

import numpy as np
from rtcnn_perception.saliency.saliency_graph import build_saliency_graph
from rtcnn_perception.training.models.onnx_export import INPUT_NAME
from saliency_reference import card_of
from saliency_reference import export
from saliency_reference import initialise
from saliency_reference import relative_error
from saliency_reference import run
from saliency_reference import session
import torch
from torch import nn

CLASSES = 7
SHAPE = (1, 13, 14)


class Apply(nn.Module):
    """A function as a layer."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


class Both(nn.Module):
    """Two branches and a function that joins them."""

    def __init__(self, first, second, join):
        super().__init__()
        self.first, self.second, self.join = first, second, join

    def forward(self, x):
        return self.join(self.first(x), self.second(x))


def with_scores(*layers, width=6):
    """Append class maps and their average to layers."""
    head = Apply(lambda x: x.mean((2, 3)))
    return nn.Sequential(*layers, nn.Conv2d(width, CLASSES, 3, padding=1), head)


def conv(width_in, width_out, kernel=3, **options):
    return nn.Conv2d(width_in, width_out, kernel, **options)


def stem():
    return conv(1, 6, padding=1)


def images(shape=SHAPE, count=3, high=256):
    """Return random uint8 of shape (N, C, H, W)."""
    return np.random.default_rng(2).integers(0, high, (count, *shape)).astype(np.uint8)


def autograd(body, pixels, targets):
    """Return the gradient of each image's target score, as PyTorch computes it."""
    pixels = torch.from_numpy(pixels).float().requires_grad_()
    scores = body(pixels / 127.5 - 1.0)
    rows = torch.arange(len(pixels))
    return torch.autograd.grad(scores[rows, targets].sum(), pixels)[0].numpy()


def exported(make, name):
    """Make a network from its name's length as seed; return it and its graph."""
    torch.manual_seed(len(name))
    body = initialise(make())
    return body, export(body, SHAPE)


def assert_gradient_is_that_of_autograd(make, name):
    """Compare map and probabilities of a network's saliency graph with PyTorch and its graph."""
    body, content = exported(make, name)
    pixels, targets = images(), [5, 0, 3]
    graph = session(build_saliency_graph(content, card_of(['emotion'], SHAPE)))
    found, maps = run(graph, pixels, {'emotion': targets}, 'gradient')
    assert maps.shape == pixels.shape
    assert relative_error(maps, autograd(body, pixels, targets)).max() <= 1e-4
    (probabilities,) = session(content).run(None, {INPUT_NAME: pixels})
    assert np.abs(found['emotion'] - probabilities).max() <= 1e-6


CONVOLUTIONS = {
    'plain': lambda: with_scores(conv(1, 6)),
    'stride 2 on odd sides': lambda: with_scores(stem(), conv(6, 6, stride=2, padding=1)),
    'stride 2, remaining pixels': lambda: with_scores(stem(), conv(6, 6, stride=2)),
    'stride 3 by 2': lambda: with_scores(stem(), conv(6, 6, stride=(3, 2))),
    'kernel 5 by 2': lambda: with_scores(stem(), conv(6, 6, (5, 2), padding=(0, 1))),
    'dilated': lambda: with_scores(stem(), conv(6, 6, dilation=2, padding=1)),
    'dilated and strided': lambda: with_scores(stem(), conv(6, 6, dilation=2, stride=2)),
    'padded beyond its reach': lambda: with_scores(stem(), conv(6, 6, 1, padding=2)),
    'two groups': lambda: with_scores(stem(), conv(6, 4, groups=2), width=4),
    'two groups, strided': lambda: with_scores(stem(), conv(6, 4, groups=2, stride=2), width=4),
    'depthwise': lambda: with_scores(stem(), conv(6, 6, groups=6, padding=1)),
    'depthwise, strided': lambda: with_scores(stem(), conv(6, 6, groups=6, padding=1, stride=2)),
    'depthwise, two maps each': lambda: with_scores(stem(), conv(6, 12, groups=6), width=12),
    'dense layers of all features': lambda: nn.Sequential(
        stem(),
        nn.MaxPool2d(3, 2),
        nn.Flatten(),
        nn.Linear(216, 9),
        nn.ReLU(),
        nn.Linear(9, CLASSES),
    ),
}
ELEMENTWISE = {
    'ReLU': lambda: with_scores(stem(), nn.ReLU()),
    'clipped': lambda: with_scores(stem(), Apply(lambda x: x.clamp(-0.3, 0.4))),
    'clipped below': lambda: with_scores(stem(), Apply(lambda x: x.clamp(min=-0.3))),
    'clipped above': lambda: with_scores(stem(), Apply(lambda x: x.clamp(max=0.4))),
    'sigmoid': lambda: with_scores(stem(), nn.Sigmoid()),
    'tanh': lambda: with_scores(stem(), nn.Tanh()),
    'normalisation after a convolution': lambda: with_scores(stem(), nn.BatchNorm2d(6)),
    'normalisation of the input': lambda: with_scores(nn.BatchNorm2d(1), stem()),
    'normalisation beside another reader': lambda: with_scores(
        stem(), Both(nn.BatchNorm2d(6), nn.Identity(), torch.add)
    ),
    'shortcut': lambda: with_scores(stem(), Both(conv(6, 6, padding=1), nn.Identity(), torch.add)),
    'difference': lambda: with_scores(
        stem(), Both(conv(6, 6, padding=1), nn.Identity(), torch.sub)
    ),
    'product': lambda: with_scores(stem(), Both(nn.Sigmoid(), nn.Identity(), torch.mul)),
    'square': lambda: with_scores(stem(), Apply(lambda x: x * x)),
    'division': lambda: with_scores(
        stem(), Apply(lambda x: x / torch.linspace(1, 2, 6)[:, None, None])
    ),
    'gates of channels': lambda: with_scores(
        stem(),
        Both(nn.Sequential(nn.AdaptiveAvgPool2d(1), conv(6, 6, 1)), nn.Identity(), torch.mul),
    ),
}
POOLING = {
    'maximum 3 by 2, even end': lambda: with_scores(stem(), nn.MaxPool2d(3, 2, ceil_mode=True)),
    'maximum 3 by 2, padded': lambda: with_scores(stem(), nn.MaxPool2d(3, 2, padding=1)),
    'maximum 3 by 2, inside': lambda: with_scores(stem(), nn.MaxPool2d(3, 2)),
    'maximum 2 by 2': lambda: with_scores(stem(), nn.MaxPool2d(2)),
    'maximum 3 by 1': lambda: with_scores(stem(), nn.MaxPool2d(3, 1, padding=1)),
    'maximum 3 by 2, dilated': lambda: with_scores(stem(), nn.MaxPool2d(3, 2, dilation=2)),
    'average 2 by 2': lambda: with_scores(stem(), nn.AvgPool2d(2)),
    'average 2 by 2, to the end': lambda: with_scores(
        stem(), nn.AvgPool2d(2, ceil_mode=True, count_include_pad=False)
    ),
    'average 3 by 2': lambda: with_scores(stem(), nn.AvgPool2d(3, 2)),
    'average 3 by 2, padding counted': lambda: with_scores(stem(), nn.AvgPool2d(3, 2, padding=1)),
    'average 3 by 2, padding not counted': lambda: with_scores(
        stem(), nn.AvgPool2d(3, 2, padding=1, count_include_pad=False)
    ),
}
SHAPES = {
    'padding at one side': lambda: with_scores(nn.ZeroPad2d((0, 1, 0, 1)), stem()),
    'padding that crops': lambda: with_scores(stem(), nn.ZeroPad2d((-1, 0, 2, -2))),
    'channels joined': lambda: with_scores(
        stem(),
        Both(conv(6, 6, padding=1), nn.Identity(), lambda a, b: torch.cat([a, b], 1)),
        width=12,
    ),
    'axes exchanged': lambda: with_scores(stem(), Apply(lambda x: x.transpose(2, 3).relu())),
    'axes squeezed': lambda: with_scores(
        stem(), Apply(lambda x: x.mean(2).unsqueeze(2).tanh().squeeze(2).unsqueeze(3))
    ),
}
AVERAGED_FEATURES = {
    'features averaged, then weighed': lambda: nn.Sequential(
        stem(), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, CLASSES)
    ),
    'features averaged, then multiplied and shifted': lambda: nn.Sequential(
        stem(),
        nn.ReLU(),
        Apply(lambda x: x.mean((2, 3)) @ torch.ones(6, CLASSES).tril() + torch.arange(7.0)),
    ),
    'features averaged, then weighed without a bias': lambda: nn.Sequential(
        stem(), nn.ReLU(), Apply(lambda x: x.mean((2, 3))), nn.Linear(6, CLASSES, bias=False)
    ),
}
NETWORKS = {**CONVOLUTIONS, **ELEMENTWISE, **POOLING, **SHAPES, **AVERAGED_FEATURES}
