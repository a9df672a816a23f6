"""What a network is punished for."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.training.engine.config import LossConfig
import torch
from torch import Tensor
from torch.nn import functional


def face_weights(targets: NDArray[np.float32], balance: float) -> NDArray[np.float32]:
    """
    Weigh faces so that classes count alike.

    :param targets: (N, C) distributions, rows of zeros where there is none
    :param balance: 0 leaves classes as frequent as they come, 1 evens them out
    :returns: (N,) float32 with mean 1 over the faces that have a target, 0 for the others
    """
    labelled = targets.sum(axis=1) > 0
    if not labelled.any():
        return np.zeros(len(targets), np.float32)
    frequency = targets[labelled].mean(axis=0)
    inverse = np.divide(1.0, frequency, out=np.zeros_like(frequency), where=frequency > 0)
    weights = (targets * inverse**balance).sum(axis=1)
    weights[labelled] /= weights[labelled].mean()
    result: NDArray[np.float32] = weights.astype(np.float32)
    return result


def total_loss(
    logits: Mapping[str, Tensor],
    targets: Mapping[str, Tensor],
    weights: Mapping[str, Tensor],
    teacher: Mapping[str, Tensor],
    config: LossConfig,
) -> Tensor:
    """
    Return the sum over attributes of cross-entropy and of distance to the teacher.

    A face without a target for an attribute adds nothing to that attribute's cross-entropy. The
    teacher's answer, where it has the attribute, counts for every face.
    """
    terms: list[Tensor] = []
    for name, target in targets.items():
        scores, weight = logits[name].float(), weights[name]
        smooth = config.label_smoothing
        aim = target * (1 - smooth) + smooth / target.shape[1]
        entropy = -(aim * functional.log_softmax(scores, dim=1)).sum(1)
        hard = (entropy * weight).sum() / weight.sum().clamp(min=1.0)
        if name in teacher and config.distillation:
            temperature = config.temperature
            ours = functional.log_softmax(scores / temperature, dim=1)
            distance = functional.kl_div(ours, teacher[name], reduction='batchmean')
            share = config.distillation
            hard = (1 - share) * hard + share * temperature**2 * distance
        terms.append(hard)
    return torch.stack(terms).sum()
