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

"""Faces whose class is how bright they are, and a training that learns it in a second."""

from __future__ import annotations

import numpy as np
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.data.faces import Labels
from rtcnn_perception.training.data.faces import Splits
from rtcnn_perception.training.data.sources import AttributeData
from rtcnn_perception.training.data.sources import DataConfig
from rtcnn_perception.training.tasks.attributes.config import TrainConfig
from small_data import pictures

SHADES = ('dark', 'bright')
CONFIG = TrainConfig(
    name='small',
    architecture='tiny_xception',
    data=DataConfig({'shade': AttributeData(path=('made by the test',))}),
    epochs=3,
    batch_size=4,
    average=0.5,
    seed=3,
)


def bright_faces(count, seed=0, **values):
    """Return faces of which every second one is bright."""
    indices = np.arange(count) % 2
    images = [
        (picture // 4 + 150 * index).astype(np.uint8)
        for picture, index in zip(pictures(count, seed), indices, strict=True)
    ]
    given = {
        'pictures': images,
        'boxes': np.tile([8.0, 8.0, 40.0, 40.0], (count, 1)),
        'names': [f'{seed}-{index}' for index in range(count)],
        'labels': {'shade': Labels.of(SHADES, indices)},
        **values,
    }
    return FaceSet(**given)


def bright_splits():
    """Return 12 faces to learn from and 6 for each other part."""
    return Splits(bright_faces(12), bright_faces(6, 1), bright_faces(6, 2))
