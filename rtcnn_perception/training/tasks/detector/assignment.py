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


def _near_anchors(faces: Annotations, points: Tensor, strides: Tensor) -> tuple[Tensor, Tensor]:
    """
    Return the anchors about each face, of all levels.

    :returns: indices (B, M, K), of which some may stand twice at an edge of the grid, and where
        (B, M, K) they are within ``REACH`` of a face, each once
    """
    middle = (faces.boxes[..., :2] + faces.boxes[..., 2:]) / 2
    steps = torch.arange(int(2 * REACH) + 1, device=points.device)
    indices, near, first = [], [], 0
    for stride in sorted(set(strides.flatten().tolist())):
        level = points[strides[:, 0] == stride]
        columns = int((level[:, 1] == level[0, 1]).sum())
        sides = torch.tensor((columns, len(level) // columns), device=points.device)
        place = (middle / stride - 0.5)[..., None, :]  # in anchors, (B, M, 1, 2)
        reached = (place - REACH).ceil().long() + steps[:, None]  # (B, M, S, 2)
        is_in = ((reached - place).abs() <= REACH) & (reached >= 0) & (reached < sides)
        x, y = reached.clamp(min=0).minimum(sides - 1).unbind(-1)
        indices.append(first + (y[..., None] * columns + x[..., None, :]).flatten(-2))
        near.append((is_in[..., 1][..., None] & is_in[..., 0][..., None, :]).flatten(-2))
        first += len(level)
    return torch.cat(indices, -1), torch.cat(near, -1) & (faces.weights > 0)[..., None]


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
    :param points: (N, 2) x, y of the anchors in pixels, as ``AnchorGrid`` orders them
    :param strides: (N, 1) in pixels, rising
    """
    near, is_near = _near_anchors(faces, points, strides)  # (B, M, K)
    rows = near.flatten(1)
    predicted = boxes.gather(1, rows[..., None].expand(-1, -1, 4)).reshape(*near.shape, 4)
    overlap = torch.where(is_near, overlaps(faces.boxes[:, :, None], predicted), 0.0)
    score = scores.gather(1, rows).reshape(near.shape)
    quality = score.clamp(min=1e-4) * overlap.clamp(min=1e-4) ** OVERLAP_POWER
    best, chosen = torch.where(is_near, quality, 0.0).topk(MOST_ANCHORS, dim=-1)
    wanted = overlap.topk(MOST_ANCHORS, dim=-1).values.sum(-1).int().clamp(min=1)
    ranks = torch.arange(MOST_ANCHORS, device=best.device)
    claims = torch.where((ranks < wanted[..., None]) & (best > 0), best, 0.0).flatten(1)
    anchors = near.gather(-1, chosen).flatten(1)  # (B, M * MOST_ANCHORS), as claims
    strongest = torch.zeros_like(scores).scatter_reduce(1, anchors, claims, 'amax')
    is_won = (claims > 0) & (claims == strongest.gather(1, anchors))
    picture, claim = is_won.nonzero(as_tuple=True)
    anchor = anchors[picture, claim]
    face = torch.full(scores.shape, -1, device=scores.device)
    face[picture, anchor] = claim // MOST_ANCHORS
    assigned = torch.zeros_like(scores)
    assigned[picture, anchor] = overlap.gather(-1, chosen).flatten(1)[picture, claim]
    ignored = faces.ignored[:, :, None]
    is_inside = ((points >= ignored[..., :2]) & (points <= ignored[..., 2:])).all(-1).any(1)
    return Assignment(face, assigned, is_inside & (face < 0))
