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

import numpy as np
import pytest
from rtcnn_perception.saliency.saliency_graph import build_saliency_graph
from saliency_reference import card_of
from saliency_reference import export
from saliency_reference import GuidedRelu
from saliency_reference import initialise
from saliency_reference import relative_error
from saliency_reference import relu_replaced
from saliency_reference import run
from saliency_reference import session
from small_networks import assert_gradient_is_that_of_autograd
from small_networks import autograd
from small_networks import CLASSES
from small_networks import conv
from small_networks import ELEMENTWISE
from small_networks import images
from small_networks import SHAPE
from small_networks import stem
from small_networks import with_scores
import torch
from torch import nn
from torch.nn import functional


@pytest.mark.parametrize('name', ELEMENTWISE)
def test_the_gradient_of_a_elementwise_operation_is_that_of_autograd(name):
    assert_gradient_is_that_of_autograd(ELEMENTWISE[name], name)


def test_a_guided_relu_passes_positive_gradients_only():
    torch.manual_seed(0)
    body = initialise(with_scores(stem(), nn.ReLU()))
    graph = session(build_saliency_graph(export(body, SHAPE), card_of(['emotion'], SHAPE)))
    pixels, targets = images(), [0, 1, 2]
    with relu_replaced(GuidedRelu.apply):
        expected = autograd(body, pixels, targets)
    _, guided = run(graph, pixels, {'emotion': targets}, 'guided')
    _, plain = run(graph, pixels, {'emotion': targets}, 'gradient')
    assert relative_error(guided, expected).max() <= 1e-4
    assert relative_error(guided, plain).min() > 0.1


def test_without_a_relu_the_map_is_linear_in_the_image():
    torch.manual_seed(0)
    body = with_scores(
        conv(1, 6, padding=1), nn.BatchNorm2d(6), conv(6, 6, groups=6), nn.AvgPool2d(2)
    )
    initialise(body)
    graph = session(build_saliency_graph(export(body, SHAPE), card_of(['emotion'], SHAPE)))
    pixels = images(count=2, high=200)
    shifted = pixels + np.uint8(40)
    for target in range(CLASSES):
        _, maps = run(graph, pixels, {'emotion': [target] * 2}, 'guided')
        _, same = run(graph, shifted, {'emotion': [target] * 2}, 'guided')
        assert relative_error(same, maps).max() <= 1e-5
        with torch.no_grad():
            before, after = (
                body(torch.from_numpy(p).float() / 127.5 - 1.0)[:, target].numpy()
                for p in (pixels, shifted)
            )
        assert np.allclose(after - before, 40 * maps.sum((1, 2, 3)), rtol=1e-3, atol=1e-5)


def test_functional_is_unchanged_after_a_block_with_another_relu():
    with relu_replaced(GuidedRelu.apply):
        pass
    assert functional.relu(torch.tensor([-1.0, 2.0])).tolist() == [0.0, 2.0]
