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

import math

import numpy as np
import pytest
from rtcnn_perception.core.models.fields import JsonFields
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.training.tasks.detector.calibration import build_in
from rtcnn_perception.training.tasks.detector.calibration import calibration_of
from rtcnn_perception.training.tasks.detector.calibration import fit_calibration
from rtcnn_perception.training.tasks.detector.calibration import ScoreCalibration
from small_detector import calibrated
from small_detector import lively
import torch


def test_a_calibrated_score_is_the_share_of_predictions_that_are_faces():
    rng = np.random.default_rng(0)
    scores, heights = rng.uniform(0.02, 0.98, 20_000), rng.uniform(8, 200, 20_000)
    likely = [calibrated(*each, 3.0, -0.5, 0.6) for each in zip(scores, heights, strict=True)]
    found = fit_calibration(scores, heights, rng.random(20_000) < likely)
    assert found == pytest.approx((3.0, -0.5, 0.6), abs=0.15)


def test_a_calibration_that_is_built_in_can_be_undone():
    network, pixels = lively(), torch.rand(1, 3, 64, 96) * 2 - 1
    calibration = ScoreCalibration(2.5, -0.4, 0.7)
    with torch.inference_mode():
        before = network(pixels)
        build_in(calibration, network)
        within = network(pixels)
        build_in(calibration.inverse, network)
        after = network(pixels)
    assert (within.score - before.score).abs().max() > 0.5
    torch.testing.assert_close(within.box, before.box)
    torch.testing.assert_close(after.score, before.score, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    'given', [{}, {'slope': 0.0, 'offset': 0.0, 'growth': 0.0}, {'slope': 1.0, 'offset': 0.0}]
)
def test_a_card_without_its_calibration_is_refused(tmp_path, given):
    card = JsonFields(tmp_path / 'model.json', {'score_calibration': given}, 'export it anew')
    with pytest.raises(ModelError, match=r'model\.json: score_calibration\.\w+ .*export it anew'):
        calibration_of(card)


def test_a_fit_converges_where_a_threshold_separates_all_faces_from_all_others():
    scores = np.array([0.9, 0.8, 0.7, 0.3, 0.2, 0.1])
    found = fit_calibration(scores, np.tile([20.0, 50.0], 3), scores > 0.5)
    assert 0.6 < calibrated(0.7, 32, *found) < 0.9
    assert 0.1 < calibrated(0.3, 32, *found) < 0.4


def test_scores_of_0_and_1_can_be_fitted():
    hits = np.array([True, True, False, False])
    found = fit_calibration(hits.astype(float), np.array([20.0, 40.0, 20.0, 40.0]), hits)
    assert found.slope > 0
    assert all(map(math.isfinite, found))


@pytest.mark.parametrize(
    ('scores', 'hits'),
    [
        ([], []),
        ([0.5, 0.6], [True, True]),
        ([0.5, 0.6], [False, False]),
        ([0.9, 0.8, 0.2, 0.1], [False, False, True, True]),
    ],
)
def test_scores_without_information_keep_the_identity(scores, hits):
    heights = np.linspace(20, 40, len(scores))
    assert fit_calibration(np.array(scores), heights, np.array(hits, bool)) == (1.0, 0.0, 0.0)
