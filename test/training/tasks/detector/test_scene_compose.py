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

"""Scenes that are made of photographs."""

from __future__ import annotations

from dataclasses import fields
from dataclasses import replace

import cv2
from drawn_faces import photograph
import numpy as np
import pytest
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.data.photographs import face_pictures
from rtcnn_perception.training.tasks.detector.config import SceneConfig
from rtcnn_perception.training.tasks.detector.scenes.compose import overlaid
from rtcnn_perception.training.tasks.detector.scenes.compose import padded
from rtcnn_perception.training.tasks.detector.scenes.compose import SceneMaker
from rtcnn_perception.training.tasks.detector.scenes.transformation import Scene
from still_scenes import STILL
from still_scenes import white_photograph
from still_scenes import white_photographs


@pytest.fixture
def photographs(tmp_path):
    return white_photographs(tmp_path)


def same(first, second):
    return all(
        np.array_equal(getattr(first, each.name), getattr(second, each.name), equal_nan=True)
        for each in fields(Scene)
    )


def test_a_seed_repeats_scenes_and_another_makes_others(photographs):
    maker = SceneMaker(photographs, SceneConfig())
    first, again, other = (
        [maker.scene(96, rng) for _ in range(6)] for rng in map(np.random.default_rng, (5, 5, 6))
    )
    assert all(map(same, first, again))
    assert not any(map(same, first, other))


@pytest.mark.parametrize('mosaic', [0.0, 1.0])
def test_every_face_of_a_scene_is_annotated_and_nothing_else(photographs, mosaic):
    maker = SceneMaker(photographs, SceneConfig(**STILL, mosaic_share=mosaic))
    rng, faces = np.random.default_rng(0), 0
    for _ in range(60):
        scene = maker.scene(96, rng)
        assert scene.image.shape == (96, 96, 3)
        white = (scene.image > 250).all(2)
        rows, columns = np.nonzero(white)
        points = np.stack([columns, rows], 1)[:, None] + 0.5
        annotated = np.concatenate([scene.boxes, scene.ignored])
        is_in = (points > annotated[:, :2] - 1) & (points < annotated[:, 2:] + 1)
        assert is_in.all(2).any(1).all()
        for x0, y0, x1, y1 in scene.boxes:
            middle = (max(x0, 0) + min(x1, 96)) / 2, (max(y0, 0) + min(y1, 96)) / 2
            near = scene.image[int(middle[1]), int(middle[0])]
            faces += 1
            assert mosaic or near.min() > 200  # of a mosaic the middle may lie in another part
    assert faces > 20


@pytest.mark.parametrize(('nine', 'least', 'most'), [(0.0, 2, 4), (1.0, 5, 9)])
def test_a_mosaic_has_its_parts_and_all_their_faces(tmp_path, nine, least, most):
    middle = np.full((1, 5, 2), [64, 48], np.float32)
    annotated = [replace(white_photograph(tmp_path / 'a.png', (44, 28, 84, 68)), landmarks=middle)]
    config = SceneConfig(
        **STILL, mosaic_share=1.0, nine_share=nine, least_face=20, most_face=20, small_share=1
    )
    maker = SceneMaker(annotated, config)
    counts = []
    for seed in range(10):
        scene = maker.scene(224, np.random.default_rng(seed))
        counts.append(len(scene.boxes))
        heights = scene.boxes[:, 3] - scene.boxes[:, 1]
        np.testing.assert_allclose(heights, 20, rtol=1e-5)
        middles = (scene.boxes[:, :2] + scene.boxes[:, 2:]) / 2
        for x, y in middles:
            assert scene.image[int(y), int(x)].min() > 250
        np.testing.assert_allclose(scene.landmarks, np.repeat(middles[:, None], 5, 1), atol=1e-3)
    assert max(counts) == most
    assert min(counts) >= least


def test_an_ignored_region_does_not_reach_into_other_parts_of_a_mosaic(tmp_path):
    everywhere = white_photograph(tmp_path / 'a.png', (44, 28, 84, 68), ignored=[(0, 0, 128, 96)])
    maker = SceneMaker([everywhere], SceneConfig(**STILL, mosaic_share=1.0))
    for seed in range(20):
        ignored = maker.scene(128, np.random.default_rng(seed)).ignored
        covered = np.zeros((128, 128), int)
        for x0, y0, x1, y1 in ignored[(ignored[:, 2:] - ignored[:, :2]).min(1) > 2].round():
            covered[int(y0) : int(y1), int(x0) : int(x1)] += 1
        assert covered.max() <= 2  # one region of its own, and at most one face that is ignored


