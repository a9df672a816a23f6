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
from rtcnn_perception.training.data.classes import UnknownClassError
from rtcnn_perception.training.data.classes import UNLABELLED
from rtcnn_perception.training.data.faces import boxes_of_crops
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.data.faces import Fact
from rtcnn_perception.training.data.faces import join
from rtcnn_perception.training.data.faces import Labels
from rtcnn_perception.training.data.faces import Splits
from small_data import pictures

MOODS = ('happy', 'sad')
POINTS = np.float32([[22, 25], [38, 25], [30, 32], [24, 40], [36, 40]])


def face_set(count, *, seed=0, **values):
    """Return faces without labels."""
    return FaceSet(
        pictures=pictures(count, seed),
        boxes=np.tile([15.0, 15.0, 45.0, 45.0], (count, 1)),
        names=[f'{seed}-{index}' for index in range(count)],
        **values,
    )


def moods(*indices, classes=MOODS):
    return {'mood': Labels.of(classes, np.array(indices))}


def test_an_unlabelled_face_has_no_target():
    labels = Labels.of(MOODS, np.array([1, UNLABELLED]))
    assert labels.targets.tolist() == [[0, 1], [0, 0]]
    assert labels.is_known.tolist() == [True, False]


def test_a_target_without_a_label_is_known():
    labels = Labels(MOODS, np.array([UNLABELLED]), np.float32([[0.5, 0.5]]))
    assert labels.is_known.tolist() == [True]


def test_labels_take_other_classes_by_name():
    labels = Labels.of(MOODS, np.array([1, UNLABELLED, 0])).with_classes(
        ('sad', 'angry', 'happy'), 'x'
    )
    assert labels.indices.tolist() == [0, UNLABELLED, 2]
    assert labels.targets.tolist() == [[1, 0, 0], [0, 0, 0], [0, 0, 1]]


def test_labels_without_a_class_that_they_need_are_refused():
    with pytest.raises(UnknownClassError, match="mood has no class 'sad'; it has happy, angry"):
        face_set(1, labels=moods(1)).with_classes({'mood': ('happy', 'angry')})


def test_no_faces_may_be_taken():
    none = face_set(2, labels=moods(0, 1)).take(np.array([], np.int64))
    assert len(none) == 0
    assert none.boxes.shape == (0, 4)


def test_the_chosen_faces_keep_all_that_belongs_to_them():
    age = Fact(np.array([30, 40, 50]))
    points = np.stack([POINTS, POINTS + 1, POINTS + 2])
    faces = face_set(3, labels=moods(0, 1, 0), facts={'age': age}, landmarks=points)
    chosen = faces.take(np.array([False, True, True]))
    assert chosen.names == ['0-1', '0-2']
    assert chosen.labels['mood'].indices.tolist() == [1, 0]
    assert chosen.facts['age'].values.tolist() == [40, 50]
    np.testing.assert_array_equal(chosen.region(0).landmarks, POINTS + 1)


def test_a_face_without_landmarks_may_stand_beside_one_with_them():
    points = np.stack([np.full((5, 2), np.nan, np.float32), POINTS])
    both = join(face_set(2), face_set(2, seed=1, landmarks=points))
    assert [both.region(i).landmarks is None for i in range(4)] == [True, True, True, False]


def test_an_attribute_that_one_set_lacks_is_unknown_there():
    first = face_set(1, labels=moods(1), notes=('a',))
    second = face_set(2, seed=1, labels={'age': Labels.of(('0-9', '10+'), np.array([0, 1]))})
    both = join(first, second)
    assert both.labels['mood'].indices.tolist() == [1, UNLABELLED, UNLABELLED]
    assert both.labels['age'].indices.tolist() == [UNLABELLED, 0, 1]
    assert both.notes == ('a',)


def test_sets_with_the_classes_in_another_order_are_joined_by_name():
    other = face_set(2, seed=1, labels=moods(0, 1, classes=('sad', 'happy')))
    both = join(face_set(1, labels=moods(0)), other)
    assert both.labels['mood'].classes == MOODS
    assert both.labels['mood'].indices.tolist() == [0, 1, 0]


def test_a_set_with_a_class_that_the_first_lacks_is_refused():
    other = face_set(1, seed=1, labels=moods(1, classes=('happy', 'calm')))
    with pytest.raises(UnknownClassError, match="mood of the data before it has no class 'calm'"):
        join(face_set(1, labels=moods(0)), other)


def test_facts_with_other_names_are_joined_by_name():
    first = face_set(1, facts={'source': Fact(np.array([0]), ('a', 'b'))})
    second = face_set(2, seed=1, facts={'source': Fact(np.array([0, -1]), ('c',))})
    both = join(first, second, face_set(1, seed=2)).facts['source']
    assert both == (pytest.approx([0, 2, -1, -1]), ('a', 'b', 'c'))


def test_facts_that_are_names_here_and_numbers_there_are_refused():
    first = face_set(1, facts={'age': Fact(np.array([0]), ('young',))})
    with pytest.raises(DataError, match='age must be numbers in all data sets or names in all'):
        join(first, face_set(1, seed=1, facts={'age': Fact(np.array([30]))}))


def test_groups_are_those_of_attributes_and_facts_with_numbers_by_bands():
    facts = {'source': Fact(np.array([0]), ('a',)), 'age': Fact(np.array([35]))}
    faces = face_set(1, labels=moods(1), facts=facts)
    groups = [faces.groups(name) for name in ('mood', 'source', 'age')]
    assert [group.names[group.values[0]] for group in groups] == ['sad', 'a', '20-39']
    with pytest.raises(DataError, match='nothing is known of race; expected one of mood, source'):
        faces.groups('race')


def splits(*parts):
    return Splits.of(face_set(len(parts), notes=('note',)), np.array(parts))


def test_faces_are_divided_by_the_name_of_their_part():
    divided = splits('val', 'train', '', 'train')
    assert [len(divided.part(name)) for name in ('train', 'val', 'all')] == [2, 1, 3]
    assert (divided.train.notes, divided.val.notes) == (('note',), ())


def test_an_empty_part_is_refused_with_the_others_named():
    with pytest.raises(DataError, match='has no part test; it has train, val'):
        splits('val', 'train').part('test')
    with pytest.raises(DataError, match='has no part all; it has none'):
        splits('', '').part('all')


@pytest.mark.parametrize('geometry', [CropGeometry(0.0), CropGeometry(0.3, 0.1)])
def test_the_box_of_a_crop_is_such_that_the_crop_is_the_picture(geometry):
    faces = FaceSet(pictures(1), boxes_of_crops(pictures(1), geometry), ['a'])
    assert geometry.crop(faces.region(0)).square.as_tuple() == pytest.approx((0, 0, 48, 48))


def test_no_crops_have_no_boxes():
    assert boxes_of_crops([], CropGeometry(0.0)).shape == (0, 4)
