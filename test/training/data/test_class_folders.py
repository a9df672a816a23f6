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

from pathlib import Path
import re

import cv2
import numpy as np
import pytest
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.faces import ReadOptions
from rtcnn_perception.training.data.faces import Splits
from rtcnn_perception.training.data.readers.folders import read_class_folders
from rtcnn_perception.training.data.readers.folders import read_utkface
from small_data import pictures
from small_data import write_pictures
from source_files import write_gif

OPTIONS = ReadOptions(CropGeometry(0.0), seed=0)
PARTS = ('train', 'val', 'test')


def classes_in(path, seed=0):
    return Splits.of(*read_class_folders(path, OPTIONS._replace(seed=seed)))


def sizes(splits):
    return [len(getattr(splits, part)) for part in PARTS]


def write_classes(folder, **counts):
    for name, count in counts.items():
        write_pictures(folder / name, [f'{i}.png' for i in range(count)])


def test_folders_are_classes_and_parts_are_held_out(tmp_path):
    write_classes(tmp_path, happy=15, sad=15)
    splits = classes_in(tmp_path)
    assert sum(sizes(splits)) == 30
    assert 20 < len(splits.train) < 29
    labels = splits.part('all').labels['']
    assert labels.classes == ('happy', 'sad')
    assert np.bincount(labels.indices).tolist() == [15, 15]


def parts_by_name(splits):
    return {name: part for part in PARTS for name in getattr(splits, part).names}


def test_a_picture_stays_in_its_part_when_others_are_added(tmp_path):
    write_classes(tmp_path, happy=40, sad=40)
    before = parts_by_name(classes_in(tmp_path))
    write_pictures(tmp_path / 'angry', ['first.png', 'second.png'])
    after = parts_by_name(classes_in(tmp_path))
    assert len(after) == 82
    assert {name: after[name] for name in before} == before


def test_few_pictures_are_in_every_part_and_none_leaves_train_when_others_are_added(tmp_path):
    write_classes(tmp_path, happy=2, sad=1)
    learnt = set(classes_in(tmp_path).train.names)
    assert len(learnt) == 1
    for count in range(2, 20):
        write_classes(tmp_path, happy=count)
        splits = classes_in(tmp_path)
        assert all(sizes(splits))
        assert learnt <= set(splits.train.names)
        learnt = set(splits.train.names)


def test_folders_named_as_parts_are_these(tmp_path):
    for part, count in (('train', 3), ('val', 2), ('test', 1)):
        write_classes(tmp_path / part, woman=count, man=1)
    assert sizes(classes_in(tmp_path)) == [4, 3, 2]


def test_a_class_may_be_missing_in_a_part(tmp_path):
    write_classes(tmp_path / 'train', happy=20)
    write_classes(tmp_path / 'test', sad=3)
    first, again, other = (classes_in(tmp_path, seed) for seed in (1, 1, 2))
    assert len(first.train) + len(first.val) == 20
    assert set(first.test.labels[''].indices.tolist()) == {1}
    assert first.val.names == again.val.names != other.val.names
    note = f'{tmp_path}/train has no folder for sad: nothing of that is learnt'
    assert first.train.notes == (note,)


def test_without_a_test_folder_test_is_held_out_of_train(tmp_path):
    write_classes(tmp_path / 'train', happy=20)
    write_classes(tmp_path / 'val', sad=3)
    splits = classes_in(tmp_path)
    assert len(splits.val) == 3
    assert 0 < len(splits.test) < 7


@pytest.mark.parametrize('parts', [('train', 'val', 'test'), ('train', 'test')])
def test_a_picture_in_two_parts_stays_in_the_later_one(tmp_path, parts):
    for part in parts:
        write_classes(tmp_path / part, happy=20, sad=1)
    for name in ('0.png', '1.png'):
        copied = (tmp_path / 'train/happy' / name).read_bytes()
        (tmp_path / 'test/happy' / f'copy{name}').write_bytes(copied)
    splits = classes_in(tmp_path)
    assert splits.train.notes == (
        '2 pictures of train also occur in val or test and are left out',
    )
    assert len(splits.test) == 23
    assert len(splits.train) + len(splits.val) == 19 + 21 * ('val' in parts)
    train, val, test = (
        {picture.tobytes() for picture in splits.part(name).pictures} for name in PARTS
    )
    assert not train & val
    assert not (train | val) & test


def test_parts_of_the_same_pictures_are_refused(tmp_path):
    for part in PARTS:
        write_classes(tmp_path / part, happy=2, sad=1)
        for file in (tmp_path / 'train').rglob('*.png'):
            (tmp_path / part / file.relative_to(tmp_path / 'train')).write_bytes(file.read_bytes())
    with pytest.raises(DataError, match='too few pictures: there is none for the part train'):
        classes_in(tmp_path)


@pytest.mark.parametrize('parts', [('test',), ('val', 'test'), ('train', 'test', 'validation')])
def test_parts_that_are_not_known_or_lack_train_are_refused(tmp_path, parts):
    for part in parts:
        write_classes(tmp_path / part, happy=1, sad=1)
    expected = ', '.join(sorted(parts))
    with pytest.raises(DataError, match=f'has the folders {expected}; expected train, and maybe'):
        classes_in(tmp_path)


def test_what_is_no_picture_is_left_out_and_noted(tmp_path):
    write_classes(tmp_path, happy=15, sad=15)
    (tmp_path / 'happy/Thumbs.db').touch()
    (tmp_path / 'sad/.hidden.png').touch()
    assert classes_in(tmp_path).train.notes == ('1 files are no pictures and left out: Thumbs.db',)


