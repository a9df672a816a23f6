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

"""Which trainings led to some weights, and what all of them learnt from."""

from __future__ import annotations

import json

from lively_networks import COMMAND
from lively_networks import export
from lively_networks import labelled
from lively_networks import SOURCE
import pytest
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.training.engine.checkpoints import save_checkpoint
from rtcnn_perception.training.engine.provenance import data_entry
from rtcnn_perception.training.engine.provenance import limits_of
from rtcnn_perception.training.engine.provenance import provenance_of

FER = 'emotion/fer2013_train_public.npz'
GENDER = '/elsewhere/gender_faces_112.npz'


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a checkpoint of a training and returns its path."""

    def write(name, *paths, command='', teachers=(), unlabelled=(), **config):
        path = tmp_path / name / 'best.pt'
        config = {
            'name': name,
            'data': {
                'attributes': {f'of {p}': {'path': (p,)} for p in paths},
                'unlabelled': unlabelled,
            },
            'distillation': {'teachers': [{'path': teacher} for teacher in teachers]},
            **config,
        }
        values = {'command': command} if command else {}
        save_checkpoint(path, {'config': config, 'average': {}, **values})
        return str(path)

    return write


def names(checkpoint):
    return [entry['name'] for entry in provenance_of(checkpoint).data]


def test_no_weights_come_from_nothing():
    assert provenance_of().then('a') == 'a'


def test_weights_of_one_training_come_from_its_data_alone(write, tmp_path):
    write('mine', FER, 'faces/of/friends')
    found = provenance_of(tmp_path / 'mine/best.pt')
    assert found.commands == ['rtcnn_perception train mine']
    assert found.data == [data_entry('FER-2013'), data_entry('FER+'), data_entry('friends')]
    assert data_entry('friends')['terms'] == "the owner's"


def test_weights_to_start_from_and_teachers_count_as_well(write, tmp_path):
    first = write('first', FER, command='rtcnn_perception train a/first.toml')
    other = write('other', GENDER, start_from=first)
    write('last', FER, start_from=first, teachers=[first, other])
    found = provenance_of(tmp_path / 'last/best.pt')
    assert found.then('b') == (
        'rtcnn_perception train a/first.toml && rtcnn_perception train other && '
        'rtcnn_perception train last && b'
    )
    assert names(tmp_path / 'last/best.pt') == ['FER-2013', 'FER+', 'LFW', 'UTKFace']


@pytest.mark.parametrize(
    ('published', 'expected'),
    [
        ('faceres-deep.json', ['VGGFace2, IMDB-Wiki, Adience', 'FER-2013', 'FER+']),
        ('fer2013_mini_XCEPTION.102-0.66.hdf5', ['FER-2013', 'FER+']),
        ('gender_mini_XCEPTION.21-0.95.hdf5', ['IMDB faces of the original', 'FER-2013', 'FER+']),
        ('other.json', ['other.json', 'FER-2013', 'FER+']),
    ],
)
def test_published_weights_count_by_what_they_were_learnt_from(
    write, tmp_path, published, expected
):
    write('one', FER, teachers=[f'runs/{published}'], unlabelled=('my/own',))
    assert provenance_of(tmp_path / 'one/best.pt').commands == ['rtcnn_perception train one']
    assert names(tmp_path / 'one/best.pt') == [*expected, 'own']


def test_pictures_and_votes_that_labels_refer_to_count_as_well(write, tmp_path):
    table = {'path': ('expression_lfw_labels.npz',), 'pictures': GENDER, 'votes': 'fer2013new.csv'}
    write('one', data={'attributes': {'emotion': table}})
    assert names(tmp_path / 'one/best.pt') == ["LFW, students' labels", 'LFW', 'UTKFace', 'FER+']


def test_a_detector_learns_from_photographs_and_faces(write, tmp_path):
    first = write('first', photographs=['detection/train'], test='detection/wider_val100')
    write('last', photographs=['my/own', 'detection/masks'], faces=[GENDER], start_from=first)
    assert names(tmp_path / 'last/best.pt') == [
        'detection/train',
        'own',
        'detection/masks',
        'LFW',
        'UTKFace',
    ]


def test_a_mean_comes_from_all_that_it_is_the_mean_of(write, tmp_path):
    one, other = write('one', FER), write('other', GENDER)
    values = {'config': {'name': 'one'}, 'average': {}, 'mean_of': [one, other]}
    save_checkpoint(tmp_path / 'mean.pt', values)
    found = provenance_of(tmp_path / 'mean.pt')
    assert found.commands == ['rtcnn_perception train one', 'rtcnn_perception train other']
    assert names(tmp_path / 'mean.pt') == ['FER-2013', 'FER+', 'LFW', 'UTKFace']


def test_a_checkpoint_keeps_what_came_before_it(tmp_path):
    before = {'commands': ['train a'], 'data': [data_entry('LFW')]}
    config = {'name': 'b', 'start_from': str(tmp_path / 'another by now.pt')}
    save_checkpoint(tmp_path / 'b.pt', {'config': config, 'average': {}, 'before': before})
    assert provenance_of(tmp_path / 'b.pt').commands == ['train a', 'rtcnn_perception train b']
    assert names(tmp_path / 'b.pt') == ['LFW']


def test_a_checkpoint_that_no_longer_exists_is_named(write, tmp_path):
    gone = str(tmp_path / 'gone/best.pt')
    write('last', FER, teachers=[gone])
    entry, *known = provenance_of(tmp_path / 'last/best.pt').data
    assert entry['name'] == f'what {gone} learnt from'
    assert entry['terms'].startswith('unknown, as that checkpoint no longer existed')
    assert known == [data_entry('FER-2013'), data_entry('FER+')]


def test_a_damaged_checkpoint_on_the_way_is_refused(write, tmp_path):
    (tmp_path / 'bad.pt').write_bytes(b'nothing')
    write('last', FER, start_from=str(tmp_path / 'bad.pt'))
    with pytest.raises(ModelError, match=r'bad\.pt is no readable checkpoint'):
        provenance_of(tmp_path / 'last/best.pt')


@pytest.mark.parametrize(
    'part',
    [
        *({'mean_of': 0.5}, {'mean_of': [3]}, {'before': {'words': 'a'}}, {'before': 3}),
        *({'config': {}}, {'config': {'name': 'a', 'data': {'attributes': 3}}}),
        {'config': {'name': 'a', 'distillation': {'teachers': [{}]}}},
    ],
)
def test_a_checkpoint_that_does_not_say_what_it_learnt_from_is_refused(tmp_path, part):
    save_checkpoint(tmp_path / 'a.pt', {'config': {'name': 'a'}, 'average': {}, **part})
    with pytest.raises(ModelError, match=r'a\.pt is no complete checkpoint: it does not say what'):
        provenance_of(tmp_path / 'a.pt')


def test_a_run_that_started_from_itself_is_counted_once(write, tmp_path):
    write('again', FER, start_from=str(tmp_path / 'again/best.pt'))
    assert provenance_of(tmp_path / 'again/best.pt').commands == ['rtcnn_perception train again']


def test_an_exported_model_comes_from_what_its_card_says(tmp_path):
    export(labelled(), tmp_path)
    found = provenance_of(tmp_path)
    assert found.commands == COMMAND.split(' && ')
    assert found.data == [SOURCE]


@pytest.mark.parametrize('part', ['command', 'data'])
@pytest.mark.parametrize('content', [None, 3, [3]])
def test_a_card_without_provenance_is_refused(tmp_path, part, content):
    export(labelled(), tmp_path)
    card = tmp_path / 'model.json'
    card.write_text(json.dumps({**json.loads(card.read_text()), part: content}))
    with pytest.raises(ModelError, match=rf'model\.json: {part}.* must be '):
        provenance_of(tmp_path)


def test_limits_are_those_of_the_sources_that_have_some():
    assert limits_of([data_entry('mine')], ['emotion']) == []
    data = [data_entry('FER-2013'), data_entry('mine'), data_entry('UTKFace')]
    fer, utkface = limits_of(data, ['emotion_votes', 'gender'])
    assert 'An expression is not a feeling' in fer
    assert 'that of children is predicted wrongly' in utkface
