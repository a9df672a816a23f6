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
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.training.data.classes import UNLABELLED
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.faces import ReadOptions
from rtcnn_perception.training.data.faces import Splits
from rtcnn_perception.training.data.readers.fer import FER_CLASSES
from rtcnn_perception.training.data.readers.fer import FERPLUS_COLUMNS
from rtcnn_perception.training.data.readers.fer import read_fer_csv
from rtcnn_perception.training.data.readers.fer import read_fer_npz
from rtcnn_perception.training.data.readers.fer import votes_to_labels
from small_data import csv_row
from small_data import pictures
from small_data import write_csv
from small_data import write_fer_csv
from small_data import write_fer_npz
from small_data import write_votes_csv

OPTIONS = ReadOptions(CropGeometry(0.0), seed=0)


def read(path, images, labels, training, /, *, seed=0, **changes):
    """Return a file with these pictures in its parts."""
    write_fer_npz(path / 'a.npz', images, labels, training, **changes)
    return Splits.of(*read_fer_npz(path / 'a.npz', OPTIONS._replace(seed=seed)))


def fingerprints(faces):
    return {picture.tobytes() for picture in faces.pictures}


def test_no_picture_is_on_both_sides_of_the_held_out_part(tmp_path):
    images = pictures(20)
    images += images[:10]  # further copies within Training
    images += pictures(5, seed=1)
    splits = read(tmp_path, images, [i % 7 for i in range(35)], 30)
    train, val, test = map(fingerprints, (splits.train, splits.val, splits.test))
    assert not train & val
    assert not train & test
    assert len(splits.train) + len(splits.val) == 20
    assert '10 further copies within Training are merged' in splits.train.notes


def test_a_picture_of_the_test_part_is_never_trained_on(tmp_path):
    images = pictures(21)
    images.append(images[3].copy())
    splits = read(tmp_path, images, [0] * 22, 21)
    assert images[3].tobytes() not in fingerprints(splits.train) | fingerprints(splits.val)
    assert len(splits.test) == 1


def test_copies_with_different_labels_share_their_target(tmp_path):
    images = pictures(20)
    images += [images[0].copy(), *pictures(1, seed=1)]
    splits = read(tmp_path, images, [0] * 20 + [3, 1], 21)
    everyone = splits.part('all')
    copied = [i for i, each in enumerate(everyone.pictures) if np.array_equal(each, images[0])]
    targets = everyone.labels['emotion'].targets[copied]
    assert targets.tolist() == [[0.5, 0, 0, 0.5, 0, 0, 0]]


def test_a_blank_picture_is_left_out(tmp_path):
    images = [*pictures(20), np.zeros((48, 48), np.uint8), *pictures(1, seed=1)]
    notes = read(tmp_path, images, [0] * 22, 21).train.notes
    assert '1 blank pictures of Training are left out' in notes


def test_the_same_seed_holds_the_same_faces_out(tmp_path):
    first, again, other = (
        read(tmp_path, pictures(40), [0] * 40, 39, seed=seed).val.names for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def votes_for(**counts):
    return [counts.get(name, 0) for name in FERPLUS_COLUMNS]


def test_no_votes_are_no_labels():
    labels = votes_to_labels(np.full((1, 10), -1))
    assert labels.indices.tolist() == [UNLABELLED]
    assert labels.targets.tolist() == [[0] * 7]


def test_votes_become_distributions_over_the_seven_classes():
    votes = [votes_for(contempt=5, unknown=5), votes_for(neutral=2, happiness=6, contempt=2)]
    assert votes_to_labels(np.array(votes)).targets.tolist() == [
        [0] * 7,
        [0, 0, 0, 0.75, 0, 0, 0.25],
    ]


def test_there_is_no_majority_where_contempt_has_as_many_votes():
    votes = [votes_for(neutral=5, contempt=5), votes_for(anger=6, contempt=4)]
    labels = votes_to_labels(np.array(votes))
    assert labels.indices.tolist() == [UNLABELLED, 0]
    assert labels.classes == FER_CLASSES


def test_votes_are_an_attribute_of_their_own(tmp_path):
    votes = np.tile(votes_for(sadness=9, fear=1), (22, 1)).astype(np.int8)
    test = read(tmp_path, pictures(22), [3] * 22, 20, ferplus_votes=votes).test
    assert {name: each.indices.tolist() for name, each in test.labels.items()} == {
        'emotion': [3, 3],
        'emotion_votes': [4, 4],
    }
    assert test.labels['emotion_votes'].targets[0] == pytest.approx([0, 0, 0.1, 0, 0.9, 0, 0])


@pytest.mark.parametrize('changes', [{}, {'ferplus_votes': None}])
def test_without_votes_there_is_one_attribute(tmp_path, changes):
    assert set(read(tmp_path, pictures(22), [0] * 22, 20, **changes).train.labels) == {'emotion'}


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'split': np.zeros(22, np.uint8)}, 'the split PublicTest is empty'),
        ({'split': np.ones(22, np.uint8)}, 'the split Training is empty'),
        ({'labels': np.full(22, 7, np.uint8)}, 'face 0 has the label 7, expected -1 to 6'),
        ({'labels': None}, 'lacks labels'),
        ({'ferplus_votes': np.ones((22, 3), np.int8)}, r'ferplus_votes .*\(22, 10\).*\(22, 3\)'),
        ({'ferplus_columns': np.array(FERPLUS_COLUMNS[::-1])}, r"the ferplus_columns \('NF', .*"),
        ({'split_names': np.array(['Training', 'x', 'y'])}, 'expected Training, PublicTest'),
    ],
)
def test_a_damaged_file_is_refused_by_name(tmp_path, changes, message):
    with pytest.raises(DataError, match=message):
        read(tmp_path, pictures(22), [0] * 22, 20, **changes)


