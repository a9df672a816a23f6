"""How well a face can be seen, so that a behaviour can wait for a good look."""

from __future__ import annotations

import cv2
import numpy as np
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.geometry import BoundingBox
from rtcnn_perception.core.preprocessing import cut_crop
from rtcnn_perception.core.preprocessing import to_gray


def crop_quality(image: ImageBGR, box: BoundingBox) -> float:
    """Return the quality in [0, 1]."""
    height, width = image.shape[:2]
    inside = box.clip_to(width, height)
    if inside is None:
        return 0.0
    face = cut_crop(
        to_gray(cut_crop(image, inside, (64, 64))), BoundingBox(0, 0, 64, 64), (64, 64)
    )
    laplacian = cv2.Laplacian(face, cv2.CV_32F)
    sharpness = float(np.var(laplacian))
    return inside.area / box.area * sharpness / (sharpness + 100.0)
