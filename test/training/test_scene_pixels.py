"""What is done to the pixels of a scene is done where it is meant to be, and leaves a picture."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip('torch')

from rtcnn_perception.training.detection.scene_config import SceneConfig
from rtcnn_perception.training.detection.scene_pixels import changed
from rtcnn_perception.training.detection.scene_pixels import LEAST_LIGHT
from rtcnn_perception.training.detection.scene_pixels import recoloured
from still_scenes import STILL

BOXES = np.float32([[8, 8, 40, 48], [60, 30, 90, 66]])


def grains(seed=0, side=96):
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3)).astype(np.uint8)


def where_changed(image, seed, **shares):
    """Return where (H, W) a still scene with two faces is another after ``changed``."""
    config = SceneConfig(**{**STILL, **shares})
    found = changed(image, BOXES, config, np.random.default_rng(seed))
    assert (found.shape, found.dtype) == (image.shape, np.uint8)
    return (np.abs(found.astype(int) - image) > 1).any(2)


def test_nothing_is_covered_or_drawn_where_none_is_asked_for():
    assert not where_changed(grains(), 1).any()


def test_faces_are_covered_in_part_and_nothing_far_from_them():
    image, beside = grains(), np.ones((96, 96), bool)
    for x0, y0, x1, y1 in BOXES.astype(int):  # a cover reaches out by a quarter of a side
        wide, high = (x1 - x0) // 4 + 1, (y1 - y0) // 4 + 1
        beside[max(0, y0 - high) : y1 + high, max(0, x0 - wide) : x1 + wide] = False
    for seed in range(40):
        changes = where_changed(image, seed, covered_share=1.0)
        for x0, y0, x1, y1 in BOXES.astype(int):
            assert 0 < changes[y0:y1, x0:x1].mean() <= 0.3
        assert not changes[beside].any()


def test_a_share_of_the_faces_is_covered():
    seen = [where_changed(grains(), seed, covered_share=0.5) for seed in range(100)]
    for x0, y0, x1, y1 in BOXES.astype(int):
        assert 30 < sum(changes[y0:y1, x0:x1].any() for changes in seen) < 80


def test_frames_are_drawn_about_faces_and_elsewhere_and_leave_most_of_a_face_as_it_is():
    image, box = grains(side=160), np.float32([[60, 60, 100, 100]])
    config = SceneConfig(**{**STILL, 'drawn_share': 1.0})
    near = far = 0
    for seed in range(60):
        found = changed(image, box, config, np.random.default_rng(seed))
        changes = (np.abs(found.astype(int) - image) > 1).any(2)
        left, right = changes[60:100, 42:66].sum(0), changes[60:100, 94:118].sum(0)
        near += left.max() > 30 and right.max() > 30  # the upright sides of a frame
        far += changes[:30].any() or changes[130:].any()
        assert changes[66:94, 66:94].mean() < 0.5
    assert 30 < near < 58  # seven of ten faces get one
    assert far > 10


def test_a_scene_without_faces_is_drawn_on_as_well():
    config = SceneConfig(**{**STILL, 'drawn_share': 1.0})
    image = grains()
    found = changed(image, BOXES[:0], config, np.random.default_rng(0))
    assert (np.abs(found.astype(int) - image) > 1).any()


def test_the_dark_leaves_as_much_light_as_it_says():
    image = np.full((8, 8, 3), 200, np.uint8)
    config = SceneConfig(**{**STILL, 'dark_share': 1.0})
    light = [recoloured(image, config, np.random.default_rng(seed)).mean() for seed in range(200)]
    assert LEAST_LIGHT * 200 - 1 <= min(light) < 0.2 * 200
    assert 0.8 * 200 < max(light) <= 200


def test_still_colours_stay():
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
def test_each_change_of_colour_changes_a_picture_and_leaves_it_one(changes):
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    before = image.copy()
    config = SceneConfig(**{**STILL, **changes})
    found = recoloured(image, config, np.random.default_rng(1))
    assert (found.shape, found.dtype) == (image.shape, np.uint8)
    assert np.abs(found.astype(int) - image).mean() > 1
    assert np.array_equal(image, before)
    if 'gray_share' in changes:
        assert (np.ptp(found, axis=2) == 0).all()
