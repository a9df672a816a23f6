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
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.training.engine.checkpoints import check_fingerprint
from rtcnn_perception.training.engine.checkpoints import load_checkpoint
from rtcnn_perception.training.engine.checkpoints import mean_checkpoint
from rtcnn_perception.training.engine.checkpoints import save_checkpoint
import torch


def test_a_checkpoint_is_read_as_it_was_written(tmp_path):
    values = {'config': {'name': 'a'}, 'average': {'w': torch.ones(2)}}
    save_checkpoint(tmp_path / 'new/best.pt', values)
    found = load_checkpoint(tmp_path / 'new/best.pt')
    assert found['config'] == {'name': 'a'}
    assert torch.equal(found['average']['w'], torch.ones(2))
    assert [path.name for path in (tmp_path / 'new').iterdir()] == ['best.pt']


def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(ModelError, match='cannot write the checkpoint'):
        save_checkpoint(tmp_path / 'file/best.pt', {})


def test_a_full_disk_is_named_and_leaves_nothing_unfinished(tmp_path, files_of_100_bytes):
    values = {'average': {'w': torch.ones(2)}}
    save_checkpoint(tmp_path / 'best.pt', {'config': {'name': 'before'}, **values})
    with files_of_100_bytes, pytest.raises(ModelError, match=r'best\.pt: File too large$'):
        save_checkpoint(tmp_path / 'best.pt', {'config': {'name': 'after'}, **values})
    assert load_checkpoint(tmp_path / 'best.pt')['config'] == {'name': 'before'}
    assert [path.name for path in tmp_path.iterdir()] == ['best.pt']


@pytest.mark.parametrize(
    'content',
    [
        b'',
        b'no checkpoint',
        b'hello world\n',
        b'epoch 1\n',
        b'emotion,pixels,Usage\n0,1 2 3,Training\n',
        b'RIFF\x00\x00',
        b'\x89PNG\r\n',
        b'PK\x03\x04',
        b'\x80r\xc8',
    ],
)
def test_a_file_that_is_no_checkpoint_is_refused_in_one_line(tmp_path, content):
    (tmp_path / 'best.pt').write_bytes(content)
    with pytest.raises(ModelError, match=r'^[^\n]* is no readable checkpoint[^\n]*$'):
        load_checkpoint(tmp_path / 'best.pt')


@pytest.mark.parametrize('missing', ['config', 'average'])
def test_a_checkpoint_without_a_part_is_refused(tmp_path, missing):
    save_checkpoint(tmp_path / 'a.pt', {'config': {}, 'average': {}, missing: None})
    with pytest.raises(ModelError, match=f'its {missing} is missing'):
        load_checkpoint(tmp_path / 'a.pt')


def test_a_missing_checkpoint_is_refused(tmp_path):
    with pytest.raises(ModelError, match='there is no checkpoint'):
        load_checkpoint(tmp_path / 'best.pt')


def test_a_checkpoint_of_another_version_is_refused(tmp_path):
    torch.save({'format': 1}, tmp_path / 'best.pt')
    with pytest.raises(ModelError, match=r'no checkpoint of this version \(format 2\)'):
        load_checkpoint(tmp_path / 'best.pt')


@pytest.mark.parametrize('values', [{}, {'fingerprint': {}}, {'fingerprint': 7}])
def test_a_checkpoint_that_does_not_say_what_data_it_had_is_taken_as_it_is(tmp_path, values):
    check_fingerprint(values, {'train': '3 pictures'}, tmp_path / 'a.pt', 'Train again')


def test_a_checkpoint_of_other_data_is_refused_with_the_parts_that_differ(tmp_path):
    values = {'fingerprint': {'train': '3 pictures', 'val': '2 pictures', 'faces': '9 pictures'}}
    found = {'train': '4 pictures', 'val': '2 pictures'}
    message = r'a\.pt learnt from other data: train had 3 pictures, now 4 pictures\. Train again$'
    with pytest.raises(ModelError, match=message):
        check_fingerprint(values, found, tmp_path / 'a.pt', 'Train again')


def test_a_mean_has_the_mean_of_all_weights_and_whole_numbers_of_the_first(tmp_path):
    paths = [tmp_path / f'{name}.pt' for name in 'abc']
    for number, path in enumerate(paths):
        weights = {'w': torch.full((2,), 3.0 * number), 'steps': torch.tensor(number)}
        save_checkpoint(path, {'config': {}, 'average': weights, 'epoch': number})
    found = mean_checkpoint(paths)
    assert found['average']['w'].tolist() == [3.0, 3.0]
    assert (int(found['average']['steps']), found['epoch']) == (0, 0)
    assert found['mean_of'] == [str(path) for path in paths]
    assert torch.equal(mean_checkpoint(paths[1:2])['average']['w'], torch.full((2,), 3.0))


@pytest.mark.parametrize('other', [{'w': torch.zeros(3)}, {'v': torch.zeros(2)}, {}])
def test_there_is_no_mean_of_weights_of_other_shapes(tmp_path, other):
    save_checkpoint(tmp_path / 'a.pt', {'config': {}, 'average': {'w': torch.zeros(2)}})
    save_checkpoint(tmp_path / 'b.pt', {'config': {}, 'average': other})
    with pytest.raises(ModelError, match=r'b\.pt holds weights of other shapes than .*a\.pt'):
        mean_checkpoint([tmp_path / 'a.pt', tmp_path / 'b.pt'])


@pytest.mark.parametrize('key', ['crop', 'architecture'])
def test_there_is_no_mean_of_networks_for_other_crops(tmp_path, key):
    for name in ('a', 'b'):
        save_checkpoint(tmp_path / f'{name}.pt', {'config': {key: name}, 'average': {}})
    with pytest.raises(ModelError, match=rf'b\.pt has another {key} than .*a\.pt: no mean'):
        mean_checkpoint([tmp_path / 'a.pt', tmp_path / 'b.pt'])


def test_there_is_no_mean_of_networks_with_their_classes_in_another_order(tmp_path):
    for name, classes in (('a', ['happy', 'sad']), ('b', ['sad', 'happy'])):
        values = {'config': {}, 'average': {}, 'classes': {'mood': classes}}
        save_checkpoint(tmp_path / f'{name}.pt', values)
    with pytest.raises(ModelError, match=r'b\.pt has other classes than .*a\.pt: no mean'):
        mean_checkpoint([tmp_path / 'a.pt', tmp_path / 'b.pt'])


@pytest.mark.parametrize('part', ['val', 'test'])
def test_there_is_no_mean_of_networks_that_are_measured_on_other_data(tmp_path, part):
    prints = {'train': '1 a', 'val': '1 b', 'test': '1 c'}
    for name, changes in (('a', {}), ('b', {'train': '2 d'}), ('c', {part: '2 d'}), ('d', None)):
        kept = {} if changes is None else {'fingerprint': {**prints, **changes}}
        save_checkpoint(tmp_path / f'{name}.pt', {'config': {}, 'average': {}, **kept})
    mean_checkpoint([tmp_path / 'a.pt', tmp_path / 'b.pt', tmp_path / 'd.pt'])
    with pytest.raises(ModelError, match=rf'c\.pt has another {part} part than .*a\.pt'):
        mean_checkpoint([tmp_path / 'a.pt', tmp_path / 'c.pt'])
