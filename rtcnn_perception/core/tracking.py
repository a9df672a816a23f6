"""Faces followed from frame to frame."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from rtcnn_perception.core.arrays import Landmarks
from rtcnn_perception.core.detector_protocol import Detection
from rtcnn_perception.core.geometry import BoundingBox


class TrackState(Enum):
    """How a track came by its box; the values are those of FaceRoi.msg."""

    NEW = 0
    TRACKED = 1
    COASTED = 2


@dataclass(frozen=True, slots=True)
class Track:
    """A confirmed face at one moment; ``box`` in pixels, not clipped; ``age`` in frames."""

    track_id: int
    box: BoundingBox
    confidence: float
    landmarks: Landmarks | None
    state: TrackState
    age: int


@dataclass(frozen=True)
class TrackerConfig:
    """When a face counts, and for how long (seconds) it does without being seen."""

    confirm_score: float = 0.8
    confirm_hits: int = 2
    max_coast_s: float = 1.0
    max_tracks: int = 64


class FaceTracker:
    """Gives faces ids that stay with a person; ids are never used again."""

    def __init__(self, config: TrackerConfig | None = None) -> None:
        """Start without tracks; ``config`` may be replaced at any time."""
        self.config = config or TrackerConfig()

    def update(self, detections: tuple[Detection, ...] | None, stamp: float) -> tuple[Track, ...]:
        """
        Take the detections of one frame, None where the detector did not run on it.

        :param stamp: time of the frame in seconds
        :returns: the confirmed tracks
        """
        raise NotImplementedError

    def reset(self) -> None:
        """Forget all tracks; their ids are not given again."""
        raise NotImplementedError
