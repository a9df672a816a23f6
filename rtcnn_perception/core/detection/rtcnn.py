"""The detector of this package: a small network that finds faces of any size in one pass."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
import onnxruntime
from rtcnn_perception.core.arrays import BoxesXYXY
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.detection.base import Detection
from rtcnn_perception.core.detection.base import require_bgr
from rtcnn_perception.core.detection.base import shrink_to_width
from rtcnn_perception.core.detection.card import DetectorSpec
from rtcnn_perception.core.detection.card import DTYPE
from rtcnn_perception.core.detection.grid import FaceCells
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.nms import suppress
from rtcnn_perception.core.models.session import check_signature
from rtcnn_perception.core.models.session import contradiction
from rtcnn_perception.core.models.session import in_one_line
from rtcnn_perception.core.models.session import open_session
from rtcnn_perception.core.models.session import SESSION_ERRORS
from rtcnn_perception.core.models.session import Tensor
from rtcnn_perception.exceptions import ModelError

MAX_CANDIDATES: Final = 5000
"""
Cells of one image that are looked at further, the best ones; as many as YuNet is let.

A crowd that fills an image has some hundred faces and some ten cells for each. With a
``min_score`` near 0 every cell is a candidate, of 1920x1080 pixels 42,840, and the time to choose
among them grows with the square.
"""

_FARTHEST: Final = 1e6
# Pixels; no image is as large, and NaN is not below it either.

_TRIAL_SIZES: Final = ((1, 1), (1, 2))
# Height and width in multiples: of two sizes one at least is not one that a graph is fixed to.


@dataclass(frozen=True, slots=True)
class _Input:
    """Room for images of one size: the pixels beside and below the image stay 0."""

    size_hw: tuple[int, int]
    padded: NDArray[np.uint8]  # (1, H, W, 3)
    cells: FaceCells


class RtcnnDetector:
    """
    Faces with landmarks; one instance per thread.

    :raises ModelError: if the graph does not take or give what the card says; it is tried out
    """

    name: Final = 'rtcnn'

    def __init__(
        self,
        session: onnxruntime.InferenceSession,
        spec: DetectorSpec,
        *,
        width: int = 0,
        min_score: float = 0.6,
    ) -> None:
        """
        Check the graph against the card, by what it declares and by running it.

        :param width: width of detection in pixels, 0 for the one on the card
        """
        self.spec = spec
        self.min_score = min_score
        self._session = session
        self._width = width or spec.width
        self._input = self._room_for((1, 1))
        check_signature(
            session,
            spec.path,
            Tensor(spec.input_name, DTYPE, (1, 'H', 'W', 3)),
            (
                Tensor(spec.score, 'float32', (1, 'N')),
                Tensor(spec.box, 'float32', (1, 'N', 4)),
                Tensor(spec.landmarks, 'float32', (1, 'N', 10)),
            ),
        )
        for rows, columns in _TRIAL_SIZES:
            blank = np.zeros((rows * spec.multiple, columns * spec.multiple, 3), np.uint8)
            self._find(blank, min_score=0.0)

    @classmethod
    def load(
        cls, path: Path, *, width: int = 0, min_score: float = 0.6, threads: int = 1
    ) -> RtcnnDetector:
        """
        Load a model and its card.

        :param path: the folder, the model, or the card
        :param threads: how many threads one run may use
        :raises ModelError: if either is missing or damaged, or one contradicts the other
        """
        spec = DetectorSpec.load(path)
        session = open_session(spec.read_model(), spec.path, threads=threads)
        return cls(session, spec, width=width, min_score=min_score)

    def detect(self, image: ImageBGR) -> tuple[Detection, ...]:
        """
        Find the faces of an image.

        :returns: detections of ``min_score`` and more, best first, in pixels of the image
        :raises ImageFormatError: if the image is not (H, W, 3) uint8
        :raises ModelError: if the network gives what is no face
        """
        require_bgr(image)
        shrunk = shrink_to_width(image, self._width)
        scores, boxes, points = self._find(shrunk, self.min_score)
        scale = np.array([image.shape[1] / shrunk.shape[1], image.shape[0] / shrunk.shape[0]])
        corners = (boxes.reshape(-1, 2, 2) * scale).reshape(-1, 4)
        landmarks = (points * scale).astype(np.float32)
        return tuple(
            Detection(BoundingBox(*box), score, five)
            for box, score, five in zip(corners.tolist(), scores.tolist(), landmarks, strict=True)
        )

    def _find(
        self, image: ImageBGR, min_score: float
    ) -> tuple[NDArray[np.float32], BoxesXYXY, NDArray[np.float64]]:
        """Return (K,) scores, (K, 4) boxes and (K, 5, 2) landmarks, best first, in its pixels."""
        score, box, landmarks = self._run(image)
        cells = _best_cells(score, min_score)
        rows = box[cells]
        boxes = self._input.cells.boxes(cells, rows)
        is_box = (np.abs(boxes) < _FARTHEST) & np.tile(boxes[:, :2] < boxes[:, 2:], 2)
        self._check(self.spec.box, rows, is_box)
        kept = suppress(boxes, self.spec.suppression_iou)
        cells = cells[kept]
        rows = landmarks[cells]
        points = self._input.cells.points(cells, rows)
        self._check(self.spec.landmarks, rows, (np.abs(points) < _FARTHEST).reshape(-1, 10))
        return score[cells], boxes[kept], points

    def _run(self, image: ImageBGR) -> list[NDArray[np.float32]]:
        """Return the outputs, a row for each cell."""
        size_hw = (image.shape[0], image.shape[1])
        if size_hw != self._input.size_hw:
            self._input = self._room_for(size_hw)
        padded, count = self._input.padded, len(self._input.cells)
        padded[0, : size_hw[0], : size_hw[1]] = image
        try:
            outputs = self._session.run(self.spec.outputs, {self.spec.input_name: padded})
        except SESSION_ERRORS as error:
            raise self._contradiction(
                f'a graph that takes an image of shape {padded.shape}',
                f'one that fails ({in_one_line(error)})',
            ) from error
        shapes = ((1, count), (1, count, 4), (1, count, 10))
        for name, output, shape in zip(self.spec.outputs, outputs, shapes, strict=True):
            if output.shape != shape:
                raise self._contradiction(
                    f'output {name} of shape {shape} for an image of shape {padded.shape}',
                    f'{output.shape}',
                )
        low, high = outputs[0].min(), outputs[0].max()
        if not (low >= 0.0 and high <= 1.0):  # NaN is neither
            raise self._contradiction(
                f'scores from 0 to 1 in output {self.spec.score}', f'{low:.4g} to {high:.4g}'
            )
        return [output[0] for output in outputs]

    def _room_for(self, size_hw: tuple[int, int]) -> _Input:
        multiple = self.spec.multiple
        height, width = (-(-side // multiple) * multiple for side in size_hw)
        return _Input(
            size_hw,
            np.zeros((1, height, width, 3), dtype=np.uint8),
            FaceCells.covering((height, width), self.spec.strides),
        )

    def _check(self, name: str, rows: NDArray[np.float32], is_right: NDArray[np.bool_]) -> None:
        """Refuse rows of an output that no face can have; both are (K, M)."""
        if not is_right.all():
            wrong = rows[np.argmin(is_right.all(axis=1))]
            found = ', '.join(f'{number:.4g}' for number in wrong)
            raise self._contradiction(f'places of faces in output {name}', f'the row {found}')

    def _contradiction(self, expected: str, found: str) -> ModelError:
        return contradiction(self.spec.path, expected, found)


def _best_cells(score: NDArray[np.float32], min_score: float) -> NDArray[np.intp]:
    """Return the indices of the cells that may hold a face, best first."""
    cells = np.flatnonzero(score >= min_score)
    if len(cells) > MAX_CANDIDATES:
        cells = cells[np.argpartition(-score[cells], MAX_CANDIDATES)[:MAX_CANDIDATES]]
    return cells[np.argsort(-score[cells], kind='stable')]
