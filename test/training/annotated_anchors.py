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

"""Annotations of one small picture, and outputs of a detector for it."""

from __future__ import annotations

from rtcnn_perception.training.models.detector import AnchorOutputs
from rtcnn_perception.training.tasks.detector.assignment import Annotations
from rtcnn_perception.training.tasks.detector.assignment import assign
from rtcnn_perception.training.tasks.detector.loss import anchors_of
from rtcnn_perception.training.tasks.detector.loss import decode
import torch

SIZE_HW = (64, 96)
ANCHORS, SIZES = anchors_of(SIZE_HW)
COUNT = len(ANCHORS)
FACE = (20.0, 12.0, 44.0, 44.0)
POINTS = [[26.0, 24.0], [38.0, 24.0], [32.0, 30.0], [27.0, 38.0], [37.0, 38.0]]

LARGER = torch.tensor([0.0, 0.0, 1.0, 1.0])
"""What an untrained network predicts: boxes of 2.7 strides about each anchor."""


def annotations(*boxes, weights=None, ignored=(), landmarks=None, padding=0):
    """Return the annotations of one picture, with ``padding`` rows of no face."""
    count = len(boxes)
    rows = max(1, count + padding)
    faces = Annotations(
        torch.zeros(1, rows, 4),
        torch.zeros(1, rows),
        torch.full((1, rows, 5, 2), float('nan')),
        torch.tensor(ignored or [[0.0] * 4]).reshape(1, -1, 4),
    )
    if count:
        faces.boxes[0, :count] = torch.tensor(boxes)
        faces.weights[0, :count] = torch.tensor(weights or [1.0] * count)
    if landmarks is not None:
        faces.landmarks[0, :count] = torch.tensor(landmarks)
    return faces


def assigned(faces, scores=0.1, rows=LARGER):
    """Return what is assigned where every anchor predicts ``rows``, in strides."""
    boxes = decode(torch.as_tensor(rows).expand(1, COUNT, 4), ANCHORS, SIZES)
    return assign(torch.full((1, COUNT), scores), boxes, ANCHORS, SIZES, faces)


def anchor_at(x, y, stride):
    """Return the index of the nearest anchor of a level to a point."""
    is_near = ((ANCHORS - torch.tensor([x, y])).abs() <= stride / 2).all(1)
    return int((is_near & (SIZES[:, 0] == stride)).nonzero()[0])


def encoded(box, points=POINTS):
    """Return the rows (N, 4) and (N, 10) with which every anchor predicts one face."""
    x0, y0, x1, y1 = box
    middle = torch.tensor([(x0 + x1) / 2, (y0 + y1) / 2])
    logs = torch.log(torch.tensor([x1 - x0, y1 - y0]) / SIZES)
    places = (torch.tensor(points) - ANCHORS[:, None]) / SIZES[:, None]
    return torch.cat([(middle - ANCHORS) / SIZES, logs], dim=1), places.flatten(1)


def perfect_outputs(faces, box=FACE, points=POINTS):
    """Return outputs that predict a face at the anchors assigned to one, and only there."""
    rows, places = encoded(box, points)
    found = assigned(faces, rows=rows[None])
    logits = torch.where(found.face >= 0, 20.0, -20.0)
    return AnchorOutputs(logits, rows[None].clone(), places[None].clone())
