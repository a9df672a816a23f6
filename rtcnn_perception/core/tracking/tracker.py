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
Follow faces from frame to frame: the life cycle of tracks.

Detections are assigned to tracks all at once (Kuhn and Munkres, by SciPy), at the cost that the
Kalman filter gives them: the negative log likelihood of a detection of this place and size for
this track. So a recently detected track wins over one whose place is uncertain, and people who
cross keep their ids by their direction. The pattern of a filter, a gate and an assignment is that
of Bewley et al., "Simple Online and Realtime Tracking", ICIP 2016. That weak detections continue
the tracks that are left, and begin none, is from Zhang et al., "ByteTrack: Multi-Object Tracking
by Associating Every Detection Box", ECCV 2022.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import dataclass
import math
from typing import Final

import numpy as np
from rtcnn_perception.core.detection.base import Detection
from rtcnn_perception.core.forward_clock import ForwardClock
from rtcnn_perception.core.forward_clock import LONGEST_STEP_BACK_S
from rtcnn_perception.core.geometry.boxes import boxes_to_array
from rtcnn_perception.core.geometry.boxes import overlap_share
from rtcnn_perception.core.tracking.assignment import assign
from rtcnn_perception.core.tracking.kalman import FaceStep
from rtcnn_perception.core.tracking.track import Candidate
from rtcnn_perception.core.tracking.track import Track
from rtcnn_perception.exceptions import ConfigurationError

DUPLICATE_SHARE: Final = 0.5
"""A detection of whose area more lies in an assigned one is that face, or a part of it."""

MAX_GAP_S: Final = 2.0
"""Seconds without a frame, beyond ``max_coast_s``, after which all tracks end."""

MOST_TRACKS: Final = 256
"""Bound of ``max_tracks``, and so of the faces of one frame; more are no faces before a robot."""


@dataclass(frozen=True)
class TrackerConfig:
    """
    When a track is confirmed, and how long it lives without a detection.

    A track is confirmed by one detection of ``confirm_score`` or more, and else by
    ``confirm_hits`` detections in a row: in one clip YuNet takes a hand for a face, for two frames
    and with 0.7. After as many it goes on with a weak one too, of ``keep_ratio`` times the minimum
    score, where that overlaps the prediction: a face that turns away or blurs is not lost.
    Without a detection a track is predicted for ``max_coast_s`` seconds, and keeps its id if it is
    detected again within that time. ``max_tracks`` bounds how many exist at once; a new one then
    replaces the one whose last detection is the oldest.

    :raises ConfigurationError: if a value is out of range
    """

    confirm_score: float = 0.8
    confirm_hits: int = 3
    keep_ratio: float = 0.6
    max_coast_s: float = 1.0
    max_tracks: int = 64

    def __post_init__(self) -> None:
        if not 0.0 <= self.confirm_score <= 1.0:
            raise ConfigurationError(
                f'confirm_score must be a score in [0, 1], got {self.confirm_score}'
            )
        if self.confirm_hits < 1:
            raise ConfigurationError(f'confirm_hits must be at least 1, got {self.confirm_hits}')
        if not 0.0 < self.keep_ratio <= 1.0:
            raise ConfigurationError(f'keep_ratio must be in (0, 1], got {self.keep_ratio}')
        if not 0.0 <= self.max_coast_s < math.inf:
            raise ConfigurationError(
                f'max_coast_s must be a finite time of 0 s or more, got {self.max_coast_s}'
            )
        if not 1 <= self.max_tracks <= MOST_TRACKS:
            raise ConfigurationError(
                f'max_tracks must be 1 to {MOST_TRACKS}, got {self.max_tracks}'
            )