@pytest.mark.parametrize(
    ('counts', 'message'),
    [
        ({}, 'has the folders none; expected one for each class'),
        ({'happy': 3}, 'has the folders happy; expected one for each class'),
        ({'happy': 1, 'sad': 1}, 'too few pictures: there is none for the part train'),
        ({'happy': 1, 'sad': 0}, r'sad has no pictures \(.*jpg'),
    ],
)
def test_too_few_pictures_or_classes_are_refused(tmp_path, counts, message):
    write_classes(tmp_path, **counts)
    with pytest.raises(DataError, match=message):
        classes_in(tmp_path)


def test_damaged_pictures_are_refused_by_name_or_left_out_by_choice(tmp_path):
    write_classes(tmp_path, happy=15, sad=15)
    (tmp_path / 'happy/x.png').write_bytes(b'no picture')
    (tmp_path / 'sad/y.heic').write_bytes(b'no picture')
    expected = f'{tmp_path} has 2 files that are not complete pictures: happy/x.png, sad/y.heic'
    with pytest.raises(DataError, match=f'{expected}; mend or remove them'):
        classes_in(tmp_path)
    options = OPTIONS._replace(leave_out_faulty=True)
    splits = Splits.of(*read_class_folders(tmp_path, options))
    assert splits.train.notes == (f'{expected}; they are left out',)
    assert np.bincount(splits.part('all').labels[''].indices).tolist() == [15, 15]


def test_every_kind_of_picture_that_can_be_decoded_is_read(tmp_path):
    write_classes(tmp_path, happy=15, sad=15)
    (tmp_path / 'happy/0.png').rename(tmp_path / 'happy/0.jfif')
    write_gif(tmp_path / 'sad/film.gif', (2, 1))
    splits = classes_in(tmp_path)
    assert splits.train.notes == ()
    assert np.bincount(splits.part('all').labels[''].indices).tolist() == [15, 16]


def test_hidden_folders_and_files_are_passed_over_at_every_level(tmp_path):
    for part in PARTS:
        write_classes(tmp_path / part, happy=3, sad=3)
        for place in (tmp_path, tmp_path / part, tmp_path / part / 'sad'):
            write_classes(place, **{'.ipynb_checkpoints': 1})
            (place / '.hidden.png').write_bytes(b'no picture')
    splits = classes_in(tmp_path)
    assert splits.part('all').labels[''].classes == ('happy', 'sad')
    assert splits.train.notes == ()


def test_a_folder_with_the_name_of_a_picture_is_refused(tmp_path):
    write_classes(tmp_path, happy=1, sad=1)
    (tmp_path / 'happy/x.jpg').mkdir()
    with pytest.raises(DataError, match=r'1 files that are not complete pictures: happy/x\.jpg'):
        classes_in(tmp_path)


def utkface_in(path):
    return Splits.of(*read_utkface(path, OPTIONS))


def test_utkface_names_give_gender_age_and_race(tmp_path):
    write_pictures(tmp_path, [f'{20 + i}_{i % 2}_{i % 5}_2017.jpg.chip.jpg' for i in range(30)])
    splits = utkface_in(tmp_path)
    assert all(sizes(splits))
    faces = splits.part('all')
    labels, ages = faces.labels['gender'], faces.facts['age'].values
    assert [labels.classes[index] for index in labels.indices] == [
        'woman' if age % 2 else 'man' for age in ages
    ]
    assert faces.facts['race'].values.tolist() == [(age - 20) % 5 for age in ages]


def test_files_with_other_names_than_utkface_gives_are_named(tmp_path):
    write_pictures(tmp_path, ['20_3_0_2017.jpg', '20_1_0_2017.jpg', 'me.jpg'])
    expected = r'2 files that are not named as UTKFace does, .*: 20_3_0_2017\.jpg, me\.jpg; mend'
    with pytest.raises(DataError, match=expected):
        utkface_in(tmp_path)


def test_files_that_utkface_does_not_name_so_are_left_out_by_choice(tmp_path):
    names = [f'{20 + i}_{i % 2}_{i % 5}_2017.jpg' for i in range(30)]
    write_pictures(tmp_path, [*names, '61_1_2017.jpg', '53__0_2017.jpg'])
    (tmp_path / '.ipynb_checkpoints').mkdir()
    splits = Splits.of(*read_utkface(tmp_path, OPTIONS._replace(leave_out_faulty=True)))
    assert sorted(Path(name).name for name in splits.part('all').names) == sorted(names)
    assert splits.train.notes[0].endswith(': 53__0_2017.jpg, 61_1_2017.jpg; they are left out')


def test_at_most_five_files_are_named_and_the_others_counted(tmp_path):
    names = [f'{20 + i}_{i % 2}_{i % 5}_2017.jpg' for i in range(30)]
    write_pictures(tmp_path, [*names, *(f'me{i}.jpg' for i in range(9))])
    (tmp_path / '1_0_0_1.jpg').write_bytes(b'')
    expected = r': me0\.jpg, me1\.jpg, me2\.jpg, me3\.jpg, me4\.jpg and 4 more; '
    with pytest.raises(DataError, match=f'9 files that are not named as .*{expected}mend'):
        utkface_in(tmp_path)
    splits = Splits.of(*read_utkface(tmp_path, OPTIONS._replace(leave_out_faulty=True)))
    assert re.search(expected, splits.train.notes[0])
    assert splits.train.notes[1].endswith('not complete pictures: 1_0_0_1.jpg; they are left out')
    assert len(splits.part('all')) == 30


def test_a_folder_that_cannot_be_listed_is_refused(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), pictures(1)[0])
    with pytest.raises(DataError, match=r'cannot list the folder .*a\.png: Not a directory'):
        classes_in(tmp_path / 'a.png')
