"""
Assignment of annotated faces to the anchor points of the network's output.

Tensors: B pictures, M faces at most in one of them, N anchors, as ``core.detection.grid`` orders
them.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

REACH = 1.5
"""Strides from a face's centre, in x and in y, within which anchors may be assigned to it."""

MOST_ANCHORS = 10
"""The sum of the overlaps of so many anchors is how many are assigned to a face."""

OVERLAP_POWER = 3.0
"""How much more overlap counts than score where anchors are compared."""


class Annotations(NamedTuple):
    """
    The annotations of a batch of pictures, in their pixels; rows of no face have weight 0.

    ``boxes`` (B, M, 4) x0, y0, x1, y1; ``weights`` (B, M) how certain a face is, above 0 to 1;
    ``landmarks`` (B, M, 5, 2), NaN where unknown; ``ignored`` (B, K, 4), zeros where there is
    none.
    """

    boxes: Tensor
    weights: Tensor
    landmarks: Tensor
    ignored: Tensor


class Assignment(NamedTuple):
    """
    The target of each anchor.

    ``face`` (B, N) is the index of the assigned face, -1 for none; ``overlap`` (B, N) its
    intersection over union with the predicted box; ``is_ignored`` (B, N) where a score has no
    target.
    """

    face: Tensor
    overlap: Tensor
    is_ignored: Tensor


def overlaps(first: Tensor, second: Tensor) -> Tensor:
    """Return the intersection over union of boxes (..., 4) that broadcast, 0 for empty ones."""
    low = torch.maximum(first[..., :2], second[..., :2])
    high = torch.minimum(first[..., 2:], second[..., 2:])
    common = (high - low).clamp(min=0.0).prod(-1)
    areas = [(box[..., 2:] - box[..., :2]).clamp(min=0.0).prod(-1) for box in (first, second)]
    return common / (areas[0] + areas[1] - common).clamp(min=1e-6)


@torch.no_grad()
def assign(
    scores: Tensor, boxes: Tensor, points: Tensor, strides: Tensor, faces: Annotations
) -> Assignment:
    """
    Assign to each face the anchors near its centre that already predict it best.

    How many is the sum of the ten best overlaps, at least one, so that a face that many anchors
    predict well has many. An anchor that fits two faces is assigned to the one it predicts better.
    Source: Ge, Liu, Wang, Li, Sun: YOLOX, 2021, section 2.1, "SimOTA"; anchors are ranked by score
    times a power of the overlap, as in Feng et al.: TOOD, 2021, equation 1.

    :param scores: (B, N) in [0, 1]
    :param boxes: (B, N, 4) in pixels, decoded
    :param points: (N, 2) x, y of the anchors in pixels
    :param strides: (N, 1) in pixels
    """
    middle = (faces.boxes[..., :2] + faces.boxes[..., 2:]) / 2
    apart = (points - middle[:, :, None]).abs() / strides
    is_near = (apart.amax(-1) <= REACH) & (faces.weights > 0)[..., None]  # (B, M, N)
    overlap = overlaps(faces.boxes[:, :, None], boxes[:, None])
    quality = scores[:, None].clamp(min=1e-4) * overlap.clamp(min=1e-4) ** OVERLAP_POWER
    quality = torch.where(is_near, quality, 0.0)
    best, anchors = quality.topk(min(MOST_ANCHORS, quality.shape[-1]), dim=-1)
    near_overlap = torch.where(is_near, overlap, 0.0)
    wanted = near_overlap.topk(best.shape[-1], dim=-1).values.sum(-1).int().clamp(min=1)
    ranks = torch.arange(best.shape[-1], device=best.device)
    is_assigned = (ranks < wanted[..., None]) & (best > 0)
    claims = torch.zeros_like(quality).scatter(-1, anchors, torch.where(is_assigned, best, 0.0))
    strongest, face = claims.max(1)
    is_taken = strongest > 0
    face = torch.where(is_taken, face, -1)
    predicted = overlap.gather(1, face.clamp(min=0)[:, None])[:, 0]
    ignored = faces.ignored[:, :, None]
    is_inside = ((points >= ignored[..., :2]) & (points <= ignored[..., 2:])).all(-1).any(1)
    return Assignment(face, torch.where(is_taken, predicted, 0.0), is_inside & ~is_taken)
