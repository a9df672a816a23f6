"""A contact sheet of what a detector will be shown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.training.data.face_pictures import FacePicture
from rtcnn_perception.training.data.photographs import Photograph
from rtcnn_perception.training.data.pictures import write_picture
from rtcnn_perception.training.tasks.detector.config import DetectorTrainConfig
from rtcnn_perception.training.tasks.detector.scenes.compose import Scene
from rtcnn_perception.training.tasks.detector.scenes.compose import SceneMaker

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
    Write a picture of scenes with their marks; what is ignored is gray.

    :raises ConfigurationError: if the file cannot be written
    """
    rng = np.random.default_rng(config.seed)
    with_faces = [photograph for photograph in photographs if len(photograph.boxes)]
    some = [*with_faces[: 4 * COLUMNS * ROWS], *(p for p in photographs if p.is_negative)]
    maker = SceneMaker(some[: 6 * COLUMNS * ROWS], config.scenes, faces)
    side = max(config.scenes.sizes)
    rows = [
        np.hstack([draw_marks(maker.scene(side, rng)) for _ in range(COLUMNS)])
        for _ in range(ROWS)
    ]
    write_picture(np.vstack(rows), path)


def draw_marks(scene: Scene) -> ImageBGR:
    """Return a copy of a scene with boxes and landmarks drawn in."""
    image = scene.image.copy()
    for boxes, color in ((scene.ignored, GRAY), (scene.boxes, GREEN)):
        for x0, y0, x1, y1 in boxes.round().astype(int).tolist():
            cv2.rectangle(image, (x0, y0), (x1, y1), color, 1)
    for points in scene.landmarks[np.isfinite(scene.landmarks).all((1, 2))]:
        for (x, y), color in zip(points.round().astype(int).tolist(), POINT_COLORS, strict=True):
            cv2.circle(image, (x, y), 2, color, -1)
    return image
