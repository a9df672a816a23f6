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

"""Data of any attribute, by the tables of a configuration or by the heads of a model."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.training.data import load
from rtcnn_perception.training.data.classes import UnknownClassError
from rtcnn_perception.training.data.classes import UNLABELLED
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.heads import load_for_heads
from rtcnn_perception.training.data.sources import AttributeData
from rtcnn_perception.training.data.sources import DataConfig
from small_data import GENDERS
from small_data import pictures
from small_data import save
from small_data import write_fer_csv
from small_data import write_fer_npz
from small_data import write_packed_npz
from small_data import write_pictures
from small_data import write_votes_csv

TIGHT = CropGeometry(0.0)
MOODS = ('happy', 'sad')


def gender_file(path, *, seed=0, labels=(0, 1, 1), **changes):
    return write_packed_npz(path, pictures(3, seed), labels, [0, 1, 2], **changes)


def table(*paths, **values):
    return AttributeData(path=tuple(map(str, paths)), **values)


def loaded(unlabelled=(), **tables):
    config = DataConfig(tables, unlabelled=tuple(map(str, unlabelled)))
    return load.load_splits(config, TIGHT)


@pytest.mark.parametrize(
    ('write', 'reader'),
    [
        (lambda path: gender_file(path / 'a.npz'), 'packed'),
        (lambda path: write_fer_npz(path / 'a.npz', pictures(2), [0] * 2, 1), 'fer2013'),
        (lambda path: write_fer_csv(path / 'a.csv'), 'fer2013_csv'),
        (lambda path: write_pictures(path, ['1_0_0_1.jpg']) or path, 'utkface'),
        (lambda path: write_pictures(path / 'train', ['1_0_0_1.jpg']) or path, 'utkface'),
        (lambda path: write_pictures(path / 'happy', ['1.jpg']) or path, 'class_folders'),
        (lambda path: write_pictures(path / 'train/happy', ['1.jpg']) or path, 'class_folders'),
    ],
)
def test_the_reader_is_guessed_from_the_kind_of_file_or_folder(tmp_path, write, reader):
    assert load.guessed_reader(write(tmp_path)) == reader
    assert reader in load.READERS


@pytest.mark.parametrize('folder', ['.', 'train'])
def test_a_folder_of_pictures_that_say_nothing_is_refused_with_what_is_expected(tmp_path, folder):
    write_pictures(tmp_path / folder, [f'me{i}.jpg' for i in range(7)])
    names = r'me0\.jpg, me1\.jpg, me2\.jpg, me3\.jpg, me4\.jpg and 2 more'
    expected = 'a folder for each class, files named as UTKFace does, .*, or a table'
    with pytest.raises(
        DataError, match=f'7 pictures without labels: {names}; expected {expected}'
    ):
        load.load_faces(str(tmp_path), TIGHT)


def test_a_file_of_a_kind_without_a_reader_is_refused(tmp_path):
    (tmp_path / 'a.txt').touch()
    with pytest.raises(DataError, match=r'neither an \.npz or \.csv file nor a folder'):
        load.load_faces(str(tmp_path / 'a.txt'), TIGHT)


def test_labels_without_a_name_are_those_of_the_table(tmp_path):
    splits = loaded(anything=table(gender_file(tmp_path / 'g.npz')))
    assert splits.val.labels['anything'].classes == GENDERS
    assert splits.val.labels['anything'].indices.tolist() == [1]


def test_several_data_sets_of_an_attribute_are_joined_by_class_names(tmp_path):
    first = gender_file(tmp_path / 'a.npz')
    other = gender_file(tmp_path / 'b.npz', seed=1, labels=[0, 0, 1], classes=GENDERS[::-1])
    train = loaded(gender=table(first, other)).train
    assert train.labels['gender'].classes == GENDERS
    assert train.labels['gender'].indices.tolist() == [0, 1]


def test_the_table_may_give_the_order_of_the_classes(tmp_path):
    path = gender_file(tmp_path / 'a.npz')
    train = loaded(gender=table(path, classes=('man', 'woman'))).train
    assert train.labels['gender'].indices.tolist() == [1]
    with pytest.raises(UnknownClassError, match=r"\[data.gender\] classes has no class 'woman'"):
        loaded(gender=table(path, classes=('man', 'other')))


def test_a_file_named_for_two_attributes_is_decoded_once_and_carries_both(tmp_path, monkeypatch):
    path = gender_file(tmp_path / 'g.npz', age=np.array([8, 35, -1]))
    calls = []
    read = load.READERS['packed']
    readers = {**load.READERS, 'packed': lambda *given: calls.append(given) or read(*given)}
    monkeypatch.setattr(load, 'READERS', readers)
    splits = loaded(gender=table(path), age=table(path, bands=(0, 10, 40)))
    assert len(calls) == 1
    assert len(splits.part('all')) == 3
    assert splits.part('all').labels['age'].classes == ('0-9', '10-39', '40+')
    assert splits.part('all').labels['age'].indices.tolist() == [0, 1, UNLABELLED]
    assert splits.part('all').labels['gender'].indices.tolist() == [0, 1, 1]


def test_a_fact_with_names_may_be_an_attribute(tmp_path):
    path = gender_file(
        tmp_path / 'g.npz', glasses=np.array([1, 0, -1]), glasses_names=np.array(['no', 'yes'])
    )
    everyone = loaded(glasses=table(path)).part('all')
    assert everyone.labels['glasses'].classes == ('no', 'yes')
    assert len(everyone) == 2  # the third has no label of any attribute


def test_an_attribute_that_the_data_lacks_is_refused(tmp_path):
    path = gender_file(tmp_path / 'g.npz', labels=None, age=np.array([8, 35, 40]))
    with pytest.raises(DataError, match=r'g\.npz has no labels of mood; it has age'):
        loaded(mood=table(path))


def rows_file(path, row=2):
    """Write a mood of one row of another file."""
    labels = {'labels': np.array([1]), 'class_names': np.array(MOODS)}
    return save(path, {**labels, 'face_index': np.array([row])})


def test_labels_for_rows_of_another_file_join_its_faces(tmp_path):
    faces = gender_file(tmp_path / 'g.npz')
    rows = rows_file(tmp_path / 'rows.npz')
    splits = loaded(mood=table(rows, pictures=str(faces)), gender=table(faces))
    assert len(splits.part('all')) == 3
    assert splits.part('all').labels['mood'].indices.tolist() == [UNLABELLED] * 2 + [1]
    with pytest.raises(DataError, match='labels for rows of another file and no pictures; name'):
        loaded(mood=table(rows))


def test_several_files_label_the_rows_of_one_set_of_pictures(tmp_path):
    faces = gender_file(tmp_path / 'g.npz')
    first, other = rows_file(tmp_path / 'a.npz', 0), rows_file(tmp_path / 'b.npz', 2)
    splits = loaded(mood=table(first, other, pictures=str(faces)), gender=table(faces))
    assert splits.part('all').labels['mood'].indices.tolist() == [1, UNLABELLED, 1]
    names = {'labels': np.array([0]), 'class_names': np.array(MOODS)}
    third = save(tmp_path / 'c.npz', {**names, 'face_index': np.array([2])})
    with pytest.raises(DataError, match=r'c\.npz contradicts .* in 1 labels .* in row 2'):
        loaded(mood=table(first, other, third, pictures=str(faces)))


def test_labels_of_a_file_of_labels_go_before_facts_of_the_pictures(tmp_path):
    mood = {'mood': np.array([0, 0, 0]), 'mood_names': np.array(['cross', 'calm'])}
    faces = gender_file(tmp_path / 'g.npz', **mood)
    rows = rows_file(tmp_path / 'rows.npz')
    both = {'mood': table(rows, pictures=str(faces)), 'gender': table(faces)}
    labels = loaded(**both).part('all').labels['mood']
    assert (labels.classes, labels.indices.tolist()) == (MOODS, [UNLABELLED] * 2 + [1])
    heads = {'mood': MOODS}
    found = load_for_heads(heads, table(rows, pictures=str(faces)), TIGHT).part('all')
    assert found.labels['mood'].indices.tolist() == [1]
    with pytest.raises(UnknownClassError, match="no class 'happy'"):
        load_for_heads({'mood': ('cross', 'calm', 'sad')}, table(rows, pictures=str(faces)), TIGHT)


def test_unlabelled_data_may_be_pictures_alone_or_a_table_that_names_them(tmp_path):
    names = [f'{number}.png' for number in range(25)]
    write_pictures(tmp_path / 'alone', names)
    rows = tmp_path / 'rows.csv'
    rows.write_text('\n'.join(['file', *(f'alone/{name}' for name in names)]))
    write_pictures(tmp_path / 'parts/train', names)
    write_pictures(tmp_path / 'parts/test', ['a.png'])
    assert len(load.load_unlabelled(str(tmp_path / 'parts'), TIGHT)) == 25
    write_pictures(tmp_path / 'mixed', [*names, '20_0_0_7.jpg'])
    write_pictures(tmp_path / 'mixed/more/.hidden', ['b.png'])
    write_pictures(tmp_path / 'mixed/more', ['c.png'])
    assert len(load.load_unlabelled(str(tmp_path / 'mixed'), TIGHT)) == 27
    (tmp_path / 'empty').mkdir()
    with pytest.raises(DataError, match='has no pictures'):
        load.load_unlabelled(str(tmp_path / 'empty'), TIGHT)
    alone, named = (load.load_unlabelled(str(each), TIGHT) for each in (tmp_path / 'alone', rows))
    assert (alone.labels, named.labels) == ({}, {})
    assert len(alone) == 25 > len(named) > 10  # of a table some are held out


def test_unlabelled_data_gives_training_faces_without_labels(tmp_path):
    other = gender_file(tmp_path / 'b.npz', seed=1)
    splits = loaded([other], gender=table(gender_file(tmp_path / 'a.npz')))
    assert [len(splits.part(name)) for name in ('train', 'val', 'test')] == [2, 1, 1]
    assert splits.train.labels['gender'].indices.tolist() == [0, UNLABELLED]
    assert not splits.train.labels['gender'].targets[1].any()


def test_data_comes_as_often_as_its_share_says(tmp_path):
    files = [gender_file(tmp_path / f'{name}.npz', seed=seed) for seed, name in enumerate('abc')]
    tables = {'gender': table(*files[:2])}
    shares = {str(files[0]): 2.5, str(files[2]): 0.5}
    data = DataConfig(tables, unlabelled=(str(files[2]),), shares=shares)
    assert load.load_splits(data, TIGHT).train.shares.tolist() == [2.5, 1.0, 0.5]
    assert load.load_splits(DataConfig(tables), TIGHT).train.shares is None


def test_a_share_of_labels_alone_is_given_to_their_pictures(tmp_path):
    faces = str(gender_file(tmp_path / 'g.npz'))
    rows = rows_file(tmp_path / 'rows.npz', 0)
    tables = {'mood': table(rows, pictures=faces)}
    with pytest.raises(
        DataError, match=r'\[data\.shares\] has .*rows\.npz, .* alone; .*, .*g\.npz'
    ):
        load.load_splits(DataConfig(tables, shares={str(rows): 3.0}), TIGHT)
    found = load.load_splits(DataConfig(tables, shares={faces: 3.0}), TIGHT)
    assert found.train.shares.tolist() == [3.0]


def test_a_picture_that_a_later_part_of_other_data_has_is_left_out(tmp_path):
    images = pictures(9)
    files = [
        write_packed_npz(tmp_path / f'{name}.npz', [images[i] for i in chosen], *given)
        for name, chosen, *given in (
            ('a', (0, 1, 2, 3), (0, 1, 1, 0), (0, 0, 1, 2)),
            ('b', (4, 5, 1, 2), (1, 0, 0, 1), (0, 0, 1, 2)),
            ('c', (3, 6, 1), (0, 1, 0), (0, 0, 2)),
        )
    ]
    tables = {'gender': table(*files[:2])}
    data = DataConfig(tables, unlabelled=(str(files[2]),), shares={str(files[2]): 2.0})
    splits = load.load_splits(data, TIGHT)
    assert splits.train.notes == (
        '1 pictures of val also occur in test of the joined data and are left out',
        '2 pictures of train also occur in val or test of the joined data and are left out',
    )
    assert splits.train.names == ['a.npz[0]', 'b.npz[0]', 'b.npz[1]', 'c.npz[1]']
    assert splits.train.labels['gender'].indices.tolist() == [0, 1, 0, UNLABELLED]
    assert splits.train.shares.tolist() == [1, 1, 1, 2]
    assert (splits.val.names, splits.test.names) == (['b.npz[2]'], ['a.npz[3]', 'b.npz[3]'])


def test_copies_in_folders_that_are_joined_are_in_one_part(tmp_path):
    for folder in ('fa', 'fb/train'):
        for mood in MOODS:
            write_pictures(tmp_path / folder / mood, [f'{i}.png' for i in range(20)])
    shutil.copytree(tmp_path / 'fa', tmp_path / 'fb/test')
    splits = loaded(mood=table(tmp_path / 'fa', tmp_path / 'fb'))
    pixels = {
        part: {picture.tobytes() for picture in getattr(splits, part).pictures}
        for part in ('train', 'val', 'test')
    }
    assert not pixels['train'] & pixels['test']
    assert not pixels['val'] & (pixels['test'] | pixels['train'])
    assert 'of train also occur in val or test of the joined data' in splits.train.notes[-1]


def test_years_may_be_spread_over_bands(tmp_path):
    faces = gender_file(tmp_path / 'a.npz', age=np.array([39, 5, 70]))
    (hard,) = loaded(age=table(faces)).train.labels['age'].targets
    (soft,) = loaded(age=table(faces, spread=0.1)).train.labels['age'].targets
    assert hard.tolist() == [0, 0, 1, 0, 0]
    assert 0.4 < soft[3] < soft[2] < 0.6


def test_votes_are_read_beside_the_csv(tmp_path):
    path = write_fer_csv(tmp_path / 'fer2013.csv')
    votes = str(write_votes_csv(tmp_path / 'votes.csv'))
    splits = loaded(emotion=table(path), emotion_votes=table(path, votes=votes))
    assert splits.test.labels['emotion_votes'].indices.tolist() == [6, 6]
    with pytest.raises(DataError, match=r"g\.npz: FER\+'s votes are read beside fer2013\.csv"):
        loaded(gender=table(gender_file(tmp_path / 'g.npz'), votes=votes))


def test_a_reader_may_be_named(tmp_path):
    path = gender_file(tmp_path / 'g.npz')
    assert len(loaded(gender=table(path, reader='packed')).train) == 1
    with pytest.raises(DataError, match=r"reader must be one of packed, .*, got 'fer'"):
        loaded(gender=table(path, reader='fer'))
    with pytest.raises(DataError, match=r'g\.npz can have one reader, got packed and utkface'):
        loaded(gender=table(path, reader='packed'), age=table(path, reader='utkface'))


def for_heads(path, **heads):
    return load_for_heads(heads, table(path), TIGHT)


def test_a_model_is_given_the_labels_that_fit_its_heads(tmp_path):
    path = gender_file(tmp_path / 'g.npz', age=np.array([8, 35, 70]))
    splits = for_heads(path, mood=MOODS, gender=GENDERS[::-1], age=('60+', '0-9', '10-59'))
    labels = splits.part('all').labels
    assert set(labels) == {'gender', 'age'}
    assert labels['gender'].indices.tolist() == [1, 0, 0]
    assert labels['age'].indices.tolist() == [1, 2, 0]


def test_further_labels_over_the_classes_of_a_head_are_kept(tmp_path):
    votes = np.tile([0, 9, *[0] * 8], (22, 1)).astype(np.int8)
    path = write_fer_npz(tmp_path / 'e.npz', pictures(22), [0] * 22, 20, ferplus_votes=votes)
    classes = ('happy', 'sad', 'angry', 'fear', 'disgust', 'neutral', 'surprise')
    labels = for_heads(path, emotion=classes).test.labels
    assert {name: each.indices.tolist() for name, each in labels.items()} == {
        'emotion': [2, 2],
        'emotion_votes': [0, 0],
    }


def test_labels_of_no_head_are_facts(tmp_path):
    path = gender_file(tmp_path / 'g.npz', age=np.array([8, 35, 70]))
    everyone = for_heads(path, age=('0-9', '10+')).part('all')
    assert set(everyone.labels) == {'age'}
    assert everyone.facts['label'] == (pytest.approx([0, 1, 1]), GENDERS)


def test_data_without_labels_of_any_head_is_refused_with_both_named(tmp_path):
    expected = r'g\.npz has no labels of any head \(mood: happy, sad\); it has labels: woman, man'
    with pytest.raises(DataError, match=expected):
        for_heads(gender_file(tmp_path / 'g.npz'), mood=MOODS)


def test_a_class_that_the_head_lacks_is_refused_by_name(tmp_path):
    write_pictures(tmp_path / 'happy', ['1.png'])
    write_pictures(tmp_path / 'joy', [f'{i}.png' for i in range(20)])
    expected = "mood of the model has no class 'joy'; it has happy, sad"
    with pytest.raises(UnknownClassError, match=expected):
        for_heads(tmp_path, mood=MOODS)


def test_data_in_parts_by_chance_is_divided_alike_whatever_reads_it(tmp_path):
    for name in MOODS:
        write_pictures(tmp_path / name, [f'{i}.png' for i in range(20)])
    learnt = loaded(mood=table(tmp_path))
    evaluated = for_heads(tmp_path, mood=MOODS)
    assert learnt.test.names == evaluated.test.names
    assert learnt.test.names == load.load_faces(str(tmp_path), TIGHT).test.names
