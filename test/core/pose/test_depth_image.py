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

"""Depth images: units, holes, and what is none."""

import numpy as np
import pytest
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.pose.depth_image import DepthImage
from rtcnn_perception.exceptions import ImageFormatError


def test_millimetres_metres_and_quantised_depth_say_the_same():
    metres = np.add.outer(np.linspace(0.6, 1.2, 48), np.linspace(0.0, 0.4, 64))
    metres[10:14] = 0.0
    box = BoundingBox(-4.0, 2.0, 50.0, 44.0)
    expected = DepthImage(metres).read(box, 24)
    factor, offset = 60.0, 5.0
    with np.errstate(divide='ignore'):
        quantised = np.where(metres > 0, factor / metres + offset, 0.0)
    for image in (
        DepthImage((metres * 1000).round().astype(np.uint16), 0.001),
        DepthImage(metres.astype('>f4')),
        DepthImage(quantised.round().astype(np.uint16), inverse=(factor, offset)),
    ):
        found = image.read(box, 24)
        np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
        np.testing.assert_allclose(found, expected, atol=0.02)


@pytest.mark.parametrize(('values', 'unit'), [(1952.0, 1.0), (2.0, 1e-3), (60.0, 1.0)])
def test_depth_in_another_unit_is_refused(values, unit):
    depth = np.full((480, 640), values, np.float32)
    depth[1::2] = np.nan
    with pytest.raises(ImageFormatError, match=rf'got {values * unit:g} m: is it in another unit'):
        DepthImage(depth, unit).check_unit()


def test_depth_with_holes_or_of_holes_alone_is_not():
    DepthImage(np.full((480, 640), np.nan, np.float32)).check_unit()
    DepthImage(np.zeros((4, 4), np.uint16), 1e-3).check_unit()
    depth = np.full((480, 640), 65.535, np.float32)
    depth[200:280, 300:340] = 1.5
    DepthImage(depth).check_unit()


@pytest.mark.parametrize('shape', [(4,), (4, 4, 3), (0, 4)])
def test_what_is_no_depth_image_is_refused(shape):
    with pytest.raises(ImageFormatError, match='rows and columns'):
        DepthImage(np.zeros(shape, np.float32))
