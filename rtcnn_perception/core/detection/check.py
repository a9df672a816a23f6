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

"""
A second look at what a detector takes for a face.

A detector scores all places of a shrunk image in one pass. A small network looks at the few that
it is unsure of alone, in the pixels of the image itself, and both scores are weighed. It is an
attribute network with the classes ``CLASSES``, in the folder ``FOLDER`` of the detector's model.
Source of the cascade: Zhang, Zhang, Li, Qiao: Joint Face Detection and Alignment using Multi-task
Cascaded Convolutional Networks, 2016, section II.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import BoxesXYXY
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.attributes.model import AttributeModel
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.crops import cut_crops
from rtcnn_perception.core.geometry.landmarks import FaceRegion
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.paths import is_there

FOLDER: Final = 'check'
FACE: Final = 'face'
NONE: Final = 'none'
CLASSES: Final = (FACE, NONE)

SURE: Final = 0.97
"""Score from which on a candidate is taken for a face without one."""

MAX_CANDIDATES: Final = 32
"""
Candidates of one image that are looked at, the best ones; others keep the detector's score.

The photographs of WIDER FACE have seven in the mean.
"""

WEIGHT: Final = 0.7
"""
How much the log odds of a face by the detector, and those by the check, count in their sum.

Logistic regression on held-out candidates gives 0.72 and 0.67, with an offset of -0.05. Of
networks that do not err on the same faces both would count 1.
"""

MOST: Final = 1.5
"""
Log odds of a face by the check that count at most, as it alone makes no face of anything.

A skull on a shirt is a face to it with 0.99, and to the detector with 0.1 to 0.3. On held-out
photographs this costs a point of recall at 320 pixels, and no precision.
"""

_NEAREST: Final = 1e-6
# To 0 and 1, so that log odds are finite.


class CandidateCheck:
    """
    The check of a detector; one instance per thread.

    :raises ModelError: if the network does not say of a crop whether it is a face
    """

    def __init__(self, model: AttributeModel) -> None:
        """Find the output that says it."""
        heads = [head for head in model.card.heads if FACE in head.labels]
        if len(heads) != 1:
            raise ModelError(
                f'{model.card.path}: expected one attribute with the class {FACE}, got '
                f'{len(heads)}; export a training of a check there, or remove its folder'
            )
        self.card = model.card
        self.precision_note = model.precision_note
        """Which of its graphs runs and why, for the log."""
        self._model = model
        self._attribute = heads[0].attribute
        self._column = heads[0].labels.index(FACE)

    @classmethod
    def load(cls, directory: Path, *, threads: int, precision: str) -> CandidateCheck | None:
        """
        Load the check in the folder of a detector; None where there is none.

        :param precision: one of ``models.precision.PRECISIONS``
        :raises ModelError: if it is damaged or no check, or has no graph of the precision
        """
        folder = directory / FOLDER
        if not (folder.is_symlink() or is_there(folder)):
            return None
        return cls(AttributeModel.load(folder, threads, precision=precision))

    def scores(
        self, image: ImageBGR, boxes: BoxesXYXY, scores: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """
        Return the scores of candidates after a second look.

        :param image: (H, W, 3) uint8, not shrunk
        :param boxes: (K, 4) in pixels of the image
        :param scores: (K,) of the detector, as probabilities of a face, best first
        :returns: (K,) probabilities; those from ``SURE`` on are as they were
        :raises ModelError: if the network returns what are no probabilities
        """
        unsure = np.flatnonzero(scores < SURE)[:MAX_CANDIDATES]
        if not len(unsure):
            return scores
        card = self.card
        regions = (FaceRegion(BoundingBox(*box)) for box in boxes[unsure].tolist())
        crops = [card.crop.crop(region) for region in regions]
        faces = cut_crops(image, crops, card.input_size_hw, card.channels)
        seen = self._model.predict(faces)[self._attribute][:, self._column]
        checked: NDArray[np.float32] = scores.copy()
        odds = WEIGHT * (_log_odds(scores[unsure]) + np.minimum(_log_odds(seen), MOST))
        checked[unsure] = 1.0 / (1.0 + np.exp(-odds))
        return checked


def least_score(min_score: float) -> float:
    """Return the score of a detector from which on a check may raise it to a minimum score."""
    bounded = min(max(min_score, _NEAREST), 1.0 - _NEAREST)
    odds = math.log(bounded / (1.0 - bounded)) / WEIGHT - MOST
    return min(min_score, 1.0 / (1.0 + math.exp(-odds)))


def _log_odds(probabilities: NDArray[np.float32]) -> NDArray[np.float64]:
    bounded = np.clip(probabilities.astype(np.float64), _NEAREST, 1.0 - _NEAREST)
    odds: NDArray[np.float64] = np.log(bounded / (1.0 - bounded))
    return odds
