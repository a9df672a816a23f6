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

"""Photographs with faces in known places, and predictions for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from rtcnn_perception.training.data.photographs import Photograph
from rtcnn_perception.training.tasks.detector.predictions import Predictions

LEFT, RIGHT, SMALL, NOWHERE = (
    (0, 0, 40, 40),
    (100, 0, 140, 40),
    (200, 0, 210, 10),
    (0, 90, 40, 130),
)

SIDE = 320


def corners(*boxes):
    """Return boxes (N, 4)."""
    return np.array(boxes, np.float64).reshape(-1, 4)


def predicted(*scored, landmarks=None):
    """Return predictions from pairs of box and score, the highest score first."""
    points = np.full((len(scored), 5, 2), np.nan) if landmarks is None else landmarks
    return Predictions(
        corners(*(box for box, _ in scored)), np.array([s for _, s in scored]), points
    )


def faces_at(*faces, ignored=(), landmarks=None):
    """Return a photograph with these faces."""
    points = np.full((len(faces), 5, 2), np.nan) if landmarks is None else landmarks
    return Photograph(
        path=Path('drawn.png'),
        width=SIDE,
        height=SIDE,
        boxes=corners(*faces).astype(np.float32),
        scores=np.ones(len(faces), np.float32),
        landmarks=np.asarray(points, np.float32).reshape(-1, 5, 2),
        ignored=corners(*ignored).astype(np.float32),
        split='test',
    )
