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

"""Detections and settings hold only values that are possible."""

from __future__ import annotations

import numpy as np
import pytest
from rtcnn_perception.core.detection.base import Detection
from rtcnn_perception.core.detection.base import DetectorConfig
from rtcnn_perception.core.detection.base import shrink_to_width
from rtcnn_perception.core.detection.rtcnn import ROW
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.exceptions import ConfigurationError

BOX = BoundingBox(0, 0, 1, 1)


@pytest.mark.parametrize('score', [-0.1, 1.1, float('nan')])
def test_a_score_outside_0_to_1_is_rejected(score):
    with pytest.raises(ValueError, match='score'):
        Detection(BOX, score)


@pytest.mark.parametrize('shape', [(10,), (5, 3), (1, 5, 2)])
def test_landmarks_that_are_no_points_are_rejected(shape):
    with pytest.raises(ValueError, match=r'landmarks must be \(K, 2\), got '):
        Detection(BOX, 0.5, np.zeros(shape, np.float32))


def test_a_detection_has_any_number_of_landmarks_or_none():
    assert Detection(BOX, 0.5).landmarks is None
    for count in (0, 5, 6, 68):
        points = np.zeros((count, 2), np.float32)
        assert Detection(BOX, 0.5, points).landmarks is points


@pytest.mark.parametrize(
    ('values', 'named'),
    [
        ({'width': -1}, 'width'),
        ({'width': 31}, 'width'),
        ({'width': 8193}, 'width'),
        ({'min_score': -0.1}, 'score'),
        ({'min_score': 1.1}, 'score'),
        ({'min_score': float('nan')}, 'score'),
        ({'threads': 0}, 'threads'),
    ],
)
def test_a_setting_out_of_range_is_refused(values, named):
    with pytest.raises(ConfigurationError, match=f'{named}.*got'):
        DetectorConfig(**values)


def test_the_widths_at_the_limits_are_accepted():
    assert [DetectorConfig(width=width).width for width in (0, 32, 8192)] == [0, 32, 8192]


def test_nothing_prevents_a_detector_by_default():
    assert ROW.obstacle() == ''


@pytest.mark.parametrize(
    ('height', 'width', 'wanted', 'expected'),
    [
        (1, 1, 320, (1, 1)),
        (480, 640, 640, (480, 640)),
        (480, 640, 8192, (480, 640)),
        (480, 640, 320, (240, 320)),
        (1080, 1920, 320, (180, 320)),
        (270, 480, 320, (180, 320)),
        (1, 4000, 320, (1, 320)),
        (4000, 640, 320, (2000, 320)),
    ],
)
def test_an_image_is_scaled_down_to_a_width_and_never_up(height, width, wanted, expected):
    image = np.zeros((height, width, 3), np.uint8)
    shrunk, scale = shrink_to_width(image, wanted)
    assert shrunk.shape == (*expected, 3)
    assert (shrunk is image) == (expected == (height, width))
    assert scale.tolist() == [width / expected[1], height / expected[0]]


def test_scaling_down_by_much_counts_every_pixel():
    image = np.zeros((64, 640, 3), np.uint8)
    image[:, ::4] = 200
    shrunk, _ = shrink_to_width(image, 160)
    assert set(shrunk.ravel().tolist()) == {50}


@pytest.mark.parametrize(
    ('size_hw', 'expected_hw'),
    [
        ((1_000_000, 1), (2560, 1)),
        ((1_000_000, 3), (2560, 1)),
        ((312_500, 320), (2560, 3)),
        ((10_000, 320), (2560, 82)),
        ((10_000, 3200), (1000, 320)),
        ((2560, 320), (2560, 320)),
        ((1920, 1080), (569, 320)),
    ],
)
def test_a_high_image_is_shrunk_by_its_height(size_hw, expected_hw):
    image = np.broadcast_to(np.uint8(7), (*size_hw, 3))
    shrunk, scale = shrink_to_width(np.asarray(image), 320)
    assert shrunk.shape[:2] == expected_hw
    assert scale == pytest.approx(np.divide(size_hw, expected_hw)[::-1])
