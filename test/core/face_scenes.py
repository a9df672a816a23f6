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

"""Scenes of moving faces, and the detections that a detector would give."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rtcnn_perception.core.detection.base import Detection
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.boxes import boxes_to_array
from rtcnn_perception.core.geometry.boxes import iou_matrix
from rtcnn_perception.core.tracking.track import Track
from rtcnn_perception.core.tracking.tracker import FaceTracker

Place = tuple[float, float, float]
"""Centre x and y and width of a face in pixels."""

Path = Callable[[float], 'Place | None']
"""Where a face is at a time in seconds; None where it is hidden."""


def face_box(place: Place) -> BoundingBox:
    """Make the box of a face, which is a quarter higher than wide."""
    x, y, width = place
    return BoundingBox(x - width / 2, y - 0.625 * width, x + width / 2, y + 0.625 * width)


def detected(*places: Place, score: float = 0.9) -> tuple[Detection, ...]:
    """Make detections without any error."""
    return tuple(Detection(face_box(place), score) for place in places)


@dataclass
class ScriptedDetector:
    """
    A detector's errors: jitter (face sizes), share of missed faces, and an order of its own.

    It runs on every ``every_n``-th frame.
    """

    jitter: float = 0.01
    missed: float = 0.0
    every_n: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        self._rng = np.random.default_rng(self.seed)

    def detect(self, frame: int, places: Sequence[Place | None]) -> tuple[Detection, ...] | None:
        if frame % self.every_n:
            return None
        detections = []
        for place in places:
            if place is None or self._rng.random() < self.missed:
                continue
            x, y, width = place
            dx, dy, grow = self._rng.normal(0.0, self.jitter, 3)
            box = face_box((x + dx * width, y + dy * width, width * float(np.exp(grow))))
            detections.append(Detection(box, float(self._rng.uniform(0.8, 0.95))))
        self._rng.shuffle(detections)  # type: ignore[arg-type]  # any list can be shuffled
        return tuple(detections)


def follow(
    tracker: FaceTracker,
    paths: Sequence[Path],
    seconds: float,
    *,
    fps: float = 30.0,
    detector: ScriptedDetector | None = None,
) -> list[list[int]]:
    """
    Run a tracker over a scene.

    :returns: for each path the ids of the tracks that lay on its face while no other face was
        there, without repetitions, in the order of time
    """
    detector = detector or ScriptedDetector()
    ids: list[list[int]] = [[] for _ in paths]
    for frame in range(round(seconds * fps)):
        time = frame / fps
        places = [path(time) for path in paths]
        tracks = tracker.update(detector.detect(frame, places), time)
        boxes = list(map(face_box, filter(None, places)))
        for own, place in zip(ids, places, strict=True):
            if place is None or overlaps_another(face_box(place), boxes):
                continue
            track = track_on(tracks, face_box(place))
            if track is not None and track.track_id not in own[-1:]:
                own.append(track.track_id)
    return ids


def track_on(tracks: Sequence[Track], box: BoundingBox) -> Track | None:
    """Return the track that lies on a face, if any does."""
    if not tracks:
        return None
    boxes = boxes_to_array(tuple(track.box for track in tracks))
    iou = iou_matrix(boxes_to_array((box,)), boxes)[0]
    return tracks[int(iou.argmax())] if iou.max() > 0.4 else None


def overlaps_another(box: BoundingBox, boxes: Sequence[BoundingBox]) -> bool:
    """Return whether another of the boxes, which the box is among, overlaps it."""
    iou = iou_matrix(boxes_to_array((box,)), boxes_to_array(tuple(boxes)))[0]
    return bool((iou > 0.1).sum() > 1)
