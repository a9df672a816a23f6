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

import numpy as np
import pytest
from rtcnn_perception.training.data.batches import Batch
from rtcnn_perception.training.data.batches import parts_of
from rtcnn_perception.training.engine.state import Replicas
from rtcnn_perception.training.models.architectures import build_network
from rtcnn_perception.training.models.layers import SeededDropout
import torch
from torch.nn import functional


def test_every_dropout_has_a_stream_of_its_own_that_an_epoch_repeats():
    layers = [SeededDropout(0.5) for _ in range(4)]
    replicas = Replicas(torch.nn.Sequential(*layers).train(), 2)

    def draws(epoch):
        replicas.reseed(3, epoch)
        layers = [
            layer
            for replica in replicas.copies
            for layer in replica.modules()
            if isinstance(layer, SeededDropout) and layer.share
        ]
        return [layer(torch.ones(64)).tolist() for layer in layers for _ in range(2)]

    first, second = draws(0), draws(1)
    every = [tuple(draw) for draw in (*first, *second)]
    assert len(set(every)) == len(every) == 2 * 2 * 4 * 2
    assert draws(0) == first


def test_halves_of_a_batch_give_the_gradient_of_all_of_it():
    torch.manual_seed(0)
    network = build_network('slim_resnet', {'mood': 2}).eval()  # no batch statistics
    pixels, targets = torch.rand(4, 1, 64, 64), torch.eye(2)[torch.arange(4) % 2]
    batch = Batch(pixels, {'mood': targets}, {'mood': torch.ones(4)}, np.arange(4))

    def step(replica, part):
        return functional.cross_entropy(replica(part.pixels)['mood'], part.targets['mood'])

    gradients = []
    for workers in (1, 2):
        loss = Replicas(network, workers).gradients(step, parts_of(batch, workers))
        gradients.append([parameter.grad.clone() for parameter in network.parameters()])
        assert loss == pytest.approx(step(network, batch).item(), abs=1e-5)
    for whole, halves in zip(*gradients, strict=True):
        torch.testing.assert_close(halves, whole, rtol=1e-3, atol=1e-5)


def test_statistics_of_all_replicas_are_averaged():
    network = torch.nn.Sequential(torch.nn.BatchNorm2d(1, momentum=1.0)).train()
    parts = [torch.full((2, 1, 2, 2), value) for value in (1.0, 3.0)]
    Replicas(network, 2).gradients(lambda replica, part: replica(part).sum(), parts)
    assert network[0].running_mean.item() == pytest.approx(2.0)
    assert int(network[0].num_batches_tracked) == 1


def test_an_error_in_a_replica_is_raised():
    def step(_replica, part):
        raise RuntimeError(f'part {part}')

    with pytest.raises(RuntimeError, match='part 1'):
        Replicas(torch.nn.Linear(1, 1), 2).gradients(step, [1, 2])
