"""Cards say which trainings led to the weights, and what all of them learnt from."""

from __future__ import annotations

import pytest

pytest.importorskip('torch')

from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.training.engine.checkpoints import save_checkpoint
from rtcnn_perception.training.engine.provenance import data_entry
from rtcnn_perception.training.engine.provenance import provenance_of

FER = 'emotion/fer2013_train_public.npz'
GENDER = '/elsewhere/gender_faces_112.npz'


@pytest.fixture
def write(tmp_path):
    """Return what writes a checkpoint of a training of some name, and says where it lies."""

    def write(name, *, command='', **config):
        path = tmp_path / name / 'best.pt'
        values = {'command': command} if command else {}
        save_checkpoint(path, {'config': {'name': name, **config}, 'average': {}, **values})
        return str(path)

    return write


def names(checkpoint):
    return [entry['name'] for entry in provenance_of(checkpoint).data]


def test_weights_of_one_training_come_from_its_data_alone(write, tmp_path):
    write('mine', data={'emotion': FER, 'emotion_votes': '', 'gender': 'faces/of/friends'})
    found = provenance_of(tmp_path / 'mine/best.pt')
    assert found.commands == ['rtcnn_perception train mine']
    assert found.data == [data_entry('FER-2013'), data_entry('FER+'), data_entry('friends')]
    assert data_entry('friends')['terms'] == "the owner's"


def test_what_a_network_began_with_and_who_taught_it_count_as_well(write, tmp_path):
    first = write('first', data={'emotion': FER}, command='rtcnn_perception train a/first.toml')
    other = write('other', data={'gender': GENDER}, start_from=first)
    write('last', data={'emotion': FER}, start_from=first, loss={'teacher': f'{first}, {other},'})
    found = provenance_of(tmp_path / 'last/best.pt')
    assert found.then('b') == (
        'rtcnn_perception train a/first.toml && rtcnn_perception train other && '
        'rtcnn_perception train last && b'
    )
    assert names(tmp_path / 'last/best.pt') == ['FER-2013', 'FER+', 'LFW', 'UTKFace']


@pytest.mark.parametrize(
    ('published', 'name'),
    [('faceres-deep.json', 'VGGFace2, IMDB-Wiki, Adience'), ('other.json', 'other.json')],
)
def test_published_weights_count_by_what_they_were_learnt_from(write, tmp_path, published, name):
    teacher = write('one', data={'emotion': FER}, start_from=f'runs/{published}')
    write('last', data={'emotion': FER, 'unlabelled': GENDER}, loss={'teacher': teacher})
    found = provenance_of(tmp_path / 'last/best.pt')
    assert found.commands == ['rtcnn_perception train one', 'rtcnn_perception train last']
    assert [entry['name'] for entry in found.data] == [name, 'FER-2013', 'FER+', 'LFW', 'UTKFace']


def test_a_detector_learns_from_photographs_and_faces_and_what_came_before(write, tmp_path):
    first = write('first', photographs='detection/train', test='detection/wider_val100', loss={})
    write('last', photographs='my/own', faces=GENDER, start_from=first)
    assert names(tmp_path / 'last/best.pt') == ['detection/train', 'own', 'LFW', 'UTKFace']


def test_a_mean_comes_from_all_whose_mean_it_is(write, tmp_path):
    one = write('one', data={'emotion': FER})
    other = write('other', data={'gender': GENDER})
    save_checkpoint(
        tmp_path / 'mean.pt',
        {
            'config': {'name': 'one', 'data': {'emotion': FER}},
            'average': {},
            'mean_of': [one, other],
        },
    )
    found = provenance_of(tmp_path / 'mean.pt')
    assert found.commands == ['rtcnn_perception train one', 'rtcnn_perception train other']
    assert names(tmp_path / 'mean.pt') == ['FER-2013', 'FER+', 'LFW', 'UTKFace']


def test_a_checkpoint_that_is_gone_is_named(write, tmp_path):
    gone = str(tmp_path / 'gone/best.pt')
    write('last', data={'emotion': FER}, loss={'teacher': gone})
    entry, *known = provenance_of(tmp_path / 'last/best.pt').data
    assert entry['name'] == f'what {gone} learnt from'
    assert entry['terms'].startswith('unknown, as that checkpoint was no longer there')
    assert known == [data_entry('FER-2013'), data_entry('FER+')]


def test_a_damaged_checkpoint_on_the_way_is_refused(write, tmp_path):
    (tmp_path / 'bad.pt').write_bytes(b'nothing')
    write('last', data={'emotion': FER}, start_from=str(tmp_path / 'bad.pt'))
    with pytest.raises(ModelError, match=r'bad\.pt is no readable checkpoint'):
        provenance_of(tmp_path / 'last/best.pt')


def test_a_run_that_began_with_itself_is_told_once(write, tmp_path):
    write('again', data={'emotion': FER}, start_from=str(tmp_path / 'again/best.pt'))
    assert provenance_of(tmp_path / 'again/best.pt').commands == ['rtcnn_perception train again']
