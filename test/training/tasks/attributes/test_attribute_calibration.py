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
from rtcnn_perception.training.tasks.attributes.calibration import calibration_error
from rtcnn_perception.training.tasks.attributes.calibration import fit_temperature
from rtcnn_perception.training.tasks.attributes.calibration import log_loss
from rtcnn_perception.training.tasks.attributes.calibration import reliability
from rtcnn_perception.training.tasks.attributes.calibration import softmax


def test_reliability_over_nothing_is_empty():
    assert not reliability(np.zeros((0, 2), 'f'), np.zeros(0, np.int64)).any()
    assert calibration_error(np.zeros((0, 2), 'f'), np.zeros(0, np.int64)) == 0.0


def test_reliability_has_count_confidence_and_accuracy_of_each_bin():
    rows = np.array([[0.9, 0.1], [0.2, 0.8], [0.55, 0.45]], np.float32)
    table = reliability(rows, np.array([0, 0, 0]), bins=2)
    assert table.tolist() == [[0, 0, 0], pytest.approx([3, 0.75, 2 / 3], abs=1e-6)]


def test_a_model_that_is_as_confident_as_it_is_accurate_has_no_calibration_error():
    rows = np.array([[0.75, 0.25]] * 4, np.float32)
    assert calibration_error(rows, np.array([0, 0, 0, 1])) == pytest.approx(0.0)
    assert calibration_error(rows, np.array([0, 0, 0, 0])) == pytest.approx(0.25)


def test_faces_without_a_label_do_not_count():
    rows = np.array([[0.75, 0.25]] * 4, np.float32)
    assert calibration_error(rows, np.array([0, -1, -1, -1])) == pytest.approx(0.25)


def test_the_log_loss_of_a_confident_mistake_is_bounded():
    found = log_loss(np.array([[1.0, 0.0]], 'f'), np.array([1]))
    assert found == pytest.approx(7 * np.log(10), rel=1e-3)


def test_a_temperature_divides_the_logits():
    logits = np.array([[2.0, 0.0]], np.float32)
    expected = 1 / (1 + np.exp(-1.0))
    assert softmax(logits, 2.0)[0, 0] == pytest.approx(expected)


def test_the_fitted_temperature_undoes_overconfidence():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (4000, 3)).astype(np.float32)
    chance = softmax(logits).cumsum(1)
    labels = (rng.random((4000, 1)) > chance).sum(1).clip(0, 2)
    assert fit_temperature(logits * 3, labels) == pytest.approx(3.0, rel=0.1)


@pytest.mark.parametrize('count', [10, 30, 300])
def test_of_few_faces_that_are_all_right_it_does_not_follow_that_none_is_wrong(count):
    labels = np.arange(count) % 3
    logits = np.eye(3, dtype=np.float32)[labels] * 4
    wrong = 1 - softmax(logits, fit_temperature(logits, labels)).max(1).mean()
    assert wrong == pytest.approx(1 / (count + 2), rel=0.02)


def test_the_temperature_of_nothing_is_one():
    assert fit_temperature(np.zeros((2, 3), 'f'), np.array([-1, -1])) == 1.0


def test_the_temperature_is_that_of_the_faces_that_count():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (4000, 3)).astype(np.float32)
    labels = (rng.random((4000, 1)) > softmax(logits).cumsum(1)).sum(1).clip(0, 2)
    both = np.concatenate([logits * 3, logits]), np.concatenate([labels, labels])
    weights = np.repeat([1.0, 0.0], 4000).astype(np.float32)
    assert fit_temperature(*both, weights) == pytest.approx(fit_temperature(logits * 3, labels))
    assert fit_temperature(*both) < fit_temperature(*both, weights) - 0.5