def test_without_negatives_every_scene_is_of_a_photograph_with_faces(tmp_path):
    maker = SceneMaker(
        [white_photograph(tmp_path / 'a.png', (30, 20, 70, 60))],
        SceneConfig(**STILL, negative_share=1.0, mosaic_share=0.0),
    )
    rng = np.random.default_rng(0)
    scenes = [maker.scene(64, rng) for _ in range(10)]
    assert all(len(scene.boxes) + len(scene.ignored) for scene in scenes)


def test_a_share_of_scenes_has_no_face(photographs):
    for share, expected in ((0.0, 0), (1.0, 20)):
        config = SceneConfig(**STILL, negative_share=share, mosaic_share=0.0)
        maker, rng = SceneMaker(photographs, config), np.random.default_rng(0)
        scenes = [maker.scene(64, rng) for _ in range(20)]
        assert sum(not len(s.boxes) and not len(s.ignored) for s in scenes) == expected


def test_a_share_of_the_scenes_without_a_chosen_face_is_of_photographs_with_faces(tmp_path):
    given = [white_photograph(tmp_path / 'a.png')]
    given.append(white_photograph(tmp_path / 'b.png', (1, 1, 17, 17)))
    cv2.imwrite(str(given[-1].path), np.full((96, 128, 3), 200, np.uint8))
    config = SceneConfig(**STILL, negative_share=1.0, mosaic_share=0.0, anywhere_share=0.3)
    maker, rng = SceneMaker(given, config), np.random.default_rng(0)
    scenes = [scene for _ in range(200) if (scene := maker.scene(32, rng)).image.mean() > 120]
    assert len(scenes) == pytest.approx(60, abs=15)
    # Anywhere in the photograph, where a face is found that was not asked for.
    assert 0 < sum(len(scene.boxes) for scene in scenes) < len(scenes) / 2


def test_negatives_come_as_often_as_they_weigh(tmp_path):
    given = [white_photograph(tmp_path / 'a.png', (30, 20, 70, 60))]
    for number, value in enumerate((40, 200)):
        given.append(white_photograph(tmp_path / f'{number}.png'))
        cv2.imwrite(str(given[-1].path), np.full((96, 128, 3), value, np.uint8))
    maker = SceneMaker(given, SceneConfig(**STILL, negative_share=1.0, mosaic_share=0.0))
    maker.weigh_negatives(np.array([1.0, 9.0]))
    rng = np.random.default_rng(0)
    bright = sum(maker.scene(32, rng).image.mean() > 120 for _ in range(200))
    assert bright == pytest.approx(180, abs=15)


def photograph_of(path, image):
    """Write a picture with one face in its middle."""
    cv2.imwrite(str(path), image)
    return photograph(path, size=image.shape[1::-1], boxes=[(44, 28, 84, 68)])


def plain_scene(gray, boxes, ignored=()):
    boxes, count = np.float32(boxes).reshape(-1, 4), len(boxes)
    return Scene(
        np.full((96, 128, 3), gray, np.uint8),
        boxes,
        np.full(count, gray / 255, np.float32),
        np.full((count, 5, 2), gray, np.float32),
        np.float32(ignored).reshape(-1, 4),
    )


def test_heads_of_one_scene_are_put_in_front_of_another():
    beside, behind, before = (5, 5, 25, 30), (60, 40, 80, 62), (64, 40, 88, 70)
    scene = overlaid(
        plain_scene(50, [beside, behind], [(100, 0, 110, 10)]),
        plain_scene(200, [before], [(70, 30, 76, 36), (0, 80, 9, 90)]),
    )
    assert scene.boxes.tolist() == [list(beside), list(before)]
    assert scene.weights.tolist() == pytest.approx([50 / 255, 200 / 255])
    assert scene.landmarks[:, 0, 0].tolist() == [50, 200]
    ignored = [(100, 0, 110, 10), behind, (70, 30, 76, 36)]
    assert scene.ignored.tolist() == [list(map(float, each)) for each in ignored]
    assert (scene.image[42:68, 66:86] == 200).all()  # the face, but for its corners
    assert (scene.image[5:30, 5:25] == 50).all()
    share = (scene.image == 200).mean() * 96 * 128 / (24 * 30)
    assert 1.5 < share < 2.5  # of the face, with hair and ears


