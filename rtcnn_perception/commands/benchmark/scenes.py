"""Clips with a known number of faces, made from the portrait of the built-in clip."""

from __future__ import annotations

import math

import cv2
import numpy as np
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.sources.builtin import BuiltinClip
from rtcnn_perception.core.sources.builtin import load_portrait
from rtcnn_perception.core.sources.builtin import VISITOR_FRAMES

SIZE = (640, 480)
"""Width and height in pixels."""
HEAD_XYWH = (121, 8, 213, 160)
"""The head in the portrait, with the aspect of a frame, in its pixels."""
SWAY_PX = 6.0


def crowd_clip(faces: int, frames: int) -> list[ImageBGR]:
    """
    Make frames of one person as the built-in clip shows them, or of a crowd that sways.

    :param faces: how many; a square number, for they stand in rows and columns
    :param frames: how many frames, at 30 per second
    :raises ValueError: if ``faces`` is no square number
    """
    side = math.isqrt(max(faces, 0))
    if side * side != faces or faces < 1:
        raise ValueError(f'faces must be a square number from 1 up, got {faces}')
    if faces == 1:
        clip = BuiltinClip()
        return [clip.frame(index % VISITOR_FRAMES[0]) for index in range(frames)]
    x, y, width, height = HEAD_XYWH
    head = load_portrait()[y : y + height, x : x + width]
    cell = (SIZE[0] // side, SIZE[1] // side)
    crowd = np.tile(cv2.resize(head, cell, interpolation=cv2.INTER_AREA), (side, side, 1))
    swaying = []
    for index in range(frames):
        phase = 2 * math.pi * index / 30.0
        matrix = np.array(
            [[1, 0, SWAY_PX * math.sin(phase)], [0, 1, SWAY_PX / 2 * math.sin(2 * phase)]]
        )
        frame = cv2.warpAffine(crowd, matrix, SIZE, borderMode=cv2.BORDER_REPLICATE)
        swaying.append(np.asarray(frame, dtype=np.uint8))
    return swaying
