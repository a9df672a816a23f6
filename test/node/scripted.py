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

"""Stand-ins for the parts of the nodes, and what the tests send to them."""

import threading

from builtin_interfaces.msg import Time
import numpy as np
from rtcnn_perception.core.attributes.classifier import BOX_ALONE
from rtcnn_perception.core.attributes.classifier import Classification
from rtcnn_perception.core.detection.base import Detection
from rtcnn_perception.core.frame import Frame
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.landmarks import NO_POINTS
from rtcnn_perception.core.results import AttributeInfo
from rtcnn_perception.core.results import Face
from rtcnn_perception.core.results import FrameResult
from rtcnn_perception.core.tracking.track import Track
from rtcnn_perception.core.tracking.track import TrackState
from rtcnn_perception.nodes.base import ManagedNode
from rtcnn_perception.nodes.conversions.images import image_to_msg
from rtcnn_perception.nodes.parameters.node import NodeParameters
from std_msgs.msg import Header

SIZE_WH = (64, 48)

SOON = 30.0
"""Seconds for what another thread does at once: only a failure takes longer."""


class ScriptedDetector:
    """Finds the same faces in every image; a gate can block it."""

    tag = 'scripted'
    min_score = 0.5

    def __init__(self, *boxes, landmark_names=NO_POINTS, landmarks=None):
        self.boxes = boxes
        self.landmark_names = landmark_names
        self.landmarks = landmarks
        self.images = []
        self.failure = None
        self.begun = threading.Semaphore(0)
        self.gate = threading.Event()
        self.gate.set()

    def detect(self, image):
        self.begun.release()
        assert self.gate.wait(SOON)
        if self.failure is not None:
            raise self.failure
        self.images.append(image)
        return tuple(Detection(BoundingBox(*box), 0.9, self.landmarks) for box in self.boxes)


class ScriptedClassifier:
    """Predicts the same for every face; a gate can block it."""

    attributes = (
        AttributeInfo('emotion', ('calm', 'glad'), 'scripted@01234567'),
        AttributeInfo('gender', ('woman', 'man'), 'scripted@89abcdef'),
    )

    def __init__(self):
        self.begun = threading.Semaphore(0)
        self.gate = threading.Event()
        self.gate.set()
        self.regions = ()

    def classify(self, image, regions):  # noqa: ARG002 - the classifier's signature
        self.begun.release()
        assert self.gate.wait(SOON)
        self.regions = regions
        rows = np.tile(np.array([[0.25, 0.75]], np.float32), (len(regions), 1))
        crops = tuple(map(BOX_ALONE.crop, regions))
        return Classification(crops, {each.name: rows for each in self.attributes})


class ScriptedNode(ManagedNode[NodeParameters]):
    """Records the steps of its transitions, and fails where a test wants it."""

    def __init__(self, **arguments):
        super().__init__('probe', NodeParameters, **arguments)
        self.steps = []
        self.failures = {}

    def _step(self, name):
        self.steps.append(name)
        if name in self.failures:
            raise self.failures[name]

    def _configure(self):
        self._step('configure')
        super()._configure()

    def _activate(self):
        super()._activate()
        self._step('activate')

    def _deactivate(self):
        super()._deactivate()
        self._step('deactivate')

    def _cleanup(self):
        self._step('cleanup')


def picture(value=0):
    width, height = SIZE_WH
    return np.full((height, width, 3), value, np.uint8)


def frame(number, value=0):
    """Return a frame whose stamp is a number of milliseconds."""
    return Frame(picture(value), number * 10**6, 'optical', number * 10**6)


def result(number, *boxes, value=0, **changes):
    """Return a frame with a tracked face in each of the boxes, before classification."""
    faces = tuple(
        Face(Track(index + 1, box, 0.9, None, TrackState.TRACKED, 3))
        for index, box in enumerate(boxes)
    )
    return FrameResult(frame(number, value), faces, detect_s=0.001, **changes)


def header(number, frame_id='optical'):
    """Return a header whose stamp is a number of milliseconds."""
    seconds, milliseconds = divmod(number, 1000)
    return Header(stamp=Time(sec=seconds, nanosec=milliseconds * 10**6), frame_id=frame_id)


def image(number, value=0):
    """Return a good image with that stamp."""
    return image_to_msg(picture(value), header(number))


def stamp_of(msg):
    """Return the milliseconds of a header's stamp."""
    return msg.header.stamp.sec * 1000 + msg.header.stamp.nanosec // 10**6
