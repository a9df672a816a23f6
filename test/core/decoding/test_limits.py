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
