"""
Accuracy through the pipeline itself: detector, tracker, crop and classifier on larger scenes.

It shows that the crop the pipeline cuts is the crop a network was trained for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.arrays import ImageGray
from rtcnn_perception.core.attributes.smoothing import TrackSmoother
from rtcnn_perception.core.detection.base import Detector
from rtcnn_perception.core.frame import Frame
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.boxes import boxes_to_array
from rtcnn_perception.core.geometry.boxes import iou_matrix
from rtcnn_perception.core.pipeline import ClassificationStage
from rtcnn_perception.core.pipeline import Classifier
from rtcnn_perception.core.pipeline import DetectionStage
from rtcnn_perception.core.results import Face
from rtcnn_perception.core.results import FrameResult
from rtcnn_perception.core.tracking.tracker import FaceTracker
from rtcnn_perception.training.data.classes import UNLABELLED
from rtcnn_perception.training.data.faces import FaceSet
from tqdm import tqdm

SCENE_HW = (480, 640)
FACE_SIDE = 140.0
"""The longer side of the face's box in the scene, in pixels: a person two steps away."""

FRAMES = 3
"""A face of low score is confirmed in the third frame."""

FRAME_NS = 33_000_000
MIN_OVERLAP = 0.2


@dataclass(frozen=True)
class PipelineFigures:
    """
    How many faces were placed in scenes and found there, and how many of these were correct.

    ``correct_directly`` counts those that were found and are correct from their own pictures.
    """

    detector: str
    faces: int
    found: int
    correct: int
    correct_directly: int

    @property
    def accuracy(self) -> float:
        """Accuracy on the faces that were found."""
        return self.correct / self.found if self.found else 0.0

    @property
    def direct_accuracy(self) -> float:
        """Accuracy on the same faces from their own pictures."""
        return self.correct_directly / self.found if self.found else 0.0


def place(
    picture: ImageGray, box: BoundingBox, rng: np.random.Generator
) -> tuple[ImageBGR, BoundingBox]:
    """
    Put a picture at a random place of a larger scene; its border blends into a soft background.

    :param picture: (H, W) uint8 with one face
    :param box: the face in it
    :param rng: chooses place and background
    :returns: the scene, and the face's box in it
    """
    height, width = SCENE_HW
    factor = min(FACE_SIDE / max(box.width, box.height), 0.6 * height / max(picture.shape))
    face = cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    rows, columns = face.shape
    top = int(rng.integers(0, height - rows + 1))
    left = int(rng.integers(0, width - columns + 1))
    pads = (top, height - rows - top, left, width - columns - left)
    around = cv2.copyMakeBorder(face, *pads, cv2.BORDER_REPLICATE)
    soft = cv2.GaussianBlur(around, (0, 0), 12)
    # A frame of the picture's own border stays sharp, as a crop may reach beyond a tight picture.
    band = rows // 4
    y0, x0 = max(top - band, 0), max(left - band, 0)
    y1, x1 = min(top + rows + band, height), min(left + columns + band, width)
    soft[y0:y1, x0:x1] = around[y0:y1, x0:x1]
    scene = np.ascontiguousarray(np.repeat(soft[..., None], 3, axis=2).astype(np.uint8))
    x, y = columns / picture.shape[1], rows / picture.shape[0]
    there = BoundingBox(box.x0 * x + left, box.y0 * y + top, box.x1 * x + left, box.y1 * y + top)
    return scene, there


def classify_scene(
    scene: ImageBGR, detector: Detector, classifier: Classifier
) -> tuple[Face, ...]:
    """Run the pipeline on a scene that stands still until a face is confirmed."""
    detection = DetectionStage(detector, FaceTracker())
    classification = ClassificationStage(classifier, TrackSmoother(0.0))
    for number in range(1, FRAMES + 1):
        stamp = number * FRAME_NS
        result = detection.process(FrameResult(Frame(scene, stamp, 'camera', stamp)))
        if result.faces:
            return classification.process(result).faces
    return ()


def through_pipeline(
    faces: FaceSet,
    attribute: str,
    *,
    detector: Detector,
    classifier: Classifier,
    predict_directly: Callable[[FaceSet], list[str]],
    seed: int = 0,
) -> PipelineFigures:
    """
    Place every labelled face in a scene and classify it there.

    :param faces: the faces to place
    :param attribute: of which the labels are compared
    :param predict_directly: gives the class of each face from its own picture, by name
    :param seed: chooses places
    """
    labels = faces.labels[attribute]
    chosen = labels.indices != UNLABELLED
    faces, truths = faces.take(chosen), labels.indices[chosen].tolist()
    rng = np.random.default_rng(seed)
    direct = predict_directly(faces)
    found = correct = correct_directly = 0
    for index in tqdm(range(len(faces)), desc='through the pipeline'):
        scene, box = place(faces.pictures[index], faces.box(index), rng)
        classified = classify_scene(scene, detector, classifier)
        if not classified:
            continue
        boxes = boxes_to_array(tuple(face.box for face in classified))
        overlaps = iou_matrix(boxes, boxes_to_array((box,)))[:, 0]
        best = int(overlaps.argmax())
        if overlaps[best] < MIN_OVERLAP:
            continue
        truth = labels.classes[truths[index]]
        found += 1
        correct += classified[best].attributes[attribute].label == truth
        correct_directly += direct[index] == truth
    return PipelineFigures(detector.tag, len(faces), found, correct, correct_directly)
