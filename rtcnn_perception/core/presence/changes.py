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

"""What changes about a face, and when."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
import math

from rtcnn_perception.core.frame import Frame
from rtcnn_perception.core.presence.averages import MAX_SECONDS
from rtcnn_perception.core.results import Face
from rtcnn_perception.exceptions import ConfigurationError

PAUSE_S = 2.0
"""Seconds without a good view, at least, after which views are counted anew."""


class ChangeKind(Enum):
    """What changed about a face; the values are those of FaceEvent.msg."""

    APPEARED = 0
    LEFT = 1
    STARTED_LOOKING = 2
    STOPPED_LOOKING = 3
    LABEL_CHANGED = 4


@dataclass(frozen=True, slots=True)
class Change:
    """
    Something changed about a face.

    ``face`` is as in ``frame``, the last one in which it was found, kept without its image;
    ``attribute``, ``label`` and ``previous_label`` are those of a changed label.
    """

    kind: ChangeKind
    face: Face
    frame: Frame
    attribute: str = ''
    label: str = ''
    previous_label: str = ''


@dataclass(frozen=True)
class PresenceConfig:
    """
    When something has changed, and over what attributes are averaged.

    A face appears once ``appear_s`` seconds lie between its first detection and the present one,
    and leaves after ``leave_s`` without one. It starts and stops looking once its state has been
    the other one for ``looking_s``, and looks no more where its orientation is unknown for as
    long. The stable label of an attribute is that of the mean over
    ``seconds`` of the views with a quality of at least ``min_quality``; it changes where another
    class leads by ``label_margin`` (a difference of probabilities), as found every 0.2 s, and is
    known, or changes, from ``label_views`` views on: counted since the first one, or since a pause
    of more than ``seconds`` and of ``PAUSE_S``. It is none any more where most views have none.

    :raises ConfigurationError: if a value is out of range
    """

    appear_s: float = 0.3
    leave_s: float = 1.0
    looking_s: float = 0.5
    label_margin: float = 0.1
    label_views: int = 5
    seconds: float = 5.0
    min_quality: float = 0.3

    def __post_init__(self) -> None:
        for name, value, lowest, highest in (
            ('appear_s', self.appear_s, 0.0, math.inf),
            ('leave_s', self.leave_s, 0.0, math.inf),
            ('looking_s', self.looking_s, 0.0, math.inf),
            ('label_margin', self.label_margin, 0.0, 1.0),
            ('label_views', self.label_views, 1, math.inf),
            ('seconds', self.seconds, 0.0, MAX_SECONDS),
            ('min_quality', self.min_quality, 0.0, 1.0),
        ):
            if not (lowest <= value <= highest and math.isfinite(value)):
                raise ConfigurationError(
                    f'{name} must be in [{lowest:g}, {highest:g}], got {value}'
                )
