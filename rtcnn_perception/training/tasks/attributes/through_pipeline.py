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

"""
Accuracy through the pipeline itself: detector, tracker, crop and classifier on whole pictures.

It shows that the crop the pipeline cuts is the crop a network was trained for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.arrays import ImageGray
from rtcnn_perception.core.attributes.classifier import Classifier
from rtcnn_perception.core.attributes.smoothing import TrackSmoother
from rtcnn_perception.core.detection.base import Detector
from rtcnn_perception.core.frame import Frame
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.boxes import boxes_to_array
from rtcnn_perception.core.geometry.boxes import iou_matrix
from rtcnn_perception.core.pipeline import ClassificationStage
from rtcnn_perception.core.pipeline import DetectionStage
from rtcnn_perception.core.results import Face
from rtcnn_perception.core.results import FrameResult
from rtcnn_perception.core.tracking.tracker import FaceTracker
from rtcnn_perception.training.data.classes import UNLABELLED
from rtcnn_perception.training.data.faces import FaceSet
from tqdm import tqdm

FACE_SIDE = 140.0
"""The longer side of the face's box in pixels: a person two steps from a camera of 640x480."""

MOST_SIDE = 640

FRAMES = 3
"""A face of low score is confirmed in the third frame."""

FRAME_NS = 33_000_000
MIN_OVERLAP = 0.2


@dataclass(frozen=True)
class PipelineFigures:
    """
    How many faces were shown to the pipeline, found and labelled, and how many were correct.

    A face that is found may get no label, such as the gender of a child. ``correct_directly``
    counts the labelled ones that are correct from their own pictures.
    """

    detector: str
    faces: int
    found: int
    labelled: int
    correct: int
    correct_directly: int

    @property
    def accuracy(self) -> float:
        """Accuracy on the faces that were labelled."""
        return self.correct / self.labelled if self.labelled else 0.0

    @property
    def direct_accuracy(self) -> float:
        """Accuracy on the same faces from their own pictures."""
        return self.correct_directly / self.labelled if self.labelled else 0.0


def enlarged(picture: ImageGray, box: BoundingBox) -> tuple[ImageBGR, BoundingBox]:
    """
    Scale a picture so that its face is as large as ``FACE_SIDE``; it is the camera's image then.

    Nothing is put around it: surroundings that no camera gives, such as a border that is repeated,
    cost the detector one face in six of FairFace's.

    :param picture: (H, W) uint8 with one face
    :param box: the face in it
    :returns: the image (h, w, 3), at most ``MOST_SIDE`` wide and high, and the face's box in it
    """
    factor = min(FACE_SIDE / max(box.width, box.height), MOST_SIDE / max(picture.shape))
    size_wh = [max(1, round(side * factor)) for side in picture.shape[::-1]]
    kernel = cv2.INTER_CUBIC if factor > 1 else cv2.INTER_AREA
    image = np.asarray(cv2.resize(picture, size_wh, interpolation=kernel), np.uint8)
    x, y = (new / old for new, old in zip(size_wh, picture.shape[::-1], strict=True))
    there = BoundingBox(box.x0 * x, box.y0 * y, box.x1 * x, box.y1 * y)
    return np.repeat(image[..., None], 3, axis=2), there


def classify_still(
    image: ImageBGR, detector: Detector, classifier: Classifier
) -> tuple[Face, ...]:
    """Run the pipeline on an image that stands still until a face is confirmed."""
    detection = DetectionStage(detector, FaceTracker())
    classification = ClassificationStage(classifier, TrackSmoother(0.0))
    for number in range(1, FRAMES + 1):
        stamp = number * FRAME_NS
        result = detection.process(FrameResult(Frame(image, stamp, 'camera', stamp)))
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
) -> PipelineFigures:
    """
    Let the pipeline find and classify every labelled face.

    :param faces: with pictures that show more than a crop, if they can
    :param attribute: of which the labels are compared
    :param predict_directly: gives the class of each face from its own picture, by name
    """
    labels = faces.labels[attribute]
    chosen = labels.indices != UNLABELLED
    faces, truths = faces.take(chosen), labels.indices[chosen].tolist()
    direct = predict_directly(faces)
    found = labelled = correct = correct_directly = 0
    for index in tqdm(range(len(faces)), desc='through the pipeline', disable=None):
        image, box = enlarged(faces.pictures[index], faces.box(index))
        classified = classify_still(image, detector, classifier)
        if not classified:
            continue
        boxes = boxes_to_array(tuple(face.box for face in classified))
        overlaps = iou_matrix(boxes, boxes_to_array((box,)))[:, 0]
        best = int(overlaps.argmax())
        if overlaps[best] < MIN_OVERLAP:
            continue
        found += 1
        label = classified[best].attributes[attribute].label
        if label:
            truth = labels.classes[truths[index]]
            labelled += 1
            correct += label == truth
            correct_directly += direct[index] == truth
    return PipelineFigures(detector.tag, len(faces), found, labelled, correct, correct_directly)
