"""Cut a square that is rotated about its centre, as a head is that leans to a shoulder."""

from __future__ import annotations

import math

import cv2
import numpy as np
from rtcnn_perception.core.arrays import Image
from rtcnn_perception.core.geometry.boxes import BoundingBox

OVERSAMPLING = 2
"""
Pixels along each side that make one of a crop that is smaller than what it shows.

Rotation interpolates between four pixels at most; this much finer, and averaged, it skips none.
"""


def cut_rotated(image: Image, square: BoundingBox, size_hw: tuple[int, int], roll: float) -> Image:
    """
    Cut a crop that shows upright what is rotated in the image, repeating the border outside it.

    :param image: (H, W) or (H, W, 3) uint8
    :param square: the crop before it is rotated about its centre, in pixels of the image
    :param size_hw: height and width of the result in pixels
    :param roll: rotation of the crop in degrees, clockwise in the image
    :returns: (h, w) or (h, w, 3) uint8, as many channels as the image
    """
    left, top, right, bottom = source_area(image, square, roll)
    part = image[top:bottom, left:right]
    shrinks = square.height > size_hw[0] or square.width > size_hw[1]
    factor = OVERSAMPLING if shrinks else 1
    fine_h, fine_w = factor * size_hw[0], factor * size_hw[1]
    step_x, step_y = square.width / fine_w, square.height / fine_h
    small = _shrunk(part, math.floor(max(1.0, min(step_x, step_y))))
    scales = np.array([small.shape[1] / part.shape[1], small.shape[0] / part.shape[0]])
    # From a pixel of the result to the image: about the centre, rotated; then to the small part.
    cosine, sine = math.cos(math.radians(roll)), math.sin(math.radians(roll))
    across = np.array([[cosine * step_x, -sine * step_y], [sine * step_x, cosine * step_y]])
    center = np.array(square.center) - (left, top)
    first = center - across @ ((fine_w - 1) / 2, (fine_h - 1) / 2)
    matrix = np.column_stack([across * scales[:, None], first * scales - 0.5])
    rotated = cv2.warpAffine(
        small,
        matrix,
        (fine_w, fine_h),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    if factor > 1:
        rotated = cv2.resize(rotated, (size_hw[1], size_hw[0]), interpolation=cv2.INTER_AREA)
    return np.asarray(rotated, dtype=np.uint8)


def source_area(image: Image, square: BoundingBox, roll: float) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of what a rotated crop needs of an image, not empty."""
    height, width = image.shape[:2]
    outer = enclosing_box(square, roll)  # and a pixel more, to interpolate
    return (
        min(max(math.floor(outer.x0) - 1, 0), width - 1),
        min(max(math.floor(outer.y0) - 1, 0), height - 1),
        max(min(math.ceil(outer.x1) + 1, width), 1),
        max(min(math.ceil(outer.y1) + 1, height), 1),
    )


def enclosing_box(square: BoundingBox, roll: float) -> BoundingBox:
    """Return the axis-aligned box about a square that is rotated about its centre."""
    if not roll:
        return square
    cosine, sine = abs(math.cos(math.radians(roll))), abs(math.sin(math.radians(roll)))
    width = cosine * square.width + sine * square.height
    height = cosine * square.height + sine * square.width
    x, y = square.center
    return BoundingBox.from_xywh(x - width / 2, y - height / 2, width, height)


def _shrunk(part: Image, factor: int) -> Image:
    """Return the part shrunk by a whole factor."""
    height, width = part.shape[:2]
    size = max(1, round(width / factor)), max(1, round(height / factor))
    if size == (width, height):
        return part
    return np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
