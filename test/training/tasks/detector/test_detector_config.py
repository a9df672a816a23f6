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

import pytest
from rtcnn_perception.commands import train
from rtcnn_perception.exceptions import PerceptionError
from rtcnn_perception.training.engine.config import from_mapping
from rtcnn_perception.training.tasks.detector.config import DetectorTrainConfig
from rtcnn_perception.training.tasks.detector.config import SceneConfig
from rtcnn_perception.training.tasks.detector.loss import DetectorLossConfig
from small_detector import run
from small_detector import small
from small_detector import write_config

pytestmark = pytest.mark.usefixtures('_with_tiny')


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'sizes': ()}, r'multiples of 32 pixels up to 1024, got \(\)'),
        ({'sizes': (64, 100)}, 'multiples of 32 pixels up to 1024, got .*100'),
        ({'sizes': (0,)}, 'multiples of 32'),
        ({'sizes': (32_000,)}, 'up to 1024, got .*32000'),
        ({'least_face': 0.0}, 'least_face must be above 0'),
        ({'least_face': 300.0}, 'at most most_face, got 300.0 and 260.0'),
        ({'too_small': 260.0}, 'too_small must be below most_face, got 260.0 and 260.0'),
        ({'most_enlarged': 0.0}, 'most_enlarged must be above 0'),
        ({'mosaic_share': 1.5}, r'mosaic_share must be in \[0, 1\], got 1.5'),
        ({'jpeg_share': -0.1}, r'jpeg_share must be in \[0, 1\]'),
        ({'rotation': -1.0}, r'rotation must be in \[0, 180\], got -1.0'),
        ({'stretch': -0.1}, r'stretch must be in \[0, 1\], got -0.1'),
        ({'light': -0.1}, r'light must be in \[0, 1\], got -0.1'),
        ({'gamma': -0.1}, 'gamma must be at least 0, got -0.1'),
        ({'colour': -0.1}, r'colour must be in \[0, 1\], got -0.1'),
        ({'noise': -1.0}, r'noise must be in \[0, 255\], got -1.0'),
        ({'too_small': -1.0}, 'too_small must be at least 0, got -1.0'),
    ],
)
def test_wrong_settings_of_scenes_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        SceneConfig(**changes)


@pytest.mark.parametrize(
    ('line', 'message'),
    [
        ('epochs = 0', 'epochs must be at least 1, got 0'),
        ('steps = 0', 'steps must be at least 1'),
        ('name = "drawn"\nhard_negatives = 2.0', 'hard_negatives needs start_from'),
        ('batch_size = 1.5', 'batch_size must be int'),
        ('average = 1.0', r'average must be in \[0, 1\)'),
        ('detector = "retina"', "no detector architecture is called 'retina'"),
        ('photographs = "nowhere"', 'there is no data at'),
        ('sizes = [100]', r'drawn\.toml\.scenes: sizes must be multiples of 32'),
        ('sizes = 96', 'sizes must be a list'),
        ('rotation = "much"', 'rotation must be float'),
        ('noise_share = 2.0', r'noise_share must be in \[0, 1\]'),
        ('noise_share = 0.0\nfaces_share = 0.2', r'both or neither, got \(\) and 0.2'),
        ('name = "drawn"\nfaces = "g.npz"', r"both or neither, got \('g.npz',\) and 0.0"),
        ('jpeg_share = 0.0\njpegs = 1', "unknown key 'jpegs'"),
        ('name = "drawn"\npatience = 3', "unknown key 'patience'"),
    ],
)
def test_a_wrong_configuration_is_refused(tmp_path, line, message):
    config = write_config(tmp_path, line)
    with pytest.raises(PerceptionError, match=message):
        run(train, config, '--output', tmp_path / 'run')
    assert not (tmp_path / 'run').exists()


def test_a_configuration_is_read_back_from_a_checkpoint():
    config = small(loss=DetectorLossConfig(box=3.0), test='elsewhere')
    assert from_mapping(DetectorTrainConfig, config.as_dict(), 'again') == config
