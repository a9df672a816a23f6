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

"""The detector of this package: a small network that finds faces of any size."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
import onnxruntime
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.detection.base import Detection
from rtcnn_perception.core.detection.base import DetectorConfig
from rtcnn_perception.core.detection.base import DetectorRow
from rtcnn_perception.core.detection.base import LARGEST_FACE
from rtcnn_perception.core.detection.base import shrink_to_width
from rtcnn_perception.core.detection.card import DetectorCard
from rtcnn_perception.core.detection.card import DTYPE
from rtcnn_perception.core.detection.check import CandidateCheck
from rtcnn_perception.core.detection.check import least_score
from rtcnn_perception.core.detection.grid import AnchorGrid
from rtcnn_perception.core.detection.levels import Candidates
from rtcnn_perception.core.detection.levels import levels_of
from rtcnn_perception.core.detection.levels import merge_levels
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.boxes import non_maximum_suppression
from rtcnn_perception.core.geometry.landmarks import FIVE_POINTS
from rtcnn_perception.core.images import check_bgr
from rtcnn_perception.core.models.card import CARD_NAME
from rtcnn_perception.core.models.files import find_model
from rtcnn_perception.core.models.precision import load_precision
from rtcnn_perception.core.models.session import check_signature
from rtcnn_perception.core.models.session import contradiction
from rtcnn_perception.core.models.session import in_one_line
from rtcnn_perception.core.models.session import open_session
from rtcnn_perception.core.models.session import SESSION_ERRORS
from rtcnn_perception.core.models.session import Tensor
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.paths import is_file
from rtcnn_perception.paths import is_folder

DEFAULT_WIDTH: Final = 320
"""Pixels: the detection width of the model that ships."""

DEFAULT_CONFIG: Final = DetectorConfig('rtcnn')

DEFAULT_MIN_SCORE: Final = 0.5
"""Chosen on held-out photographs; ``docs/models.md`` has precision and recall."""

MAX_CANDIDATES: Final = 5000
"""
Anchor points of one image that are decoded, the best ones; as many as YuNet's top_k.

