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

import json

import pytest
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.training.engine.checkpoints import load_checkpoint
from rtcnn_perception.training.engine.config import RunConfig
from rtcnn_perception.training.engine.loop import DivergenceError
from rtcnn_perception.training.engine.loop import end_epoch
from rtcnn_perception.training.engine.loop import learning_rate
from rtcnn_perception.training.engine.loop import open_log
from rtcnn_perception.training.engine.loop import take_steps
from rtcnn_perception.training.engine.state import start_or_resume
import torch
from torch import nn

CONFIG = RunConfig(name='line', epochs=10, learning_rate=0.1, warmup_epochs=2.0, average=0.0)


def line():
    torch.manual_seed(0)
    network = nn.Linear(1, 1)
    network.name = 'line'
    return network


@pytest.fixture
def state(tmp_path):
    """Return the state of a training of a line."""
    return start_or_resume(
        line(), CONFIG, tmp_path / 'run', device='cpu', workers=1, fill=None, command='train'
    )


def test_the_learning_rate_rises_in_the_warm_up_and_falls_to_nothing():
    rates = [learning_rate(CONFIG, progress) for progress in (0, 1, 2, 6, 10, 11)]
    assert rates[0] < 0.001
    assert rates[1] == pytest.approx(0.05, abs=0.001)
    assert rates[2:] == pytest.approx([0.1, 0.05, 0.0, 0.0])


def step(network, part):
    return (network(torch.full((1, 1), part)) - 3.0).square().mean()


def test_an_epoch_returns_the_mean_loss_and_changes_weights_and_average(state):
    before = state.network.weight.item()
    expected = (before + state.network.bias.item() - 3.0) ** 2
    loss = take_steps(state, CONFIG, [[1.0], [1.0]], step, count=2)
    assert loss == pytest.approx(expected, rel=0.02)
    assert state.network.weight.item() != before
    assert state.average.network.weight.item() == state.network.weight.item()


def test_a_loss_that_is_no_number_is_refused_with_its_batch(state):
    batches = [[1.0], [float('nan')]]
    with pytest.raises(DivergenceError, match='loss of batch 2 of epoch 1 is nan; train into'):
        take_steps(state, CONFIG, batches, step, count=2)


@pytest.mark.parametrize(
    ('best', 'message'),
    [
        (0, r'after batch 1 of epoch 1 is no number; train .* with a lower learning_rate$'),
        (4, r"after batch 1 .*, and this one's best\.pt, of epoch 4, as start_from"),
    ],
)
def test_a_weight_that_is_no_number_is_refused(state, best, message):
    def broken(network, part):
        loss = step(network, part)
        loss.register_hook(lambda gradient: gradient * float('nan'))
        return loss

    state.best_epoch = best
    with pytest.raises(DivergenceError, match=message):
        take_steps(state, CONFIG, [[1.0]], broken, count=1)


def test_each_epoch_is_recorded_and_the_best_is_kept(state, tmp_path):
    folder = tmp_path / 'run'
    with open_log(folder) as log:
        for score in (0.5, 0.7, 0.6):
            end_epoch(state, CONFIG, {'accuracy': score}, score=score, folder=folder, log=log)
    history = json.loads((folder / 'history.json').read_text())
    assert [record['epoch'] for record in history] == [1, 2, 3]
    assert state.best_record == history[1]
    assert load_checkpoint(folder / 'best.pt')['epoch'] == 2
    assert load_checkpoint(folder / 'last.pt')['epoch'] == 3
    assert list(folder.glob('events.out.tfevents.*'))


def test_a_history_that_cannot_be_written_is_refused(state, tmp_path):
    with open_log(tmp_path / 'run') as log:
        (tmp_path / 'run/history.json').mkdir()
        with pytest.raises(ModelError, match=r'cannot write .*history\.json'):
            end_epoch(state, CONFIG, {}, score=0.5, folder=tmp_path / 'run', log=log)


def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path):
    (tmp_path / 'file').touch()
    with (
        pytest.raises(ConfigurationError, match='cannot write to the folder'),
        open_log(tmp_path / 'file'),
    ):
        pass
