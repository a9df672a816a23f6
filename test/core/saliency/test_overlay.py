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

"""Maps are blended into an image at their places, or arranged as a sheet of tiles."""

from __future__ import annotations

import numpy as np
import pytest
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.crops import Crop
from rtcnn_perception.core.saliency.overlay import blend
from rtcnn_perception.core.saliency.overlay import CAPTION_PX
from rtcnn_perception.core.saliency.overlay import COLOR_MAPS
from rtcnn_perception.core.saliency.overlay import heat_of
from rtcnn_perception.core.saliency.overlay import paint
from rtcnn_perception.core.saliency.overlay import PlacedMap
from rtcnn_perception.core.saliency.overlay import sheet
from rtcnn_perception.core.saliency.overlay import Tile

IMAGE = np.full((60, 80, 3), 90, np.uint8)


def spot(size=48, row=12, column=30, value=1.0):
    """Return a map with one strong place."""
    values = np.zeros((size, size), np.float32)
    values[row, column] = value
    return values


def placed(x0=20.0, y0=10.0, side=40.0, roll=0.0, **place):
    square = BoundingBox(x0, y0, x0 + side, y0 + side)
    return PlacedMap(Crop(square, roll), spot(**place))


@pytest.mark.parametrize('shape', [(48, 48), (4, 4), (1, 1)])
def test_a_map_of_zeros_has_no_heat(shape):
    assert not heat_of(np.zeros(shape, np.float32)).any()


@pytest.mark.parametrize('sign', [1, -1])
def test_heat_lies_where_the_map_is_strong_whatever_its_sign(sign):
    heat = heat_of(sign * spot())
    assert heat.dtype == np.float32
    assert heat.min() >= 0.0
    assert heat.max() == 1.0
    assert np.argwhere(heat == 1.0).mean(0).tolist() == [12, 30]


