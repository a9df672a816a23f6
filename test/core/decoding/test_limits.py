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

"""How many pixels a picture may have."""

from __future__ import annotations

import pytest
from rtcnn_perception.core.decoding.limits import check_pixels
from rtcnn_perception.core.decoding.limits import MAX_PICTURE_PIXELS
from rtcnn_perception.exceptions import ImageFormatError


@pytest.mark.parametrize(('width', 'height'), [(0, 5), (5, 0), (-3, -4), (0, 0), (6, 5)])
def test_a_picture_without_pixels_or_with_too_many_is_refused(width, height):
    with pytest.raises(ImageFormatError, match=f'a PNG of {width}x{height} pixels; expected 1 to'):
        check_pixels('a PNG', width, height, 29)


@pytest.mark.parametrize(('width', 'height'), [(1, 1), (29, 1), (1, 29), (4, 7)])
def test_a_picture_within_the_limit_is_taken(width, height):
    check_pixels('a PNG', width, height, 29)


def test_a_picture_in_a_file_has_100_megapixels_at_most():
    check_pixels('a picture', 10_000, 10_000, MAX_PICTURE_PIXELS)
    with pytest.raises(ImageFormatError):
        check_pixels('a picture', 10_000, 10_001, MAX_PICTURE_PIXELS)
