"""From what a detector feels to how likely a mark is a face."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize


class ScoreCalibration(NamedTuple):
    """A score's logit is multiplied by ``slope``, above 0, and ``offset`` is added."""

    slope: float = 1.0
    offset: float = 0.0


def fit_calibration(scores: NDArray[np.float64], hits: NDArray[np.bool_]) -> ScoreCalibration:
    """
    Fit scores to the share of marks that are faces.

    Aims fall short of 0 and 1 by what so many marks cannot tell, so that the fit has an end where
    a threshold parts all faces from all others.
    Source: Platt: Probabilistic Outputs for Support Vector Machines, 1999, section 2.

    :param scores: (N,) of held-out marks, in (0, 1)
    :param hits: (N,) whether each is on a face
    :returns: none where there are not both faces and others, or scores do not rise with faces
    """
    if hits.all() or not hits.any():
        return ScoreCalibration()
    clipped = np.clip(scores, 1e-6, 1 - 1e-6)
    logits = np.log(clipped / (1 - clipped))
    faces, others = int(hits.sum()), int((~hits).sum())
    aims = np.where(hits, (faces + 1) / (faces + 2), 1 / (others + 2))

    def unlikeliness(weights: NDArray[np.float64]) -> float:
        fitted = weights[0] * logits + weights[1]
        return float((np.logaddexp(0.0, fitted) - aims * fitted).mean())

    slope, offset = minimize(unlikeliness, np.array([1.0, 0.0]), method='Nelder-Mead').x.tolist()
    return ScoreCalibration(slope, offset) if slope > 0 else ScoreCalibration()
