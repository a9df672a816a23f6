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

"""Labels go to the heads of their attribute, and not to others of the same classes."""

from __future__ import annotations

import numpy as np
import pytest
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.heads import load_for_heads
from rtcnn_perception.training.data.load import load_splits
from rtcnn_perception.training.data.sources import AttributeData
from rtcnn_perception.training.data.sources import DataConfig
from rtcnn_perception.training.tasks.attributes.groups import group_figures
from rtcnn_perception.training.tasks.attributes.metrics import summarise
from small_data import write_pictures

TIGHT = CropGeometry(0.0)
ANSWERS = ('no', 'yes')
HEADS = {'glasses': ANSWERS, 'beard': ANSWERS}


def class_folder(path):
    for label in ANSWERS:
        write_pictures(path / label, [f'{label}{i}.png' for i in range(15)])
    return AttributeData(path=(str(path),))


def table(tmp_path, count=60):
    names = [f'{i}.png' for i in range(count)]
    write_pictures(tmp_path / 'faces', names)
    rows = [f'faces/{name},{ANSWERS[i % 2]},{ANSWERS[i // 2 % 2]}' for i, name in enumerate(names)]
    path = tmp_path / 'faces.csv'
    path.write_text('\n'.join(['file,glasses,beard', *rows]))
    return AttributeData(path=(str(path),))


def test_labels_without_a_name_that_fit_two_attributes_are_refused(tmp_path):
    with pytest.raises(DataError, match='may have labels of glasses or of beard: call it by the'):
        load_for_heads(HEADS, class_folder(tmp_path / 'faces'), TIGHT)


def test_labels_without_a_name_are_of_the_attribute_that_the_folder_is_called(tmp_path):
    found = load_for_heads(HEADS, class_folder(tmp_path / 'beard'), TIGHT).part('all')
    assert set(found.labels) == {'beard'}
    assert set(found.facts) == set()


def test_labels_without_a_name_are_of_labels_and_votes(tmp_path):
    heads = {'glasses': ANSWERS, 'glasses_votes': ANSWERS}
    found = load_for_heads(heads, class_folder(tmp_path / 'faces'), TIGHT).part('all')
    assert set(found.labels) == set(heads)


def test_a_head_is_not_measured_by_another_attribute_of_the_same_classes(tmp_path):
    source = table(tmp_path)
    faces = load_for_heads(HEADS, source, TIGHT).part('all')
    scores = {name: np.tile(np.float32([1, 0]), (60, 1)) for name in HEADS}
    assert {name.partition('.')[2] for name in summarise(scores, faces)} == {
        'accuracy',
        'balanced_accuracy',
        'worst_recall',
    }
    probabilities = np.tile(np.float32([0.9, 0.1]), (60, 1))
    assert 'beard' in group_figures(probabilities, 'glasses', faces)
    alone = load_for_heads({'glasses': ANSWERS}, source, TIGHT).part('all')
    assert set(alone.labels) == {'glasses'}
    assert alone.facts['beard'].names == ANSWERS


def test_data_whose_numbers_fit_no_head_says_that_they_are_numbers(tmp_path):
    names = [f'{i}.png' for i in range(30)]
    write_pictures(tmp_path / 'faces', names)
    path = tmp_path / 'faces.csv'
    path.write_text('\n'.join(['file,glasses', *(f'faces/{name},1' for name in names)]))
    with pytest.raises(DataError, match=r'it has glasses: numbers$'):
        load_for_heads(HEADS, AttributeData(path=(str(path),)), TIGHT)


def test_what_others_have_as_numbers_is_not_joined_with_texts(tmp_path):
    with_texts = table(tmp_path)
    names = [f'{i}.png' for i in range(60)]
    write_pictures(tmp_path / 'others', names)
    rows = [f'others/{name},{ANSWERS[i % 2]},{i}' for i, name in enumerate(names)]
    path = tmp_path / 'others.csv'
    path.write_text('\n'.join(['file,glasses,beard', *rows]))
    both = AttributeData(path=(*with_texts.path, str(path)))
    faces = load_splits(DataConfig({'glasses': both}), TIGHT).part('all')
    assert faces.facts['beard'].names == ()


def test_labels_that_are_not_learnt_are_known_of_the_faces(tmp_path):
    config = DataConfig({'glasses': table(tmp_path)})
    faces = load_splits(config, TIGHT).part('all')
    assert set(faces.labels) == {'glasses'}
    assert faces.facts['beard'].names == ANSWERS
