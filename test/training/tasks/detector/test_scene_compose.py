"""Marks go where the picture goes, whatever is done to it."""

from __future__ import annotations

from dataclasses import fields
from dataclasses import replace
import math

import cv2
import numpy as np
import pytest

pytest.importorskip('torch')

from drawn_faces import COLORS
from drawn_faces import draw_face
from drawn_faces import landmarks_of
from drawn_faces import photograph
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.tasks.detector.scenes.batches import collate
from rtcnn_perception.training.tasks.detector.scenes.batches import SceneBatches
from rtcnn_perception.training.tasks.detector.scenes.compose import overlaid
from rtcnn_perception.training.tasks.detector.scenes.compose import Scene
from rtcnn_perception.training.tasks.detector.scenes.compose import SceneMaker
from rtcnn_perception.training.tasks.detector.scenes.compose import transformed
from rtcnn_perception.training.tasks.detector.scenes.config import SceneConfig
from still_scenes import STILL

SIZE_HW = (96, 128)


def square(box, size_hw=SIZE_HW):
    """Return a black picture that is white in a box."""
    image = np.zeros((*size_hw, 3), np.uint8)
    x0, y0, x1, y1 = box
    image[y0:y1, x0:x1] = 255
    return image


def move(marks, image, size_hw=SIZE_HW, **changes):
    """Return what ``transformed`` makes; the middle stays in the middle."""
    values = {
        'scale': 1.0,
        'angle': 0.0,
        'flip': False,
        'focus': np.array([marks.width, marks.height]) / 2,
        'place': np.array(size_hw[::-1]) / 2,
        'too_small': 4.0,
        'background': np.zeros((*size_hw, 3), np.uint8),
    }
    return transformed(marks, image, size_hw, **{**values, **changes})


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


def test_no_marks_stay_none():
    scene = move(photograph(size=(128, 96)), square((0, 0, 0, 0)), scale=0.5)
    assert scene.image.shape == (*SIZE_HW, 3)
    shapes = (scene.boxes.shape, scene.weights.shape, scene.landmarks.shape, scene.ignored.shape)
    assert shapes == ((0, 4), (0,), (0, 5, 2), (0, 4))


@pytest.mark.parametrize('flip', [False, True])
@pytest.mark.parametrize('scale', [0.3, 0.5, 0.69, 0.71, 1.0, 1.6, 2.5])
def test_a_box_lies_where_its_face_comes_to_lie(scale, flip):
    """To a tenth of a pixel: of a face of nine, a pixel would be much."""
    box = (50, 30, 74, 54)
    marks = photograph(size=(128, 96), boxes=[box])
    scene = move(marks, square(box), scale=scale, flip=flip, place=np.array([60.3, 50.6]))
    np.testing.assert_allclose(scene.boxes[0], extent(scene.image), atol=0.15)


@pytest.mark.parametrize('scale', [0.6, 1.5])
@pytest.mark.parametrize('stretch', [0.75, 1.3])
def test_a_box_is_stretched_with_its_picture(stretch, scale):
    box = (52, 36, 76, 60)
    marks = photograph(size=(128, 96), boxes=[box])
    scene = move(marks, square(box), scale=scale, stretch=stretch)
    np.testing.assert_allclose(scene.boxes[0], extent(scene.image), atol=0.15)
    width, height = scene.boxes[0][2:] - scene.boxes[0][:2]
    assert width / height == pytest.approx(stretch, rel=1e-4)
    assert width * height == pytest.approx((24 * scale) ** 2, rel=1e-4)


