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
The stages that a frame goes through: detection with tracking, and classification.

They know nothing of ROS, queues or threads. The nodes, the benchmark and the evaluation run the
same two.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import replace
import time

from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.arrays import Probabilities
from rtcnn_perception.core.attributes.classifier import Classifier
from rtcnn_perception.core.attributes.labels import LabelConfig
from rtcnn_perception.core.attributes.labels import next_label
from rtcnn_perception.core.attributes.labels import skipped
from rtcnn_perception.core.attributes.labels import SteadyLabel
from rtcnn_perception.core.attributes.quality import face_quality
from rtcnn_perception.core.attributes.smoothing import TrackSmoother
from rtcnn_perception.core.detection.base import Detection
from rtcnn_perception.core.detection.base import Detector
from rtcnn_perception.core.detection.rotation import in_source
from rtcnn_perception.core.forward_clock import ForwardClock
from rtcnn_perception.core.frame import Frame
from rtcnn_perception.core.geometry.landmarks import shows_roll
from rtcnn_perception.core.images import RIGHT_ANGLES
from rtcnn_perception.core.images import rotate
from rtcnn_perception.core.results import Attribute
from rtcnn_perception.core.results import Face
from rtcnn_perception.core.results import FrameResult
from rtcnn_perception.core.tracking.tracker import FaceTracker
from rtcnn_perception.exceptions import ConfigurationError


def detect_for_tracks(
    detector: Detector, image: ImageBGR, min_score: float, keep_ratio: float
) -> tuple[Detection, ...]:
    """
    Return the faces of an image, with weak ones from a share of the minimum score on.

    The detector is left with the minimum score.
    """
    detector.min_score = keep_ratio * min_score
    try:
        return detector.detect(image)
    finally:
        detector.min_score = min_score


