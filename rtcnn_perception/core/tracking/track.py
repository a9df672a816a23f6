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

"""A track: inside the tracker, and as it is published in one frame."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from rtcnn_perception.core.arrays import Landmarks
from rtcnn_perception.core.detection.base import Detection
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.tracking.kalman import FaceMotion


class TrackState(Enum):
    """Where the box of a track comes from; the values are those of Face.msg."""

    NEW = 0
    TRACKED = 1
    COASTED = 2


@dataclass(frozen=True, slots=True)
class Track:
    """
    A confirmed track in one frame.

    ``box`` is in pixels and not clipped to the image; ``confidence`` is the score of the detection
    it rests on; ``landmarks`` are those of the detection, carried along with the box where it is
    predicted. ``state`` is NEW when the id is published for the first time, TRACKED where the
    detector found the face in its last run, and COASTED where it did not. ``age`` counts the
    frames since the first detection, 1 in its frame.
    """

    track_id: int
    box: BoundingBox
    confidence: float
    landmarks: Landmarks | None
    state: TrackState
    age: int


class Candidate:
    """A track inside the tracker; ``track_id`` is 0 until it is confirmed."""

    __slots__ = (
        'age',
        'detected_at',
        'detection',
        'hits',
        'is_detected',
        'is_published',
        'motion',
        'track_id',
    )

    def __init__(self, detection: Detection, now: float) -> None:
        """Begin with the first detection, at a time in seconds."""
        self.track_id = 0
        self.motion = FaceMotion(detection.box)
        self.detection = detection
        self.age = 1
        self.hits = 1
        self.detected_at = now
        self.is_detected = True
        self.is_published = False

    def detect(self, detection: Detection, now: float) -> None:
        """Take a detection of this face, at a time in seconds."""
        self.motion.correct(detection.box)
        self.detection = detection
        self.hits += 1
        self.detected_at = now
        self.is_detected = True

    def publish(self) -> Track:
        """Return the track in this frame; it is NEW the first time."""
        box = self.motion.box
        landmarks = self.detection.landmarks
        if not self.is_published:
            state = TrackState.NEW
        else:
            state = TrackState.TRACKED if self.is_detected else TrackState.COASTED
        self.is_published = True
        return Track(
            track_id=self.track_id,
            box=box,
            confidence=self.detection.score,
            landmarks=None if landmarks is None else _carry(landmarks, self.detection.box, box),
            state=state,
            age=self.age,
        )


def _carry(landmarks: Landmarks, old: BoundingBox, new: BoundingBox) -> Landmarks:
    """Move landmarks as their box moved."""
    scale = (new.width / old.width, new.height / old.height)
    moved = (landmarks - np.array((old.x0, old.y0))) * scale + np.array((new.x0, new.y0))
    return np.asarray(moved, dtype=np.float32)