@pytest.mark.parametrize(('side', 'is_blurred'), [(6, False), (8, False), (9, True), (48, True)])
def test_fine_maps_are_blurred_and_coarse_ones_are_not(side, is_blurred):
    values = np.zeros((side, side), np.float32)
    values[side // 2, side // 2] = 1.0
    heat = heat_of(values)
    assert heat[side // 2, side // 2] == 1.0
    assert (heat[side // 2, side // 2 + 1] > 0.0) == is_blurred


def test_heat_does_not_depend_on_the_scale_of_the_map():
    values = np.random.default_rng(0).normal(size=(32, 32)).astype(np.float32)
    assert np.allclose(heat_of(values), heat_of(values * np.float32(1e-6)), atol=1e-5)


@pytest.mark.parametrize('name', COLOR_MAPS)
def test_a_painted_heat_has_the_size_asked_for(name):
    painted = paint(heat_of(spot()), name, (20, 30))
    assert (painted.shape, painted.dtype) == ((20, 30, 3), np.uint8)


def test_an_unknown_color_map_is_refused():
    with pytest.raises(ValueError, match=r"inferno.*got 'magic'"):
        paint(heat_of(spot()), 'magic', (20, 30))
    with pytest.raises(ValueError, match="got 'magic'"):
        blend(IMAGE, [], 0.5, 'magic')


@pytest.mark.parametrize('strength', [-0.1, 1.1, float('nan')])
def test_a_strength_out_of_bounds_is_refused(strength):
    with pytest.raises(ValueError, match='strength'):
        blend(IMAGE, [], strength, 'turbo')


def test_no_map_leaves_a_copy_of_the_image():
    blended = blend(IMAGE, [], 1.0, 'turbo')
    assert np.array_equal(blended, IMAGE)
    assert blended is not IMAGE


def test_a_map_changes_the_image_within_its_square_and_nowhere_else():
    blended = blend(IMAGE, [placed()], 1.0, 'turbo')
    changed = (blended != IMAGE).any(2)
    assert changed[10:50, 20:60].any()
    changed[10:50, 20:60] = False
    assert not changed.any()
    assert np.array_equal(IMAGE, np.full((60, 80, 3), 90, np.uint8))


def test_the_strongest_place_falls_where_it_was_in_the_crop():
    blended = blend(IMAGE, [placed(size=40, row=5, column=30)], 1.0, 'inferno')
    changed = np.abs(blended.astype(int) - IMAGE).sum(2)
    row, column = np.argwhere(changed > changed.max() / 2).mean(0)
    assert abs(row - (10 + 5)) <= 1
    assert abs(column - (20 + 30)) <= 1


@pytest.mark.parametrize('roll', [30.0, -90.0])
def test_the_map_of_a_rotated_crop_is_rotated_over_the_image(roll):
    # 15 above and 10 to the right of the centre.
    rotated = placed(roll=roll, size=40, row=5, column=30)
    changed = np.abs(blend(IMAGE, [rotated], 1.0, 'inferno').astype(int) - IMAGE).sum(2)
    row, column = np.argwhere(changed > changed.max() / 2).mean(0) + 0.5
    cosine, sine = np.cos(np.deg2rad(roll)), np.sin(np.deg2rad(roll))
    assert column == pytest.approx(40 + 10.5 * cosine + 14.5 * sine, abs=1)
    assert row == pytest.approx(30 + 10.5 * sine - 14.5 * cosine, abs=1)


def test_nothing_outside_a_rotated_square_is_painted():
    everywhere = np.ones((8, 8), np.float32)
    rotated = PlacedMap(Crop(BoundingBox(20, 10, 60, 50), 45.0), everywhere)
    painted = (blend(IMAGE, [rotated], 1.0, 'turbo') != IMAGE).any(2)
    y, x = np.mgrid[:60, :80]
    assert np.array_equal(painted, np.abs(x + 0.5 - 40) + np.abs(y + 0.5 - 30) <= 40 * 0.5**0.5)


def test_strength_0_changes_nothing():
    assert np.array_equal(blend(IMAGE, [placed()], 0.0, 'turbo'), IMAGE)


@pytest.mark.parametrize(
    ('x0', 'y0', 'side'),
    [(-20.0, -20.0, 40.0), (60.0, 40.0, 40.0), (-300.0, -300.0, 700.0), (5.2, 6.7, 0.3)],
)
def test_a_square_may_reach_beyond_the_image(x0, y0, side):
    blended = blend(IMAGE, [placed(x0, y0, side)], 1.0, 'turbo')
    assert blended.shape == IMAGE.shape


def test_a_square_outside_the_image_is_left_out():
    assert np.array_equal(blend(IMAGE, [placed(200.0, 200.0)], 1.0, 'turbo'), IMAGE)


def test_a_part_of_a_large_square_equals_that_part_of_the_whole():
    large = np.full((600, 800, 3), 90, np.uint8)
    whole = blend(large, [placed(-200.0, -200.0, 700.0)], 1.0, 'turbo')
    part = blend(IMAGE, [placed(-200.0, -200.0, 700.0)], 1.0, 'turbo')
    assert np.abs(whole[:60, :80].astype(int) - part).max() <= 1


@pytest.mark.parametrize('values', [np.zeros((0, 4)), np.zeros(4), np.zeros((1, 4, 4))])
def test_a_map_of_another_shape_is_refused(values):
    with pytest.raises(ValueError, match='shape'):
        PlacedMap(Crop(BoundingBox(0, 0, 1, 1)), values.astype(np.float32))


def test_a_sheet_without_pictures_is_one_empty_tile():
    assert sheet([]).shape == (64 + 64 + CAPTION_PX + 8, 64 + 64 + 8, 3)


def test_pictures_of_a_sheet_stand_side_by_side_and_rows_below_each_other():
    gap, tile = 4, 40
    grays = ((40, 90), (140, 190))
    made = sheet([[Tile(np.full((9, 9), gray, np.uint8)) for gray in row] for row in grays], tile)
    for number, row in enumerate(grays):
        for column, gray in enumerate(row):
            left, top = gap + column * (tile + gap), gap + number * (tile + CAPTION_PX + gap)
            assert (made[top : top + tile, left : left + tile] == gray).all()


def test_a_sheet_has_room_for_its_longest_row():
    gray, color = np.full((9, 9), 200, np.uint8), np.full((9, 9, 3), 100, np.uint8)
    rows = [[Tile(gray, 'a')], [], [Tile(color, 'b'), Tile(gray), Tile(color, 'w' * 99)]]
    made = sheet(rows, 40)
    assert made.shape == (3 * (40 + CAPTION_PX + 4) + 4, 3 * 44 + 4, 3)
    assert (made[4:44, 4:44] == 200).all()


def test_a_caption_stays_under_its_picture():
    alone = sheet([[Tile(np.zeros((9, 9), np.uint8), 'w' * 99), Tile(np.zeros((9, 9), np.uint8))]])
    empty = sheet([[Tile(np.zeros((9, 9), np.uint8)), Tile(np.zeros((9, 9), np.uint8))]])
    written = (alone != empty).any(2)
    assert written[:, :132].any()
    assert not written[:, 132:].any()
