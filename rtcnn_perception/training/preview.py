"""A contact sheet of what a network will be shown."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.training.architectures import ARCHITECTURES
from rtcnn_perception.training.batches import cut_faces
from rtcnn_perception.training.batches import TrainingBatches
from rtcnn_perception.training.config import TrainConfig
from rtcnn_perception.training.faces import FaceSet
from rtcnn_perception.training.pictures import draw_faces

FACES = 8
VARIANTS = 7


def write_preview(config: TrainConfig, faces: FaceSet, path: Path) -> None:
    """
    Write a picture with a column for each face: as it is, then as training changes it.

    :raises ConfigurationError: if the file cannot be written
    """
    chosen = np.random.default_rng(config.seed).permutation(len(faces))[:FACES]
    shown = faces.take(chosen)
    size_hw = ARCHITECTURES[config.architecture].input_hw
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


def write_picture(picture: ImageBGR, path: Path) -> None:
    """
    Write a PNG.

    :raises ConfigurationError: if the file cannot be written
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(cv2.imencode('.png', picture)[1].tobytes())
    except OSError as error:
        raise ConfigurationError(f'cannot write the picture {path}: {error}') from error
