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

"""The model of an attribute: the configured one, that of its folder, or the only one there is."""

from __future__ import annotations

from pathlib import Path

import pytest
from rtcnn_perception.core.attributes.classifier import default_model
from rtcnn_perception.core.attributes.classifier import model_paths
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import ModelError
from tiny_detector import write_tiny_detector
from tiny_model import EMOTIONS
from tiny_model import GENDERS
from tiny_model import write_tiny_model

HATS = ('none', 'cap', 'top hat')


def refusal(attribute, *folders):
    with pytest.raises(ConfigurationError) as refused:
        default_model(attribute, folders)
    message = str(refused.value)
    assert f'{attribute}.model_path' in message
    assert '\n' not in message
    return message


def test_the_folder_of_the_attributes_name_wins_over_other_models_with_such_a_head(tmp_path):
    write_tiny_model(tmp_path / 'several', {'emotion': EMOTIONS, 'hat': HATS})
    own = write_tiny_model(tmp_path / 'hat', {'hat': HATS})
    assert default_model('hat', (tmp_path,)) == own
    assert default_model('hat', (tmp_path / 'none', tmp_path)) == own


def test_the_folder_of_the_name_in_the_first_folder_of_models_wins(tmp_path):
    for folder in ('own', 'shared'):
        write_tiny_model(tmp_path / folder / 'hat', {'hat': HATS})
    folders = (tmp_path / 'own', tmp_path / 'shared')
    assert default_model('hat', folders) == tmp_path / 'own' / 'hat'
    assert default_model('hat', folders[::-1]) == tmp_path / 'shared' / 'hat'


def test_a_folder_that_cannot_be_looked_into_has_no_model(tmp_path):
    shared = write_tiny_model(tmp_path / 'hat', {'hat': HATS})
    assert default_model('hat', (tmp_path / ('x' * 300), tmp_path)) == shared


def test_a_folder_of_the_name_without_a_card_is_no_model(tmp_path):
    (tmp_path / 'own' / 'hat').mkdir(parents=True)
    shared = write_tiny_model(tmp_path / 'shared' / 'hat', {'hat': HATS})
    assert default_model('hat', (tmp_path / 'own', tmp_path / 'shared')) == shared


def test_else_it_is_the_only_model_with_a_head_for_it(tmp_path):
    write_tiny_model(tmp_path / 'own' / 'mood', {'emotion': EMOTIONS})
    several = write_tiny_model(tmp_path / 'shared' / 'b', {'gender': GENDERS, 'hat': HATS})
    write_tiny_detector(tmp_path / 'shared' / 'face')
    folders = (tmp_path / 'own', tmp_path / 'shared')
    assert default_model('hat', folders) == several
    assert default_model('emotion', folders) == tmp_path / 'own' / 'mood'


def test_without_such_a_model_the_attributes_that_are_known_are_listed(tmp_path):
    write_tiny_model(tmp_path / 'own' / 'a', {'gender': GENDERS})
    write_tiny_model(tmp_path / 'shared' / 'b', {'gender': GENDERS, 'emotion': EMOTIONS})
    write_tiny_detector(tmp_path / 'shared' / 'face')
    own, shared = tmp_path / 'own', tmp_path / 'shared'
    message = refusal('hat', own, shared)
    expected = (
        f'expected a model that classifies hat in {own} or {shared}, got models for gender, '
    )
    assert message.startswith(f'{expected}emotion; train and export one, name its folder hat, or ')


def test_without_any_model_that_is_said(tmp_path):
    assert 'got models for nothing; ' in refusal('hat', tmp_path, tmp_path / 'none')


def test_several_models_with_such_a_head_are_refused_by_their_paths(tmp_path):
    first = write_tiny_model(tmp_path / 'own' / 'a', {'hat': HATS})
    second = write_tiny_model(tmp_path / 'shared' / 'b', {'emotion': EMOTIONS, 'hat': HATS})
    message = refusal('hat', tmp_path / 'own', tmp_path / 'shared')
    assert f'expected one model that classifies hat, got {first}, {second}; ' in message


def test_a_damaged_card_is_refused_and_not_passed_over(tmp_path):
    write_tiny_model(tmp_path / 'a', {'hat': HATS})
    (write_tiny_model(tmp_path / 'b', {'hat': HATS}) / 'model.json').write_text('{')
    with pytest.raises(ModelError, match=r'b/model\.json: expected JSON'):
        default_model('hat', (tmp_path,))


def test_a_configured_path_comes_before_the_default(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    for name in ('hat', 'gender'):
        write_tiny_model(tmp_path / name, {'hat': HATS, 'gender': GENDERS})
    configured = {'hat': '~/elsewhere', 'gender': ''}
    assert model_paths(('hat', 'gender'), configured, (tmp_path,)) == {
        'hat': tmp_path / 'elsewhere',
        'gender': tmp_path / 'gender',
    }
    assert model_paths(('gender',), {}, (tmp_path,)) == {'gender': tmp_path / 'gender'}
    assert model_paths((), configured, (tmp_path,)) == {}


def test_paths_come_in_the_order_of_the_attributes(tmp_path):
    configured = {'gender': 'a', 'hat': 'b', 'emotion': 'c'}
    paths = model_paths(('hat', 'emotion', 'gender'), configured, (tmp_path,))
    assert list(paths.items()) == [
        ('hat', Path('b')),
        ('emotion', Path('c')),
        ('gender', Path('a')),
    ]


def test_the_model_of_several_attributes_has_what_no_folder_is_named_for(tmp_path):
    shared = write_tiny_model(tmp_path / 'attributes', {'emotion': EMOTIONS, 'gender': GENDERS})
    write_tiny_model(tmp_path / 'mine', {'gender': GENDERS, 'hat': HATS})
    own = write_tiny_model(tmp_path / 'emotion', {'emotion': EMOTIONS})
    assert default_model('emotion', [tmp_path]) == own
    assert default_model('gender', [tmp_path]) == shared
    assert default_model('hat', [tmp_path]) == tmp_path / 'mine'
