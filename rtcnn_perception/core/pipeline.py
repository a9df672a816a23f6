"""
The way of a frame: from pixels to faces that are followed, and to what the networks see in them.

The stages know nothing of ROS, queues or threads. The nodes, the benchmark and the evaluation run
the same two.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
import time
from typing import Protocol

import numpy as np
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.arrays import Probabilities
from rtcnn_perception.core.attributes.quality import crop_quality
from rtcnn_perception.core.attributes.smoothing import TrackSmoother
from rtcnn_perception.core.detection.registry import Detection
from rtcnn_perception.core.detection.registry import Detector
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.landmarks import FacePlace
from rtcnn_perception.core.tracking.tracker import Track
from rtcnn_perception.core.tracking.tracker import TrackState
from rtcnn_perception.exceptions import ImageFormatError

NANOSECOND = 1e-9


class Tracker(Protocol):
    """What follows faces from frame to frame."""

    def update(self, detections: tuple[Detection, ...] | None, stamp: float) -> tuple[Track, ...]:
        """Take in a frame's detections, None where nobody looked; return the confirmed tracks."""
        ...


class Classifier(Protocol):
    """What judges faces."""

    def classify(self, image: ImageBGR, places: Sequence[FacePlace]) -> dict[str, Probabilities]:
        """Return (N, C) probabilities by attribute, a row for each face."""
        ...

    def crop_of(self, place: FacePlace) -> BoundingBox:
        """Return the square that is looked at for a face; it may reach beyond the image."""
        ...


@dataclass(frozen=True, slots=True)
class Frame:
    """
    An image of the camera, held as a read-only view.

    ``stamp_ns`` is the time of exposure, 0 where the camera gives none, and ``received_ns`` when
    the image came, both in nanoseconds of one clock.

    :raises ImageFormatError: if the image is not (H, W, 3) uint8 with at least one pixel
    """

    image: ImageBGR
    stamp_ns: int
    frame_id: str
    received_ns: int

    def __post_init__(self) -> None:
        """Check the image and keep others from writing to it."""
        image = self.image
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
            raise ImageFormatError(
                f'expected an image of shape (H, W, 3) and type uint8, '
                f'got shape {image.shape} and type {image.dtype}'
            )
        view = image.view()
        view.flags.writeable = False
        object.__setattr__(self, 'image', view)

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.image.shape[1], self.image.shape[0]

    @property
    def time(self) -> float:
        """Seconds by which motion and smoothing go: the stamp, or else the arrival."""
        return (self.stamp_ns or self.received_ns) * NANOSECOND


@dataclass(frozen=True, slots=True)
class FacesInFrame:
    """
    Confirmed tracks of which something is to be seen in the frame, and what it took.

    ``detector`` is the tag of what found them, where that is known.
    """

    frame: Frame
    tracks: tuple[Track, ...]
    detect_s: float
    frames_dropped: int
    detector: str = ''


@dataclass(frozen=True, slots=True)
class JudgedFace:
    """
    A face and what the networks make of it.

    ``crop`` is the square they saw of the image, which is turned about its centre where the crop
    was made upright. ``quality`` is in [0, 1], and 0 where the detector no longer sees the face.
    The probabilities, (C,) by attribute, are those of this frame alone (``raw``) and over the
    track (``smoothed``).
    """

    track: Track
    crop: BoundingBox
    quality: float
    smoothed: Mapping[str, Probabilities]
    raw: Mapping[str, Probabilities]


@dataclass(frozen=True, slots=True)
class JudgedFrame:
    """The faces of a frame after judgement, and what it took."""

    faces_in_frame: FacesInFrame
    faces: tuple[JudgedFace, ...]
    classify_s: float


