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

"""Photographs that are moved into scenes, with their annotations."""

from __future__ import annotations

import math

import cv2
from drawn_faces import COLORS
from drawn_faces import draw_face
from drawn_faces import landmarks_of
from drawn_faces import photograph
import numpy as np
import pytest
from rtcnn_perception.training.tasks.detector.scenes.transformation import in_sizes
from rtcnn_perception.training.tasks.detector.scenes.transformation import size_for
from rtcnn_perception.training.tasks.detector.scenes.transformation import transformed
from still_scenes import SIZE_HW
from still_scenes import square


def move(annotated, image, size_hw=SIZE_HW, sizes=None, **changes):
    """Return what ``transformed`` makes; the middle stays in the middle."""
    values = {
        'scale': 1.0,
        'angle': 0.0,
        'flip': False,
        'focus': np.array([annotated.width, annotated.height]) / 2,
        'place': np.array(size_hw[::-1]) / 2,
        'too_small': 4.0,
        'background': np.zeros((*size_hw, 3), np.uint8),
    }
    return transformed(annotated, sizes or in_sizes(image), size_hw, **{**values, **changes})


def extent(image):
    """Return the box (4,) of what is white, with edges where they are half covered."""
    light = image[..., 0] / 255.0
    sums = light.sum(0), light.sum(1)
    low, high = [], []
    for profile in sums:
        full = profile / profile.max()
        inside = np.flatnonzero(full > 0)
        first, last = inside[0], inside[-1]
        middle = (first + last) // 2
        low.append(middle - full[:middle].sum())
        high.append(middle + full[middle:].sum())
    return np.array([*low, *high])


def test_no_annotations_stay_none():
    scene = move(photograph(size=(128, 96)), square((0, 0, 0, 0)), scale=0.5)
    assert scene.image.shape == (*SIZE_HW, 3)
    shapes = (scene.boxes.shape, scene.weights.shape, scene.landmarks.shape, scene.ignored.shape)
    assert shapes == ((0, 4), (0,), (0, 5, 2), (0, 4))


@pytest.mark.parametrize('flip', [False, True])
@pytest.mark.parametrize('scale', [0.3, 0.5, 0.69, 0.71, 1.0, 1.6, 2.5])
def test_a_box_moves_with_its_face(scale, flip):
    """To a tenth of a pixel: of a face of nine, a pixel would be much."""
    box = (50, 30, 74, 54)
    annotated = photograph(size=(128, 96), boxes=[box])
    scene = move(annotated, square(box), scale=scale, flip=flip, place=np.array([60.3, 50.6]))
    np.testing.assert_allclose(scene.boxes[0], extent(scene.image), atol=0.15)


@pytest.mark.parametrize('scale', [0.6, 1.5])
@pytest.mark.parametrize('stretch', [0.75, 1.3])
def test_a_box_is_stretched_with_its_picture(stretch, scale):
    box = (52, 36, 76, 60)
    annotated = photograph(size=(128, 96), boxes=[box])
    scene = move(annotated, square(box), scale=scale, stretch=stretch)
    np.testing.assert_allclose(scene.boxes[0], extent(scene.image), atol=0.15)
    width, height = scene.boxes[0][2:] - scene.boxes[0][:2]
    assert width / height == pytest.approx(stretch, rel=1e-4)
    assert width * height == pytest.approx((24 * scale) ** 2, rel=1e-4)


@pytest.mark.parametrize('flip', [False, True])
@pytest.mark.parametrize('degrees', [-12.0, 8.0, 30.0])
def test_a_rotated_box_keeps_its_size_about_the_middle_of_its_face(degrees, flip):
    box, scale = (80, 20, 104, 44), 0.8
    annotated = photograph(size=(128, 96), boxes=[box])
    scene = move(annotated, square(box), scale=scale, angle=math.radians(degrees), flip=flip)
    light = scene.image[..., 0].astype(float)
    rows, columns = np.indices(light.shape) + 0.5
    middle = np.array([(columns * light).sum(), (rows * light).sum()]) / light.sum()
    (x0, y0, x1, y1) = scene.boxes[0]
    np.testing.assert_allclose([(x0 + x1) / 2, (y0 + y1) / 2], middle, atol=0.1)
    assert (x1 - x0, y1 - y0) == pytest.approx((24 * scale, 24 * scale), rel=1e-5)
    assert light.sum() / 255 == pytest.approx((24 * scale) ** 2, rel=0.02)


