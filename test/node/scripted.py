"""Stand-ins for what the nodes are given, and what the tests send them."""

import threading

from builtin_interfaces.msg import Time
import numpy as np
from rtcnn_perception.core.detection.registry import Detection
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.nodes.conversions.images import image_to_msg
from std_msgs.msg import Header

SIZE_WH = (64, 48)
SOON = 10.0


class ScriptedDetector:
    """Finds the same faces in every image; a gate can hold it up."""

    name = 'scripted'
    min_score = 0.5

    def __init__(self, *boxes):
        self.boxes = boxes
        self.seen = []
        self.failure = None
        self.begun = threading.Semaphore(0)
        self.gate = threading.Event()
        self.gate.set()

    def detect(self, image):
        self.begun.release()
        assert self.gate.wait(SOON)
        if self.failure is not None:
            raise self.failure
        self.seen.append(image)
        return tuple(Detection(BoundingBox(*box), 0.9) for box in self.boxes)


class ScriptedClassifier:
    """Judges every face alike."""

    def __init__(self):
        self.labels = {'emotion': ('calm', 'glad'), 'gender': ('woman', 'man')}
        self.model_tags = {'emotion': 'scripted@01234567', 'gender': 'scripted@89abcdef'}
        self.gate = threading.Event()
        self.gate.set()
        self.places = ()

    def classify(self, image, places):  # noqa: ARG002 - the classifier's signature
        assert self.gate.wait(SOON)
        self.places = places
        rows = np.tile(np.array([[0.25, 0.75]], np.float32), (len(places), 1))
        return {'emotion': rows, 'gender': rows}

    def crop_of(self, place):
        return place.box


def picture(value=0):
    width, height = SIZE_WH
    return np.full((height, width, 3), value, np.uint8)


def header(number, frame_id='optical'):
    """Return a header whose stamp is a number of milliseconds."""
    seconds, milliseconds = divmod(number, 1000)
    return Header(stamp=Time(sec=seconds, nanosec=milliseconds * 10**6), frame_id=frame_id)


def image(number, value=0):
    """Return a good image with that stamp."""
    return image_to_msg(picture(value), header(number))


def stamp_of(msg):
    """Return the milliseconds that a header holds."""
    return msg.header.stamp.sec * 1000 + msg.header.stamp.nanosec // 10**6
