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

import os
import signal

from drawn_faces import photograph
import numpy as np
import pytest
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import PerceptionError
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.tasks.detector.config import SceneConfig
from rtcnn_perception.training.tasks.detector.scenes.compose import SceneMaker
from rtcnn_perception.training.tasks.detector.scenes.process import SceneProcess
from still_scenes import white_photograph
from still_scenes import white_photographs

CONFIG = SceneConfig(sizes=(32, 64))


def test_a_process_composes_what_this_one_would(tmp_path):
    photographs = white_photographs(tmp_path)
    with SceneProcess(photographs, CONFIG) as process:
        batches = list(process.batches(seed=3, steps=2, size=4))
        (again,) = process.batches(seed=3, steps=1, size=4)
    maker, rng = SceneMaker(photographs, CONFIG), np.random.default_rng(3)
    for batch in batches:
        side = int(rng.choice(CONFIG.sizes))
        for scene in batch:
            expected = maker.scene(side, rng)
            assert np.array_equal(scene.image, expected.image)
            assert np.array_equal(scene.boxes, expected.boxes)
    for scene, repeated in zip(batches[0], again, strict=True):
        assert np.array_equal(scene.image, repeated.image)


def test_a_process_draws_negatives_by_their_weights(tmp_path):
    photographs = [*white_photographs(tmp_path), white_photograph(tmp_path / 'last.png')]
    weights = np.array(
        [float(number) for number, each in enumerate(photographs) if each.is_negative]
    )
    with SceneProcess(photographs, CONFIG) as process:
        process.weigh_negatives(weights)
        (batch,) = process.batches(seed=3, steps=1, size=8)
    maker, rng = SceneMaker(photographs, CONFIG), np.random.default_rng(3)
    maker.weigh_negatives(weights)
    side = int(rng.choice(CONFIG.sizes))
    assert all(np.array_equal(each.image, maker.scene(side, rng).image) for each in batch)


def test_what_is_wrong_with_the_photographs_is_an_error_here(tmp_path):
    with pytest.raises(ConfigurationError, match='no face in the photographs'):
        SceneProcess([white_photograph(tmp_path / 'none.png')], CONFIG)
    gone = photograph(tmp_path / 'gone.png', boxes=[(30, 20, 70, 60)])
    with pytest.raises(DataError, match=r'cannot read the picture .*gone\.png'):
        SceneProcess([gone], CONFIG)


def test_an_epoch_that_is_not_finished_does_not_keep_the_process(tmp_path):
    process = SceneProcess(white_photographs(tmp_path), CONFIG)
    next(process.batches(seed=0, steps=1000, size=8))
    process.close()
    assert not process.is_alive


def test_a_process_that_was_killed_is_reported(tmp_path):
    with SceneProcess(white_photographs(tmp_path), CONFIG) as process:
        batches = process.batches(seed=0, steps=1000, size=8)
        next(batches)
        os.kill(process.pid, signal.SIGKILL)
        with pytest.raises(PerceptionError, match='the process that composes scenes ended'):
            list(batches)
        with pytest.raises(PerceptionError, match='the process that composes scenes ended'):
            next(process.batches(seed=1, steps=1, size=8))
        with pytest.raises(PerceptionError, match='the process that composes scenes ended'):
            process.weigh_negatives(np.ones(1))
