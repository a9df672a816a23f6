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

"""The loss of a detector: score, box and landmarks of the assigned anchors."""

from __future__ import annotations

from dataclasses import dataclass

from rtcnn_perception.core.detection.grid import AnchorGrid
from rtcnn_perception.training.engine.config import NotNegative
from rtcnn_perception.training.engine.config import Settings
from rtcnn_perception.training.models.detector import AnchorOutputs
from rtcnn_perception.training.models.detector import STRIDES
from rtcnn_perception.training.tasks.detector.assignment import Annotations
from rtcnn_perception.training.tasks.detector.assignment import assign
from rtcnn_perception.training.tasks.detector.assignment import Assignment
import torch
from torch import Tensor
from torch.nn import functional

LARGEST = 6.0
"""Bound of the logarithm of a size in strides while training, so that nothing overflows."""


@dataclass(frozen=True)
class DetectorLossConfig(Settings):
    """
    How much each part counts against the score's.

    ``focus`` is the power of the error by which easy anchors count less.
    Source: Li et al.: Generalized Focal Loss, 2020, equation 2.
    """

    box: NotNegative = 2.0
    landmarks: NotNegative = 1.0
    focus: NotNegative = 2.0


def anchors_of(size_hw: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Return the anchor points (N, 2) of an input and their strides (N, 1), in pixels."""
    grid = AnchorGrid.covering(size_hw, STRIDES)
    return torch.from_numpy(grid.points).float(), torch.from_numpy(grid.strides).float()


def decode(box: Tensor, points: Tensor, strides: Tensor) -> Tensor:
    """Return (B, N, 4) corners in pixels, as ``AnchorGrid.decode_boxes`` does."""
    middle = points + box[..., :2] * strides
    half = box[..., 2:].clamp(max=LARGEST).exp() * strides / 2
    return torch.cat([middle - half, middle + half], dim=-1)


def generalised_overlap(first: Tensor, second: Tensor) -> Tensor:
    """
    Return the generalised intersection over union of boxes (K, 4), in [-1, 1].

    Source: Rezatofighi et al.: Generalized Intersection over Union, 2019, algorithm 1.
    """
    low = torch.maximum(first[:, :2], second[:, :2])
    high = torch.minimum(first[:, 2:], second[:, 2:])
    common = (high - low).clamp(min=0.0).prod(1)
    union = sum((box[:, 2:] - box[:, :2]).prod(1) for box in (first, second)) - common
    hull = torch.maximum(first[:, 2:], second[:, 2:]) - torch.minimum(first[:, :2], second[:, :2])
    area = hull.prod(1)
    return common / union.clamp(min=1e-6) - (area - union) / area.clamp(min=1e-6)


def detector_loss(
    outputs: AnchorOutputs,
    faces: Annotations,
    size_hw: tuple[int, int],
    config: DetectorLossConfig,
) -> Tensor:
    """
    Return the loss of a batch.

    The target of a score is the square root of the overlap, times how certain the face is, and 0
    without a face: it ranks first whether there is a face, and then how well the box fits.

    :param size_hw: height and width of the pictures in pixels
    """
    anchors, strides = (each.to(outputs.score.device) for each in anchors_of(size_hw))
    logits = outputs.score.float()
    boxes = decode(outputs.box.float(), anchors, strides)
    found = assign(logits.sigmoid(), boxes, anchors, strides, faces)
    target = _score_targets(found, faces)
    error = (logits.sigmoid() - target).abs() ** config.focus
    entropy = functional.binary_cross_entropy_with_logits(logits, target, reduction='none')
    total = target.sum().clamp(min=1.0)
    loss = (entropy * error)[~found.is_ignored].sum() / total
    picture, anchor = (found.face >= 0).nonzero(as_tuple=True)
    if not len(anchor):
        return loss
    face = found.face[picture, anchor]
    weight = target[picture, anchor]
    fit = generalised_overlap(boxes[picture, anchor], faces.boxes[picture, face])
    loss = loss + config.box * ((1 - fit) * weight).sum() / total
    points = outputs.landmarks.float()[picture, anchor].reshape(-1, 5, 2)
    points = anchors[anchor][:, None] + points * strides[anchor][:, None]
    aims = faces.landmarks[picture, face]
    is_known = aims.isfinite().all(-1).all(-1)
    sides = faces.boxes[picture, face]
    side = (sides[:, 2:] - sides[:, :2]).amax(1)[:, None, None]
    apart = torch.where(is_known[:, None, None], (points - aims.nan_to_num()) / side, 0.0)
    landmark_error = functional.smooth_l1_loss(
        apart, torch.zeros_like(apart), beta=0.05, reduction='none'
    )
    return loss + config.landmarks * (landmark_error.mean((1, 2)) * weight).sum() / total


def _score_targets(found: Assignment, faces: Annotations) -> Tensor:
    certainty = faces.weights.gather(1, found.face.clamp(min=0))
    target = certainty * found.overlap.sqrt()
    return torch.where(found.face >= 0, target, 0.0)
