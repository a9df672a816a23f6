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
What the pipeline says about one frame.

One ``FrameResult`` goes through all stages; each returns a new one with what it adds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
import math

from rtcnn_perception.core.arrays import Landmarks
from rtcnn_perception.core.arrays import Probabilities
from rtcnn_perception.core.attributes.labels import UNSURE
from rtcnn_perception.core.frame import Frame
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.landmarks import FaceRegion
from rtcnn_perception.core.geometry.landmarks import NO_POINTS
from rtcnn_perception.core.pose.head_pose import HeadPose
from rtcnn_perception.core.tracking.track import Track
from rtcnn_perception.core.tracking.track import TrackState

ANSWERS = frozenset({'yes', 'no', 'true', 'false'})
"""Labels that mean nothing without the name of their attribute."""


@dataclass(frozen=True, slots=True)
class AttributeInfo:
    """An attribute that is classified: its name, its classes in order, and the model's tag."""

    name: str
    labels: tuple[str, ...]
    model: str


@dataclass(frozen=True, slots=True)
class Attribute:
    """
    What a network predicts for one attribute of a face.

    ``probabilities`` (C,) are smoothed over the track, ``raw_probabilities`` (C,) are those of
    this frame alone. ``label`` is the class that has led for a while, empty where the attribute is
    not labelled; ``confidence`` is its smoothed probability in [0, 1], 0 without a label.
    """

    label: str
    confidence: float
    probabilities: Probabilities
    raw_probabilities: Probabilities
    is_unsure: bool = False

    @classmethod
    def of(
        cls,
        labels: tuple[str, ...],
        probabilities: Probabilities,
        raw: Probabilities,
        index: int | None = None,
    ) -> Attribute:
        """
        Make it of smoothed and raw probabilities (C,), in the order of the labels.

        :param index: of the label; None for the most probable one
        """
        chosen = int(probabilities.argmax()) if index is None else index
        return cls(labels[chosen], float(probabilities[chosen]), probabilities, raw)

    def without_label(self) -> Attribute:
        """Return the same without a label."""
        return replace(self, label='', confidence=0.0)

    @property
    def shown_label(self) -> str:
        """Return what people read: the label, that it is unsure, or nothing."""
        return UNSURE if self.is_unsure else self.label

    def text(self, number_format: str) -> str:
        """Return what people read, with the confidence of a label that is sure."""
        if self.is_unsure:
            return UNSURE
        return f'{self.label} {self.confidence:{number_format}}'


@dataclass(frozen=True, slots=True)
class Face:
    """
    A tracked face, and what the networks predict for it.

    ``crop`` is the part inside the image of the square that the first network took, before it was
    rotated; ``quality`` is in [0, 1], and 0 while the track is coasted; ``attributes`` are
    by name, in the order in which they were asked for. They are empty before classification.
    ``pose`` is that of the head, None where it was not estimated.
    """

    track: Track
    crop: BoundingBox | None = None
    quality: float = 0.0
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    pose: HeadPose | None = None

    @property
    def track_id(self) -> int:
        """Return the number of the track."""
        return self.track.track_id

    @property
    def box(self) -> BoundingBox:
        """Box in pixels, which may reach beyond the image."""
        return self.track.box

    @property
    def landmarks(self) -> Landmarks | None:
        """Landmarks in pixels, a row for each of the result's ``landmark_names``."""
        return self.track.landmarks

    @property
    def is_coasted(self) -> bool:
        """Whether the detector did not find the face in its last run."""
        return self.track.state is TrackState.COASTED


@dataclass(frozen=True, slots=True)
class FrameResult:
    """
    A frame, its faces, and what it took to find and classify them.

    ``detector`` is the tag of what found the faces and ``landmark_names`` what their landmarks
    are; ``attributes`` are those that were asked for. ``detect_s``, ``classify_s`` and
    ``latency_s``, from the frame's stamp to the publication, are in seconds, NaN where they were
    not measured. ``frames_dropped`` counts the frames that gave way to newer ones up to this one.
    """

    frame: Frame
    faces: tuple[Face, ...] = ()
    detector: str = ''
    landmark_names: tuple[str, ...] = NO_POINTS
    attributes: tuple[AttributeInfo, ...] = ()
    detect_s: float = math.nan
    classify_s: float = math.nan
    latency_s: float = math.nan
    frames_dropped: int = 0

    def texts(self, face: Face, number_format: str = '') -> list[str]:
        """
        Return what people read of a face: the label of each attribute that has one.

        The attribute is named where its labels do not say it, as of two with yes and no.

        :param number_format: of the confidence; none without it
        """
        unclear = _unclear(self.attributes)
        shown = {name: each for name, each in face.attributes.items() if each.shown_label}
        return [
            f'{name} ' * (name in unclear)
            + (each.text(number_format) if number_format else each.shown_label)
            for name, each in shown.items()
        ]

    def region(self, face: Face) -> FaceRegion:
        """Return box and landmarks of one of the faces."""
        return FaceRegion(face.box, face.landmarks, self.landmark_names)


def _unclear(attributes: Sequence[AttributeInfo]) -> set[str]:
    """Return the attributes that have a label of another one, or such as yes and no."""
    count = Counter(label for each in attributes for label in each.labels)
    return {
        each.name
        for each in attributes
        if any(count[label] > 1 or label.lower() in ANSWERS for label in each.labels)
    }