def test_a_face_that_is_mostly_visible_behind_another_stays_annotated():
    scene = overlaid(plain_scene(50, [(40, 40, 60, 62)]), plain_scene(200, [(62, 40, 86, 70)]))
    assert scene.boxes.tolist() == [[40, 40, 60, 62], [62, 40, 86, 70]]
    assert not len(scene.ignored)
    assert (scene.image[40:62, 40:60] == 200).any()


def test_a_scene_without_faces_hides_nothing():
    behind = plain_scene(50, [(40, 40, 60, 62)])
    assert same(overlaid(behind, plain_scene(200, [])), behind)


@pytest.mark.parametrize(('share', 'most'), [(0.0, 1), (1.0, 2)])
def test_a_share_of_scenes_has_heads_in_front(tmp_path, share, most):
    config = SceneConfig(**STILL, mosaic_share=0.0, front_share=share, least_face=10, most_face=10)
    maker = SceneMaker([white_photograph(tmp_path / 'a.png', (30, 20, 70, 60))], config)
    counts = [len(maker.scene(96, np.random.default_rng(seed)).boxes) for seed in range(20)]
    assert max(counts) == most


def maker_beside(negative, folder, share):
    """Return a maker of scenes of a small face, of which a share have ``negative`` beside it."""
    config = SceneConfig(
        **STILL,
        negative_share=0.0,
        mosaic_share=0.0,
        small_share=1.0,
        least_face=10,
        most_face=10,
        background_share=share,
    )
    return SceneMaker([white_photograph(folder / 'a.png', (30, 20, 70, 60)), negative], config)


@pytest.mark.parametrize('share', [0.0, 1.0])
def test_beside_a_photograph_is_one_colour_or_another_photograph(tmp_path, share):
    grain = np.random.default_rng(0).integers(60, 120, (96, 128, 3)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / 'none.png'), grain)
    none = photograph(tmp_path / 'none.png', size=(128, 96))
    maker = maker_beside(none, tmp_path, share)
    scene = maker.scene(96, np.random.default_rng(0))
    ((x0, y0, x1, y1),) = scene.boxes
    beside = scene.image[0 if y0 > 48 else 95]  # the photograph is some 24 pixels high
    assert (np.ptp(beside, axis=0).max() > 10) == bool(share)
    assert scene.image[int((y0 + y1) / 2), int((x0 + x1) / 2)].min() > 250


def test_a_photograph_fills_its_scene_wherever_its_face_is_mirrored_or_not(tmp_path):
    cv2.imwrite(str(tmp_path / 'gray.png'), np.full((96, 128, 3), 77, np.uint8))
    aside = photograph(tmp_path / 'gray.png', size=(128, 96), boxes=[(4, 4, 24, 24)])
    config = SceneConfig(**STILL, negative_share=0.0, mosaic_share=0.0, small_share=0.0)
    maker = SceneMaker([aside], config)
    for seed in range(40):
        scene = maker.scene(96, np.random.default_rng(seed))
        assert (scene.image[1:-1, 1:-1] == 77).all(), seed


def test_an_enlarged_background_has_no_blocks(tmp_path):
    ramp = np.repeat(np.arange(0, 256, 8, np.uint8)[None, :, None], 24, 0).repeat(3, 2)
    cv2.imwrite(str(tmp_path / 'none.png'), ramp)
    none = photograph(tmp_path / 'none.png', size=(32, 24))
    maker = maker_beside(none, tmp_path, 1.0)
    scene = maker.scene(128, np.random.default_rng(0))
    beside = scene.image[0 if scene.boxes[0, 1] > 64 else 127]
    steps = np.diff(beside[:, 0].astype(int))
    assert (steps[8:-8] > 0).mean() > 0.7  # repeated pixels would be steps of nothing


