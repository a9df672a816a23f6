"""
The cells a detector's outputs have a row for, and how a row says where a face is.

The input is covered by squares of each stride in turn, row by row. A face is given from the centre
of a cell in strides, its size as a logarithm, so that a face of any size looks alike to its cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import BoxesXYXY


@dataclass(frozen=True, slots=True)
class FaceCells:
    """
    Cells in the order of the outputs.

    :ivar centers: (N, 2) x, y in pixels of the input
    :ivar strides: (N, 1) side of each cell in pixels
    """

    centers: NDArray[np.float64]
    strides: NDArray[np.float64]

    @classmethod
    def covering(cls, size_hw: tuple[int, int], strides: Sequence[int]) -> FaceCells:
        """
        Lay out the cells of an input.

        :param size_hw: height and width of the input, multiples of every stride
        :param strides: in the order of the outputs
        """
        centers, sides = [], []
        for stride in strides:
            rows, columns = np.indices((size_hw[0] // stride, size_hw[1] // stride))
            centers.append((np.stack([columns.ravel(), rows.ravel()], axis=1) + 0.5) * stride)
            sides.append(np.full((rows.size, 1), stride, dtype=np.float64))
        return cls(np.concatenate(centers), np.concatenate(sides))

    def __len__(self) -> int:
        """How many cells there are."""
        return len(self.strides)

    def boxes(self, cells: NDArray[np.intp], rows: NDArray[np.float32]) -> BoxesXYXY:
        """
        Decode boxes; what is no number, or too large for one, stays so.

        :param cells: (K,) indices of cells
        :param rows: (K, 4) centre from the cell's, and logarithm of the size, in strides
        """
        strides = self.strides[cells]
        with np.errstate(over='ignore', invalid='ignore'):
            middle = self.centers[cells] + rows[:, :2] * strides
            half = np.exp(rows[:, 2:], dtype=np.float64) * strides / 2
            return np.concatenate([middle - half, middle + half], axis=1)

    def points(self, cells: NDArray[np.intp], rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """
        Decode landmarks.

        :param cells: (K,) indices of cells
        :param rows: (K, 10) x and y of five points from the cell's centre, in strides
        :returns: (K, 5, 2) in pixels of the input
        """
        offsets = rows.reshape(-1, 5, 2) * self.strides[cells, :, None]
        return self.centers[cells, None] + offsets