@pytest.mark.parametrize('flip', [False, True])
@pytest.mark.parametrize('degrees', [-12.0, 8.0, 30.0])
def test_a_turned_box_keeps_its_size_about_the_middle_of_its_face(degrees, flip):
    box, scale = (80, 20, 104, 44), 0.8
    marks = photograph(size=(128, 96), boxes=[box])
    scene = move(marks, square(box), scale=scale, angle=math.radians(degrees), flip=flip)
    light = scene.image[..., 0].astype(float)
    rows, columns = np.indices(light.shape) + 0.5
    middle = np.array([(columns * light).sum(), (rows * light).sum()]) / light.sum()
    (x0, y0, x1, y1) = scene.boxes[0]
    np.testing.assert_allclose([(x0 + x1) / 2, (y0 + y1) / 2], middle, atol=0.1)
    assert (x1 - x0, y1 - y0) == pytest.approx((24 * scale, 24 * scale), rel=1e-5)
    assert light.sum() / 255 == pytest.approx((24 * scale) ** 2, rel=0.02)


def test_a_positive_angle_turns_clockwise():
    marks = photograph(size=(128, 96), boxes=[(100, 40, 116, 56)])  # right of the middle
    scene = move(marks, square((0, 0, 0, 0)), angle=math.radians(30))
    assert scene.boxes[0, 1] > 40 + 15  # and so goes down


@pytest.mark.parametrize('degrees', [0.0, 15.0])
@pytest.mark.parametrize('flip', [False, True])
def test_landmarks_lie_where_they_are_drawn_and_change_sides_in_a_mirror(flip, degrees):
    image, box = np.zeros((*SIZE_HW, 3), np.uint8), (40, 20, 80, 70)
    draw_face(image, box)
    marks = photograph(size=(128, 96), boxes=[box], landmarks=np.float32([landmarks_of(box)]))
    scene = move(marks, image, flip=flip, angle=math.radians(degrees))
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
def test_a_face_too_small_or_half_outside_is_ignored_as_far_as_it_is_seen(box, is_fit):
    scene = move(photograph(size=(128, 96), boxes=[box]), square((0, 0, 0, 0)))
    assert len(scene.boxes) == len(scene.weights) == len(scene.landmarks) == is_fit
    expected = [] if is_fit else [np.clip(np.float32(box), 0, (128, 96, 128, 96)).tolist()]
    assert scene.ignored.tolist() == expected


def test_what_is_ignored_ends_with_the_scene_and_is_gone_outside():
    """A neighbour in a mosaic lies there, whose background is to be learnt."""
    ignored = [(100, 40, 140, 60), (-50, 10, -20, 40), (10, 10, 30, 30)]
    marks = photograph(size=(128, 96), boxes=[(200, 10, 240, 50)], ignored=ignored)
    scene = move(marks, square((0, 0, 0, 0)))
    assert scene.ignored.tolist() == [[100, 40, 128, 60], [10, 10, 30, 30]]
    assert not len(scene.boxes)


@pytest.mark.parametrize(
    ('score', 'weight'),
    [(0.0, 0.5), (0.6, 0.6), (0.65, 0.675), (0.7, 0.75), (0.8, 0.95), (1.0, 1.0)],
)
def test_a_face_counts_by_how_far_its_mark_is_to_be_trusted(score, weight):
    marks = photograph(size=(128, 96), boxes=[(40, 20, 80, 60)], scores=np.float32([score]))
    (found,) = move(marks, square((0, 0, 0, 0))).weights
    assert found == pytest.approx(weight, abs=1e-6)


def written(path, box=None, ignored=(), size_hw=SIZE_HW):
    """Write a black photograph that is white where its face is, or gray without one."""
    image = square(box, size_hw) if box else np.full((*size_hw, 3), 90, np.uint8)
    cv2.imwrite(str(path), image)
    boxes = [box] if box else []
    return photograph(path, size=size_hw[::-1], boxes=boxes, ignored=ignored)


