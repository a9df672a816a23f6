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

"""Faces and frames that a script shows to what follows who is there."""

from __future__ import annotations

import numpy as np
from rtcnn_perception.core.frame import Frame
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.pose.head_pose import FACING
from rtcnn_perception.core.pose.head_pose import HeadPose
from rtcnn_perception.core.presence.changes import PresenceConfig
from rtcnn_perception.core.presence.presence import Presence
from rtcnn_perception.core.results import Attribute
from rtcnn_perception.core.results import AttributeInfo
from rtcnn_perception.core.results import Face
from rtcnn_perception.core.results import FrameResult
from rtcnn_perception.core.tracking.track import Track
from rtcnn_perception.core.tracking.track import TrackState

MOOD = AttributeInfo('mood', ('calm', 'glad'), 'scripted@01234567')
START = 1000.0
"""Seconds of the first frame."""


def face(track_id=1, *, glad=0.1, quality=0.8, looks=False, distance=None, **changes):
    """Return a face, which looks at the camera, or not, or has no pose where that is None."""
    probabilities = np.array([1 - glad, glad], np.float32)
    attribute = Attribute.of(MOOD.labels, probabilities, probabilities)
    state = changes.pop('state', TrackState.TRACKED)
    box = changes.pop('box', BoundingBox(10, 10, 30, 40))
    pose = None
    if looks is not None:
        place = np.array([0.0, 0.0, distance or 1.0])
        pose = HeadPose(place, FACING, np.eye(6), float(looks), looks)
    return Face(
        Track(track_id, box, 0.9, None, state, 3), None, quality, {'mood': attribute}, pose
    )


def frame(seconds, *faces, attributes=(MOOD,)):
    stamp_ns = round((START + seconds) * 1e9)
    made = Frame(np.zeros((48, 64, 3), np.uint8), stamp_ns, 'optical', stamp_ns)
    return FrameResult(made, faces, attributes=attributes)


class Film:
    """Gives frames at 10 Hz to what follows who is there, and keeps the changes."""

    def __init__(self, **config):
        self.presence = Presence(PresenceConfig(**config))
        self.seconds = 0.0
        self.changes = []

    def show(self, seconds, *faces):
        """Show the faces for so long; return the kinds of changes meanwhile, with their times."""
        found = []
        for _ in range(round(seconds * 10)):
            changes = self.presence.update(frame(self.seconds, *faces))
            found += [(each.kind, each.face.track_id, round(self.seconds, 1)) for each in changes]
            self.changes += changes
            self.seconds += 0.1
        return found

    @property
    def people(self):
        return self.presence.people()[1]
