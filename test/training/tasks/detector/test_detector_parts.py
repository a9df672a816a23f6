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

"""What a detector learns from is not what it is measured on, and faults are reported at once."""

from __future__ import annotations

from dataclasses import replace

import cv2
from drawn_faces import write_photographs
import numpy as np
import pytest
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.photographs import read_photographs
from rtcnn_perception.training.tasks.detector.parts import check_pictures
from rtcnn_perception.training.tasks.detector.parts import configured_photographs
from rtcnn_perception.training.tasks.detector.parts import without_copies
from small_detector import small

COUNTS = {'train': [1, 2, 0], 'val': [1, 1], 'test': [2, 1]}


@pytest.fixture
def folder(tmp_path):
    return write_photographs(tmp_path / 'a', COUNTS)


def parts_of(photographs):
    return [each.split for each in photographs]


def test_only_the_test_part_of_the_folder_is_measured_on(folder):
    photographs, test, note = configured_photographs(
        small(photographs=(str(folder),), test=str(folder))
    )
    assert parts_of(test) == ['test', 'test']
    assert parts_of(photographs) == [*['train'] * 3, *['val'] * 2, *['test'] * 2]
    assert note == ''


def test_a_folder_to_measure_on_without_a_test_part_is_refused(tmp_path):
    folder = write_photographs(tmp_path / 'b', {'train': [1], 'val': [1]})
    with pytest.raises(DataError, match='b has no photograph of the part test'):
        configured_photographs(small(photographs=(str(folder),), test=str(folder)))


def test_a_photograph_is_in_the_last_of_the_parts_that_have_it(folder):
    photographs = read_photographs(folder)
    train, val = photographs[0], photographs[3]
    copies = [replace(val, split='train'), replace(train, split='test')]
    left, note = without_copies([*photographs, *copies[:1]], copies[1:])
    assert [each for each in left if each.split == 'train'] == photographs[1:3]
    assert parts_of(left).count('val') == 2
    assert note == 'photographs left out, as a later part has them too: 2'


def test_faulty_photographs_of_all_parts_are_reported_at_once(folder):
    photographs = read_photographs(folder)
    check_pictures(photographs)
    first, *_, last = photographs
    first.path.write_bytes(first.path.read_bytes()[:200])
    cv2.imwrite(str(last.path), np.zeros((8, 9, 3), np.uint8))
    with pytest.raises(DataError, match=r'^2 photographs are faulty: .*0\.png.*; .*has 9x8$'):
        check_pictures(photographs)


def test_many_faulty_photographs_are_named_in_part(folder):
    photographs = read_photographs(folder)
    for each in photographs:
        each.path.write_bytes(b'')
    with pytest.raises(
        DataError, match=r'^7 photographs are faulty: .*4\.png[^;]*;[^;]*; and 2 more$'
    ):
        check_pictures(photographs)


def test_missing_photographs_are_reported_at_once_too(folder):
    for number in (0, 2, 6):
        (folder / f'images/{number}.png').unlink()
    config = small(photographs=(str(folder),), test=str(folder))
    with pytest.raises(DataError, match=r'^4 photographs are faulty: .*0\.png.*2\.png.*6\.png'):
        configured_photographs(config)
