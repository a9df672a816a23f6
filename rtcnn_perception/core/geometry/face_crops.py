"""All faces of a frame as one batch of pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import Image
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.attributes.card import ModelSpec
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.crops import cut_crop
from rtcnn_perception.core.geometry.crops import to_gray
from rtcnn_perception.core.geometry.landmarks import FacePlace
from rtcnn_perception.core.geometry.rotated_crop import part_of


def cut_faces(image: ImageBGR, places: Sequence[FacePlace], spec: ModelSpec) -> NDArray[np.uint8]:
    """
    Cut the crops that a model was trained for.

    :param image: (H, W, 3) uint8, BGR
    :param places: N faces in pixels of the image; they may reach beyond it
    :returns: (N, C, h, w) uint8, not scaled yet
    """
    faces = np.empty((len(places), *spec.input_shape), dtype=np.uint8)
    for face, place in zip(faces, places, strict=True):
        roll = spec.crop.roll_for(place.landmarks)
        square = spec.crop.square_about(place.box, roll)
        if spec.channels == 'gray':
            face[0] = cut_gray_crop(image, square, spec.input_size_hw, roll)
        else:
            crop = cut_crop(image, square, spec.input_size_hw, roll)
            face[...] = np.moveaxis(crop if spec.channels == 'bgr' else crop[..., ::-1], 2, 0)
    return faces


def cut_gray_crop(
    image: ImageBGR, square: BoundingBox, size_hw: tuple[int, int], roll: float = 0.0
) -> Image:
    """
    Return ``cut_crop(to_gray(image), square, size_hw, roll)``, turning gray only what is needed.

    Gray before it is scaled, as pictures that are gray from the start are.
    """
    if roll:
        left, top, right, bottom = part_of(image, square, roll)
        region = to_gray(image[top:bottom, left:right])
        x, y = square.x0 - left, square.y0 - top
        shifted = BoundingBox.from_xywh(x, y, square.width, square.height)
        return cut_crop(region, shifted, size_hw, roll)
    height, width = image.shape[:2]
    x0, y0 = round(square.x0), round(square.y0)
    x1, y1 = max(round(square.x1), x0 + 1), max(round(square.y1), y0 + 1)
    left, top = min(max(x0, 0), width - 1), min(max(y0, 0), height - 1)
    region = image[top : max(min(y1, height), 1), left : max(min(x1, width), 1)]
    shifted = BoundingBox(x0 - left, y0 - top, x1 - left, y1 - top)
    return cut_crop(to_gray(region), shifted, size_hw)