def test_photographs_too_large_for_memory_are_refused(tmp_path):
    huge = photograph(tmp_path / 'a.png', size=(100_000, 100_000), boxes=[(0, 0, 50, 50)])
    with pytest.raises(ConfigurationError, match='take 56 GB of memory, at most 8 are allowed'):
        SceneMaker([huge], SceneConfig())


def test_photographs_without_a_face_are_refused(tmp_path):
    for none in ([], [white_photograph(tmp_path / 'none.png')]):
        with pytest.raises(ConfigurationError, match='no face in the photographs'):
            SceneMaker(none, SceneConfig())


@pytest.mark.parametrize('share', [0.0, 1.0])
def test_a_share_of_scenes_ends_in_black(tmp_path, share):
    bright = photograph_of(tmp_path / 'a.png', np.full((96, 128, 3), 200, np.uint8))
    config = SceneConfig(**STILL, padded_share=share, mosaic_share=0.0, small_share=0.0)
    maker, edges = SceneMaker([bright], config), set()
    for seed in range(30):
        scene = maker.scene(64, np.random.default_rng(seed))
        is_lit = scene.image.any(2)
        assert is_lit[:33, :33].all()  # less than a multiple of 32 is black
        edges.add((int(is_lit.any(0).sum()), int(is_lit.any(1).sum())))
    assert (len(edges) > 10) == bool(share)
    assert share or edges == {(64, 64)}


def test_a_face_that_black_hides_by_half_is_ignored():
    boxes = [(40, 10, 60, 30), (80, 10, 127, 30)]
    for seed in range(20):
        scene = padded(plain_scene(200, boxes), np.random.default_rng(seed))
        right = int(scene.image.any((0, 2)).sum())
        is_hidden = right < (80 + 127) / 2
        assert scene.boxes.tolist() == [list(map(float, each)) for each in boxes[: 2 - is_hidden]]
        assert len(scene.ignored) == is_hidden


def test_scenes_smaller_than_the_least_face_are_made(tmp_path):
    config = SceneConfig(sizes=(32,), least_face=60, most_face=60, mosaic_share=1.0)
    maker = SceneMaker([white_photograph(tmp_path / 'a.png', (30, 20, 70, 60))], config)
    scene = maker.scene(32, np.random.default_rng(0))
    assert scene.image.shape == (32, 32, 3)


def test_a_missing_photograph_is_refused_by_name(tmp_path):
    gone = photograph(tmp_path / 'gone.png', boxes=[(30, 20, 70, 60)])
    with pytest.raises(DataError, match=r'cannot read the picture .*gone\.png'):
        SceneMaker([gone], SceneConfig())


@pytest.mark.parametrize(('share', 'expected'), [(0.0, 0), (1.0, 20)])
def test_a_share_of_scenes_shows_faces_that_are_given_beside_photographs(
    tmp_path, share, expected
):
    given = FaceSet(
        pictures=[np.full((112, 112), 100, np.uint8)],
        boxes=np.array([[30.0, 20.0, 80.0, 95.0]]),
        names=['a face'],
        landmarks=np.full((1, 5, 2), 50, np.float32),
    )
    config = SceneConfig(sizes=(96,), faces_share=share, mosaic_share=0.0)
    other = white_photograph(tmp_path / 'a.png', (30, 20, 70, 60))
    maker, rng = SceneMaker([other], config, face_pictures(given)), np.random.default_rng(0)
    scenes = [maker.scene(96, rng) for _ in range(20)]
    assert sum(bool(np.isfinite(scene.landmarks).any()) for scene in scenes) == expected


def test_a_face_that_is_to_be_large_is_one_that_can_be_shown_so(tmp_path):
    small = white_photograph(tmp_path / 'small.png', (30, 20, 42, 36))
    large = white_photograph(tmp_path / 'large.png', (10, 5, 90, 95))
    config = SceneConfig(
        sizes=(256,), least_face=150.0, most_face=200.0, mosaic_share=0, small_share=1
    )
    maker, rng = SceneMaker([small] * 3 + [large], config), np.random.default_rng(0)
    heights = [float(box[3] - box[1]) for _ in range(20) for box in maker.scene(256, rng).boxes]
    assert len(heights) == 20
    assert 150 <= min(heights) <= max(heights) <= 200.01
