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

"""The stage after detection: attributes of each face, smoothed over its track, and labels."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
import time
from typing import Protocol

from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.arrays import Probabilities
from rtcnn_perception.core.attributes.classifier import Classification
from rtcnn_perception.core.attributes.labels import LabelConfig
from rtcnn_perception.core.attributes.labels import next_label
from rtcnn_perception.core.attributes.labels import skipped
from rtcnn_perception.core.attributes.labels import SteadyLabel
from rtcnn_perception.core.attributes.quality import face_quality
from rtcnn_perception.core.attributes.smoothing import TrackSmoother
from rtcnn_perception.core.forward_clock import ForwardClock
from rtcnn_perception.core.geometry.landmarks import FaceRegion
from rtcnn_perception.core.results import Attribute
from rtcnn_perception.core.results import AttributeInfo
from rtcnn_perception.core.results import Face
from rtcnn_perception.core.results import FrameResult


class Classifier(Protocol):
    """Classifies faces."""

    @property
    def attributes(self) -> tuple[AttributeInfo, ...]:
        """Return what is classified, in order."""
        ...

    def classify(self, image: ImageBGR, regions: Sequence[FaceRegion]) -> Classification:
        """Return the crops and the probabilities of each face."""
        ...


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
            row, whole = (0, None) if face.is_coasted else next(rows)
            crop = whole.square.clip_to(*frame.size_wh) if whole else None
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
        self,
        labels: Mapping[str, tuple[str, ...]],
        seen: _Seen,
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