@pytest.fixture
def photographs(tmp_path):
    return [
        written(tmp_path / 'a.png', (30, 20, 70, 60)),
        written(tmp_path / 'b.png', (90, 50, 110, 80), size_hw=(200, 150)),
        written(tmp_path / 'none.png'),
    ]


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
def test_faces_of_scenes_are_marked_and_nothing_else_is(photographs, mosaic):
    maker = SceneMaker(photographs, SceneConfig(**STILL, mosaic_share=mosaic))
    rng, faces = np.random.default_rng(0), 0
    for _ in range(60):
        scene = maker.scene(96, rng)
        assert scene.image.shape == (96, 96, 3)
        white = (scene.image > 250).all(2)
        rows, columns = np.nonzero(white)
        points = np.stack([columns, rows], 1)[:, None] + 0.5
        marks = np.concatenate([scene.boxes, scene.ignored])
        is_in = (points > marks[:, :2] - 1) & (points < marks[:, 2:] + 1)
        assert is_in.all(2).any(1).all()
        for x0, y0, x1, y1 in scene.boxes:
            middle = (max(x0, 0) + min(x1, 96)) / 2, (max(y0, 0) + min(y1, 96)) / 2
            near = scene.image[int(middle[1]), int(middle[0])]
            faces += 1
            assert mosaic or near.min() > 200  # of a mosaic the middle may lie in another part
    assert faces > 20


@pytest.mark.parametrize(('nine', 'least', 'most'), [(0.0, 2, 4), (1.0, 5, 9)])
def test_a_mosaic_shows_its_parts_and_all_their_faces(tmp_path, nine, least, most):
    middle = np.full((1, 5, 2), [64, 48], np.float32)
    marks = [replace(written(tmp_path / 'a.png', (44, 28, 84, 68)), landmarks=middle)]
    config = SceneConfig(
        **STILL, mosaic_share=1.0, nine_share=nine, least_face=20, most_face=20, small_share=1
    )
    maker = SceneMaker(marks, config)
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
    everywhere = written(tmp_path / 'a.png', (44, 28, 84, 68), ignored=[(0, 0, 128, 96)])
    maker = SceneMaker([everywhere], SceneConfig(**STILL, mosaic_share=1.0))
    for seed in range(20):
        ignored = maker.scene(128, np.random.default_rng(seed)).ignored
        covered = np.zeros((128, 128), int)
        for x0, y0, x1, y1 in ignored[(ignored[:, 2:] - ignored[:, :2]).min(1) > 2].round():
            covered[int(y0) : int(y1), int(x0) : int(x1)] += 1
        assert covered.max() <= 2  # one region of its own, and at most one face that is ignored


def test_without_negatives_every_scene_is_of_a_photograph_with_faces(tmp_path):
    maker = SceneMaker(
        [written(tmp_path / 'a.png', (30, 20, 70, 60))],
        SceneConfig(**STILL, negative_share=1.0, mosaic_share=0.0),
    )
    rng = np.random.default_rng(0)
    scenes = [maker.scene(64, rng) for _ in range(10)]
    assert all(len(scene.boxes) + len(scene.ignored) for scene in scenes)


def test_a_share_of_scenes_shows_no_face(photographs):
    for share, expected in ((0.0, 0), (1.0, 20)):
        config = SceneConfig(**STILL, negative_share=share, mosaic_share=0.0)
        maker, rng = SceneMaker(photographs, config), np.random.default_rng(0)
        scenes = [maker.scene(64, rng) for _ in range(20)]
        assert sum(not len(s.boxes) and not len(s.ignored) for s in scenes) == expected


def plain_scene(gray, boxes, ignored=()):
    boxes, count = np.float32(boxes).reshape(-1, 4), len(boxes)
    return Scene(
        np.full((96, 128, 3), gray, np.uint8),
        boxes,
        np.full(count, gray / 255, np.float32),
        np.full((count, 5, 2), gray, np.float32),
        np.float32(ignored).reshape(-1, 4),
    )


def test_heads_of_one_scene_stand_before_another():
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


def test_a_face_of_which_enough_is_seen_behind_another_stays_marked():
    scene = overlaid(plain_scene(50, [(40, 40, 60, 62)]), plain_scene(200, [(62, 40, 86, 70)]))
    assert scene.boxes.tolist() == [[40, 40, 60, 62], [62, 40, 86, 70]]
    assert not len(scene.ignored)
    assert (scene.image[40:62, 40:60] == 200).any()


