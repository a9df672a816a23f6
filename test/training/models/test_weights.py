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

import copy
from pathlib import Path

from lively_networks import inputs
from lively_networks import lively
import pytest
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.training.models.exported_weights import fill_network
from rtcnn_perception.training.models.exported_weights import set_norm
from rtcnn_perception.training.models.exported_weights import settle_norms
import torch
from torch import nn

GENDER = {'gender': 2}


def test_weights_of_another_architecture_are_refused_by_their_path():
    weights = lively('tiny_xception', GENDER).state_dict()
    expected = r'best\.pt does not hold weights of the architecture mini_xception: '
    with pytest.raises(ModelError, match=expected) as refusal:
        fill_network(lively('mini_xception', GENDER), weights, Path('best.pt'))
    assert '\n' not in str(refusal.value)


@pytest.mark.parametrize('weights', [{1: 'a'}, {'stem.0.weight': 3}, {'stem.0.weight': None}])
def test_what_are_no_weights_is_refused(weights):
    with pytest.raises(ModelError, match='does not hold weights of the architecture'):
        fill_network(lively('tiny_xception', GENDER), weights, Path('best.pt'))


def test_a_norm_without_statistics_scales_and_shifts():
    norm = nn.BatchNorm2d(2).eval()
    norm.running_mean.fill_(9)
    set_norm(norm, torch.tensor([2.0, 3.0]), torch.tensor([0.5, -1.0]))
    found = norm(torch.ones(1, 2, 1, 1)).flatten()
    torch.testing.assert_close(found, torch.tensor([2.5, 2.0]))


@pytest.mark.parametrize('name', ['tiny_xception', 'slim_resnet'])
def test_a_network_with_settled_norms_computes_the_same_in_training(name):
    network = lively(name, GENDER)
    pixels = inputs(network)
    with torch.no_grad():
        before = network(pixels)['gender']
        other = copy.deepcopy(network).train()(pixels)['gender']
        settle_norms(network.eval(), pixels)
        torch.testing.assert_close(network(pixels)['gender'], before, atol=1e-3, rtol=1e-3)
        found = network.train()(pixels)['gender']
    assert (other - before).abs().max() > 0.05
    torch.testing.assert_close(found, before, atol=1e-3, rtol=1e-3)
