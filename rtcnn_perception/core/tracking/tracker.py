"""
Faces followed from frame to frame.

Detections are assigned to tracks all at once (Kuhn and Munkres, by SciPy), at the cost that the
motion filter gives them: the negative logarithm of how likely a detection of this place and size
is for this track. So a track that was just seen wins over one whose place is only guessed, and
people who cross keep their ids by the way they were going. The pattern of a filter, a gate and an
assignment is that of Bewley et al., "Simple Online and Realtime Tracking", ICIP 2016.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
import math
from typing import Final

import numpy as np
from rtcnn_perception.core.arrays import Landmarks
from rtcnn_perception.core.detection.base import Detection
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.boxes import boxes_to_array
from rtcnn_perception.core.geometry.landmarks import FacePlace
from rtcnn_perception.core.tracking.assignment import assign
from rtcnn_perception.core.tracking.assignment import covered_share
from rtcnn_perception.core.tracking.kalman import FaceMotion
from rtcnn_perception.core.tracking.kalman import FaceStep
from rtcnn_perception.exceptions import ConfigurationError

DUPLICATE_SHARE: Final = 0.5
"""A detection of whose area more lies in an assigned one is that face, or a part of it."""

NOMINAL_STEP_S: Final = 1 / 30
"""Seconds from frame to frame where the stamps do not tell."""

MAX_GAP_S: Final = 2.0
"""Seconds without a frame, beyond ``max_coast_s``, after which faces are not the same any more."""


class TrackState(Enum):
    """How a track came by its box; the values are those of FaceRoi.msg."""

    NEW = 0
    TRACKED = 1
    COASTED = 2


@dataclass(frozen=True, slots=True)
class Track:
    """
    A confirmed face at one moment.

    ``box`` is in pixels and not clipped to the image; ``confidence`` is the score of the detection
    it rests on; ``landmarks`` are those of the detection, carried along with the box where it is
    predicted. ``state`` is NEW when the id is given out for the first time, TRACKED where the
    detector saw the face at its last look, and COASTED where it did not. ``age`` counts the frames
    since the face was first seen, 1 in its first.
    """

    track_id: int
    box: BoundingBox
    confidence: float
    landmarks: Landmarks | None
    state: TrackState
    age: int

    @property
    def place(self) -> FacePlace:
        """Where the face is, and how it leans."""
        return FacePlace(self.box, self.landmarks)


@dataclass(frozen=True)
class TrackerConfig:
    """
    When a face counts, and how long it does so without being seen.

    A face counts from its first look on where its score is ``confirm_score`` or more, and else
    when ``confirm_hits`` looks in a row have seen it: in one clip YuNet takes a hand for a face,
    for two frames and with 0.7. A face that is not seen is carried on for ``max_coast_s`` seconds
    and takes its id up again within that time. ``max_tracks`` bounds how many are followed at
    once; a new one then takes the place of the one that is out of sight for the longest time.

    :raises ConfigurationError: if a value is out of range
    """

    confirm_score: float = 0.8
    confirm_hits: int = 3
    max_coast_s: float = 1.0
    max_tracks: int = 64

    def __post_init__(self) -> None:
        """Reject values out of range."""
        if not 0.0 <= self.confirm_score <= 1.0:
            raise ConfigurationError(
                f'confirm_score must be a score in [0, 1], got {self.confirm_score}'
            )
        if self.confirm_hits < 1:
            raise ConfigurationError(f'confirm_hits must be at least 1, got {self.confirm_hits}')
        if not 0.0 <= self.max_coast_s < math.inf:
            raise ConfigurationError(
                f'max_coast_s must be a time of 0 s or more, got {self.max_coast_s}'
            )
        if self.max_tracks < 1:
            raise ConfigurationError(f'max_tracks must be at least 1, got {self.max_tracks}')


class FaceTracker:
    """
    Gives faces ids that stay with a person.

    Ids count up from 1 and are never given again. A face that counts by its score alone, and that
    was not seen ``confirm_hits`` times yet, is kept but not shown while it is not seen, so that an
    error of the detector lasts one look and not a second.
    """

    def __init__(self, config: TrackerConfig | None = None) -> None:
        """Start without tracks; ``config`` may be replaced between updates."""
        self.config = config or TrackerConfig()
        self._tracks: list[_Followed] = []
        self._last_id = 0
        self._now = 0.0  # seconds; unlike the stamps, it only goes forward
        self._stamp: float | None = None

    def reset(self) -> None:
        """Forget all tracks; their ids are not given again."""
        self._tracks = []
        self._stamp = None

    def update(self, detections: Sequence[Detection] | None, stamp: float) -> tuple[Track, ...]:
        """
        Take the detections of one frame, and say who is where.

        Where a stamp repeats the one before, or jumps back by less than the time a face may be
        unseen, one nominal frame is taken to have passed and velocities are forgotten; a jump
        further back, or forward by seconds, forgets the tracks. A frame on which the detector did
        not run moves every box by its motion and leaves its state as it was at the last look.

        :param detections: in pixels, in any order; None where the detector did not run
        :param stamp: time of the frame in seconds
        :returns: the confirmed tracks, by id; a box may lie outside the image
        :raises ValueError: if the stamp is not finite
        """
        self._advance(stamp)
        for track in self._tracks:
            track.age += 1
        if detections is not None:
            self._look(sorted(detections, key=lambda detection: -detection.score))
        elif self._tracks:
            self._drop_unseen()
        return self._shown()

    def _advance(self, stamp: float) -> None:
        """Let the time pass that lies between the last stamp and this one."""
        if not math.isfinite(stamp):
            raise ValueError(f'a stamp must be a finite number of seconds, got {stamp}')
        passed = 0.0 if self._stamp is None else stamp - self._stamp
        self._stamp = stamp
        coast = self.config.max_coast_s
        if passed < -coast or passed > coast + MAX_GAP_S:
            self._tracks = []
        if passed <= 0.0:
            for track in self._tracks:
                track.motion.halt()
            passed = NOMINAL_STEP_S
        self._now += passed
        if self._tracks:
            step = FaceStep.over(passed)
            for track in self._tracks:
                track.motion.predict(step)

    def _look(self, detections: list[Detection]) -> None:
        """Give each detection to a track, and start new ones with what is left."""
        for track in self._tracks:
            track.is_seen = False
        pairs = assign(
            np.array([track.motion.measurement() for track in self._tracks]),
            boxes_to_array(tuple(detection.box for detection in detections)),
        )
        for track_index, detection_index in pairs:
            self._tracks[track_index].see(detections[detection_index], self._now)
        taken = {detection_index for _, detection_index in pairs}
        left = [detection for i, detection in enumerate(detections) if i not in taken]
        self._tracks = [track for track in self._tracks if track.is_seen or track.track_id]
        self._drop_unseen()
        self._start(left, [detections[i] for i in taken])
        self._confirm()

    def _start(self, detections: Iterable[Detection], assigned: list[Detection]) -> None:
        for detection in detections:
            if _is_duplicate(detection, assigned):
                continue
            if len(self._tracks) >= self.config.max_tracks:
                unseen = [track for track in self._tracks if not track.is_seen]
                if not unseen:
                    return
                self._tracks.remove(min(unseen, key=lambda track: track.seen_at))
            self._tracks.append(_Followed(detection, self._now))
            assigned.append(detection)

    def _confirm(self) -> None:
        for track in self._tracks:
            is_sure = (
                track.hits >= self.config.confirm_hits
                or track.detection.score >= self.config.confirm_score
            )
            if not track.track_id and is_sure:
                self._last_id += 1
                track.track_id = self._last_id

    def _drop_unseen(self) -> None:
        oldest = self._now - self.config.max_coast_s
        self._tracks = [
            track for track in self._tracks if track.is_seen or track.seen_at >= oldest
        ]

    def _shown(self) -> tuple[Track, ...]:
        shown = [
            track
            for track in self._tracks
            if track.track_id and (track.is_seen or track.hits >= self.config.confirm_hits)
        ]
        shown.sort(key=lambda track: track.track_id)
        return tuple(track.show() for track in shown)


class _Followed:
    """A face that is followed; ``track_id`` is 0 until it counts."""

    __slots__ = (
        'age',
        'detection',
        'hits',
        'is_published',
        'is_seen',
        'motion',
        'seen_at',
        'track_id',
    )

    def __init__(self, detection: Detection, now: float) -> None:
        self.track_id = 0
        self.motion = FaceMotion(detection.box)
        self.detection = detection
        self.age = 1
        self.hits = 1
        self.seen_at = now
        self.is_seen = True
        self.is_published = False

    def see(self, detection: Detection, now: float) -> None:
        self.motion.correct(detection.box)
        self.detection = detection
        self.hits += 1
        self.seen_at = now
        self.is_seen = True

    def show(self) -> Track:
        box = self.motion.box
        landmarks = self.detection.landmarks
        if not self.is_published:
            state = TrackState.NEW
        else:
            state = TrackState.TRACKED if self.is_seen else TrackState.COASTED
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


def _is_duplicate(detection: Detection, others: list[Detection]) -> bool:
    boxes = boxes_to_array(tuple(other.box for other in others))
    share = covered_share(boxes_to_array((detection.box,)), boxes)
    return bool((share > DUPLICATE_SHARE).any())
