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

import zipfile

import numpy as np
import pytest
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.training.data.classes import UNLABELLED
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.faces import ReadOptions
from rtcnn_perception.training.data.readers.npz import has_labels_alone
from rtcnn_perception.training.data.readers.npz import part_names
from rtcnn_perception.training.data.readers.npz import read_packed
from rtcnn_perception.training.data.readers.npz import read_row_labels
from small_data import GENDERS
from small_data import pack
from small_data import pictures
from small_data import save
from small_data import write_fer_npz
from small_data import write_packed_npz

OPTIONS = ReadOptions(CropGeometry(0.3, 0.1), seed=0)


def packed(path, **changes):
    """Return what is read of a small file."""
    write_packed_npz(path / 'a.npz', pictures(3), [0, 1, 1], [0, 1, 2], **changes)
    return read_packed(path / 'a.npz', OPTIONS)


def test_faces_come_with_parts_boxes_and_labels_without_a_name(tmp_path):
    faces, part = packed(tmp_path)
    assert part.tolist() == ['train', 'val', 'test']
    assert faces.labels[''].classes == GENDERS
    assert faces.labels[''].indices.tolist() == [0, 1, 1]
    assert faces.boxes[0] == pytest.approx([9.6, 4.8, 38.4, 43.2])
    np.testing.assert_array_equal(faces.pictures[1], pictures(3)[1])
    assert faces.names[2] == 'a.npz[2]'


def test_pictures_may_be_jpeg_and_classes_may_have_either_key(tmp_path):
    blob, offset = pack(pictures(3), '.jpg')
    names = np.array(['happy', 'sad'])
    faces, _ = packed(tmp_path, jpeg=blob, offset=offset, label_names=None, class_names=names)
    assert faces.labels[''].classes == ('happy', 'sad')
    assert faces.pictures[0].shape == (48, 48)


def test_a_part_may_be_empty_and_labels_may_be_missing(tmp_path):
    faces, part = packed(tmp_path, split=np.zeros(3, np.uint8), labels=None)
    assert part.tolist() == ['train'] * 3
    assert faces.labels == {}


def test_faces_without_a_box_are_left_out_and_noted(tmp_path):
    boxes = np.float32([[10, 10, 40, 40], [-1] * 4, [np.nan] * 4])
    faces, part = packed(tmp_path, box=boxes)
    assert part.tolist() == ['train', '', '']
    assert faces.notes == ('a.npz: 2 pictures without a box are left out',)


def test_without_boxes_pictures_are_crops(tmp_path):
    faces, part = packed(tmp_path, box=None)
    assert '' not in part
    crop = OPTIONS.geometry.crop(faces.region(0))
    assert crop.square.as_tuple() == pytest.approx((0, 0, 48, 48))


def test_landmarks_are_read_where_the_file_has_them(tmp_path):
    assert packed(tmp_path)[0].landmarks is None
    points = np.arange(30, dtype=np.float64).reshape(3, 5, 2)
    np.testing.assert_array_equal(
        packed(tmp_path, landmarks=points)[0].region(1).landmarks, points[1]
    )


def test_arrays_with_names_are_facts_and_so_is_age(tmp_path):
    faces, _ = packed(
        tmp_path,
        source=np.array([1, 0, -1]),
        source_names=np.array(['street', 'studio']),
        age=np.array([31, 8, -1]),
        race=np.array([0, 4, -1]),
        race7=np.array([6, 0, 2]),
        race7_names=np.array(list('abcdefg')),
        row=np.array([7, 8, 9]),
    )
    assert set(faces.facts) == {'source', 'age', 'race', 'race7'}
    assert faces.facts['source'].names == ('street', 'studio')
    assert faces.facts['age'] == (pytest.approx([31, 8, -1]), ())
    assert faces.facts['race'].names[4] == 'other'


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'split': None}, 'a.npz lacks split; it has box, jpeg'),
        ({'jpeg': None}, r'lacks pictures: expected png or jpeg, \(bytes,\) uint8'),
        ({'jpeg': np.zeros(10**6, np.uint8)}, 'picture 0 of .*a.npz cannot be decoded'),
        ({'offset': np.zeros((2, 2), np.int64)}, r'offset must be .* \(4,\) .* shape \(2, 2\)'),
        ({'offset': np.arange(4)[::-1]}, 'offset must rise from 0 to the .* bytes'),
        ({'offset': np.arange(4) * 10**6}, 'offset must rise .*, got 0 to 3000000'),
        ({'labels': np.full(3, 2, np.uint8)}, 'face 0 has the label 2, expected -1 to 1'),
        ({'labels': np.zeros((3, 1), int)}, r'labels must be .*, got int64 of .*\(3, 1\)'),
        ({'labels': np.full(3, 0.5)}, 'labels must be whole numbers .*, got float64'),
        ({'labels': np.array(['man'] * 3)}, 'labels must be whole numbers .*, got <U3'),
        ({'label_names': None}, 'class_names or label_names must be two or more different names'),
        ({'label_names': np.array(['a', 'a'])}, r"different names, got \('a', 'a'\)"),
        ({'split': np.array([0, 1, 3])}, 'face 2 has the split 3, expected 0 to 2'),
        ({'split': np.array([0, -1, 0])}, 'face 1 has the split -1, expected 0 to 2'),
        ({'split': np.zeros(2, np.uint8)}, r'split must be .* shape \(3,\) .*\(2,\)'),
        (
            {'split_names': np.array(['train', 'dev'])},
            'the split_names train, dev; expected train',
        ),
        ({'box': np.zeros((3, 3))}, r'box must be numbers .*\(3, 4\).*\(3, 3\)'),
        ({'landmarks': np.zeros((4, 5, 2))}, r'landmarks must .*\(3, 5, 2\).*\(4, 5, 2\)'),
        ({'age': np.zeros(4, int)}, r'age must be whole numbers .*\(3,\).*\(4,\)'),
        ({'box': np.full((3, 4), [0.1, 0.1, 0.8, 0.8])}, 'expected pixels, and no shares'),
        (
            {'box': np.full((3, 4), [100.0, 100, 200, 200])},
            'picture 0 is 48x48 pixels, the box .* is not in it; expected x0, y0',
        ),
        ({'box': np.full((3, 4), [0, 0, 1e6, 1e6])}, 'picture 0 is 48x48 pixels, the box'),
        ({'landmarks': np.full((3, 5, 2), 1e6)}, 'picture 0 has landmarks .* far from their box'),
        ({'race': np.full(3, 9)}, 'face 0 has the race 9, expected -1 to 4'),
        (
            {'tone': np.zeros(4, int), 'tone_names': np.array(['light', 'dark'])},
            r'tone must be whole numbers .*\(3,\).*\(4,\)',
        ),
    ],
)
def test_a_damaged_file_is_refused_by_name(tmp_path, changes, message):
    with pytest.raises(DataError, match=message):
        packed(tmp_path, **changes)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(DataError, match=r'there is no data file .*nothing\.npz'):
        read_packed(tmp_path / 'nothing.npz', OPTIONS)