def test_a_file_that_names_the_columns_of_its_votes_is_read(tmp_path):
    columns = np.array(FERPLUS_COLUMNS)
    assert len(read(tmp_path, pictures(22), [0] * 22, 20, ferplus_columns=columns).test) == 2


def test_too_few_pictures_to_hold_some_out_are_refused(tmp_path):
    with pytest.raises(DataError, match='too few Training pictures to hold a part out'):
        read(tmp_path, pictures(3), [0] * 3, 2)


def read_csv(path, votes=None):
    return Splits.of(*read_fer_csv(path, OPTIONS._replace(votes=votes)))


def test_the_original_csv_is_read_with_its_votes(tmp_path):
    path = write_fer_csv(tmp_path / 'fer2013.csv')
    splits = read_csv(path, write_votes_csv(tmp_path / 'fer2013new.csv'))
    assert len(splits.train) + len(splits.val) == 20
    assert splits.test.labels['emotion'].indices.tolist() == [3, 3]
    assert splits.test.labels['emotion_votes'].indices.tolist() == [6, 6]
    np.testing.assert_array_equal(splits.test.pictures[0], pictures(22)[20])


def test_the_original_csv_needs_no_votes(tmp_path):
    assert set(read_csv(write_fer_csv(tmp_path / 'fer2013.csv')).train.labels) == {'emotion'}


def test_a_csv_from_a_spreadsheet_is_read(tmp_path):
    text = write_fer_csv(tmp_path / 'a.csv').read_text().replace('\n', ' \n')
    (tmp_path / 'a.csv').write_text(f'\ufeff{text}')
    assert len(read_csv(tmp_path / 'a.csv').test) == 2


FACE = pictures(1)[0]


@pytest.mark.parametrize(
    ('rows', 'header', 'message'),
    [
        ([], 'emotion,pixels,Usage', 'has no rows'),
        (['1,2,3'], 'emotion,pixels,usage', r'lacks the column Usage; it has emotion, pixels'),
        (['1,0 0 0,Training'], None, 'row 1 of .* picture of 3 pixels, expected'),
        ([csv_row(FACE, 'happy')], None, 'must be a whole number'),
        ([csv_row(FACE, 2**64)], None, 'must be a whole number'),
        ([csv_row(FACE, 9)], None, 'row 1 of .* has the label 9, expected 0 to 6'),
        (['1,' + '256 ' * 2304 + ',Training'], None, 'outside 0 to 255'),
        (['1,' + 'x ' * 2304 + ',Training'], None, 'a pixel that is no number'),
        (['1,' + f'{2**64} ' * 2304 + ',Training'], None, 'row 1 of .* a pixel'),
        (
            [csv_row(FACE), csv_row(FACE, usage='Trainning')],
            None,
            "row 2 of .* has the usage 'Trainning', expected one of Training, PublicTest",
        ),
        ([csv_row(FACE, usage='').removesuffix(',')], None, "row 1 of .* has the usage ''"),
    ],
)
def test_a_wrong_row_is_refused_by_its_number(tmp_path, rows, header, message):
    path = write_csv(tmp_path / 'fer2013.csv', rows, header or 'emotion,pixels,Usage')
    with pytest.raises(DataError, match=message):
        read_csv(path)


def test_a_missing_csv_is_refused(tmp_path):
    with pytest.raises(DataError, match=r'there is no data file .*a\.csv'):
        read_csv(tmp_path / 'a.csv')


def test_votes_for_other_pictures_are_refused(tmp_path):
    votes = write_votes_csv(tmp_path / 'fer2013new.csv', 3)
    with pytest.raises(DataError, match='3 rows of votes for 22 pictures'):
        read_csv(write_fer_csv(tmp_path / 'fer2013.csv'), votes)
