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
from saliency_reference import relative_error
from saliency_reference import run
from saliency_reference import session
from small_networks import assert_gradient_is_that_of_autograd
from small_networks import autograd
from small_networks import POOLING
from small_networks import with_scores
import torch
from torch import nn


@pytest.mark.parametrize('name', POOLING)
def test_the_gradient_of_pooling_is_that_of_autograd(name):
    assert_gradient_is_that_of_autograd(POOLING[name], name)


@pytest.mark.parametrize(
    'pool', [nn.MaxPool2d(3, 2, ceil_mode=True), nn.MaxPool2d(3, 2, padding=1)]
)
def test_of_equal_pixels_the_first_takes_the_gradient(pool):
    for size in ((12, 12), (13, 13), (12, 13), (4, 4), (3, 7)):
        torch.manual_seed(0)
        body = with_scores(nn.Conv2d(1, 6, 1), pool)
        shape = (1, *size)
        graph = session(build_saliency_graph(export(body, shape), card_of(['emotion'], shape)))
        random = np.random.default_rng(1)
        flat = np.full(shape, 130)
        stripes = np.broadcast_to(random.integers(0, 3, (1, 1, size[1])) * 90, shape)
        steps = np.broadcast_to(random.integers(0, 3, (1, size[0], 1)) * 90, shape)
        coarse = random.integers(0, 3, shape) * 90
        pixels = np.stack([flat, stripes, steps, coarse]).astype(np.uint8)
        expected = autograd(body, pixels, [0, 1, 2, 3])
        _, maps = run(graph, pixels, {'emotion': [0, 1, 2, 3]}, 'gradient')
        assert relative_error(maps, expected).max() <= 1e-4, size
