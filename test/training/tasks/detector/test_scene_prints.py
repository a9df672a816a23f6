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

"""Prints that look like faces and are none."""

from __future__ import annotations

from drawn_faces import draw_face
from drawn_faces import landmarks_of
import numpy as np
import pytest
from rtcnn_perception.training.tasks.detector.config import SceneConfig
from rtcnn_perception.training.tasks.detector.scenes.compose import SceneMaker
from rtcnn_perception.training.tasks.detector.scenes.prints import drawn_face
from rtcnn_perception.training.tasks.detector.scenes.prints import laid_over
from rtcnn_perception.training.tasks.detector.scenes.prints import LEAST
from rtcnn_perception.training.tasks.detector.scenes.prints import SIDE
from rtcnn_perception.training.tasks.detector.scenes.prints import stencil
from still_scenes import STILL
from still_scenes import white_photograph

BOX = (30, 20, 80, 95)
NO_BOXES = np.zeros((0, 4), np.float32)


def gray_face():
    image = np.full((112, 112, 3), 40, np.uint8)
    draw_face(image, BOX)
    return image[..., 1]


def drawn_of(seed):
    return drawn_face(np.random.default_rng(seed))


def stencil_of(seed, points=None):
    points = np.full((5, 2), np.nan) if points is None else points
    rng = np.random.default_rng(seed)
    return stencil(gray_face(), np.float32(BOX), points.astype(np.float32), rng)


@pytest.mark.parametrize('make', [drawn_of, stencil_of])
def test_a_print_repeats_and_varies_and_is_partly_opaque(make):
    prints = [make(seed) for seed in range(12)]
    assert all((each.shape, each.dtype) == ((SIDE, SIDE, 4), np.uint8) for each in prints)
    assert all(np.array_equal(each, make(seed)) for seed, each in enumerate(prints))
    assert len({each.tobytes() for each in prints}) == len(prints)
    assert all(each[..., 3].any() for each in prints)
    assert any(not each[..., 3].all() for each in prints)


@pytest.mark.parametrize('box', [(111.2, 0, 180, 40), (-30, 0, 0.9, 40), (0, -60, 90, 0.4)])
def test_a_face_at_the_border_is_a_stencil_too(box):
    for seed in range(60):
        points = np.full((5, 2), np.nan, np.float32)
        made = stencil(gray_face(), np.float32(box), points, np.random.default_rng(seed))
        assert made.shape == (SIDE, SIDE, 4)


def test_a_stencil_has_a_few_colours():
    for seed in range(12):
        colours = np.unique(stencil_of(seed)[..., :3].reshape(-1, 3), axis=0)
        assert 2 <= len(colours) <= 4


def test_a_stencil_with_landmarks_is_often_made_a_skull():
    points = landmarks_of(BOX)
    changed = [
        not np.array_equal(stencil_of(seed, points)[..., :3], stencil_of(seed)[..., :3])
        for seed in range(20)
    ]
    assert sum(changed) > 8


def test_a_stencil_is_made_of_a_face_that_reaches_out_of_its_picture():
    box = np.float32([-10, -5, 60, 140])
    found = stencil(gray_face(), box, np.full((5, 2), np.nan, np.float32), np.random.default_rng())
    assert found.shape == (SIDE, SIDE, 4)


def test_a_print_touches_no_face():
    opaque = np.full((SIDE, SIDE, 4), 255, np.uint8)
    boxes = np.float32([[10, 10, 40, 50], [60, 20, 90, 60]])
    changes = np.zeros((96, 128), int)
    for seed in range(60):
        image = np.zeros((96, 128, 3), np.uint8)
        changed = laid_over(image, boxes, opaque, np.random.default_rng(seed)).any(2)
        assert not changed[10:50, 10:40].any()
        assert not changed[20:60, 60:90].any()
        changes += changed
    assert (changes > 0).mean() > 0.3


def test_a_print_below_a_tiny_face_is_no_smaller_than_others():
    """One of no size would be blurred without end."""
    opaque, tiny = np.full((SIDE, SIDE, 4), 255, np.uint8), np.float32([[48, 10, 48.001, 10.001]])
    for seed in range(20):
        image = np.zeros((96, 96, 3), np.uint8)
        changed = laid_over(image, tiny, opaque, np.random.default_rng(seed)).any(2)
        assert changed.sum() > 0.2 * LEAST**2  # some of it may lie outside


def test_a_print_needs_no_face_in_the_scene():
    image = np.zeros((96, 96, 3), np.uint8)
    opaque = np.full((SIDE, SIDE, 4), 255, np.uint8)
    found = [laid_over(image, NO_BOXES, opaque, np.random.default_rng(n)) for n in range(5)]
    assert all(each.any() for each in found)
    assert not image.any()


def test_a_scene_without_room_stays_as_it_is():
    image = np.zeros((64, 64, 3), np.uint8)
    everywhere = np.float32([[0, 0, 64, 64]])
    for seed in range(10):
        opaque = np.full((SIDE, SIDE, 4), 255, np.uint8)
        assert not laid_over(image, everywhere, opaque, np.random.default_rng(seed)).any()


@pytest.mark.parametrize('share', [0.0, 1.0])
def test_a_share_of_scenes_has_prints_and_no_annotation_more(tmp_path, share):
    config = SceneConfig(**STILL, print_share=share, mosaic_share=0.0, small_share=0.0)
    maker = SceneMaker([white_photograph(tmp_path / 'a.png', (30, 20, 70, 60))], config)
    with_prints = 0
    for seed in range(20):
        scene = maker.scene(96, np.random.default_rng(seed))
        assert len(scene.boxes) + len(scene.ignored) == 1
        inside = scene.image[2:-2, 2:-2]  # where the photograph covers the scene
        is_gray = (inside == inside[..., :1]).all(2)
        with_prints += not is_gray.all()
    assert (with_prints > 5) == bool(share)
