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
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.data.faces import Fact
from rtcnn_perception.training.data.faces import Labels
from rtcnn_perception.training.tasks.attributes.groups import group_figures
from rtcnn_perception.training.tasks.attributes.groups import LEAST_FACES
from rtcnn_perception.training.tasks.attributes.metrics import figures_of

MOODS = ('happy', 'sad')
HALF = 40


def face_set(moods, **facts):
    count = len(moods)
    return FaceSet(
        pictures=[np.zeros((2, 2), np.uint8)] * count,
        boxes=np.zeros((count, 4)),
        names=['a'] * count,
        labels={'mood': Labels.of(MOODS, np.array(moods, int))},
        facts={name: Fact(np.array(values), names) for name, (values, names) in facts.items()},
    )


def all_happy(count, probability=0.95):
    return np.tile(np.float32([probability, 1 - probability]), (count, 1))


def groups_of(faces, **options):
    return group_figures(all_happy(len(faces)), 'mood', faces, **options)


def test_faces_of_which_nothing_differs_make_no_groups():
    assert groups_of(face_set([0] * 20)) == {}
    assert groups_of(face_set([0] * 20, source=([0] * 20, ('a',)))) == {}


def test_no_faces_make_no_groups():
    assert groups_of(face_set([])) == {}


def test_groups_have_their_figures_the_worst_first():
    sources = ([0] * HALF + [1] * HALF, ('studio', 'street'))
    moods = [0] * HALF + [0] * (HALF // 2) + [1] * (HALF // 2)
    worst, best = groups_of(face_set(moods, source=sources))['source']
    assert (worst.group, worst.faces, worst.accuracy) == ('street', HALF, 0.5)
    assert worst.surely_wrong == 0.5
    assert worst.calibration_error == pytest.approx(0.45, abs=1e-3)
    assert worst.interval[0] < 0.5 < worst.interval[1]
    assert (best.group, best.accuracy, best.surely_wrong) == ('studio', 1.0, 0.0)


def test_the_classes_are_groups_too():
    groups = groups_of(face_set([0] * HALF + [1] * HALF))['mood']
    assert [(each.group, each.accuracy) for each in groups] == [('sad', 0.0), ('happy', 1.0)]


def test_small_groups_and_unknown_facts_are_left_out():
    values = [0] * 30 + [1] * 30 + [2] * (LEAST_FACES - 1) + [-1] * 30
    groups = groups_of(face_set([0] * len(values), source=(values, ('a', 'b', 'c'))))
    assert {each.group for each in groups['source']} == {'a', 'b'}


def test_unlabelled_faces_do_not_count():
    moods = [0] * HALF + [-1] * HALF
    groups = groups_of(face_set(moods, source=([0, 1] * HALF, ('a', 'b'))))
    assert sum(each.faces for each in groups['source']) == HALF


def test_numbers_are_groups_by_bands_of_years_and_facts_make_groups_together():
    ages = [5, 30, 70, 30] * HALF
    faces = face_set([0, 1] * 2 * HALF, age=(ages, ()), place=([0, 0, 1, 1] * HALF, ('in', 'out')))
    groups = groups_of(faces)
    assert {each.group for each in groups['age']} == {'0-9', '20-39', '60+'}
    assert {each.group for each in groups['age by place']} == {
        '0-9, in',
        '20-39, in',
        '60+, out',
        '20-39, out',
    }
    assert set(groups_of(faces, most_facts=1)) == {'age', 'place', 'mood'}


def test_a_fact_that_another_determines_makes_no_groups_with_it():
    fine, coarse = [0, 1, 2, 3] * HALF, [0, 0, 1, 1] * HALF
    names = tuple('abcd')
    groups = groups_of(face_set([0] * len(fine), fine=(fine, names), coarse=(coarse, names)))
    assert set(groups) == {'fine', 'coarse'}


def test_a_group_of_nothing_has_no_accuracy():
    assert figures_of('a', np.zeros((0, 2), 'f'), np.zeros(0, np.int64)).accuracy == 0.0


def test_votes_on_the_attribute_make_no_groups_and_another_of_the_same_classes_does():
    faces = face_set([0, 1] * HALF)
    faces.labels['evening'] = Labels.of(MOODS, np.array([0, 0, 1, 1] * (HALF // 2)))
    assert set(groups_of(faces)) == {'mood', 'evening', 'mood by evening'}
    del faces.labels['evening']
    for order in (MOODS, MOODS[::-1]):
        faces.labels['mood_votes'] = Labels.of(order, np.array([0, 0, 1, 1] * (HALF // 2)))
        assert set(groups_of(faces)) == {'mood'}
