"""A contact sheet of what a network will be shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from rtcnn_perception.training.data.batches import cut_faces
from rtcnn_perception.training.data.batches import TrainingBatches
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.data.pictures import write_picture
from rtcnn_perception.training.engine.config import TrainConfig
from rtcnn_perception.training.models.architectures import architecture_called
from rtcnn_perception.training.tasks.drawing import draw_faces

FACES = 8
VARIANTS = 7


def write_preview(config: TrainConfig, faces: FaceSet, path: Path) -> None:
    """
    Write a picture with a column for each face: as it is, then as training changes it.

    :raises ConfigurationError: if there is no such architecture, or the file cannot be written
    """
    chosen = np.random.default_rng(config.seed).permutation(len(faces))[:FACES]
    shown = faces.take(chosen)
    size_hw = architecture_called(config.architecture).input_hw
    rows = [cut_faces(shown, config.crop, size_hw, np.arange(len(shown)))]
    for variant in range(VARIANTS):
        batches = TrainingBatches(
            shown,
            {},
            geometry=config.crop,
            size_hw=size_hw,
            batch_size=len(shown),
            augmentation=config.augmentation,
            seed=config.seed + variant,
        )
        batch = next(iter(batches))
        pixels = ((batch.pixels[:, 0] + 1.0) * 127.5).round().clamp(0, 255)
        row = np.empty_like(rows[0])
        row[batch.indices] = pixels.byte().numpy()
        rows.append(row)
    write_picture(draw_faces(np.concatenate(rows), columns=len(shown)), path)