class DetectionStage:
    """
    Find faces and follow them.

    The detector looks at every ``every_n``-th frame, the first among them; the tracks carry the
    boxes between. ``every_n`` and ``min_score`` may be set while frames are processed.
    """

    def __init__(
        self,
        detector: Detector,
        tracker: Tracker,
        every_n: int = 1,
        clock: Callable[[], float] = time.perf_counter,
        *,
        tag: str = '',
    ) -> None:
        """
        Take the parts.

        :param tag: what frames are to say found their faces
        :param clock: seconds, to measure by
        :raises ValueError: if ``every_n`` is below 1
        """
        self._detector = detector
        self._tracker = tracker
        self._clock = clock
        self._tag = tag
        self._frames_since_look: int | None = None
        self.every_n = every_n

    @property
    def every_n(self) -> int:
        """On every how-manieth frame the detector looks, 1 and above."""
        return self._every_n

    @every_n.setter
    def every_n(self, every_n: int) -> None:
        if every_n < 1:
            raise ValueError(f'every_n must be 1 or more, got {every_n}')
        self._every_n = every_n

    @property
    def min_score(self) -> float:
        """The score from which on the detector reports a face, in [0, 1]."""
        return self._detector.min_score

    @min_score.setter
    def min_score(self, min_score: float) -> None:
        if not 0.0 <= min_score <= 1.0:
            raise ValueError(f'min_score must be in [0, 1], got {min_score}')
        self._detector.min_score = min_score

    def restart(self) -> None:
        """Let the detector look at the next frame, as after a pause."""
        self._frames_since_look = None

    def process(self, frame: Frame, frames_dropped: int = 0) -> FacesInFrame:
        """Find and follow the faces of one frame; ``frames_dropped`` is passed on."""
        begin = self._clock()
        detections = self._detector.detect(frame.image) if self._is_time_to_look() else None
        tracks = self._tracker.update(detections, frame.time)
        # A track may coast out of the picture; there is nothing to show of it there.
        visible = tuple(track for track in tracks if track.box.clip_to(*frame.size_wh))
        return FacesInFrame(
            frame=frame,
            tracks=visible,
            detect_s=self._clock() - begin,
            frames_dropped=frames_dropped,
            detector=self._tag,
        )

    def _is_time_to_look(self) -> bool:
        since = self._frames_since_look
        is_time = since is None or since + 1 >= self._every_n
        self._frames_since_look = 0 if is_time or since is None else since + 1
        return is_time


class ClassificationStage:
    """Judge the faces that were found, and steady the judgement over each track."""

    def __init__(
        self,
        classifier: Classifier,
        smoother: TrackSmoother,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Take the parts; ``clock`` gives seconds, to measure by."""
        self._classifier = classifier
        self._smoother = smoother
        self._clock = clock

    def process(self, found: FacesInFrame) -> JudgedFrame:
        """
        Judge all faces of one frame.

        A face whose crop lies outside the image altogether is left out.
        """
        begin = self._clock()
        frame = found.frame
        seen = []
        for track in found.tracks:
            crop = self._classifier.crop_of(track.place).clip_to(*frame.size_wh)
            if crop is not None:
                seen.append((track, crop))
        judged = self._classifier.classify(frame.image, tuple(track.place for track, _ in seen))
        faces = []
        for row, (track, crop) in enumerate(seen):
            raw = {attribute: rows[row] for attribute, rows in judged.items()}
            face = JudgedFace(
                track=track,
                crop=crop,
                quality=_quality(frame.image, track),
                smoothed=self._smooth(track, frame.time, raw),
                raw=raw,
            )
            faces.append(face)
        return JudgedFrame(
            faces_in_frame=found, faces=tuple(faces), classify_s=self._clock() - begin
        )

    def _smooth(
        self, track: Track, now: float, raw: Mapping[str, Probabilities]
    ) -> Mapping[str, Probabilities]:
        # Where the detector no longer sees the face, something else may stand before it: what was
        # known is held, and not mixed with a look at that.
        if track.state is TrackState.COASTED:
            held = self._smoother.hold(track.track_id, now)
            if held is not None and held.keys() == raw.keys():
                return held
        return self._smoother.update(track.track_id, now, raw)


def _quality(image: ImageBGR, track: Track) -> float:
    # The box of a face that is out of sight is a guess, and the background in it may be sharp.
    return 0.0 if track.state is TrackState.COASTED else crop_quality(image, track.box)
