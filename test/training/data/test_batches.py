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

"""Batches of crops, cut as the pipeline cuts them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.training.data.augmentation import AugmentationConfig
from rtcnn_perception.training.data.batches import Batch
from rtcnn_perception.training.data.batches import cut_faces
from rtcnn_perception.training.data.batches import cut_jittered
from rtcnn_perception.training.data.batches import drawn
from rtcnn_perception.training.data.batches import jittered
from rtcnn_perception.training.data.batches import mixed
from rtcnn_perception.training.data.batches import parts_of
from rtcnn_perception.training.data.batches import prepared_ahead
from rtcnn_perception.training.data.batches import to_input
from rtcnn_perception.training.data.batches import TrainingBatches
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.data.faces import Labels
from rtcnn_perception.training.tasks.attributes.robustness import rotated
import torch

POINTS = np.float32([[22, 25], [38, 25], [30, 32], [24, 40], [36, 40]])
TIGHT, UPRIGHT = CropGeometry(0.0), CropGeometry(0.0, upright=True)
BOTH = np.arange(2)


def face_set(landmarks=None, count=2):
    """Return faces of which every second one has a bright upper half."""
    pictures = [np.full((60, 60), 100, np.uint8) for _ in range(count)]
    for picture in pictures[1::2]:
        picture[:30] = 220
    indices = np.arange(count) % 2
    return FaceSet(
        pictures=pictures,
        boxes=np.tile([15.0, 15.0, 45.0, 45.0], (count, 1)),
        names=[f'{index}' for index in range(count)],
        labels={'half': Labels.of(('plain', 'bright'), indices)},
        landmarks=landmarks,
    )


def epoch(faces, *, seed=0, batch_size=4, **augmentation):
    weights = {'half': np.ones(len(faces), np.float32)}
    return TrainingBatches(
        faces,
        weights,
        geometry=TIGHT,
        size_hw=(12, 12),
        batch_size=batch_size,
        augmentation=AugmentationConfig(**augmentation),
        seed=seed,
    )


def test_pixels_are_scaled_to_minus_one_and_one():
    scaled = to_input(np.array([[[0, 255]]], np.uint8))
    assert scaled.tolist() == [[[[-1.0, 1.0]]]]


def test_a_box_that_does_not_jitter_stays():
    box = BoundingBox(1, 2, 11, 22)
    same = jittered(box, 0.0, 0.0, np.random.default_rng(0))
    assert same.as_tuple() == pytest.approx(box.as_tuple())


def test_a_jittered_box_stays_within_its_bounds():
    box, rng = BoundingBox(0, 0, 10, 20), np.random.default_rng(0)
    for _ in range(200):
        moved = jittered(box, 0.1, 0.05, rng)
        assert np.exp(-0.1) <= moved.height / 20 <= np.exp(0.1)
        assert abs(moved.center[0] - 5) <= 1
        assert abs(moved.center[1] - 10) <= 1


def test_without_landmarks_an_upright_crop_is_a_plain_one():
    plain = cut_faces(face_set(), TIGHT, (24, 24), BOTH)
    np.testing.assert_array_equal(cut_faces(face_set(), UPRIGHT, (24, 24), BOTH), plain)


def test_an_upright_crop_undoes_the_rotation_of_a_face():
    leaning = rotated(face_set(np.stack([POINTS, POINTS])), -40.0)
    upper, lower = cut_faces(leaning, UPRIGHT, (24, 24), BOTH)[1, [4, -4]].mean(1)
    assert upper - lower > 100
    plain = cut_faces(leaning, TIGHT, (24, 24), BOTH)[1]
    assert abs(plain[4].mean() - plain[-4].mean()) < upper - lower


def test_crops_to_learn_from_are_rotated_by_augmentation_alone():
    leaning = rotated(face_set(np.stack([POINTS, POINTS])), -25.0)
    still = AugmentationConfig(scale=0.0, shift=0.0)
    learnt, plain = (
        cut_jittered(leaning, geometry, (24, 24), BOTH, config=still, rng=np.random.default_rng(0))
        for geometry in (UPRIGHT, TIGHT)
    )
    np.testing.assert_array_equal(learnt, plain)


def test_an_epoch_has_every_face_once_but_for_the_last_incomplete_batch():
    batches = list(epoch(face_set(count=9)))
    indices = np.concatenate([batch.indices for batch in batches])
    assert len(indices) == len(set(indices.tolist())) == 8
    for batch in batches:
        assert batch.pixels.shape == (4, 1, 12, 12)
        assert batch.targets['half'].argmax(1).tolist() == (batch.indices % 2).tolist()


def test_faces_come_as_often_as_their_shares_say():
    shares = np.repeat([2.5, 1.0, 0.25], 400).astype(np.float32)
    faces = replace(face_set(count=1200), shares=shares)
    counts = np.bincount(drawn(faces, np.random.default_rng(0)), minlength=1200)
    assert set(counts[:400]) == {2, 3}
    assert set(counts[400:800]) == {1}
    assert set(counts[800:]) == {0, 1}
    assert counts.reshape(3, 400).mean(axis=1) == pytest.approx([2.5, 1.0, 0.25], abs=0.08)
    assert len(epoch(faces)) == counts.sum() // 4


def test_shares_by_which_no_face_comes_are_refused():
    faces = replace(face_set(count=20), shares=np.full(20, 1e-6, np.float32))
    with pytest.raises(
        DataError, match=r'none of the 20 faces, by the shares .* give larger ones'
    ):
        drawn(faces, np.random.default_rng(0))


def test_fewer_faces_than_a_batch_are_one_batch():
    (batch,) = epoch(face_set(count=3))
    assert len(batch.indices) == 3


def test_the_same_seed_gives_the_same_epoch():
    first, again, other = (next(iter(epoch(face_set(count=8), seed=seed))) for seed in (1, 1, 2))
    assert torch.equal(first.pixels, again.pixels)
    assert first.indices.tolist() != other.indices.tolist()


def test_a_batch_comes_in_parts_for_the_replicas():
    (batch,) = epoch(face_set(count=4))
    first, second = parts_of(batch, 2)
    assert first.indices.tolist() == batch.indices[::2].tolist()
    assert torch.equal(second.pixels, batch.pixels[1::2])
    assert torch.equal(second.targets['half'], batch.targets['half'][1::2])


def batch_of(weights):
    count = len(weights)
    return Batch(
        torch.arange(count, dtype=torch.float32).reshape(-1, 1, 1, 1),
        {'half': torch.eye(count)},
        {'half': torch.tensor(weights)},
        np.arange(count),
    )


def test_blended_faces_have_blended_targets():
    blend = mixed(batch_of([1.0, 1.0, 1.0]), 1.0, np.random.default_rng(0))
    torch.testing.assert_close(blend.targets['half'].sum(1), torch.ones(3))
    others = blend.targets['half'].roll(1, 1).diagonal()
    assert (blend.targets['half'].diagonal() >= 0.5).all()
    torch.testing.assert_close(blend.weights['half'], torch.ones(3))
    assert others.max() <= 0.5


def test_a_face_without_a_target_adds_none_to_a_blend():
    blend = mixed(batch_of([1.0, 0.0]), 1.0, np.random.default_rng(0))
    assert blend.targets['half'][0].tolist() == [1.0, 0.0]
    assert 0.5 <= blend.weights['half'][0] < 1
    assert torch.isfinite(blend.targets['half']).all()


def test_no_share_leaves_the_faces_as_they_are():
    batch = batch_of([1.0, 1.0])
    assert torch.equal(mixed(batch, 0.0, np.random.default_rng(0)).pixels, batch.pixels)


def test_batches_of_an_epoch_are_blended_where_that_is_configured():
    faces = face_set(count=8)
    targets = next(iter(epoch(faces, batch_size=8, mix_share=1.0))).targets['half']
    assert ((targets > 0) & (targets < 1)).any()


def test_batches_that_are_prepared_ahead_come_in_order():
    assert list(prepared_ahead([])) == []
    assert list(prepared_ahead([3, 1, 2])) == [3, 1, 2]


def test_an_error_in_preparing_a_batch_is_raised():
    def failing():
        yield 1
        raise RuntimeError('broken')

    batches = prepared_ahead(failing())
    assert next(batches) == 1
    with pytest.raises(RuntimeError, match='broken'):
        next(batches)


def test_a_share_of_the_faces_with_landmarks_gets_glasses():
    faces = face_set(np.tile(POINTS, (40, 1, 1)), 40)
    options = {'geometry': TIGHT, 'size_hw': (60, 60), 'indices': np.arange(40)}
    plain, drawn_on = (
        cut_jittered(
            faces,
            config=AugmentationConfig(scale=0.0, shift=0.0, glasses_share=share),
            rng=np.random.default_rng(0),
            **options,
        )
        for share in (0.0, 0.5)
    )
    has_glasses = (plain != drawn_on).any((1, 2))
    assert 10 <= has_glasses.sum() <= 30
    rows, columns = np.nonzero((plain != drawn_on).any(0))
    # The eyes lie at y 25 of a box from 15 to 45, enlarged twice, and 14 to 46 from left to right.
    assert abs(float(rows.mean()) - 20.0) < 4.0
    assert columns.min() < 14
    assert columns.max() > 46


def test_faces_without_landmarks_get_no_glasses():
    config = AugmentationConfig(scale=0.0, shift=0.0, glasses_share=1.0)
    crops = cut_jittered(
        face_set(), TIGHT, (30, 30), BOTH, config=config, rng=np.random.default_rng(0)
    )
    assert (crops == cut_faces(face_set(), TIGHT, (30, 30), BOTH)).all()
