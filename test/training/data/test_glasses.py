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

"""Glasses drawn on faces."""

from __future__ import annotations

import numpy as np
import pytest
from rtcnn_perception.training.data.glasses import draw_glasses

EYES = np.float32([[20.0, 26.0], [44.0, 26.0]])
GRAY = np.full((64, 64), 128, np.uint8)


def changed(seed, crop=GRAY, eyes=EYES):
    drawn = draw_glasses(crop, eyes, np.random.default_rng(seed))
    assert drawn.dtype == np.uint8
    assert drawn.shape == crop.shape
    return drawn != crop


@pytest.mark.parametrize('seed', range(20))
def test_they_lie_about_the_eyes(seed):
    rows, columns = np.nonzero(changed(seed))
    assert rows.min() >= 26 - 24
    assert rows.max() <= 26 + 24
    assert columns.min() < 20
    assert columns.max() > 44
    assert abs(float(columns.min() + columns.max()) - 64.0) <= 2.0  # as far to both sides


def test_they_lean_with_the_eyes():
    rows, columns = np.nonzero(changed(3, eyes=np.float32([[20.0, 20.0], [44.0, 32.0]])))
    assert np.polyfit(columns, rows, 1)[0] > 0.2


def test_no_two_are_alike():
    masks = {changed(seed).tobytes() for seed in range(20)}
    assert len(masks) == 20


def test_some_have_dark_lenses():
    centers = [draw_glasses(GRAY, EYES, np.random.default_rng(seed))[26, 20] for seed in range(60)]
    assert 3 <= sum(center < 90 for center in centers) <= 20


def test_a_face_whose_eyes_are_close_gets_none():
    assert not changed(0, eyes=np.float32([[20.0, 26.0], [25.0, 26.0]])).any()


def test_the_given_crop_stays():
    crop = GRAY.copy()
    draw_glasses(crop, EYES, np.random.default_rng(0))
    assert (crop == GRAY).all()
