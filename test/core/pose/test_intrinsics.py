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

"""Cameras: pixels to directions and back, and what no camera can be like."""

import math

import numpy as np
from projected_heads import project
import pytest
from rtcnn_perception.core.pose.intrinsics import Intrinsics
from rtcnn_perception.exceptions import PerceptionError

SIZE = (640, 480)
PLUMB_BOB = (-0.28, 0.09, 0.0006, -0.0004, -0.01)
RATIONAL = (0.54, -2.78, 0.0002, -0.0001, 1.6, 0.42, -2.6, 1.53)
EQUIDISTANT = (-0.02, 0.005, -0.003, 0.0005)
MODELS = {
    'none': ('plumb_bob', ()),
    'zeros': ('plumb_bob', (0.0,) * 5),
    'plumb_bob': ('plumb_bob', PLUMB_BOB),
    'rational': ('rational_polynomial', RATIONAL),
    'equidistant': ('equidistant', EQUIDISTANT),
}


def camera(model='plumb_bob', distortion=(), focal=(500.0, 510.0), center=(322.0, 238.0)):
    return Intrinsics(SIZE, focal, center, model, distortion)


def grid(least=-0.55, most=0.55):
    steps = np.linspace(least, most, 9)
    return np.stack(np.meshgrid(steps, steps * 0.75), axis=-1).reshape(-1, 2)


def ahead(directions):
    return np.column_stack([directions, np.ones(len(directions))])


def test_no_pixels_have_no_directions():
    assert camera().directions(np.empty((0, 2))).shape == (0, 2)


@pytest.mark.parametrize('name', MODELS)
def test_a_direction_comes_back_by_its_pixel(name):
    made = camera(*MODELS[name])
    directions = grid()
    pixels = project(ahead(directions), made.focal_xy, made.center_xy, *MODELS[name])
    np.testing.assert_allclose(made.directions(pixels), directions, atol=1e-5)
    np.testing.assert_allclose(made.pixels(directions), pixels, atol=1e-6)


def test_a_fisheye_is_undone_to_75_degrees():
    made = camera('equidistant', EQUIDISTANT, (240.0, 240.0))
    directions = math.tan(math.radians(75)) * np.array([[1.0, 0.0], [0.0, -1.0], [0.6, 0.8]])
    pixels = project(ahead(directions), (240.0, 240.0), (322.0, 238.0), 'equidistant', EQUIDISTANT)
    np.testing.assert_allclose(made.directions(pixels), directions, rtol=1e-3)


def test_a_pixel_beyond_what_a_distortion_reaches_has_no_direction():
    # This polynomial turns back at a tangent of 1.05.
    made = camera(distortion=(-0.3, 0.0, 0.0, 0.0), focal=(300.0, 300.0))
    found = made.directions(np.array([[322.0, 238.0], [3000.0, 238.0], [560.0, 238.0]]))
    assert np.isfinite(found).all(axis=1).tolist() == [True, False, False]


def test_a_direction_beyond_80_degrees_is_not_computed():
    made = Intrinsics.from_fov(SIZE, 170.0)
    found = made.directions(np.array([[0.5, 240.0], [200.0, 240.0], [math.nan, 1.0]]))
    assert np.isfinite(found).all(axis=1).tolist() == [False, True, False]


@pytest.mark.parametrize('degrees', [45.0, 60.0, 90.0, 120.0])
def test_a_field_of_view_reaches_from_border_to_border(degrees):
    made = Intrinsics.from_fov(SIZE, degrees)
    left, right, middle = made.directions(np.array([[0, 240], [640, 240], [320, 240.0]]))
    assert math.degrees(math.atan(right[0]) - math.atan(left[0])) == pytest.approx(degrees)
    np.testing.assert_allclose(middle, 0, atol=1e-12)
    assert made.plain_fov == pytest.approx(degrees)


def test_intrinsics_are_scaled_with_the_picture():
    made = camera(distortion=PLUMB_BOB)
    assert made.scaled_to(SIZE) is made
    half = made.scaled_to((320, 240))
    assert (half.focal_xy, half.center_xy) == ((250.0, 255.0), (161.0, 119.0))
    pixel = np.array([[400.0, 100.0]])
    np.testing.assert_allclose(half.directions(pixel / 2), made.directions(pixel))


@pytest.mark.parametrize('size', [(640, 360), (480, 480), (1, 1)])
def test_another_part_of_the_picture_is_refused(size):
    with pytest.raises(PerceptionError, match='expected intrinsics of an image of'):
        camera().scaled_to(size)


@pytest.mark.parametrize(
    ('changes', 'text'),
    [
        ({'focal': (0.0, 500.0)}, 'not calibrated'),
        ({'focal': (500.0, -1.0)}, 'not calibrated'),
        ({'focal': (math.nan, 500.0)}, 'finite'),
        ({'center': (math.inf, 1.0)}, 'finite'),
        ({'focal': (1.0, 1.0)}, 'of no camera'),
        ({'focal': (1e6, 1e6)}, 'of no camera'),
        ({'center': (1e9, 240.0)}, r'principal point of 1e\+09, 240 is that of no camera'),
        ({'center': (320.0, -6000.0)}, 'principal point'),
        ({'distortion': (0.1, math.nan, 0, 0)}, 'finite'),
        ({'distortion': (0.1, 0.2)}, 'coefficients, got 2'),
        ({'model': 'equidistant', 'distortion': ()}, 'coefficients, got 0'),
        ({'model': 'mei', 'distortion': ()}, "unknown distortion model 'mei'"),
    ],
)
def test_what_no_camera_is_like_is_refused(changes, text):
    with pytest.raises(PerceptionError, match=text):
        camera(**changes)


def test_a_part_of_a_large_image_may_lie_beside_the_principal_point():
    assert Intrinsics((100, 80), (3000.0, 3000.0), (-1900.0, 1500.0)).plain_fov < 2.0


def test_a_camera_without_pixels_is_refused():
    with pytest.raises(PerceptionError, match='needs a size, got 0x480'):
        Intrinsics((0, 480), (500.0, 500.0), (320.0, 240.0))
