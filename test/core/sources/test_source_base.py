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

"""What the kinds of sources have in common."""

from __future__ import annotations

import numpy as np
import pytest
from rtcnn_perception.core.sources.base import frozen
from rtcnn_perception.core.sources.base import sane_fps
from rtcnn_perception.core.sources.base import size_of


def test_a_frozen_frame_is_the_same_array_and_cannot_be_written_to():
    frame = np.zeros((4, 6, 3), np.uint8)
    image = frozen(frame)
    assert image is frame
    with pytest.raises(ValueError, match='read-only'):
        image[0, 0] = 1


def test_a_size_is_width_and_height():
    assert size_of(np.zeros((4, 6, 3), np.uint8)) == (6, 4)


def test_a_frame_rate_that_cannot_be_is_replaced_by_the_nominal_one():
    for fps in (0.0, -25.0, 240.1, 90000.0, float('nan'), float('inf')):
        assert sane_fps(fps) == 30.0
    for fps in (0.1, 12.5, 240.0):
        assert sane_fps(fps) == fps
