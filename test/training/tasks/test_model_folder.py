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

import hashlib
import json

import pytest
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.training.tasks.model_folder import keras_parameters
from rtcnn_perception.training.tasks.model_folder import make_card
from rtcnn_perception.training.tasks.model_folder import multiply_accumulates
from rtcnn_perception.training.tasks.model_folder import name_int8
from rtcnn_perception.training.tasks.model_folder import page_of
from rtcnn_perception.training.tasks.model_folder import write_measured
from rtcnn_perception.training.tasks.model_folder import write_model
from torch import nn


def network():
    made = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.BatchNorm2d(3), nn.Flatten())
    made.append(nn.Linear(3 * 4 * 4, 5))
    made.name = 'small'
    return made


def card(content=b'graph', **changes):
    values = {
        'name': 'mine',
        'half': True,
        'data': [{'name': 'faces', 'terms': 'ours'}],
        'command': 'make it',
        **changes,
    }
    return make_card('any', content, network(), (2, 4, 4), **values)


def test_a_card_says_what_every_model_is():
    found = card(own=3)
    assert found['format'] == 2
    assert found['kind'] == 'any'
    assert found['file'] == 'model.onnx'
    assert found['sha256'] == hashlib.sha256(b'graph').hexdigest()
    assert found['architecture'] == 'small'
    assert found['own'] == 3
    assert found['weights'].startswith('float16')
    assert card(half=False)['weights'] == 'float32'


def test_parameters_are_counted_as_keras_does():
    assert keras_parameters(network()) == (2 * 9 * 3 + 3) + (3 + 3 + 2 * 3) + (48 * 5 + 5)


def test_multiply_accumulates_are_those_of_convolutions_and_linear_layers():
    counted = network().train()
    assert multiply_accumulates(counted, (2, 4, 4)) == 16 * 3 * 18 + 48 * 5
    assert counted.training
    assert not any(module._forward_hooks for module in counted.modules())


def test_a_model_is_measured_as_it_is_written(tmp_path):
    def measured(path):
        assert path.read_bytes() == b'graph'
        return {'a': 0.123456}

    write_measured(b'graph', card(), measured, lambda made: made['name'], tmp_path / 'model')
    found = json.loads((tmp_path / 'model/model.json').read_text())
    assert found['metrics'] == {'a': 0.1235}
    assert (tmp_path / 'model/README.md').read_text() == 'mine'


def test_a_folder_holds_graph_card_and_page_and_nothing_else(tmp_path):
    path = write_model(b'graph', {'a': 1}, 'a page', tmp_path / 'model')
    assert path.read_bytes() == b'graph'
    assert json.loads((path.parent / 'model.json').read_text()) == {'a': 1}
    names = sorted(file.name for file in path.parent.iterdir())
    assert names == ['README.md', 'model.json', 'model.onnx']


def test_a_graph_in_eight_bits_is_written_with_its_card_and_removed_with_it(tmp_path):
    named = card()
    name_int8(named, b'less', {'parity': 1})
    assert named['int8']['sha256'] == hashlib.sha256(b'less').hexdigest()
    assert named['int8']['parity'] == 1
    write_model(b'graph', named, 'a page', tmp_path, int8=b'less')
    assert (tmp_path / named['int8']['file']).read_bytes() == b'less'
    write_model(b'graph', card(), 'a page', tmp_path)
    assert not (tmp_path / named['int8']['file']).exists()


def test_what_people_added_to_the_page_is_kept(tmp_path):
    write_model(b'graph', card(), '# a page\n', tmp_path)
    page = tmp_path / 'README.md'
    assert page.read_text() == '# a page\n'
    page.write_text(page.read_text() + '\n## Notes\n\nIt fails on hats.\n')
    write_model(b'graph', card(), '# another page\n', tmp_path)
    assert page.read_text() == '# another page\n\n## Notes\n\nIt fails on hats.\n'


def test_a_disk_that_is_full_keeps_the_model_with_all_its_graphs(tmp_path, files_of_100_bytes):
    named = card()
    name_int8(named, b'less', {})
    write_model(b'graph', named, 'a page', tmp_path, int8=b'less')
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with files_of_100_bytes, pytest.raises(ConfigurationError, match='File too large'):
        write_model(bytes(200), card(), 'another page', tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(ConfigurationError, match='cannot write to the folder'):
        write_model(b'', {}, '', tmp_path / 'file')


def page(**changes):
    found = {**card(), **changes}
    return page_of(found, ['It counts.'], [('Input', 'small')], 'On ours:', ['Not much.'])


def test_a_page_says_what_the_card_says():
    text = page(metrics={'mood.worst_recall': 0.5})
    for expected in (
        '# mine',
        'It counts.',
        '| Input | small |',
        card()['sha256'],
        '## Measured',
        'On ours:',
        '| mood.worst recall | 0.5000 |',
        '- faces: ours.',
        'make it',
        'Not much.',
    ):
        assert expected in text


def test_a_page_without_figures_has_no_table_for_them():
    assert 'Measured' not in page()
