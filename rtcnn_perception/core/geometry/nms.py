"""Of boxes that mark the same face, the best."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import BoxesXYXY


def suppress(boxes: BoxesXYXY, most_iou: float) -> NDArray[np.intp]:
    """
    Choose greedily: the best box, then the best of those that overlap none chosen by too much.

    It goes through the chosen boxes alone, each against all that are left at once, and so holds
    no matrix of all pairs.

    :param boxes: (N, 4) corners, best first
    :param most_iou: intersection over union up to which two boxes are two faces
    :returns: indices of the chosen ones, best first
    """
    low_x, low_y, high_x, high_y = boxes.T
    areas = (high_x - low_x) * (high_y - low_y)
    chosen = []
    left = np.arange(len(boxes))
    while left.size:
        best, left = left[0], left[1:]
        chosen.append(best)
        width = np.minimum(high_x[left], high_x[best]) - np.maximum(low_x[left], low_x[best])
        height = np.minimum(high_y[left], high_y[best]) - np.maximum(low_y[left], low_y[best])
        overlap = np.maximum(width, 0.0) * np.maximum(height, 0.0)
        left = left[overlap <= most_iou * (areas[left] + areas[best] - overlap)]
    return np.array(chosen, dtype=np.intp)
