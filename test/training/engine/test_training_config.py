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

"""Configurations of trainings, from TOML files to checked dataclasses."""

from __future__ import annotations

from pathlib import Path
from typing import get_type_hints

import pytest
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.training.data.augmentation import AugmentationConfig
from rtcnn_perception.training.data.sources import AttributeData
from rtcnn_perception.training.engine import config as configs
from rtcnn_perception.training.engine.networks import Mix
from rtcnn_perception.training.engine.teachers import DistillationConfig
from rtcnn_perception.training.engine.teachers import TeacherConfig
from rtcnn_perception.training.models.architectures import ARCHITECTURES
from rtcnn_perception.training.models.detector import DETECTOR_ARCHITECTURES
from rtcnn_perception.training.tasks.attributes.config import LossConfig
from rtcnn_perception.training.tasks.attributes.config import TrainConfig
from rtcnn_perception.training.tasks.detector.config import DetectorTrainConfig
from rtcnn_perception.training.tasks.detector.config import SceneConfig
from rtcnn_perception.training.tasks.detector.loss import DetectorLossConfig
import torch

SHIPPED = sorted(configs.SHIPPED.glob('*.toml'))
BASE = 'name = "a"\narchitecture = "mini_xception"\n'
WITH_DATA = f'{BASE}[data.mood]\npath = "x"\n'
TAUGHT = f'{WITH_DATA}[distillation]\nshare = 0.5\nteachers = "b"\n'


def read(path, kind=TrainConfig):
    return configs.from_mapping(kind, configs.read_toml(path), path.name)


def written(folder, text):
    (folder / 'a.toml').write_text(text)
    return read(folder / 'a.toml')


@pytest.mark.parametrize('path', SHIPPED, ids=lambda path: path.stem)
def test_a_configuration_that_ships_is_valid_and_gives_its_reason(path):
    if DetectorTrainConfig.describes(configs.read_toml(path)):
        config = read(path, DetectorTrainConfig)
        assert config.detector in DETECTOR_ARCHITECTURES
    else:
        config = read(path)
        assert config.architecture in ARCHITECTURES
    assert config.name == path.stem
    assert path.read_text().startswith('# ')
    again = configs.from_mapping(type(config), config.as_dict(), 'a checkpoint')
    assert again == config


def test_a_configuration_that_ships_is_found_by_its_name():
    assert SHIPPED
    assert configs.find_config(Path(SHIPPED[0].stem)) == SHIPPED[0]
    assert configs.find_config(Path('nothing')) == Path('nothing')