class FaceTracker:
    """
    Gives faces ids that stay with a person.

    Ids count up from ``first_id`` and are never reused. A track that was confirmed by its score
    alone, and has fewer than ``confirm_hits`` detections, is kept but not returned while it is not
    detected, so that a false detection lasts one run of the detector and not a second.
    """

    def __init__(self, config: TrackerConfig | None = None, first_id: int = 1) -> None:
        """Start without tracks; ``config`` may be replaced at any time."""
        self.config = config or TrackerConfig()
        self._tracks: list[Candidate] = []
        self._last_id = first_id - 1
        self._clock = ForwardClock()

    def reset(self) -> None:
        """Forget all tracks; their ids are not reused."""
        self._tracks = []
        self._clock.restart()

    def ends_at(self, stamp: float) -> bool:
        """Return whether all tracks end with a frame of this stamp, as after a jump or a pause."""
        step = self._clock.step_to(stamp)
        return step < -LONGEST_STEP_BACK_S or step > self.config.max_coast_s + MAX_GAP_S

    def update(
        self, detections: Sequence[Detection] | None, stamp: float, min_score: float = 0.0
    ) -> tuple[Track, ...]:
        """
        Take the detections of one frame, and return the tracks.

        Where a stamp repeats the one before, or jumps back by ``LONGEST_STEP_BACK_S`` or less, a
        nominal frame is assumed to have passed, as ``ForwardClock`` says, and velocities are
        reset; a jump further back, or forward by seconds, ends the tracks. On a frame without a
        detector run every box is predicted and keeps its state.

        :param detections: in pixels, in any order; None where the detector did not run
        :param stamp: time of the frame in seconds
        :param min_score: detections below it are weak, and such below ``keep_ratio`` of it nothing
        :returns: the confirmed tracks, by id; a box may lie outside the image
        :raises ValueError: if the stamp is not finite
        """
        self._advance(stamp)
        for track in self._tracks:
            track.age += 1
        if detections is not None:
            ranked = sorted(detections, key=lambda detection: -detection.score)
            strong = [each for each in ranked if each.score >= min_score]
            least = self.config.keep_ratio * min_score
            self._assign(strong, [each for each in ranked if least <= each.score < min_score])
        elif self._tracks:
            self._drop_undetected()
        return self._confirmed()

    def _advance(self, stamp: float) -> None:
        """Predict all tracks to a new stamp."""
        if not math.isfinite(stamp):
            raise ValueError(f'a stamp must be a finite number of seconds, got {stamp}')
        if self.ends_at(stamp):
            self._tracks = []
        passed = self._clock.advance(stamp)
        if self._clock.step <= 0.0:
            for track in self._tracks:
                track.motion.halt()
        if self._tracks and passed > 0.0:
            motion = FaceStep.over(passed)
            for track in self._tracks:
                track.motion.predict(motion)

    def _assign(self, strong: list[Detection], weak: list[Detection]) -> None:
        """Give detections to tracks; the strong that are left start new ones before the weak."""
        for track in self._tracks:
            track.is_detected = False
        left = self._detect(self._tracks, strong, must_overlap=False)
        self._tracks = [track for track in self._tracks if track.is_detected or track.track_id]
        self._drop_surplus()
        self._start(left)
        if weak:
            waiting = [t for t in self._tracks if not t.is_detected and self._is_steady(t)]
            self._detect(waiting, self._of_other_faces(weak), must_overlap=True)
        self._drop_undetected()
        self._confirm()

    def _of_other_faces(self, weak: list[Detection]) -> list[Detection]:
        """Return weak detections of which none is a part of a better one, or holds it."""
        faces = [track.detection.box for track in self._tracks if track.is_detected]
        left = []
        for detection in weak:
            box, others = boxes_to_array((detection.box,)), boxes_to_array(tuple(faces))
            shares = overlap_share(box, others), overlap_share(others, box)
            if not any((share > DUPLICATE_SHARE).any() for share in shares):
                left.append(detection)
                faces.append(detection.box)
        return left

    def _detect(
        self, tracks: list[Candidate], detections: list[Detection], *, must_overlap: bool
    ) -> list[Detection]:
        """Give detections to tracks, and return those that are left."""
        expected = np.array([track.motion.measurement() for track in tracks])
        boxes = boxes_to_array(tuple(detection.box for detection in detections))
        pairs = assign(expected, boxes, must_overlap=must_overlap)
        for track_index, detection_index in pairs:
            tracks[track_index].detect(detections[detection_index], self._clock.now)
        taken = {detection_index for _, detection_index in pairs}
        return [detection for i, detection in enumerate(detections) if i not in taken]

    def _start(self, detections: Iterable[Detection]) -> None:
        assigned = [track.detection for track in self._tracks if track.is_detected]
        for detection in detections:
            if _is_duplicate(detection, assigned):
                continue
            if len(self._tracks) >= self.config.max_tracks:
                undetected = [track for track in self._tracks if not track.is_detected]
                if not undetected:
                    return
                self._tracks.remove(min(undetected, key=lambda track: track.detected_at))
            self._tracks.append(Candidate(detection, self._clock.now))
            assigned.append(detection)

    def _confirm(self) -> None:
        for track in self._tracks:
            is_confirmed = (
                track.hits >= self.config.confirm_hits
                or track.detection.score >= self.config.confirm_score
            )
            if not track.track_id and is_confirmed:
                self._last_id += 1
                track.track_id = self._last_id

    def _drop_undetected(self) -> None:
        coast = self.config.max_coast_s
        oldest = self._clock.now - coast
        self._tracks = [
            track
            for track in self._tracks
            if track.is_detected or (coast > 0.0 and track.detected_at >= oldest)
        ]

    def _drop_surplus(self) -> None:
        """Drop the least certain tracks where there are more than are allowed by now."""
        surplus = len(self._tracks) - self.config.max_tracks
        if surplus > 0:
            by_worth = sorted(
                self._tracks,
                key=lambda track: (track.track_id > 0, track.detected_at, -track.track_id),
            )
            dropped = set(map(id, by_worth[:surplus]))
            self._tracks = [track for track in self._tracks if id(track) not in dropped]

    def _is_steady(self, track: Candidate) -> bool:
        """Return whether a track is believed without a detection of the minimum score."""
        return track.track_id > 0 and track.hits >= self.config.confirm_hits

    def _confirmed(self) -> tuple[Track, ...]:
        confirmed = [
            track
            for track in self._tracks
            if self._is_steady(track) or (track.track_id and track.is_detected)
        ]
        confirmed.sort(key=lambda track: track.track_id)
        return tuple(track.publish() for track in confirmed)


def _is_duplicate(detection: Detection, others: list[Detection]) -> bool:
    boxes = boxes_to_array(tuple(other.box for other in others))
    share = overlap_share(boxes_to_array((detection.box,)), boxes)
    return bool((share > DUPLICATE_SHARE).any())
