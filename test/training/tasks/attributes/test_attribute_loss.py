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

from dataclasses import replace

from bright_faces import bright_faces
import numpy as np
import pytest
from rtcnn_perception.training.data.classes import band_names
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.faces import Fact
from rtcnn_perception.training.data.faces import Labels
from rtcnn_perception.training.data.sources import AttributeData
from rtcnn_perception.training.engine.teachers import DistillationConfig
from rtcnn_perception.training.engine.teachers import TeacherConfig
from rtcnn_perception.training.tasks.attributes.loss import AttributeLoss
from rtcnn_perception.training.tasks.attributes.loss import class_frequencies
from rtcnn_perception.training.tasks.attributes.loss import class_weights
from rtcnn_perception.training.tasks.attributes.loss import face_weights
from rtcnn_perception.training.tasks.attributes.loss import group_weights
from rtcnn_perception.training.tasks.attributes.loss import MOST
from rtcnn_perception.training.tasks.attributes.loss import smoothing_matrix
import torch
from torch.nn import functional

MOODS = ('happy', 'sad')
ALL = np.ones(4, np.bool_)


@pytest.mark.parametrize(('balance', 'rare'), [(0.0, 1.0), (1.0, 2.0)])
def test_balance_raises_the_weight_of_the_rare_class(balance, rare):
    weights = class_weights(Labels.of(MOODS, np.array([0, 1, 1, 1, -1])), balance)
    assert weights[:4] / weights[:4].mean() == pytest.approx([rare, *[(4 - rare) / 3] * 3])
    assert weights[4] == 0


def test_without_a_label_there_are_no_weights():
    assert class_weights(Labels.of(MOODS, np.array([-1, -1])), 1.0).tolist() == [0, 0]
    labels = {'mood': Labels.of(MOODS, np.array([-1, -1]))}
    faces = bright_faces(2, labels=labels)
    assert face_weights(faces, 'mood', AttributeData(path=('a',))).tolist() == [0, 0]


@pytest.mark.parametrize(('balance', 'rare'), [(0.0, 1.0), (1.0, 2.0)])
def test_groups_of_faces_count_alike(balance, rare):
    weights = group_weights([Fact(np.array([0, 1, 1, 1]), ('a', 'b'))], balance, ALL)
    assert weights.tolist() == pytest.approx([rare, *[(4 - rare) / 3] * 3])


def test_several_facts_make_groups_together_and_what_is_unknown_is_one():
    facts = [
        Fact(np.array([0, 0, 1, -1, -1, -1]), ('a', 'b')),
        Fact(np.array([0, 1, 0, 0, 0, 0]), ('c', 'd')),
    ]
    weights = group_weights(facts, 1.0, np.ones(6, np.bool_))
    assert weights.tolist() == pytest.approx([1.5, 1.5, 1.5, 0.5, 0.5, 0.5])


def test_the_weight_of_a_group_is_bounded():
    fact = Fact(np.array([0] + [1] * 999), ('rare', 'frequent'))
    weights = group_weights([fact], 1.0, np.ones(1000, np.bool_))
    assert weights[0] / weights[1] <= MOST**2
    assert weights[0] < 2 * MOST
    assert weights.mean() == pytest.approx(1.0)


def test_faces_are_weighed_by_classes_and_groups_together():
    faces = bright_faces(
        8,
        facts={
            'place': Fact(np.array([0, 0, 0, 0, 0, 0, 1, 1]), ('in', 'out')),
            'age': Fact(np.array([5] * 4 + [30] * 4)),
        },
    )
    plain = face_weights(faces, 'shade', AttributeData(path=('a',)))
    assert plain.tolist() == [1.0] * 8
    by_place = AttributeData(path=('a',), balance_groups=('place', 'shade'), group_balance=1.0)
    weights = face_weights(faces, 'shade', by_place)
    assert weights.tolist() == pytest.approx([2 / 3] * 6 + [2.0] * 2)
    by_age = AttributeData(path=('a',), balance_groups=('age',), group_balance=1.0)
    assert face_weights(faces, 'shade', by_age).tolist() == pytest.approx([1.0] * 8)
    with pytest.raises(DataError, match='nothing is known of race; expected one of shade, place'):
        face_weights(faces, 'shade', AttributeData(path=('a',), balance_groups=('race',)))


