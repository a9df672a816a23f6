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

"""Covers, drawings, light and colour of scenes."""

from __future__ import annotations

import numpy as np
import pytest
from rtcnn_perception.training.tasks.detector.config import SceneConfig
from rtcnn_perception.training.tasks.detector.scenes.pixels import blurred
from rtcnn_perception.training.tasks.detector.scenes.pixels import changed
from rtcnn_perception.training.tasks.detector.scenes.pixels import covering
from rtcnn_perception.training.tasks.detector.scenes.pixels import LEAST_LIGHT
from rtcnn_perception.training.tasks.detector.scenes.pixels import MOST_HIDDEN
from rtcnn_perception.training.tasks.detector.scenes.pixels import MOST_MOTION
from rtcnn_perception.training.tasks.detector.scenes.pixels import recoloured
from rtcnn_perception.training.tasks.detector.scenes.pixels import toned
from still_scenes import STILL

BOXES = np.float32([[8, 8, 40, 48], [60, 30, 90, 66]])


def grains(seed=0, side=96):
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3)).astype(np.uint8)


def scene_with(image, seed, boxes=BOXES, **shares):
    """Return a still scene after ``changed``, with black covers."""
    config = SceneConfig(**{**STILL, **shares})
    found = changed(
        image, boxes, config, np.random.default_rng(seed), lambda: np.zeros_like(image)
    )
    assert (found.shape, found.dtype) == (image.shape, np.uint8)
    return found


def where_changed(image, seed, boxes=BOXES, **shares):
    """Return where (H, W) a still scene differs after ``changed``."""
    return (np.abs(scene_with(image, seed, boxes, **shares).astype(int) - image) > 1).any(2)


def test_without_shares_nothing_is_covered_or_drawn():
    assert not where_changed(grains(), 1).any()


def test_a_face_is_covered_by_the_other_picture_and_nothing_else_changes():
    image = np.maximum(grains(), 1)
    found = scene_with(image, 3, covered_share=1.0)
    is_other = (found == 0).all(2)
    assert is_other.any()
    np.testing.assert_allclose(found[~is_other], image[~is_other], atol=1)


def test_faces_are_covered_in_part_and_nothing_far_from_them():
    boxes = BOXES + 60
    beside = np.ones((220, 220), bool)
    for x0, y0, x1, y1 in boxes.astype(int):
        reach = int(1.3 * np.hypot(x1 - x0, y1 - y0))  # more than a face's own size, rotated
        beside[y0 - reach : y1 + reach, x0 - reach : x1 + reach] = False
    assert beside.any()
    shares = []
    for seed in range(200):
        covers = covering((220, 220), boxes, 1.0, np.random.default_rng(seed))
        shares += [covers[y0:y1, x0:x1].mean() for x0, y0, x1, y1 in boxes.astype(int)]
        assert not covers[beside].any()
    assert max(shares) <= MOST_HIDDEN
    assert np.quantile(shares, 0.9) > 0.3
    assert np.count_nonzero(shares) > 0.8 * len(shares)


def test_the_cover_of_one_face_does_not_hide_another():
    near = np.float32([[10, 10, 80, 80], [30, 30, 44, 44]])
    for seed in range(200):
        covers = covering((96, 96), near, 1.0, np.random.default_rng(seed))
        assert covers[30:44, 30:44].mean() <= MOST_HIDDEN


def test_a_share_of_the_faces_is_covered():
    alone = BOXES[:1]
    found = [covering((96, 96), alone, 0.5, np.random.default_rng(n)).any() for n in range(200)]
    assert 60 < sum(found) < 110


def test_frames_are_drawn_about_faces_and_elsewhere_and_cover_little_of_a_face():
    image, box = grains(side=160), np.float32([[60, 60, 100, 100]])
    near = far = 0
    for seed in range(60):
        changes = where_changed(image, seed, box, drawn_share=1.0)
        left, right = changes[60:100, 42:66].sum(0), changes[60:100, 94:118].sum(0)
        near += left.max() > 30 and right.max() > 30  # the upright sides of a frame
        far += changes[:30].any() or changes[130:].any()
        assert changes[66:94, 66:94].mean() < 0.5
    assert 30 < near < 58  # seven of ten faces get one
    assert far > 10


def test_a_scene_without_faces_is_drawn_on_as_well():
    assert where_changed(grains(), 0, BOXES[:0], drawn_share=1.0).any()


def test_frames_on_gray_scenes_are_gray_or_coloured():
    gray = np.full((96, 96, 3), 128, np.uint8)
    found = [scene_with(gray, seed, drawn_share=1.0, gray_share=1.0) for seed in range(80)]
    are_coloured = [np.ptp(image.astype(int), axis=2).max() > 20 for image in found]
    assert 15 < sum(are_coloured) < 50  # half of them, but for the frames that are gray themselves


def test_a_darkened_scene_keeps_at_least_some_light():
    image = np.full((8, 8, 3), 200, np.uint8)
    config = SceneConfig(**{**STILL, 'dark_share': 1.0})
    light = [recoloured(image, config, np.random.default_rng(seed)).mean() for seed in range(200)]
    assert LEAST_LIGHT * 200 - 1 <= min(light) < 0.2 * 200
    assert 0.8 * 200 < max(light) <= 200


def test_without_changes_colours_stay():
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    found = recoloured(image, SceneConfig(**STILL), np.random.default_rng(1))
    np.testing.assert_allclose(found, image, atol=1)


@pytest.mark.parametrize(
    'changes',
    [
        {'light': 0.3},
        {'gamma': 0.4},
        {'colour': 0.4},
        {'gray_share': 1.0},
        {'blur_share': 1.0},
        {'noise_share': 1.0},
        {'jpeg_share': 1.0},
        {'dark_share': 1.0},
    ],
)
def test_each_change_of_colour_changes_a_copy_of_the_picture(changes):
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    before = image.copy()
    config = SceneConfig(**{**STILL, **changes})
    found = recoloured(image, config, np.random.default_rng(1))
    assert (found.shape, found.dtype) == (image.shape, np.uint8)
    assert np.abs(found.astype(int) - image).mean() > 1
    assert np.array_equal(image, before)
    if 'gray_share' in changes:
        assert (np.ptp(found, axis=2) == 0).all()


def test_half_of_the_gray_pictures_get_a_tone_of_skin():
    rng = np.random.default_rng(0)
    gray = np.full((4, 4, 3), 200, np.uint8)
    tones = [toned(gray, rng)[0, 0].tolist() for _ in range(200)]
    plain = [tone for tone in tones if tone == [200, 200, 200]]
    assert 70 < len(plain) < 130
    others = [tone for tone in tones if tone not in plain]
    assert all(100 <= blue <= green + 40 and green <= red == 200 for blue, green, red in others)


def test_blur_keeps_light_and_runs_one_way_where_the_camera_moves():
    image = np.zeros((65, 65, 3), np.uint8)
    image[32, 32] = 255
    lengths = []
    for seed in range(40):
        moved = blurred(image, np.random.default_rng(seed))[..., 0].astype(float)
        assert moved.sum() == pytest.approx(255, rel=0.1)
        spread = np.cov(np.indices(moved.shape).reshape(2, -1), aweights=moved.ravel())
        lengths.append(np.sqrt(np.linalg.eigvalsh(spread)))
        assert np.abs(np.argwhere(moved) - 32).max() <= MOST_MOTION / 2 + 2
    across, along = np.array(lengths).T
    is_even = along < 1.2 * across
    assert 10 <= is_even.sum() <= 30
    assert (across[~is_even] < 0.8).all()