A crowd that fills an image has some hundred faces and some ten anchor points for each. With a
``min_score`` near 0 every anchor point is a candidate, 42,840 of 1920x1080 pixels, and the time of
non-maximum suppression grows with the square.
"""

_FARTHEST: Final = 1e6
# Pixels; no image is as large, and NaN is not below it either.

PRECISION_SIDE: Final = 640
"""
Pixels of the widest image by which graphs are compared: the ratio of their times hardly depends on
it, and by 4096 pixels the comparison takes forty times as long.
"""

_TRIAL_SIZES: Final = ((1, 1), (1, 2))
# Height and width in multiples: a graph with a fixed size fails with at least one of the two.


@dataclass(frozen=True, slots=True)
class _Input:
    """A padded input for images of one size: the pixels beside and below the image stay 0."""

    size_hw: tuple[int, int]
    padded: NDArray[np.uint8]  # (1, H, W, 3)
    grid: AnchorGrid


class RtcnnDetector:
    """
    The detector of this package; one instance per thread.

    :raises ModelError: if the graph does not take or return what the card says; it is run once
    """

    landmark_names: Final = FIVE_POINTS

    def __init__(
        self,
        session: onnxruntime.InferenceSession,
        card: DetectorCard,
        *,
        width: int = 0,
        min_score: float = DEFAULT_MIN_SCORE,
        check: CandidateCheck | None = None,
    ) -> None:
        """
        Check the graph against the card, by what it declares and by running it.

        :param width: detection width in pixels, 0 for the one on the card
        :param check: looks again at what may be a face
        """
        self.card = card
        self.min_score = min_score
        self.precision_note = ''
        """Which graph runs and why, for the log."""
        self._candidate_check = check
        self._session = session
        self._width = width or card.width
        self._inputs: dict[int, _Input] = {}
        check_signature(
            session,
            card.path,
            Tensor(card.input_name, DTYPE, (1, 'H', 'W', 3)),
            (
                Tensor(card.score, 'float32', (1, 'N')),
                Tensor(card.box, 'float32', (1, 'N', 4)),
                Tensor(card.landmarks, 'float32', (1, 'N', 10)),
            ),
        )
        for rows, columns in _TRIAL_SIZES:
            blank = np.zeros((rows * card.multiple, columns * card.multiple, 3), np.uint8)
            self._find(blank, 0, min_score=0.0)

    @classmethod
    def load(cls, path: Path, config: DetectorConfig = DEFAULT_CONFIG) -> RtcnnDetector:
        """
        Load a model and its card.

        :param path: the folder, the graph, or the card
        :raises ModelError: if either is missing or damaged, one contradicts the other, or there is
            no graph of the precision
        """
        card = DetectorCard.load(path)
        check = None
        if config.check:
            check = CandidateCheck.load(
                card.directory, threads=config.threads, precision=config.precision
            )

        def load(card: DetectorCard) -> RtcnnDetector:
            session = open_session(card.read_model(), card.path, threads=config.threads)
            return cls(
                session,
                card,
                width=config.width,
                min_score=config.min_score or DEFAULT_MIN_SCORE,
                check=check,
            )

        def run(detector: RtcnnDetector) -> None:
            side = min(config.width or detector.card.width, PRECISION_SIDE)
            detector.detect(np.zeros((side * 3 // 4, side, 3), np.uint8))

        detector, note = load_precision(card, config.precision, load, run)
        if check and check.precision_note:
            note = '; '.join(filter(None, (note, f'its check {check.precision_note}')))
        detector.precision_note = note
        return detector

    @property
    def tag(self) -> str:
        """Name in the registry, with name and short sha256 of the model and of its check."""
        check = self._candidate_check
        checked = f', {check.card.tag}' if check else ''
        return f'rtcnn ({self.card.tag}{checked})'

    def detect(self, image: ImageBGR) -> tuple[Detection, ...]:
        """
        Find the faces of an image.

        :returns: detections of ``min_score`` and more, best first, in pixels of the image
        :raises ImageFormatError: if the image is not (H, W, 3) uint8
        :raises ModelError: if the network returns values that no face can have
        """
        check_bgr(image)
        shrunk, scale = shrink_to_width(image, self._width)
        check = self._candidate_check
        least = least_score(self.min_score) if check else self.min_score
        levels = levels_of(shrunk)
        found = [self._find(each.image, index, least) for index, each in enumerate(levels)]
        faces = merge_levels(levels, found, self.card.nms_iou).scaled(scale)
        if check:
            scores = check.scores(image, faces.boxes, faces.scores)
            order = np.argsort(-scores, kind='stable')
            best = order[scores[order] >= self.min_score]
            faces = faces._replace(scores=scores).take(best)
        scores, boxes, landmarks = faces
        return tuple(
            Detection(BoundingBox(*box), score, five)
            for box, score, five in zip(
                boxes.tolist(), scores.tolist(), landmarks.astype(np.float32), strict=True
            )
        )

    def _find(self, image: ImageBGR, level: int, min_score: float) -> Candidates:
        """Return what may be a face, each once."""
        score, box, landmarks = self._run(image, level)
        grid = self._inputs[level].grid
        chosen = _best_anchors(score, min_score)
        rows = box[chosen]
        boxes = grid.decode_boxes(chosen, rows)
        is_box = (np.abs(boxes) < _FARTHEST) & np.tile(boxes[:, :2] < boxes[:, 2:], 2)
        self._check(self.card.box, rows, is_box)
        sides = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0.0)
        is_seen = sides <= LARGEST_FACE * max(image.shape[:2])
        chosen, boxes = chosen[is_seen], boxes[is_seen]
        kept = non_maximum_suppression(boxes, self.card.nms_iou)
        chosen = chosen[kept]
        rows = landmarks[chosen]
        points = grid.decode_landmarks(chosen, rows)
        self._check(self.card.landmarks, rows, (np.abs(points) < _FARTHEST).reshape(-1, 10))
        return Candidates(score[chosen], boxes[kept], points)

    def _run(self, image: ImageBGR, level: int) -> list[NDArray[np.float32]]:
        """Return the outputs, a row for each anchor point."""
        size_hw = (image.shape[0], image.shape[1])
        if level not in self._inputs or size_hw != self._inputs[level].size_hw:
            self._inputs[level] = self._input_for(size_hw)
        padded, count = self._inputs[level].padded, len(self._inputs[level].grid)
        padded[0, : size_hw[0], : size_hw[1]] = image
        try:
            outputs = self._session.run(self.card.outputs, {self.card.input_name: padded})
        except SESSION_ERRORS as error:
            raise self._contradiction(
                f'a graph that takes an image of shape {padded.shape}',
                f'one that fails ({in_one_line(error)})',
            ) from error
        shapes = ((1, count), (1, count, 4), (1, count, 10))
        for name, output, shape in zip(self.card.outputs, outputs, shapes, strict=True):
            if output.shape != shape:
                raise self._contradiction(
                    f'output {name} of shape {shape} for an image of shape {padded.shape}',
                    f'{output.shape}',
                )
        low, high = outputs[0].min(), outputs[0].max()
        if not (low >= 0.0 and high <= 1.0):  # NaN is refused, too
            raise self._contradiction(
                f'scores from 0 to 1 in output {self.card.score}', f'{low:.4g} to {high:.4g}'
            )
        return [output[0] for output in outputs]

    def _input_for(self, size_hw: tuple[int, int]) -> _Input:
        multiple = self.card.multiple
        height, width = (-(-side // multiple) * multiple for side in size_hw)
        return _Input(
            size_hw,
            np.zeros((1, height, width, 3), dtype=np.uint8),
            AnchorGrid.covering((height, width), self.card.strides),
        )

    def _check(self, name: str, rows: NDArray[np.float32], is_right: NDArray[np.bool_]) -> None:
        """Refuse rows of an output that no face can have; both are (K, M)."""
        if not is_right.all():
            wrong = rows[np.argmin(is_right.all(axis=1))]
            found = ', '.join(f'{number:.4g}' for number in wrong)
            raise self._contradiction(f'boxes or landmarks in output {name}', f'the row {found}')

    def _contradiction(self, expected: str, found: str) -> ModelError:
        return contradiction(self.card.path, expected, found)


def _best_anchors(score: NDArray[np.float32], min_score: float) -> NDArray[np.intp]:
    """Return the indices of the anchor points that may hold a face, best first."""
    chosen = np.flatnonzero(score >= min_score)
    if len(chosen) > MAX_CANDIDATES:
        chosen = chosen[np.argpartition(-score[chosen], MAX_CANDIDATES)[:MAX_CANDIDATES]]
    return chosen[np.argsort(-score[chosen], kind='stable')]


def has_card(path: Path) -> bool:
    """Return whether a path is a model with a card: its folder, its card, or a graph beside it."""
    return is_folder(path) or path.suffix == '.json' or is_file(path.with_suffix('.json'))


ROW: Final = DetectorRow(
    name='rtcnn',
    load=RtcnnDetector.load,
    locate=partial(
        find_model, path=Path('face'), advice='it comes with the package: install that again'
    ),
    default_width=DEFAULT_WIDTH,
    default_min_score=DEFAULT_MIN_SCORE,
    recognises=has_card,
    model_description=f'a folder with {CARD_NAME}, its card or its graph',
)
