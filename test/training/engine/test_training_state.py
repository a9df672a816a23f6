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

from dataclasses import replace

import pytest
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.training.engine.checkpoints import load_checkpoint
from rtcnn_perception.training.engine.checkpoints import save_checkpoint
from rtcnn_perception.training.engine.config import RunConfig
from rtcnn_perception.training.engine.state import as_checkpoint
from rtcnn_perception.training.engine.state import start_or_resume
from rtcnn_perception.training.engine.state import WeightAverage
import torch
from torch import nn

CONFIG = RunConfig(name='line', epochs=3)
MOODS = {'mood': ['happy', 'sad']}


def line():
    network = nn.Linear(1, 1)
    network.name = 'line'
    return network


DATA = {'train': '9 pictures', 'val': '1 pictures'}


def start(folder, config=CONFIG, *, workers=1, network=None, fill=None, **changes):
    return start_or_resume(
        network or line(),
        config,
        folder,
        device='cpu',
        workers=workers,
        fill=fill,
        **{'classes': MOODS, 'fingerprint': DATA, 'command': 'train line', **changes},
    )


def saved(folder, **changes):
    """Leave a state of two epochs in a folder and return it."""
    state = start(folder, workers=2)
    state.epoch, state.best, state.best_epoch = 2, 0.7, 1
    state.history = [{'epoch': 1.0, 'loss': 3.0}, {'epoch': 2.0, 'loss': 2.0}]
    state.average.steps = 8
    save_checkpoint(folder / 'last.pt', {**as_checkpoint(state, CONFIG), **changes})
    return state


def test_a_damaged_checkpoint_says_how_the_run_can_go_on(tmp_path):
    (tmp_path / 'last.pt').write_bytes(b'half of it')
    message = (
        r'cannot go on: .*last\.pt is no readable .*; remove that file to begin anew, or copy'
    )
    with pytest.raises(ModelError, match=message):
        start(tmp_path)


@pytest.mark.parametrize('key', ['workers', 'optimizer', 'before', 'history'])
def test_an_incomplete_checkpoint_says_how_the_run_can_go_on(tmp_path, key):
    state = start(tmp_path)
    content = as_checkpoint(state, CONFIG)
    del content[key]
    save_checkpoint(tmp_path / 'last.pt', content)
    with pytest.raises(ModelError, match=f'cannot go on: .*complete checkpoint .*{key}.*; remove'):
        start(tmp_path)


def test_averaged_weights_follow_the_network_faster_at_the_start():
    network = line()
    average = WeightAverage(network, 0.9)
    with torch.no_grad():
        network.bias.fill_(1.0)
        average.network.bias.fill_(0.0)
    average.update(network)
    assert average.network.bias.item() == pytest.approx(1 - 2 / 11)


def test_without_decay_the_average_is_the_network():
    network = line()
    average = WeightAverage(network, 0.0)
    with torch.no_grad():
        network.bias.fill_(1.0)
    average.update(network)
    assert average.network.bias.item() == 1.0


def test_whole_numbers_are_copied_and_not_averaged():
    norm = nn.BatchNorm2d(1)
    average = WeightAverage(norm, 0.9)
    norm.num_batches_tracked.fill_(5)
    average.update(norm)
    assert int(average.network.num_batches_tracked) == 5


def test_a_new_run_starts_before_the_first_epoch(tmp_path):
    state = start(tmp_path)
    assert (state.epoch, state.best_epoch, state.history, state.best_record) == (0, 0, [], {})
    assert not list(tmp_path.iterdir())


def test_a_run_is_resumed_from_its_last_state(tmp_path):
    before = saved(tmp_path)
    state = start(tmp_path, workers=2)
    assert (state.epoch, state.best, state.best_epoch) == (2, 0.7, 1)
    assert state.best_record == {'epoch': 1.0, 'loss': 3.0}
    assert state.average.steps == 8
    assert torch.equal(state.network.weight, before.network.weight)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'config': replace(CONFIG, epochs=4)}, r'last\.pt was made with other values of epochs;'),
        ({'config': replace(CONFIG, seed=2, average=0)}, 'other values of average, seed;'),
        ({'classes': {'mood': ['sad', 'happy']}}, 'other values of the classes of the data;'),
        (
            {'fingerprint': {**DATA, 'val': '2 pictures'}},
            r'last\.pt learnt from other data: val had 1 pictures, now 2 pictures\. Bring that',
        ),
        ({'workers': 1}, r'made by 2 workers, .* give --workers 2'),
    ],
)
def test_a_folder_of_another_run_is_refused(tmp_path, options, message):
    saved(tmp_path)
    with pytest.raises(ModelError, match=message):
        start(tmp_path, **{'workers': 2, **options})


def test_settings_that_a_checkpoint_lacks_had_their_defaults(tmp_path):
    config = {key: value for key, value in CONFIG.as_dict().items() if key != 'seed'}
    saved(tmp_path, config=config)
    assert start(tmp_path, workers=2).epoch == 2
    with pytest.raises(ModelError, match='other values of seed;'):
        start(tmp_path, replace(CONFIG, seed=5), workers=2)


def test_a_run_that_does_not_say_what_data_it_had_is_resumed_and_says_it_from_then_on(tmp_path):
    saved(tmp_path, fingerprint={})
    state = start(tmp_path, workers=2)
    assert state.epoch == 2
    assert as_checkpoint(state, CONFIG)['fingerprint'] == DATA


def test_no_part_of_a_batch_is_empty(tmp_path):
    assert start(tmp_path, replace(CONFIG, batch_size=2), workers=3).replicas.count == 2


def test_a_run_that_starts_from_weights_keeps_them(tmp_path):
    save_checkpoint(tmp_path / 'first.pt', {'config': {'name': 'first'}, 'average': {}})
    network, filled = line(), []

    def fill(path):
        filled.append(path)
        with torch.no_grad():
            network.bias.fill_(7.0)

    config = replace(CONFIG, start_from=str(tmp_path / 'first.pt'))
    start(tmp_path / 'run', config, fill=fill, network=network)
    assert filled == [tmp_path / 'first.pt']
    kept = load_checkpoint(tmp_path / 'run/start.pt')
    assert kept['epoch'] == 0
    assert kept['average']['bias'].item() == 7.0
    assert kept['classes'] == MOODS
    assert kept['before']['commands'] == ['rtcnn_perception train first']
