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

"""Results made by hand, for tests of what is logged, recorded and reported of them."""

import numpy as np
from rtcnn_perception.core.frame import Frame
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.results import Attribute
from rtcnn_perception.core.results import AttributeInfo
from rtcnn_perception.core.results import Face
from rtcnn_perception.core.results import FrameResult
from rtcnn_perception.core.tracking.track import Track
from rtcnn_perception.core.tracking.track import TrackState

LABELS = {'gender': ('woman', 'man'), 'emotion': ('sad', 'happy')}
SECOND_NS = 1_000_000_000


def make_face(track_id=1, *, quality=0.5, **second):
    """Make a face; ``emotion=0.3`` gives the second of its two labels a probability of 0.3."""
    box = BoundingBox(10, 10, 30, 34)
    attributes = {}
    for name, labels in LABELS.items():
        if name in second:
            row = np.array([1 - second[name], second[name]], np.float32)
            attributes[name] = Attribute.of(labels, row, row)
    track = Track(track_id, box, 0.9, None, TrackState.TRACKED, 3)
    return Face(track, crop=box, quality=quality, attributes=attributes)


def happy_woman(track_id=1, **options):
    """Make a face that is a woman with 0.8 and happy with 0.9; ``options`` change that."""
    return make_face(track_id, **{'gender': 0.2, 'emotion': 0.9, **options})


def make_result(*faces, time=1.0, received=None, gray=100, size_hw=(48, 64), **measured):
    """Make the result of a frame stamped ``time`` and received at ``received``, in seconds."""
    frame = Frame(
        image=np.full((*size_hw, 3), gray, np.uint8),
        stamp_ns=round(time * SECOND_NS),
        frame_id='camera_optical_frame',
        received_ns=round((time if received is None else received) * SECOND_NS),
    )
    return FrameResult(
        frame,
        tuple(faces),
        attributes=tuple(AttributeInfo(name, each, 'tiny@0') for name, each in LABELS.items()),
        **{'detect_s': 0.004, 'classify_s': 0.001, 'latency_s': 0.01, **measured},
    )