def test_before_a_scene_without_faces_nothing_changes():
    behind = plain_scene(50, [(40, 40, 60, 62)])
    assert same(overlaid(behind, plain_scene(200, [])), behind)


@pytest.mark.parametrize(('share', 'most'), [(0.0, 1), (1.0, 2)])
def test_a_share_of_scenes_has_heads_before_it(tmp_path, share, most):
    config = SceneConfig(**STILL, mosaic_share=0.0, front_share=share, least_face=10, most_face=10)
    maker = SceneMaker([written(tmp_path / 'a.png', (30, 20, 70, 60))], config)
    counts = [len(maker.scene(96, np.random.default_rng(seed)).boxes) for seed in range(20)]
    assert max(counts) == most


def maker_beside(negative, folder, share):
    """Return a maker of scenes with a face of 10 pixels, a share of them before ``negative``."""
    config = SceneConfig(
        **STILL,
        negative_share=0.0,
        mosaic_share=0.0,
        small_share=1.0,
        least_face=10,
        most_face=10,
        background_share=share,
    )
    return SceneMaker([written(folder / 'a.png', (30, 20, 70, 60)), negative], config)


@pytest.mark.parametrize('share', [0.0, 1.0])
def test_beside_a_photograph_one_colour_is_seen_or_another_photograph(tmp_path, share):
    grain = np.random.default_rng(0).integers(60, 120, (96, 128, 3)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / 'none.png'), grain)
    none = photograph(tmp_path / 'none.png', size=(128, 96))
    maker = maker_beside(none, tmp_path, share)
    scene = maker.scene(96, np.random.default_rng(0))
    ((x0, y0, x1, y1),) = scene.boxes
    beside = scene.image[0 if y0 > 48 else 95]  # the photograph is some 24 pixels high
    assert (np.ptp(beside, axis=0).max() > 10) == bool(share)
    assert scene.image[int((y0 + y1) / 2), int((x0 + x1) / 2)].min() > 250


def test_an_enlarged_background_has_no_blocks(tmp_path):
    ramp = np.repeat(np.arange(0, 256, 8, np.uint8)[None, :, None], 24, 0).repeat(3, 2)
    cv2.imwrite(str(tmp_path / 'none.png'), ramp)
    none = photograph(tmp_path / 'none.png', size=(32, 24))
    maker = maker_beside(none, tmp_path, 1.0)
    scene = maker.scene(128, np.random.default_rng(0))
    beside = scene.image[0 if scene.boxes[0, 1] > 64 else 127]
    steps = np.diff(beside[:, 0].astype(int))
    assert (steps[8:-8] > 0).mean() > 0.7  # repeated pixels would be steps of nothing


def test_photographs_that_memory_cannot_hold_are_refused(tmp_path):
    huge = photograph(tmp_path / 'a.png', size=(100_000, 100_000), boxes=[(0, 0, 50, 50)])
    with pytest.raises(ConfigurationError, match='take 28 GB of memory, at most 8 are allowed'):
        SceneMaker([huge], SceneConfig())


def test_photographs_without_a_face_are_refused(tmp_path):
    for none in ([], [written(tmp_path / 'none.png')]):
        with pytest.raises(ConfigurationError, match='no face in the photographs'):
            SceneMaker(none, SceneConfig())


