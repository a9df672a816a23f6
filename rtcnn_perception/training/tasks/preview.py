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

"""Contact sheets of what networks are trained on: augmented faces, and scenes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.training.data.batches import cut_faces
from rtcnn_perception.training.data.batches import TrainingBatches
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.data.photographs import FacePicture
from rtcnn_perception.training.data.photographs import Photograph
from rtcnn_perception.training.data.pictures import write_picture
from rtcnn_perception.training.models.architectures import architecture_called
from rtcnn_perception.training.tasks.attributes.config import TrainConfig
from rtcnn_perception.training.tasks.detector.config import DetectorTrainConfig
from rtcnn_perception.training.tasks.detector.scenes.compose import SceneMaker
from rtcnn_perception.training.tasks.detector.scenes.transformation import Scene
from rtcnn_perception.training.tasks.reporting import draw_faces

FACES = 8
VARIANTS = 7


def write_preview(config: TrainConfig, faces: FaceSet, path: Path) -> None:
    """
    Write a picture with a column for each face: unchanged, then as augmentation changes it.

    :raises ConfigurationError: if there is no such architecture, or the file cannot be written
    """
    some = faces.take(np.random.default_rng(config.seed).permutation(len(faces))[:FACES])
    some = replace(some, shares=None)  # each once, however often it comes in training
    size_hw = architecture_called(config.architecture).input_hw
    rows = [cut_faces(some, config.crop, size_hw, np.arange(len(some)))]
    for variant in range(VARIANTS):
        batches = TrainingBatches(
            some,
            {},
            geometry=config.crop,
            size_hw=size_hw,
            batch_size=len(some),
            augmentation=config.augmentation,
            seed=config.seed + variant,
        )
        batch = next(iter(batches))
        pixels = ((batch.pixels[:, 0] + 1.0) * 127.5).round().clamp(0, 255)
        row = np.empty_like(rows[0])
        row[batch.indices] = pixels.byte().numpy()
        rows.append(row)
    write_picture(draw_faces(np.concatenate(rows), columns=len(some)), path)


COLUMNS, ROWS = 6, 4
GREEN, GRAY = (90, 200, 60), (150, 150, 150)
POINT_COLORS = ((60, 60, 230), (230, 120, 40), (60, 200, 60), (200, 60, 200), (60, 220, 230))
"""Of right eye, left eye, nose, right and left mouth corner."""


def write_scene_preview(
    config: DetectorTrainConfig,
    photographs: Sequence[Photograph],
    path: Path,
    faces: Sequence[FacePicture] = (),
) -> None:
    """
    Write a picture of scenes with their annotations; ignored regions are gray.

    :raises ConfigurationError: if the file cannot be written
    """
    rng = np.random.default_rng(config.seed)
    with_faces = [photograph for photograph in photographs if len(photograph.boxes)]
    some = [*with_faces[: 4 * COLUMNS * ROWS], *(p for p in photographs if p.is_negative)]
    maker = SceneMaker(some[: 6 * COLUMNS * ROWS], config.scenes, faces)
    side = max(config.scenes.sizes)
    rows = [
        np.hstack([draw_annotations(maker.scene(side, rng)) for _ in range(COLUMNS)])
        for _ in range(ROWS)
    ]
    write_picture(np.vstack(rows), path)


def draw_annotations(scene: Scene) -> ImageBGR:
    """Return a copy of a scene with boxes and landmarks drawn in."""
    image = scene.image.copy()
    for boxes, color in ((scene.ignored, GRAY), (scene.boxes, GREEN)):
        for x0, y0, x1, y1 in boxes.round().astype(int).tolist():
            cv2.rectangle(image, (x0, y0), (x1, y1), color, 1)
    for points in scene.landmarks[np.isfinite(scene.landmarks).all((1, 2))]:
        for (x, y), color in zip(points.round().astype(int).tolist(), POINT_COLORS, strict=True):
            cv2.circle(image, (x, y), 2, color, -1)
    return image
