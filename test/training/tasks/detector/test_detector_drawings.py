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
from predicted_faces import faces_at
from predicted_faces import LEFT
from predicted_faces import predicted
import pytest
from rtcnn_perception.training.tasks.detector import drawings
from rtcnn_perception.training.tasks.detector.drawings import draw_sheet
from rtcnn_perception.training.tasks.detector.drawings import draw_worst_false
from rtcnn_perception.training.tasks.detector.drawings import draw_worst_misses


@pytest.mark.parametrize(
    ('photographs', 'chosen'),
    [(1, [0]), (2, [0, 1]), (5, [0, 1, 2, 3, 4]), (7, [0, 1, 2, 4, 5, 6]), (60, range(5, 60, 10))],
)
def test_a_sheet_has_no_photograph_twice(monkeypatch, photographs, chosen):
    every, drawn = [faces_at(LEFT) for _ in range(photographs)], []

    def draw(shown, *_):
        drawn.append(next(i for i, each in enumerate(every) if each is shown))
        return np.zeros((8, 8, 3), np.uint8)

    monkeypatch.setattr(drawings, '_draw_found', draw)
    draw_sheet([faces_at(), *every], [predicted()] * (photographs + 1), 0.4)
    assert drawn == list(chosen)


def test_drawings_of_nothing_are_pictures():
    for draw in (draw_sheet, draw_worst_false, draw_worst_misses):
        assert np.ptp(draw([], [], 0.4)) > 100
