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

from __future__ import annotations

from dataclasses import replace

from bright_faces import bright_faces
from bright_faces import bright_splits
from bright_faces import SHADES
import numpy as np
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.data.faces import Labels
from rtcnn_perception.training.data.faces import Splits
from rtcnn_perception.training.data.splits import BOXES_AND_VOTES
from rtcnn_perception.training.data.splits import digest_of
from rtcnn_perception.training.data.splits import duplicate_groups
from rtcnn_perception.training.data.splits import fingerprints_of
from rtcnn_perception.training.data.splits import hold_out
from rtcnn_perception.training.data.splits import hold_out_by_pixels
from rtcnn_perception.training.data.splits import is_blank
from small_data import pictures


def test_no_pictures_have_no_groups():
    assert duplicate_groups([]).tolist() == []


def test_copies_share_a_group():
    first, second = pictures(2)
    assert duplicate_groups([first, second, first.copy()]).tolist() == [0, 1, 0]


def test_the_same_values_in_another_size_are_another_picture():
    assert duplicate_groups([np.zeros((2, 3), np.uint8), np.zeros((3, 2), np.uint8)])[1] == 1


def test_nothing_is_held_out_of_nothing():
    assert hold_out(np.array([], np.int64), 0.5, np.random.default_rng(0)).tolist() == []


def test_a_group_is_held_out_whole():
    groups = np.array([0, 1, 2, 3, 0, 1, 2, 3])
    held_out = hold_out(groups, 0.5, np.random.default_rng(0))
    assert held_out[:4].tolist() == held_out[4:].tolist()
    assert held_out.sum() == 4


def by_pixels(images, salt='1 val'):
    return hold_out_by_pixels([digest_of(image) for image in images], 0.1, salt).tolist()


def test_pictures_are_held_out_by_their_own_pixels_about_as_many_as_the_share():
    images = pictures(300, side=8)
    held_out = by_pixels(images)
    assert 15 < sum(held_out) < 50
    assert by_pixels(images[::-1]) == held_out[::-1]
    assert by_pixels([*images[:9], *images[::-1]])[9:] == held_out[::-1]
    assert by_pixels(images, '2 val') != held_out


def test_at_least_one_picture_is_held_out_and_none_of_none():
    assert by_pixels([]) == []
    assert all(any(by_pixels(pictures(2, seed, side=8))) for seed in range(20))


def test_data_without_faces_has_a_fingerprint():
    nothing = FaceSet([], np.zeros((0, 4)), [])
    found = fingerprints_of(Splits(nothing, nothing, nothing))
    assert found['train'] == found['test'] == '0 pictures, sha256 e3b0c44298fc1c14'


def test_a_fingerprint_is_the_same_in_any_order_and_by_any_name():
    splits = bright_splits()
    faces = splits.train.take(np.arange(12)[::-1]).with_classes({'shade': SHADES[::-1]})
    moved = replace(faces, names=[f'elsewhere/{i}' for i in range(12)])
    assert fingerprints_of(replace(splits, train=moved)) == fingerprints_of(splits)


def test_a_fingerprint_changes_with_each_picture_part_and_label():
    splits = bright_splits()
    before = fingerprints_of(splits)
    assert before['train'].startswith('12 pictures, sha256 ')
    swapped = fingerprints_of(Splits(splits.val, splits.train, splits.test))
    kept = [swapped[part] for part in ('val', 'train', 'test', BOXES_AND_VOTES)]
    assert kept == list(before.values())
    image = splits.train.pictures[3].copy()
    image[0, 0] ^= 1
    painted = [*splits.train.pictures[:3], image, *splits.train.pictures[4:]]
    named = splits.train.labels['shade'].indices.copy()
    named[5] = -1
    for train in (
        replace(splits.train, pictures=painted),
        replace(splits.train, labels={'shade': Labels.of(SHADES, named)}),
        splits.train.take(np.arange(11)),
        bright_faces(12, labels={}),
    ):
        found = fingerprints_of(replace(splits, train=train))
        differing = [part for part in before if found[part] != before[part]]
        assert differing == ['train', BOXES_AND_VOTES]


def test_a_fingerprint_changes_with_each_box_and_vote():
    splits = bright_splits()
    before = fingerprints_of(splits)
    unsure = replace(splits.train.labels['shade'], targets=np.full((12, 2), 0.5, np.float32))
    for train in (
        replace(splits.train, boxes=splits.train.boxes + 1),
        replace(splits.train, labels={'shade': unsure}),
    ):
        found = fingerprints_of(replace(splits, train=train))
        assert [part for part in before if found[part] != before[part]] == [BOXES_AND_VOTES]


def test_a_picture_of_one_value_is_blank():
    assert is_blank(np.full((4, 4), 7, np.uint8))
    assert not is_blank(pictures(1)[0])