def test_scenes_smaller_than_the_least_face_are_made_all_the_same(tmp_path):
    config = SceneConfig(sizes=(32,), least_face=60, most_face=60, mosaic_share=1.0)
    maker = SceneMaker([written(tmp_path / 'a.png', (30, 20, 70, 60))], config)
    scene = maker.scene(32, np.random.default_rng(0))
    assert scene.image.shape == (32, 32, 3)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'sizes': ()}, r'multiples of 32 pixels up to 4096, got \(\)'),
        ({'sizes': (64, 100)}, 'multiples of 32 pixels up to 4096, got .*100'),
        ({'sizes': (0,)}, 'multiples of 32'),
        ({'sizes': (32_000,)}, 'up to 4096, got .*32000'),
        ({'least_face': 0.0}, 'least_face must be above 0'),
        ({'least_face': 300.0}, 'at most most_face, got 300.0 and 260.0'),
        ({'too_small': 260.0}, 'too_small must be below most_face, got 260.0 and 260.0'),
        ({'most_enlarged': 0.0}, 'most_enlarged must be above 0'),
        ({'mosaic_share': 1.5}, r'mosaic_share must be in \[0, 1\], got 1.5'),
        ({'jpeg_share': -0.1}, r'jpeg_share must be in \[0, 1\]'),
        ({'rotation': -1.0}, r'rotation must be in \[0, 180\], got -1.0'),
        ({'stretch': -0.1}, r'stretch must be in \[0, 1\], got -0.1'),
        ({'light': -0.1}, r'light must be in \[0, 1\], got -0.1'),
        ({'gamma': -0.1}, 'gamma must be at least 0, got -0.1'),
        ({'colour': -0.1}, r'colour must be in \[0, 1\], got -0.1'),
        ({'noise': -1.0}, r'noise must be in \[0, 255\], got -1.0'),
        ({'too_small': -1.0}, 'too_small must be at least 0, got -1.0'),
    ],
)
def test_scenes_that_cannot_be_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        SceneConfig(**changes)


def scene_of(boxes, ignored=()):
    count = len(boxes)
    return Scene(
        np.full((32, 32, 3), [255, 0, 51], np.uint8),
        np.array(boxes, np.float32).reshape(-1, 4),
        np.full(count, 0.7, np.float32),
        np.full((count, 5, 2), 3, np.float32),
        np.array(ignored, np.float32).reshape(-1, 4),
    )


def test_scenes_without_marks_are_a_batch_of_weightless_rows():
    batch = collate([scene_of([]), scene_of([])])
    assert batch.faces.boxes.shape == (2, 1, 4)
    assert batch.faces.landmarks.shape == (2, 1, 5, 2)
    assert not batch.faces.weights.any()
    assert not batch.faces.ignored.any()


def test_scenes_become_a_batch():
    boxes = [(1, 2, 3, 4), (5, 6, 7, 8)]
    batch = collate([scene_of(boxes), scene_of(boxes[:1], [(0, 0, 9, 9)])])
    assert batch.pixels.shape == (2, 3, 32, 32)
    assert batch.pixels[0, :, 0, 0].tolist() == pytest.approx([1.0, -1.0, -0.6])
    assert batch.faces.boxes.tolist() == [[[1, 2, 3, 4], [5, 6, 7, 8]], [[1, 2, 3, 4], [0] * 4]]
    np.testing.assert_allclose(batch.faces.weights, [[0.7, 0.7], [0.7, 0.0]])
    assert batch.faces.ignored.tolist() == [[[0] * 4], [[0, 0, 9, 9]]]


def test_batches_come_in_parts_of_one_size_and_repeat(photographs):
    maker = SceneMaker(photographs, SceneConfig(sizes=(32, 64)))
    batches = SceneBatches(maker, steps=6, batch_size=5, parts=2, seed=4)
    first, again = list(batches), list(batches)
    assert len(first) == len(batches) == 6
    assert {tuple(len(part.pixels) for part in parts) for parts in first} == {(3, 2)}
    sides = [{part.pixels.shape[-1] for part in parts} for parts in first]
    assert all(len(side) == 1 for side in sides)
    assert set.union(*sides) == {32, 64}
    for parts, repeated in zip(first, again, strict=True):
        for part, other in zip(parts, repeated, strict=True):
            assert (part.pixels == other.pixels).all()


def test_a_photograph_that_is_gone_is_named(tmp_path):
    gone = photograph(tmp_path / 'gone.png', boxes=[(30, 20, 70, 60)])
    with pytest.raises(DataError, match=r'cannot read the picture .*gone\.png'):
        SceneMaker([gone], SceneConfig())
