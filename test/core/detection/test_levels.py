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

"""A wide image is searched at several scales, and each face is found once."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from rtcnn_perception.core.detection.base import DetectorConfig
from rtcnn_perception.core.detection.levels import Candidates
from rtcnn_perception.core.detection.levels import Level
from rtcnn_perception.core.detection.levels import levels_of
from rtcnn_perception.core.detection.levels import merge_levels
from rtcnn_perception.core.detection.registry import load_detector
from rtcnn_perception.core.detection.rtcnn import RtcnnDetector
from rtcnn_perception.core.geometry.boxes import boxes_to_array
from rtcnn_perception.core.geometry.boxes import iou_matrix
from rtcnn_perception.core.sources.builtin import load_portrait
from rtcnn_perception.resources import models_search_path
from tiny_detector import write_tiny_detector

NEAR_FACE = np.array([[345.0, 249.0, 925.0, 947.0]])
"""Of the portrait's head, in pixels of a picture that it fills."""


def candidates(*rows):
    """Make candidates from rows of a score, a corner x and y, and a side."""
    scores, x, y, sides = (np.array(column, np.float64) for column in zip(*rows, strict=True))
    boxes = np.stack([x, y, x + sides, y + sides], axis=1)
    landmarks = np.repeat(boxes[:, None, :2], 5, axis=1)
    return Candidates(scores.astype(np.float32), boxes, landmarks)


def nothing():
    return Candidates(np.zeros(0, np.float32), np.zeros((0, 4)), np.zeros((0, 5, 2)))


def levels_with(*scales):
    blank = np.zeros((1, 1, 3), np.uint8)
    return [Level(blank, np.array([scale, scale], np.float64)) for scale in scales]


@pytest.mark.parametrize(
    ('width', 'widths'),
    [
        (1, [1]),
        (320, [320]),
        (512, [512]),
        (513, [513, 256]),
        (640, [640, 320]),
        (1920, [1920, 960, 480]),
        (8192, [8192, 4096, 2048, 1024, 512]),
    ],
)
def test_levels_halve_a_wide_image_until_one_shows_every_face(width, widths):
    image = np.zeros((3, width, 3), np.uint8)
    levels = levels_of(image)
    assert [level.image.shape[1] for level in levels] == widths
    assert levels[0].image is image
    for level in levels:
        height, width = level.image.shape[:2]
        np.testing.assert_allclose(level.scale * (width, height), (widths[0], 3))


def test_the_only_level_of_an_image_answers_for_faces_of_every_size():
    found = candidates((0.9, 0, 0, 500), (0.8, 600, 0, 3))
    assert merge_levels(levels_with(1), [found], 0.3) is found


def test_each_level_answers_for_the_sizes_that_it_shows_best():
    fine = candidates((0.9, 0, 0, 241), (0.8, 500, 0, 240), (0.7, 900, 0, 3))
    coarse = candidates((0.95, 0, 200, 300), (0.6, 400, 0, 40), (0.5, 420, 100, 39))
    merged = merge_levels(levels_with(1, 2), [fine, coarse], 0.3)
    np.testing.assert_allclose(merged.scores, [0.95, 0.8, 0.7, 0.6])
    np.testing.assert_allclose(
        merged.boxes,
        [[0, 400, 600, 1000], [500, 0, 740, 240], [900, 0, 903, 3], [800, 0, 880, 80]],
    )
    np.testing.assert_allclose(merged.landmarks[:, 0], merged.boxes[:, :2])


def test_a_face_of_two_levels_is_found_once_where_it_scored_best():
    fine = candidates((0.8, 100, 100, 160), (0.7, 400, 100, 100))
    coarse = candidates((0.9, 52, 50, 80), (0.6, 201, 51, 50))
    merged = merge_levels(levels_with(1, 2), [fine, coarse], 0.3)
    np.testing.assert_allclose(merged.scores, [0.9, 0.7])
    np.testing.assert_allclose(merged.boxes, [[104, 100, 264, 260], [400, 100, 500, 200]])


def test_levels_may_be_empty():
    assert len(merge_levels(levels_with(1, 2), [nothing(), nothing()], 0.3).scores) == 0
    one = merge_levels(levels_with(1, 2), [nothing(), candidates((0.9, 0, 0, 50))], 0.3)
    np.testing.assert_allclose(one.boxes, [[0, 0, 100, 100]])


def test_a_detector_reuses_the_input_of_each_level(tmp_path):
    detector = RtcnnDetector.load(write_tiny_detector(tmp_path), DetectorConfig(width=8192))
    image = np.zeros((40, 640, 3), np.uint8)
    detector.detect(image)
    before = dict(detector._inputs)
    assert [each.size_hw for each in before.values()] == [(40, 640), (20, 320)]
    detector.detect(image)
    assert all(detector._inputs[level] is each for level, each in before.items())
    detector.detect(image[:30])
    assert [each.size_hw for each in detector._inputs.values()] == [(30, 640), (15, 320)]


@pytest.mark.parametrize('width', [320, 640, 1280])
@pytest.mark.parametrize('precision', ['float', 'int8'])
def test_a_near_face_is_found_at_every_width(width, precision):
    near = cv2.resize(load_portrait()[20:220, 120:330], (1280, 1219))
    config = DetectorConfig(name='rtcnn', width=width, precision=precision)
    (found,) = load_detector(config, models_search_path()).detector.detect(near)
    assert iou_matrix(boxes_to_array((found.box,)), NEAR_FACE)[0, 0] > 0.9
    assert found.score > 0.9
