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

from __future__ import annotations

import numpy as np
import pytest
from rtcnn_perception.training.tasks.detector.config import SceneConfig
from rtcnn_perception.training.tasks.detector.scenes.batches import collate
from rtcnn_perception.training.tasks.detector.scenes.batches import SceneBatches
from rtcnn_perception.training.tasks.detector.scenes.process import SceneProcess
from rtcnn_perception.training.tasks.detector.scenes.transformation import Scene
from still_scenes import white_photographs


@pytest.fixture
def photographs(tmp_path):
    return white_photographs(tmp_path)


def scene_of(boxes, ignored=()):
    count = len(boxes)
    return Scene(
        np.full((32, 32, 3), [255, 0, 51], np.uint8),
        np.array(boxes, np.float32).reshape(-1, 4),
        np.full(count, 0.7, np.float32),
        np.full((count, 5, 2), 3, np.float32),
        np.array(ignored, np.float32).reshape(-1, 4),
    )


def test_scenes_without_faces_are_a_batch_of_rows_without_weight():
    batch = collate([scene_of([]), scene_of([])])
    assert batch.faces.boxes.shape == (2, 1, 4)
    assert batch.faces.landmarks.shape == (2, 1, 5, 2)
    assert not batch.faces.weights.any()
    assert not batch.faces.ignored.any()


def test_scenes_become_a_batch():
    boxes = [(1, 2, 3, 4), (5, 6, 7, 8)]
    batch = collate([scene_of(boxes), scene_of(boxes[:1], [(0, 0, 9, 9)])])
    assert batch.pixels.shape == (2, 3, 32, 32)
    assert batch.pixels[0, :, 0, 0].tolist() == pytest.approx([1.0, -1.0, -0.6])
    assert batch.faces.boxes.tolist() == [[[1, 2, 3, 4], [5, 6, 7, 8]], [[1, 2, 3, 4], [0] * 4]]
    np.testing.assert_allclose(batch.faces.weights, [[0.7, 0.7], [0.7, 0.0]])
    assert batch.faces.ignored.tolist() == [[[0] * 4], [[0, 0, 9, 9]]]


def test_batches_come_in_parts_of_one_size_and_repeat(photographs):
    with SceneProcess(photographs, SceneConfig(sizes=(32, 64))) as scenes:
        batches = SceneBatches(scenes, steps=6, batch_size=5, parts=2, seed=4)
        first, again = list(batches), list(batches)
    assert len(first) == len(batches) == 6
    assert {tuple(len(part.pixels) for part in parts) for parts in first} == {(3, 2)}
    sides = [{part.pixels.shape[-1] for part in parts} for parts in first]
    assert all(len(side) == 1 for side in sides)
    assert set.union(*sides) == {32, 64}
    for parts, repeated in zip(first, again, strict=True):
        for part, other in zip(parts, repeated, strict=True):
            assert (part.pixels == other.pixels).all()