def test_a_file_takes_precedence_over_what_ships(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = Path(SHIPPED[0].stem)
    name.mkdir()
    assert configs.find_config(name) == SHIPPED[0]
    name.rmdir()
    name.touch()
    assert configs.find_config(name) == name


@pytest.mark.parametrize('path', ['nowhere/{}.toml', 'nowhere/{}', '{}.toml', '{}.tomls'])
def test_a_missing_path_is_not_taken_for_a_name_that_ships(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    path = Path(path.format(SHIPPED[0].stem))
    assert configs.find_config(path) == path


def test_every_attribute_is_a_table_and_a_text_may_stand_for_a_list(tmp_path):
    config = written(
        tmp_path,
        f'{BASE}[data]\nunlabelled = "u"\n'
        '[data.glasses]\npath = ["x", "y"]\nbalance_groups = "age"\n'
        '[data.age]\npath = "y"\nbands = [0, 18]\nweight = 2\n'
        '[distillation]\nshare = 0.5\nteachers = ["b", "c"]\n'
        '[mix.age]\nhead = "glasses"\nshare = 0.1\n'
        '[select]\nmetrics = "age.accuracy"\n',
    )
    assert dict(config.data.attributes) == {
        'glasses': AttributeData(path=('x', 'y'), balance_groups=('age',)),
        'age': AttributeData(path=('y',), bands=(0, 18), weight=2.0),
    }
    assert config.data.unlabelled == ('u',)
    assert config.distillation.teachers == (TeacherConfig('b'), TeacherConfig('c'))
    assert dict(config.mix) == {'age': Mix('glasses', 0.1)}
    assert config.select.metrics == ('age.accuracy',)


def test_teachers_may_be_tables_with_weights_and_attributes(tmp_path):
    config = written(
        tmp_path,
        f'{WITH_DATA}[distillation]\nshare = 1\n[[distillation.teachers]]\npath = "b"\n'
        '[[distillation.teachers]]\npath = "c"\nweight = 0.5\nattributes = ["mood"]\n',
    )
    expected = (TeacherConfig('b'), TeacherConfig('c', 0.5, ('mood',)))
    assert config.distillation == DistillationConfig(share=1.0, teachers=expected)


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('', 'lacks name and architecture and data'),
        (BASE, 'lacks data'),
        ('name = ', 'is no TOML'),
        ('name = ' + '[' * 100_000, 'is no TOML: it is nested too deep'),
        (f'epoch = 3\n{WITH_DATA}', "a.toml has the unknown key 'epoch'; known are .*epochs"),
        (f'epoch = 3\nrate = 1\n{WITH_DATA}', "has the unknown keys 'epoch', 'rate'; known are"),
        (f'epochs = "many"\n{WITH_DATA}', "epochs must be int, got 'many'"),
        (f'epochs = true\n{WITH_DATA}', 'epochs must be int, got True'),
        (f'epochs = 0\n{WITH_DATA}', r'a\.toml: epochs must be at least 1, got 0'),
        (f'average = 1.0\n{WITH_DATA}', r'average must be in \[0, 1\), got 1.0'),
        (f'learning_rate = 0\n{WITH_DATA}', r'learning_rate must be above 0, got 0.0'),
        (f'learning_rate = nan\n{WITH_DATA}', r'learning_rate must be above 0, got nan'),
        (f'learning_rate = inf\n{WITH_DATA}', r'learning_rate must be above 0, got inf'),
        (f'weight_decay = -1\n{WITH_DATA}', r'weight_decay must be at least 0, got -1.0'),
        (f'warmup_epochs = -1\n{WITH_DATA}', r'warmup_epochs must be at least 0, got -1.0'),
        (f'patience = -1\n{WITH_DATA}', r'patience must be at least 0, got -1'),
        (f'ease_from = -1\n{WITH_DATA}', r'ease_from must be at least 0, got -1'),
        (f'seed = -1\n{WITH_DATA}', r'seed must be in \[0, 2147483647\], got -1'),
        (f'{WITH_DATA}balance = -1\n', r'a\.toml\.data\.mood: balance must be in \[0, 1\]'),
        (f'{WITH_DATA}color = 1\n', r"a\.toml\.data\.mood has the unknown key 'color'"),
        (
            f'{BASE}[data]\nmood = "x"\n',
            r"a\.toml\.data has the unknown key 'mood'; known are "
            'shares, unlabelled and a table for each attribute',
        ),
        (f'{BASE}[data]\n', 'must have a table for each attribute, such as'),
        (
            f'{BASE}[data]\nattributes = 3\n[data.mood]\n',
            r'data\.attributes must be a table, got 3',
        ),
        (f'seed = {"9" * 5000}\n{WITH_DATA}', r'a\.toml is no TOML: .*digits'),
        (f'learning_rate = 1{"0" * 400}\n{WITH_DATA}', 'learning_rate must be float, got 1000'),
        (f'{BASE}[data.mood]\npath = 3\n', r'data\.mood\.path must be a list, got 3'),
        (f'{BASE}[data.mood]\npath = [3]\n', r'data\.mood\.path must be str, got 3'),
        (f'{WITH_DATA}[loss]\nlabel_smoothing = 3\n', r'label_smoothing must be in \[0, 1\)'),
        (f'crop = 3\n{WITH_DATA}', 'crop must be a table'),
        (f'mix = 3\n{WITH_DATA}', 'mix must be a table'),
        (f'{WITH_DATA}[crop]\nmargin = 9\n', 'margin must be in'),
        (
            f'{WITH_DATA}[augmentation]\nrotation = -1\n',
            r'a\.toml\.augmentation: rotation must be',
        ),
        (
            f'{WITH_DATA}[mix.mood]\nhead = "other"\nshare = 0.1\n',
            'has the head other, expected m',
        ),
        (f'{WITH_DATA}[mix.mood]\nhead = "mood"\nshare = 2\n', r'share must be in \[0, 1\]'),
        (f'{WITH_DATA}[distillation]\nteachers = "b"\n', 'teachers and a share above 0 go tog'),
        (f'{WITH_DATA}[distillation]\nshare = 0.5\n', 'teachers and a share above 0 go together'),
        (f'{WITH_DATA}[distillation]\nrounds = 2\n', 'rounds and once are about teachers'),
        (f'{TAUGHT}temperature = 0\n', 'temperature must be above 0, got 0.0'),
        (f'{TAUGHT}rounds = 2\nonce = true\n', 'one at most'),
        (f'ease_from = 3\n{TAUGHT}rounds = 2\n', 'with rounds .* ease_from must be 0'),
        (f'{TAUGHT}once = true\n[augmentation]\nmix_share = 0.5\n', 'with once .* mix_share must'),
        (f'{BASE}[data]\nunlabelled = "u"\n[data.mood]\npath = "x"\n', 'must name teachers'),
    ],
)
def test_a_wrong_configuration_is_refused(tmp_path, text, message):
    with pytest.raises(ConfigurationError, match=message):
        written(tmp_path, text)


def test_every_number_of_a_configuration_has_a_range():
    for kind in (
        TrainConfig,
        AttributeData,
        LossConfig,
        Mix,
        TeacherConfig,
        DistillationConfig,
        AugmentationConfig,
        DetectorTrainConfig,
        DetectorLossConfig,
        SceneConfig,
    ):
        for name, hint in get_type_hints(kind, include_extras=True).items():
            assert hint not in (int, float), f'{kind.__name__}.{name}'


def test_a_missing_configuration_is_refused_with_those_that_ship(tmp_path):
    with pytest.raises(
        ConfigurationError, match=r'cannot read the configuration .*No such file.*mobile_face'
    ):
        read(tmp_path / 'a.toml')


def test_a_checkpoint_is_no_configuration(tmp_path):
    torch.save({'weights': torch.rand(9)}, tmp_path / 'best.pt')
    with pytest.raises(ConfigurationError, match=r'best\.pt is no TOML'):
        configs.read_toml(tmp_path / 'best.pt')