def test_classes_and_groups_are_balanced_as_they_come_in_an_epoch():
    labels = Labels.of(MOODS, np.array([0, 1, 1, 1, -1]))
    shares = np.float32([3.0, 1.0, 1.0, 1.0, 9.0])
    assert class_frequencies(labels, shares).tolist() == [0.5, 0.5]
    assert class_weights(labels, 1.0, shares)[:4].tolist() == [2.0] * 4
    place = Fact(np.array([0, 1, 1, 1, 1]), ('in', 'out'))
    often = np.float32([4.0, 1.0, 1.0, 1.0, 1.0])
    weights = group_weights([place], 1.0, np.ones(5, np.bool_), often)
    assert weights.tolist() == pytest.approx([1.0] * 5)
    faces = replace(
        bright_faces(5, labels={'mood': labels}, facts={'place': place}), shares=shares
    )
    chosen = AttributeData(path=('a',), balance=1.0)
    assert face_weights(faces, 'mood', chosen).tolist() == pytest.approx([1, 1, 1, 1, 0])


def test_smoothing_goes_to_all_classes():
    expected = torch.full((2, 2), 0.05) + 0.9 * torch.eye(2)
    torch.testing.assert_close(smoothing_matrix(MOODS, 0.1), expected)


def test_smoothing_goes_to_the_neighbours_of_ordered_classes_whatever_their_order():
    names = band_names((0, 10, 20))
    assert smoothing_matrix(names, 0.1).tolist() == [
        pytest.approx([0.9, 0.1, 0.0]),
        pytest.approx([0.05, 0.9, 0.05]),
        pytest.approx([0.0, 0.1, 0.9]),
    ]
    shuffled = smoothing_matrix([names[1], names[0], names[2]], 0.1)
    assert shuffled[0].tolist() == pytest.approx([0.9, 0.05, 0.05])


def loss_of(classes, *, smoothing=0.0, weights=None, **distillation):
    if distillation:
        distillation['teachers'] = (TeacherConfig('any'),)
    config = DistillationConfig(**distillation)
    return AttributeLoss(classes, weights or dict.fromkeys(classes, 1.0), smoothing, config)


def test_the_loss_is_the_cross_entropy_of_labelled_faces():
    logits = torch.randn(3, 2, generator=torch.Generator().manual_seed(0))
    targets = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    weights = torch.tensor([1.0, 1.0, 0.0])
    loss = loss_of({'mood': MOODS})({'mood': logits}, {'mood': targets}, {'mood': weights}, {})
    expected = functional.cross_entropy(logits[:2], torch.tensor([0, 1]))
    assert loss.item() == pytest.approx(expected.item())


def test_smoothing_of_unordered_classes_is_pytorchs():
    logits = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 1, 2, 0])
    classes = {'mood': ('happy', 'sad', 'calm')}
    loss = loss_of(classes, smoothing=0.2)(
        {'mood': logits}, {'mood': torch.eye(3)[labels]}, {'mood': torch.ones(4)}, {}
    )
    expected = functional.cross_entropy(logits, labels, label_smoothing=0.2)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


def test_attributes_count_by_their_weights():
    classes = {'mood': MOODS, 'shade': ('dark', 'bright')}
    logits = {name: torch.tensor([[1.0, 0.0]]) for name in classes}
    targets = {name: torch.tensor([[0.0, 1.0]]) for name in classes}
    ones = {name: torch.ones(1) for name in classes}
    one = loss_of({'mood': MOODS})(
        *({'mood': each['mood']} for each in (logits, targets, ones)), {}
    )
    both = loss_of(classes, weights={'mood': 1.0, 'shade': 0.5})(logits, targets, ones, {})
    assert both.item() == pytest.approx(1.5 * one.item())


def test_a_student_with_the_predictions_of_its_teacher_has_no_loss():
    logits = torch.randn(3, 2, generator=torch.Generator().manual_seed(0))
    loss = loss_of({'mood': MOODS}, share=1.0, temperature=2.0)
    soft = {'mood': (logits / 2.0).softmax(1)}
    targets = {'mood': torch.eye(2)[[0, 1, 0]]}
    found = loss({'mood': logits}, targets, {'mood': torch.ones(3)}, soft)
    assert found.item() == pytest.approx(0.0, abs=1e-6)


def test_an_attribute_without_a_teacher_learns_from_labels_alone():
    logits, targets = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    given = {'mood': logits}, {'mood': targets}, {'mood': torch.ones(1)}, {}
    taught = loss_of({'mood': MOODS}, share=0.7)(*given)
    assert taught.item() == pytest.approx(loss_of({'mood': MOODS})(*given).item())


def test_an_unlabelled_face_learns_from_teachers():
    logits = torch.tensor([[1.0, 0.0]], requires_grad=True)
    none = torch.zeros(1, 2)
    soft = {'mood': torch.tensor([[0.2, 0.8]])}
    loss_of({'mood': MOODS}, share=0.5)(
        {'mood': logits}, {'mood': none}, {'mood': torch.zeros(1)}, soft
    ).backward()
    assert logits.grad[0, 0] > 0 > logits.grad[0, 1]
