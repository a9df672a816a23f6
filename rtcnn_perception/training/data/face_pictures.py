"""Faces of the attribute networks' data, each as a photograph of its own: many more to learn."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.arrays import ImageGray
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.data.photographs import Photograph


@dataclass(frozen=True)
class FacePicture(Photograph):
    """A gray picture of one face, in memory."""

    gray: ImageGray

    def read(self) -> ImageBGR:
        """Return the picture, (height, width, 3) uint8, as gray as it is."""
        return np.asarray(cv2.cvtColor(self.gray, cv2.COLOR_GRAY2BGR), np.uint8)


def face_pictures(faces: FaceSet) -> list[FacePicture]:
    """
    Return a picture for each face, with its box and its landmarks where they are known.

    Other faces in a picture are not marked; they are few, as the pictures are cut about one.
    """
    unknown = np.full((5, 2), np.nan, np.float32)
    pictures = []
    for index, gray in enumerate(faces.pictures):
        place = faces.place(index)
        points = unknown if place.landmarks is None else place.landmarks
        pictures.append(
            FacePicture(
                path=Path(faces.names[index]),
                width=gray.shape[1],
                height=gray.shape[0],
                boxes=np.array([place.box.as_tuple()], np.float32),
                scores=np.ones(1, np.float32),
                landmarks=points[None].astype(np.float32),
                ignored=np.zeros((0, 4), np.float32),
                split='train',
                gray=gray,
            )
        )
    return pictures
