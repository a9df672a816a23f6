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

import pytest
from rtcnn_perception.training.data.augmentation import Augmentation
from rtcnn_perception.training.data.augmentation import AugmentationConfig
from rtcnn_perception.training.data.augmentation import gaussian_blur
from rtcnn_perception.training.data.augmentation import reduce_resolution
import torch

ONLY_MIRRORED = AugmentationConfig(
    rotation=0,
    light=0,
    gamma=0,
    blur_share=0,
    low_resolution_share=0,
    noise_share=0,
    occlusion_share=0,
)


def faces(count, side=20):
    return torch.rand(count, 1, side, side + 4, generator=torch.Generator().manual_seed(0))


def test_augmented_faces_keep_shape_and_range():
    changed = Augmentation(AugmentationConfig(), 0)(faces(6))
    assert changed.shape == (6, 1, 20, 24)
    assert changed.min() >= 0
    assert changed.max() <= 1
    assert not torch.equal(changed, faces(6))


def test_augmentation_repeats_by_its_seed():
    first, again, other = (
        Augmentation(AugmentationConfig(), seed)(faces(6)) for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_with_the_rest_turned_off_some_faces_are_mirrored():
    original = faces(32, 8)
    changed = Augmentation(ONLY_MIRRORED, 0)(original)
    mirrored = sum(torch.equal(a, b.flip(2)) for a, b in zip(changed, original, strict=True))
    kept = sum(torch.equal(a, b) for a, b in zip(changed, original, strict=True))
    assert mirrored + kept == 32
    assert mirrored > 5
    assert kept > 5


@pytest.mark.parametrize(
    'change', [lambda f: gaussian_blur(f, 1.5), lambda f: reduce_resolution(f, 0.4)]
)
def test_losing_detail_keeps_an_even_face_even(change):
    even = torch.full((2, 1, 16, 20), 0.3)
    torch.testing.assert_close(change(even), even)


def test_a_weaker_augmentation_still_mirrors():
    weaker = AugmentationConfig(rotation=10, mix_share=0.4).scaled(0.5)
    assert (weaker.rotation, weaker.mix_share, weaker.mirror) == (5, 0.2, True)
    assert weaker.occlusion_size == AugmentationConfig().occlusion_size


@pytest.mark.parametrize('key', [key for key in vars(AugmentationConfig()) if key != 'mirror'])
def test_a_negative_number_is_refused(key):
    with pytest.raises(ValueError, match=rf'{key} must be .* \[?0.*, got -0.1'):
        AugmentationConfig(**{key: -0.1})
