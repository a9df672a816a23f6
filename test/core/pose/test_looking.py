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

"""Looking at the camera: angle, score and state."""

import numpy as np
from projected_heads import turned
import pytest
from rtcnn_perception.core.pose.looking import angle_to_camera
from rtcnn_perception.core.pose.looking import is_looking
from rtcnn_perception.core.pose.looking import looking_score
from rtcnn_perception.core.pose.looking import LookingConfig
from rtcnn_perception.exceptions import ConfigurationError

AHEAD = np.array([0.0, 0.0, 1.0])


@pytest.mark.parametrize(
    ('position', 'angles', 'expected'),
    [
        (AHEAD, (0, 0, 0), 0),
        (AHEAD, (30, 0, 0), 30),
        (AHEAD, (-30, 0, 170), 30),
        (AHEAD, (0, 25, 0), 25),
        (AHEAD, (180, 0, 0), 180),
        # To the right of the picture, parallel to the optical axis; then turned to the camera.
        (np.array([1.0, 0.0, 1.0]), (0, 0, 0), 45),
        (np.array([1.0, 0.0, 1.0]), (-45, 0, 0), 0),
        # Below the camera, the face turned up to it.
        (np.array([0.0, 1.0, 1.0]), (0, -45, 0), 0),
    ],
)
def test_the_angle_is_that_between_the_face_and_the_way_to_the_camera(position, angles, expected):
    assert angle_to_camera(position, turned(*angles)) == pytest.approx(expected, abs=1e-5)


def test_the_score_falls_from_1_to_0():
    assert [looking_score(angle) for angle in (0, 30, 60, 90, 180)] == pytest.approx(
        [1, 0.5, 0, 0, 0]
    )
    scores = [looking_score(angle) for angle in range(0, 61)]
    assert scores == sorted(scores, reverse=True)


def test_the_state_changes_at_one_angle_and_back_at_another():
    config, state, states = LookingConfig(20.0, 30.0), False, []
    for angle in (25, 19, 25, 29, 31, 25, 19):
        state = is_looking(angle, state, config)
        states.append(state)
    assert states == [False, True, True, True, False, False, True]


@pytest.mark.parametrize(('begin', 'end'), [(0, 10), (-1, 10), (30, 20), (10, 181)])
def test_angles_that_contradict_each_other_are_refused(begin, end):
    with pytest.raises(ConfigurationError, match='expected angles of looking'):
        LookingConfig(begin, end)
