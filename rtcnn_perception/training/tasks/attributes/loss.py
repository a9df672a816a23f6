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

"""The loss of an attribute network, and how much each face counts in it."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.training.data.classes import band_ranks
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.data.faces import Fact
from rtcnn_perception.training.data.faces import Labels
from rtcnn_perception.training.data.sources import AttributeData
from rtcnn_perception.training.engine.teachers import DistillationConfig
import torch
from torch import Tensor
from torch.nn import functional

MOST = 5.0
"""A group of faces counts at most so many times as much as the mean of all, and at least 1/5."""


def face_weights(faces: FaceSet, attribute: str, settings: AttributeData) -> NDArray[np.float32]:
    """
    Weigh faces so that the classes of an attribute, and groups of faces, count alike in an epoch.

    :returns: (N,) float32 with mean 1 over an epoch's faces that have a target, 0 for the others
    :raises DataError: if nothing is known of a group
    """
    labels = faces.labels[attribute]
    labelled = np.asarray(labels.targets.any(axis=1))
    weights = class_weights(labels, settings.balance, faces.shares)
    if settings.balance_groups:
        groups = [faces.groups(name) for name in settings.balance_groups]
        weights[labelled] *= group_weights(groups, settings.group_balance, labelled, faces.shares)
    if labelled.any():
        weights[labelled] /= np.average(weights[labelled], weights=_share(faces.shares, labelled))
    return weights.astype(np.float32)


def _share(shares: NDArray[np.float32] | None, chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return how often each of the chosen faces comes in an epoch (K,)."""
    if shares is None:
        return np.ones(int(chosen.sum()))
    return shares[chosen].astype(np.float64)


def class_frequencies(
    labels: Labels, shares: NDArray[np.float32] | None = None
) -> NDArray[np.float64]:
    """
    Return how often each class is a target (C,), among the faces that have one.

    :param shares: (N,) how often each face comes in an epoch, None for once each
    """
    labelled = np.asarray(labels.targets.any(axis=1))
    targets = labels.targets[labelled].astype(np.float64)
    return np.asarray(np.average(targets, axis=0, weights=_share(shares, labelled)))


def class_weights(
    labels: Labels, balance: float, shares: NDArray[np.float32] | None = None
) -> NDArray[np.float64]:
    """
    Weigh faces by the classes of their targets.

    :param balance: 0 leaves classes as frequent as they are, 1 makes them count alike
    :param shares: as for :func:`class_frequencies`
    :returns: (N,) 0 for faces without a target
    """
    labelled = np.asarray(labels.targets.any(axis=1))
    if not labelled.any():
        return np.zeros(len(labelled))
    frequency = class_frequencies(labels, shares)
    inverse = np.divide(1.0, frequency, out=np.zeros_like(frequency), where=frequency > 0)
    return np.asarray((labels.targets * inverse**balance).sum(axis=1), np.float64)


def group_weights(
    groups: Sequence[Fact],
    balance: float,
    chosen: NDArray[np.bool_],
    shares: NDArray[np.float32] | None = None,
) -> NDArray[np.float64]:
    """
    Weigh the chosen faces by the groups that several facts make together.

    :param balance: 0 leaves groups as frequent as they are, 1 makes them count alike; what is
        unknown is a group as well
    :param shares: (N,) of all faces, as for :func:`class_frequencies`
    :returns: (K,) with mean 1, from 1 / ``MOST`` to ``MOST`` before that
    """
    rows = np.stack([fact.values[chosen] for fact in groups], axis=1)
    often = _share(shares, chosen)
    _, group = np.unique(rows, axis=0, return_inverse=True)
    counts = np.bincount(group.reshape(-1), weights=often)
    weights = (1.0 / counts[group.reshape(-1)]) ** balance
    weights = np.clip(weights / np.average(weights, weights=often), 1 / MOST, MOST)
    return np.asarray(weights / np.average(weights, weights=often), np.float64)


def smoothing_matrix(classes: Sequence[str], share: float) -> Tensor:
    """
    Return what a one-hot target is multiplied by: a row for each true class.

    :param share: of the target that goes to all classes, or to the neighbours of ordered ones
    """
    ranks = band_ranks(classes)
    if ranks is None:
        spread = np.full((len(classes), len(classes)), 1 / len(classes))
    else:
        is_near = np.abs(ranks[:, None] - ranks[None]) == 1
        spread = is_near / is_near.sum(axis=1, keepdims=True)
    return torch.from_numpy((1 - share) * np.eye(len(classes)) + share * spread).float()


class AttributeLoss:
    """
    The weighted sum over attributes of cross-entropy and of distance to the teachers.

    A face without a target for an attribute adds nothing to that attribute's cross-entropy. The
    soft targets, where there are any for the attribute, count for every face.
    Source: Hinton, Vinyals, Dean: Distilling the Knowledge in a Neural Network, 2015, section 2.
    """

    def __init__(
        self,
        classes: Mapping[str, Sequence[str]],
        weights: Mapping[str, float],
        label_smoothing: float,
        distillation: DistillationConfig,
        device: str = 'cpu',
    ) -> None:
        """
        Prepare the loss.

        :param classes: by attribute
        :param weights: of the attributes
        """
        self.weights, self.distillation = weights, distillation
        self.smoothing = {
            name: smoothing_matrix(names, label_smoothing).to(device)
            for name, names in classes.items()
        }

    def __call__(
        self,
        logits: Mapping[str, Tensor],
        targets: Mapping[str, Tensor],
        weights: Mapping[str, Tensor],
        soft_targets: Mapping[str, Tensor],
    ) -> Tensor:
        """Return the loss; all are by attribute, ``weights`` (B,) and the others (B, C)."""
        parts: list[Tensor] = []
        for name, target in targets.items():
            scores, weight = logits[name].float(), weights[name]
            log_probabilities = functional.log_softmax(scores, dim=1)
            entropy = -((target @ self.smoothing[name]) * log_probabilities).sum(1)
            loss = (entropy * weight).sum() / weight.sum().clamp(min=1.0)
            if name in soft_targets:
                temperature, share = self.distillation.temperature, self.distillation.share
                ours = functional.log_softmax(scores / temperature, dim=1)
                distance = functional.kl_div(ours, soft_targets[name], reduction='batchmean')
                loss = (1 - share) * loss + share * temperature**2 * distance
            parts.append(self.weights[name] * loss)
        return torch.stack(parts).sum()