class DetectionStage:
    """
    Find faces and follow them.

    The detector runs on every ``every_n``-th frame, the first among them; the tracks predict the
    boxes between. ``every_n`` and ``min_score`` may be set while frames are processed. Where the
    size or the frame_id of the images changes, all tracks end: they are in pixels of a camera.
    """

    def __init__(
        self,
        detector: Detector,
        tracker: FaceTracker,
        every_n: int = 1,
        rotation: int = 0,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """
        Take the parts.

        :param rotation: degrees clockwise by which an image is rotated for detection, one of
            ``RIGHT_ANGLES``; faces are in pixels of the image as it comes
        :param clock: seconds, to measure by
        :raises ValueError: if ``every_n`` is below 1
        :raises ConfigurationError: if ``rotation`` is another one, or the detector finds no eyes
            and mouth, by which the crops of rotated faces are upright
        """
        if rotation not in RIGHT_ANGLES:
            known = ', '.join(map(str, RIGHT_ANGLES))
            raise ConfigurationError(f'expected a rotation of {known} degrees, got {rotation}')
        if rotation and not shows_roll(detector.landmark_names):
            raise ConfigurationError(
                f'expected a detector that finds eyes and mouth, to rotate images by {rotation} '
                f'degrees, got {detector.tag}; choose another one'
            )
        self._detector = detector
        self._tracker = tracker
        self._clock = clock
        self._rotation = rotation
        self._min_score = detector.min_score  # whose own only the thread that runs it sets
        self._camera: tuple[str, tuple[int, int]] | None = None
        self._frames_since_run: int | None = None
        self.every_n = every_n

    @property
    def every_n(self) -> int:
        """Frames from one run of the detector to the next, 1 and above."""
        return self._every_n

    @every_n.setter
    def every_n(self, every_n: int) -> None:
        if every_n < 1:
            raise ValueError(f'every_n must be 1 or more, got {every_n}')
        self._every_n = every_n

    @property
    def min_score(self) -> float:
        """Return the score from which on a detection may begin a track, in [0, 1]."""
        return self._min_score

    @min_score.setter
    def min_score(self, min_score: float) -> None:
        if not 0.0 <= min_score <= 1.0:
            raise ValueError(f'min_score must be in [0, 1], got {min_score}')
        self._min_score = min_score

    def restart(self) -> None:
        """Let the detector run on the next frame, as after a pause."""
        self._frames_since_run = None

    def process(self, result: FrameResult) -> FrameResult:
        """Add the faces of the frame: confirmed tracks that overlap the image."""
        begin = self._clock()
        frame = result.frame
        camera = frame.frame_id, frame.size_wh
        if self._camera not in (None, camera):  # what stood there stands elsewhere now
            self._tracker.reset()
            self.restart()
        elif self._tracker.ends_at(frame.time):
            self.restart()
        self._camera = camera
        min_score = self._min_score
        detections = self._detect(frame, min_score) if self._is_due() else None
        tracks = self._tracker.update(detections, frame.time, min_score)
        # A coasted track may leave the image.
        visible = tuple(Face(track) for track in tracks if track.box.clip_to(*frame.size_wh))
        return replace(
            result,
            faces=visible,
            detector=self._detector.tag,
            landmark_names=self._detector.landmark_names,
            detect_s=self._clock() - begin,
        )

    def _detect(self, frame: Frame, min_score: float) -> tuple[Detection, ...]:
        image = rotate(frame.image, self._rotation)
        keep_ratio = self._tracker.config.keep_ratio
        try:
            found = detect_for_tracks(self._detector, image, min_score, keep_ratio)
        except Exception:
            # Tracks are not predicted on the word of a run that failed: the next frame is due.
            self.restart()
            raise
        return tuple(in_source(each, frame.size_wh, self._rotation) for each in found)

    def _is_due(self) -> bool:
        since = self._frames_since_run
        is_due = since is None or since + 1 >= self._every_n
        self._frames_since_run = 0 if is_due or since is None else since + 1
        return is_due


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the networks saw of a face when it was last found, by attribute."""

    raw: Mapping[str, Probabilities]
    smoothed: Mapping[str, Probabilities]
    steady: Mapping[str, SteadyLabel]


class ClassificationStage:
    """
    Classify the faces that were found, smooth the probabilities over each track, and label them.

    ``label_config`` may be set while frames are processed.
    """

    def __init__(
        self,
        classifier: Classifier,
        smoother: TrackSmoother,
        label_config: LabelConfig | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Take the parts; ``clock`` gives seconds, to measure by."""
        self._classifier = classifier
        self._smoother = smoother
        self._clock = clock
        self._stamps = ForwardClock()
        self._seen: dict[int, _Seen] = {}  # of the faces of the last frame
        self.label_config = label_config or LabelConfig()

    def restart(self) -> None:
        """Forget every track, as after a pause."""
        self._smoother.reset()
        self._seen = {}

    def process(self, result: FrameResult) -> FrameResult:
        """
        Add crop, quality and attributes to the faces.

        A face whose crop lies outside the image altogether is left out, and one that is coasted
        and was never classified.
        """
        begin = self._clock()
        frame, attributes = result.frame, self._classifier.attributes
        self._stamps.advance(frame.time)
        now = self._stamps.now
        detected = [result.region(face) for face in result.faces if not face.is_coasted]
        found = self._classifier.classify(frame.image, detected)
        rows = iter(enumerate(found.crops))
        before, self._seen = self._seen, {}
        asked = {each.name for each in attributes}
        needed = {rule.other for rule in self.label_config.skip_where if rule.attribute in asked}
        others = [each for each in found.others if each.name in needed]
        labels = {each.name: each.labels for each in (*attributes, *others)}
        faces = []
        for face in result.faces:
            last = before.get(face.track_id)
            crop = None
            if not face.is_coasted:
                row, whole = next(rows)
                crop = whole.square.clip_to(*frame.size_wh)
            if crop is not None:
                raw = {name: each[row] for name, each in found.probabilities.items()}
                seen = self._classified(face, now, labels, raw, last)
            elif last is not None:
                seen = self._held(face, now, labels, last)
            else:
                continue
            self._seen[face.track_id] = seen
            if crop is None and not face.is_coasted:
                continue
            quality = face_quality(frame.image, face.box) if crop else 0.0
            by_name = self._labelled(labels, seen)
            faces.append(replace(face, crop=crop, quality=quality, attributes=by_name))
        return replace(
            result,
            faces=tuple(faces),
            attributes=attributes,
            classify_s=self._clock() - begin,
        )

    def _classified(
        self,
        face: Face,
        now: float,
        names: Iterable[str],
        raw: Mapping[str, Probabilities],
        last: _Seen | None,
    ) -> _Seen:
        smoothed = self._smoother.update(face.track_id, now, {name: raw[name] for name in names})
        before, config = {} if last is None else last.steady, self.label_config
        steady = {n: next_label(before.get(n), p, now, config) for n, p in smoothed.items()}
        return _Seen(raw, smoothed, steady)

    def _held(self, face: Face, now: float, names: Iterable[str], last: _Seen) -> _Seen:
        # Something else may stand before a face that is not found, so that no network takes what
        # lies in the predicted box; and the time that passes speaks for no other label.
        self._smoother.hold(face.track_id, now)
        smoothed = {name: last.smoothed.get(name, last.raw[name]) for name in names}
        steady = {
            name: replace(last.steady[name], time=now)
            if name in last.steady
            else next_label(None, rows, now, self.label_config)  # of a rule that is new
            for name, rows in smoothed.items()
        }
        return _Seen(last.raw, smoothed, steady)

    def _labelled(
        self, labels: Mapping[str, tuple[str, ...]], seen: _Seen
    ) -> dict[str, Attribute]:
        """Return the attributes that were asked for; ``labels`` are the classes by name."""
        config = self.label_config
        all_labels = {name: classes[seen.steady[name].index] for name, classes in labels.items()}
        empty = skipped(config.skip_where, all_labels)
        attributes = {}
        for name in (each.name for each in self._classifier.attributes):
            index, is_unsure = seen.steady[name].index, seen.steady[name].is_unsure
            attribute = Attribute.of(labels[name], seen.smoothed[name], seen.raw[name], index)
            if is_unsure and name not in empty:
                attribute = replace(attribute, is_unsure=True)
            if name in empty or (is_unsure and config.empty_if_unsure):
                attribute = attribute.without_label()
            attributes[name] = attribute
        return attributes