def one_array(path):
    with path.open('wb') as file:
        np.save(file, np.zeros(9))


def cut_off(path):
    write_packed_npz(path, pictures(3), [0, 1, 1], [0, 1, 2])
    path.write_bytes(path.read_bytes()[:-30])


def damaged_inside(path):
    np.savez_compressed(path, png=np.arange(10**5))
    content = bytearray(path.read_bytes())
    content[300:400] = b'\xff' * 100
    path.write_bytes(content)


@pytest.mark.parametrize(
    'write',
    [
        lambda path: path.touch(),
        lambda path: path.write_text('hello'),
        lambda path: path.mkdir(),
        one_array,
        cut_off,
        damaged_inside,
    ],
)
def test_a_file_of_another_kind_and_a_damaged_one_are_refused(tmp_path, write):
    write(tmp_path / 'a.npz')
    with pytest.raises(DataError, match=r'a\.npz is no readable \.npz file'):
        read_packed(tmp_path / 'a.npz', OPTIONS)


def test_the_parts_of_a_file_are_named_without_reading_it_all(tmp_path):
    path = write_fer_npz(tmp_path / 'a.npz', pictures(22), [0] * 22, 20)
    assert part_names(path) == ('Training', 'PublicTest', 'PrivateTest')
    assert part_names(save(tmp_path / 'b.npz', {'a': np.zeros(1)})) == ()


@pytest.mark.parametrize('read', [part_names, lambda path: read_packed(path, OPTIONS)])
def test_a_member_that_is_no_array_is_refused_by_name(tmp_path, read):
    path = write_packed_npz(tmp_path / 'a.npz', pictures(3), [0, 1, 1], [0, 1, 2])
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    members['split_names.npy'] = b'train'
    with zipfile.ZipFile(path, 'w') as file:
        for name, content in members.items():
            file.writestr(name, content)
    with pytest.raises(DataError, match=r'a\.npz: split_names is no array'):
        read(path)


def row_labels(path, **changes):
    arrays = {
        'labels': np.array([1, 0]),
        'class_names': np.array(['happy', 'sad']),
        'gender_index': np.array([4, 2]),
        **changes,
    }
    return save(path / 'rows.npz', arrays)


def test_labels_for_rows_of_another_file_are_unknown_elsewhere(tmp_path):
    path = row_labels(tmp_path)
    assert has_labels_alone(path)
    labels = read_row_labels(path, 5)
    assert labels.classes == ('happy', 'sad')
    assert labels.indices.tolist() == [UNLABELLED, UNLABELLED, 0, UNLABELLED, 1]


def test_a_file_with_pictures_has_more_than_labels(tmp_path):
    path = write_packed_npz(tmp_path / 'a.npz', pictures(1), [0], [0], row_index=np.array([3]))
    assert not has_labels_alone(path)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'gender_index': np.array([4, 9])}, 'face 1 has the gender_index 9, expected 0 to 4'),
        ({'gender_index': np.array([4])}, r'gender_index must be .*\(2,\).*\(1,\)'),
        ({'gender_index': np.array([4, 4])}, 'row 4 stands there more than once, with different'),
        ({'labels': None}, 'lacks labels'),
    ],
)
def test_wrong_rows_are_refused(tmp_path, changes, message):
    with pytest.raises(DataError, match=message):
        read_row_labels(row_labels(tmp_path, **changes), 5)