@pytest.mark.parametrize('scale', [1.5, 1.0, 0.7, 0.5, 0.2])
def test_a_kept_size_gives_the_scene_that_the_full_one_gives(scale):
    rng = np.random.default_rng(0)
    image = cv2.resize(rng.integers(0, 256, (12, 16, 3)).astype(np.uint8), SIZE_HW[::-1])
    sizes = in_sizes(image)
    used = size_for(sizes, scale)
    assert min(1.0, scale) * 128 <= used.shape[1] + 1
    annotated = photograph(size=(128, 96), boxes=[(40, 20, 80, 60)])
    full = move(annotated, image, sizes=[image], scale=scale)
    kept = move(annotated, image, sizes=sizes, scale=scale)
    assert np.array_equal(full.boxes, kept.boxes)
    np.testing.assert_allclose(kept.image.astype(int), full.image.astype(int), atol=25)
    assert np.abs(kept.image.astype(int) - full.image).mean() < 3


@pytest.mark.parametrize('scale', [0.12, 0.07, 0.05, 0.035])
def test_a_face_of_a_photograph_far_shrunk_lies_where_its_box_does(scale):
    box = (200, 120, 440, 360)
    image = np.zeros((480, 640, 3), np.uint8)
    image[120:360, 200:440] = 255
    scene = move(photograph(size=(640, 480), boxes=[box]), image, scale=scale)
    np.testing.assert_allclose(scene.boxes[0], extent(scene.image), atol=0.5)


def test_a_positive_angle_rotates_clockwise():
    annotated = photograph(size=(128, 96), boxes=[(100, 40, 116, 56)])  # right of the middle
    scene = move(annotated, square((0, 0, 0, 0)), angle=math.radians(30))
    assert scene.boxes[0, 1] > 40 + 15  # and so goes down


@pytest.mark.parametrize('degrees', [0.0, 15.0])
@pytest.mark.parametrize('flip', [False, True])
def test_landmarks_move_with_their_points_and_change_sides_when_mirrored(flip, degrees):
    image, box = np.zeros((*SIZE_HW, 3), np.uint8), (40, 20, 80, 70)
    draw_face(image, box)
    annotated = photograph(size=(128, 96), boxes=[box], landmarks=np.float32([landmarks_of(box)]))
    scene = move(annotated, image, flip=flip, angle=math.radians(degrees))
    points = scene.landmarks[0]
    assert points[0, 0] < points[1, 0]  # the person's right eye is always at the left
    assert points[3, 0] < points[4, 0]
    drawn = [COLORS[index] for index in ((1, 0, 2, 4, 3) if flip else range(5))]
    for (x, y), color in zip(points, drawn, strict=True):
        found = scene.image[math.floor(y), math.floor(x)]
        np.testing.assert_allclose(found, color, atol=40)


def test_unknown_landmarks_stay_unknown():
    scene = move(photograph(size=(128, 96), boxes=[(40, 20, 80, 60)]), square((0, 0, 0, 0)))
    assert np.isnan(scene.landmarks).all()
    assert scene.landmarks.shape == (1, 5, 2)


@pytest.mark.parametrize(
    ('box', 'is_fit'),
    [
        ((40, 40, 44.1, 44.1), True),
        ((40, 40, 43.9, 43.9), False),  # too small
        ((-9, 40, 10, 60), True),
        ((-11, 40, 10, 60), False),  # less than half inside
        ((-9, -9, 10, 10), False),  # a quarter
        ((120, 40, 140, 60), False),
    ],
)
def test_a_face_too_small_or_half_outside_is_ignored_as_far_as_it_is_inside(box, is_fit):
    scene = move(photograph(size=(128, 96), boxes=[box]), square((0, 0, 0, 0)))
    assert len(scene.boxes) == len(scene.weights) == len(scene.landmarks) == is_fit
    expected = [] if is_fit else [np.clip(np.float32(box), 0, (128, 96, 128, 96)).tolist()]
    assert scene.ignored.tolist() == expected


def test_an_ignored_region_ends_at_the_edges_of_the_scene():
    """Beyond them is another part of a mosaic."""
    ignored = [(100, 40, 140, 60), (-50, 10, -20, 40), (10, 10, 30, 30)]
    annotated = photograph(size=(128, 96), boxes=[(200, 10, 240, 50)], ignored=ignored)
    scene = move(annotated, square((0, 0, 0, 0)))
    assert scene.ignored.tolist() == [[100, 40, 128, 60], [10, 10, 30, 30]]
    assert not len(scene.boxes)


@pytest.mark.parametrize(
    ('score', 'weight'),
    [(0.0, 0.5), (0.6, 0.6), (0.65, 0.675), (0.7, 0.75), (0.8, 0.95), (1.0, 1.0)],
)
def test_a_face_counts_by_how_likely_its_annotation_is_true(score, weight):
    annotated = photograph(size=(128, 96), boxes=[(40, 20, 80, 60)], scores=np.float32([score]))
    (found,) = move(annotated, square((0, 0, 0, 0))).weights
    assert found == pytest.approx(weight, abs=1e-6)
