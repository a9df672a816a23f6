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

import pytest
from rtcnn_perception.training.models.layers import convolve
from rtcnn_perception.training.models.layers import same_padding
from rtcnn_perception.training.models.layers import SameConv2d
from rtcnn_perception.training.models.layers import SamePool2d
from rtcnn_perception.training.models.layers import SeededDropout
from rtcnn_perception.training.models.layers import SeparableConv2d
from rtcnn_perception.training.models.layers import StridedPointwise
import torch
from torch.nn import functional


@pytest.mark.parametrize(
    ('size', 'kernel', 'stride', 'pads'),
    [(1, 1, 1, (0, 0)), (60, 3, 2, (0, 1)), (15, 3, 2, (1, 1)), (8, 3, 1, (1, 1))],
)
def test_same_padding_is_tensorflows(size, kernel, stride, pads):
    assert same_padding(size, kernel, stride) == pads


@pytest.mark.parametrize('size', [8, 15, 30, 60])
def test_maximum_pooling_equals_pooling_of_the_padded_picture(size):
    picture = torch.randn(1, 2, size, size)
    before, after = same_padding(size, 3, 2)
    padded = functional.pad(picture, (before, after, before, after), value=-1e9)
    assert torch.equal(SamePool2d('max', 3, 2)(picture), functional.max_pool2d(padded, 3, 2))


@pytest.mark.parametrize(('size', 'pooled'), [(3, 2), (6, 3)])
def test_average_pooling_does_not_count_padding(size, pooled):
    ones = torch.ones(1, 1, size, size)
    assert torch.equal(SamePool2d('average', 2, 2)(ones), torch.ones(1, 1, pooled, pooled))


def test_a_same_convolution_keeps_the_size_for_an_even_kernel_too():
    assert SameConv2d(1, 1, 4)(torch.zeros(1, 1, 9, 9)).shape == (1, 1, 9, 9)


@pytest.mark.parametrize('size', [8, 15])
def test_a_shortcut_gives_the_same_while_it_trains(size):
    shortcut = StridedPointwise(8, 16)
    picture = torch.randn(2, 8, size, size)
    torch.testing.assert_close(shortcut.train()(picture), shortcut.eval()(picture))


@pytest.mark.parametrize(
    'layer', [SameConv2d(16, 16, 3, 2, groups=16, bias=False), SeparableConv2d(16, 24, 2)]
)
def test_a_strided_depthwise_convolution_trains_in_float32_with_the_same_result(layer):
    x = torch.randn(2, 16, 24, 24, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(layer.train()(x), layer.eval()(x))
    depthwise = getattr(layer, 'depthwise', layer)
    with torch.autocast('cpu', torch.bfloat16):
        found = convolve(depthwise.train(), x.bfloat16(), (1, 1))
        rounded = convolve(depthwise.eval(), x.bfloat16(), (1, 1))
    expected = functional.conv2d(
        x.bfloat16().float(), depthwise.weight, stride=2, padding=1, groups=16
    )
    assert found.dtype == torch.bfloat16
    assert torch.equal(found, expected.bfloat16())
    torch.testing.assert_close(found, rounded, rtol=0.05, atol=0.05)


def test_dropout_drops_its_share_and_keeps_the_mean():
    kept = SeededDropout(0.25).train()(torch.ones(10_000))
    assert (kept == 0).float().mean() == pytest.approx(0.25, abs=0.02)
    assert kept.mean() == pytest.approx(1.0, abs=0.03)
    assert torch.equal(SeededDropout(0.25).eval()(torch.ones(9)), torch.ones(9))


def test_dropout_repeats_by_its_seed():
    layer, ones = SeededDropout(0.5).train(), torch.ones(64)
    layer.seed(1, 2)
    first, second = layer(ones), layer(ones)
    layer.seed(1, 2)
    assert torch.equal(layer(ones), first)
    assert not torch.equal(first, second)
    layer.seed(1, 3)
    assert not torch.equal(layer(ones), first)
