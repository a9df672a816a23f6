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

"""Crops are those of an image that is gray from the start, and in the layout of the network."""

from __future__ import annotations

import numpy as np
import pytest
from rtcnn_perception.core.geometry import crops
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.crops import CHANNELS
from rtcnn_perception.core.geometry.crops import Crop
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.core.geometry.crops import cut_crop
from rtcnn_perception.core.geometry.crops import cut_crops
from rtcnn_perception.core.geometry.crops import cut_gray_crop
from rtcnn_perception.core.geometry.landmarks import FaceRegion
from rtcnn_perception.core.images import to_gray

SIZE_HW = (12, 10)
FACE = np.float32([[-8, -8], [8, -8], [0, 0], [-6, 8], [6, 8]])


def geometry(*, upright=False):
    return CropGeometry(margin=0.2, shift_down=0.1, upright=upright)


def leaning(degrees):
    """Return a face at 40, 30 that is rotated clockwise."""
    angle = np.deg2rad(degrees)
    matrix = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    points = np.asarray(FACE @ matrix + (40, 30), np.float32)
    return FaceRegion(BoundingBox(28, 15, 52, 45), points)


def test_no_crops_give_an_empty_batch(image):
    assert CHANNELS == {'gray': 1, 'bgr': 3, 'rgb': 3}
    for channels, planes in CHANNELS.items():
        batch = cut_crops(image, (), SIZE_HW, channels)
        assert batch.shape == (0, planes, *SIZE_HW)
        assert batch.dtype == np.uint8


def test_gray_crops_equal_those_of_the_gray_image_wherever_they_lie(image):
    random = np.random.default_rng(6)
    gray = to_gray(image)
    for _ in range(500):
        x, y = random.uniform(-60, 120), random.uniform(-60, 100)
        # Halves too: Python rounds them to even, which moving the origin must not change.
        side = random.choice([0.3, 1.0, 2.5, 20.5, 47.2, 90.0])
        crop = Crop(BoundingBox.from_xywh(round(x * 2) / 2, round(y * 2) / 2, side, side))
        expected = cut_crop(gray, crop, SIZE_HW)
        np.testing.assert_array_equal(cut_gray_crop(image, crop, SIZE_HW), expected)


def assert_layouts(image, crops):
    batches = {channels: cut_crops(image, crops, SIZE_HW, channels) for channels in CHANNELS}
    for index, crop in enumerate(crops):
        pixels = cut_crop(image, crop, SIZE_HW)
        gray = cut_crop(to_gray(image), crop, SIZE_HW)
        np.testing.assert_array_equal(batches['gray'][index], gray[None])
        np.testing.assert_array_equal(batches['bgr'][index], pixels.transpose(2, 0, 1))
        np.testing.assert_array_equal(batches['rgb'][index], pixels[..., ::-1].transpose(2, 0, 1))


def test_each_face_is_its_crop_in_the_layout_of_the_network(image):
    boxes = (BoundingBox(10, 10, 30, 34), BoundingBox(-8, 20, 20, 50), BoundingBox(70, 50, 90, 70))
    assert_layouts(image, [geometry().crop(FaceRegion(box)) for box in boxes])


def test_a_head_that_leans_is_cut_upright_in_the_layout_of_the_network(image):
    crop = geometry(upright=True).crop(leaning(25.0))
    assert crop.roll == pytest.approx(25.0, abs=1e-3)
    assert_layouts(image, [crop])


def test_a_head_that_hardly_leans_or_has_no_landmarks_is_cut_as_it_is(image):
    regions = [leaning(4.0), FaceRegion(leaning(30.0).box)]
    for channels in CHANNELS:
        upright, plain = (
            cut_crops(image, [each.crop(region) for region in regions], SIZE_HW, channels)
            for each in (geometry(upright=True), geometry())
        )
        np.testing.assert_array_equal(upright, plain)


@pytest.mark.parametrize('cut', [cut_crop, cut_gray_crop])
def test_a_crop_far_larger_than_the_image_shows_what_a_padded_one_does(cut, monkeypatch):
    ramp = np.repeat(np.tile(np.linspace(0, 255, 200).astype(np.uint8), (150, 1))[..., None], 3, 2)
    crop = Crop(BoundingBox(-300, -250, 400, 450), 0.0)
    found = cut(ramp, crop, (32, 32))
    monkeypatch.setattr(crops, 'MOST_PADDED', 100)
    np.testing.assert_allclose(found.astype(int), cut(ramp, crop, (32, 32)), atol=6)
    monkeypatch.undo()
    monkeypatch.setattr(crops, '_scaled', None)  # which takes as much memory as the crop is large
    assert cut(ramp, Crop(BoundingBox(-1e6, -1e6, 1e6, 1e6), 0.0), (8, 8)).shape[:2] == (8, 8)


def test_the_image_is_not_written_to(image):
    image.flags.writeable = False
    before = image.copy()
    crop = geometry().crop(FaceRegion(BoundingBox(-5, -5, 20, 20)))
    for channels in CHANNELS:
        cut_crops(image, (crop,), SIZE_HW, channels)[:] = 0
    np.testing.assert_array_equal(image, before)
