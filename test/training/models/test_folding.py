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

from lively_networks import inputs
from lively_networks import lively
import pytest
from rtcnn_perception.training.models.architectures import ARCHITECTURES
from rtcnn_perception.training.models.folding import convolutions_with_norms
from rtcnn_perception.training.models.folding import folded
from rtcnn_perception.training.models.layers import batch_norm
import torch
from torch import nn

BOTH = {'emotion': 7, 'gender': 2}


@pytest.mark.parametrize('name', sorted(ARCHITECTURES))
def test_a_folded_network_computes_the_same(name):
    network = lively(name, BOTH)
    pixels = inputs(network, 3)
    with torch.inference_mode():
        whole, short = network(pixels), folded(network)(pixels)
    for attribute in BOTH:
        torch.testing.assert_close(short[attribute], whole[attribute], rtol=1e-3, atol=1e-4)


def test_every_normalisation_has_its_convolution():
    pairs = convolutions_with_norms(lively('tiny_xception', BOTH))
    assert ('stem.0', 'stem.1') in pairs
    assert ('blocks.0.first.pointwise', 'blocks.0.first_norm') in pairs


def test_a_normalisation_without_a_convolution_is_refused():
    network = lively('tiny_xception', BOTH)
    network.blocks = nn.Sequential(nn.ReLU(), batch_norm(64))
    with pytest.raises(ValueError, match=r'no convolution was found before .*blocks'):
        folded(network)
