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

"""Calibration of a detector: from its score to how likely a prediction is a face."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.models.fields import JsonFields
from rtcnn_perception.training.models.detector import FaceNetwork
from rtcnn_perception.training.models.detector import STRIDES
from scipy.optimize import minimize
import torch

HEIGHT = 32.0
"""Pixels of a face as the network takes it, at which ``growth`` changes nothing."""

SCORE_ROW, HEIGHT_ROW = 0, 4
"""Rows of the last layers: the score, and the logarithm of the height in strides."""


class ScoreCalibration(NamedTuple):
    """
    How the logit of a score is changed.

    It is multiplied by ``slope``, above 0; ``offset`` is added, and ``growth`` times the logarithm
    of a face's height in ``HEIGHT``: at the same score small predictions are faces less often.
    """

    slope: float = 1.0
    offset: float = 0.0
    growth: float = 0.0

    @property
    def inverse(self) -> ScoreCalibration:
        """Return the calibration that undoes this one."""
        return ScoreCalibration(
            1 / self.slope, -self.offset / self.slope, -self.growth / self.slope
        )


def calibration_of(card: JsonFields) -> ScoreCalibration:
    """
    Return the calibration that an exported network has built in.

    :raises ModelError: if the card does not say
    """
    fields = card.section('score_calibration')
    found = ScoreCalibration(*(fields.number(name) for name in ScoreCalibration._fields))
    if not found.slope > 0:
        raise fields.refusal('slope', 'above 0', found.slope)
    return found


@torch.no_grad()
def build_in(calibration: ScoreCalibration, network: FaceNetwork) -> None:
    """Make a network predict calibrated scores, by its last layers alone."""
    slope, offset, growth = calibration
    for output, stride in zip(network.outputs, STRIDES, strict=True):
        weight, bias = output.parameters()
        height = bias[HEIGHT_ROW] + math.log(stride / HEIGHT)
        bias[SCORE_ROW] = slope * bias[SCORE_ROW] + offset + growth * height
        weight[SCORE_ROW] = slope * weight[SCORE_ROW] + growth * weight[HEIGHT_ROW]


def fit_calibration(
    scores: NDArray[np.float64], heights: NDArray[np.float64], hits: NDArray[np.bool_]
) -> ScoreCalibration:
    """
    Fit scores to the share of predictions that are faces.

    Targets are a little below 1 and above 0, the less the more predictions there are, so that the
    fit converges where a threshold separates all faces from all others.
    Source: Platt: Probabilistic Outputs for Support Vector Machines, 1999, section 2.

    :param scores: (N,) of held-out predictions, in (0, 1)
    :param heights: (N,) of their boxes in pixels as the network takes them, above 0
    :param hits: (N,) whether each is on a face
    :returns: the identity where there are not both faces and others, or scores fall with faces
    """
    if hits.all() or not hits.any():
        return ScoreCalibration()
    clipped = np.clip(scores, 1e-6, 1 - 1e-6)
    inputs = np.stack(
        [np.log(clipped / (1 - clipped)), np.ones(len(hits)), np.log(heights / HEIGHT)]
    )
    faces, others = int(hits.sum()), int((~hits).sum())
    targets = np.where(hits, (faces + 1) / (faces + 2), 1 / (others + 2))

    def negative_log_likelihood(weights: NDArray[np.float64]) -> float:
        fitted = weights @ inputs
        return float((np.logaddexp(0.0, fitted) - targets * fitted).mean())

    found = ScoreCalibration(
        *minimize(negative_log_likelihood, np.array([1.0, 0.0, 0.0])).x.tolist()
    )
    return found if found.slope > 0 else ScoreCalibration()
