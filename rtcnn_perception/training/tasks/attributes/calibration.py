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

"""How far confidence is from accuracy, and the temperature that brings both together."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import Probabilities
from rtcnn_perception.training.data.classes import UNLABELLED
from scipy import optimize
from scipy import special

BINS = 15
"""Equal bins of confidence; the number of Guo et al. 2017."""


def softmax(logits: NDArray[np.float32], temperature: float = 1.0) -> Probabilities:
    """Return the probabilities (N, C) of logits divided by a temperature."""
    probabilities: Probabilities = special.softmax(logits / temperature, axis=1)
    return probabilities.astype(np.float32)


def log_loss(
    probabilities: Probabilities,
    labels: NDArray[np.int64],
    weights: NDArray[np.float32] | None = None,
) -> float:
    """
    Return the mean of -log p of the true class, in nats; no p counts as less than 1e-7.

    :param weights: (N,) how much each face counts; alike by default
    """
    given = probabilities[np.arange(len(labels)), labels]
    return float(np.average(-np.log(np.maximum(given, 1e-7)), weights=weights))


def fit_temperature(
    logits: NDArray[np.float32],
    labels: NDArray[np.int64],
    weights: NDArray[np.float32] | None = None,
) -> float:
    """
    Return the temperature at which held-out labels are most likely.

    The loss has a single minimum over its logarithm. The true class counts as (n + 1) / (n + 2)
    of n faces, the others share the rest: of few faces that are all right it must not follow that
    the network is never wrong.
    Sources: Guo, Pleiss, Sun, Weinberger: On Calibration of Modern Neural Networks, 2017, section
    4; Platt: Probabilistic Outputs for Support Vector Machines, 1999, section 2.

    :param logits: (N, C) of held-out faces
    :param labels: (N,); faces without a label are left out
    :param weights: (N,) how much each face counts; alike by default
    :returns: 1 where no face has a label
    """
    known = labels != UNLABELLED
    logits, labels = logits[known], labels[known]
    weights = None if weights is None else weights[known]
    if not len(labels):
        return 1.0

    share = 1 / ((len(labels) if weights is None else np.count_nonzero(weights)) + 2)
    targets = np.full(logits.shape, share / (logits.shape[1] - 1))
    targets[np.arange(len(labels)), labels] = 1 - share

    def loss(logarithm: float) -> float:
        log_p = special.log_softmax(logits / math.exp(logarithm), axis=1)
        return float(np.average(-(targets * log_p).sum(axis=1), weights=weights))

    bounds = math.log(0.1), math.log(10.0)
    return math.exp(optimize.minimize_scalar(loss, bounds=bounds, method='bounded').x)


def reliability(
    probabilities: Probabilities, labels: NDArray[np.int64], bins: int = BINS
) -> NDArray[np.float64]:
    """
    Return, for each bin of confidence, how many faces it has, their confidence and accuracy.

    :returns: (bins, 3) float64; an empty bin is a row of zeros
    """
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    number = np.minimum((confidence * bins).astype(int), bins - 1)
    table = np.zeros((bins, 3))
    for index in range(bins):
        inside = number == index
        if inside.any():
            table[index] = inside.sum(), confidence[inside].mean(), correct[inside].mean()
    return table


def calibration_error(probabilities: Probabilities, labels: NDArray[np.int64]) -> float:
    """Return the expected calibration error over the labelled faces, in [0, 1]."""
    known = labels != UNLABELLED
    table = reliability(probabilities[known], labels[known])
    count = table[:, 0].sum()
    return float((table[:, 0] * np.abs(table[:, 1] - table[:, 2])).sum() / count) if count else 0.0
