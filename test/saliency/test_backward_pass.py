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
from rtcnn_perception.saliency.backward_pass import RULES
from rtcnn_perception.saliency.saliency_graph import build_saliency_graph
from saliency_reference import card_of
from saliency_reference import export
from saliency_reference import operators
from saliency_reference import relative_error
from saliency_reference import run
from saliency_reference import session
from small_networks import autograd
from small_networks import conv
from small_networks import exported
from small_networks import images
from small_networks import NETWORKS
from small_networks import SHAPE
from small_networks import stem
from small_networks import with_scores
import torch
from torch import nn


def test_every_rule_is_tested_with_a_small_network_or_an_architecture():
    tested = {'Dropout', 'Identity', 'GlobalAveragePool', 'MatMul', 'Reshape', 'Gemm'}
    for name, make in NETWORKS.items():
        tested |= operators(exported(make, name)[1])
    assert set(RULES) <= tested


def test_three_channels_give_a_map_of_three():
    torch.manual_seed(0)
    shape = (3, 8, 8)
    body = with_scores(conv(3, 6, padding=1), nn.ReLU())
    graph = session(build_saliency_graph(export(body, shape), card_of(['emotion'], shape)))
    pixels = images(shape, count=2)
    _, maps = run(graph, pixels, {'emotion': [1, 2]}, 'gradient')
    assert relative_error(maps, autograd(body, pixels, [1, 2])).max() <= 1e-4


def test_a_graph_with_float_input_gives_the_gradient_of_that_input():
    torch.manual_seed(0)
    body = with_scores(stem(), nn.ReLU())
    content = export(body, SHAPE, dtype=torch.float32, opset=17)
    graph = session(build_saliency_graph(content, card_of(['emotion'], SHAPE, dtype='float32')))
    pixels = np.random.default_rng(2).random((2, *SHAPE)).astype(np.float32) * 255
    _, maps = run(graph, pixels, {'emotion': [1, 2]}, 'gradient')
    assert relative_error(maps, autograd(body, pixels, [1, 2])).max() <= 1e-4
