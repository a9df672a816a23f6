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

"""Parameters of the detector node."""

from __future__ import annotations

from dataclasses import dataclass

from rtcnn_perception.core.detection.base import DetectorConfig
from rtcnn_perception.core.detection.base import LEAST_WIDTH
from rtcnn_perception.core.detection.base import MAX_WIDTH
from rtcnn_perception.core.detection.registry import detector_names
from rtcnn_perception.core.detection.registry import DETECTORS
from rtcnn_perception.core.images import RIGHT_ANGLES
from rtcnn_perception.core.models.precision import PRECISIONS
from rtcnn_perception.core.tracking.tracker import MOST_TRACKS
from rtcnn_perception.core.tracking.tracker import TrackerConfig
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.nodes.parameters.declaration import ReadAt
from rtcnn_perception.nodes.parameters.declaration import setting
from rtcnn_perception.nodes.parameters.node import NodeParameters
from rtcnn_perception.nodes.parameters.node import PRECISION_DESCRIPTION
from rtcnn_perception.nodes.parameters.node import QOS_DESCRIPTION
from rtcnn_perception.nodes.qos import QOS

_DETECTOR = DetectorConfig()
_TRACKER = TrackerConfig()


@dataclass(frozen=True)
class DetectorGroup:
    """Detection."""

    name: str = setting(
        _DETECTOR.name,
        'auto is the first whose model exists: rtcnn, which comes with the package',
        choices=detector_names,
    )
    model_path: str = setting(
        _DETECTOR.model_path,
        'model of the detector ('
        + '; '.join(f'{row.name}: {row.model_description}' for row in DETECTORS.values())
        + '); empty for the default',
    )
    width: int = setting(
        _DETECTOR.width,
        f'width to which an image is scaled down for detection: 0, or {LEAST_WIDTH} and more; a '
        'larger one finds smaller faces and takes longer, and no image is enlarged; above 512 '
        "rtcnn also searches at half the width, for near faces; 0 for the detector's default ("
        + ', '.join(f'{row.name} {row.default_width}' for row in DETECTORS.values())
        + ')',
        unit='pixel',
        minimum=0,
        maximum=MAX_WIDTH,
    )
    min_score: float = setting(
        _DETECTOR.min_score,
        'minimum score of a detection, after its check where it has one; lower it where a missed '
        'face costs more than a false one; '
        "0 for the detector's default ("
        + ', '.join(f'{row.name} {row.default_min_score}' for row in DETECTORS.values())
        + ')',
        minimum=0.0,
        maximum=1.0,
        is_live=True,
    )
    every_n: int = setting(
        1,
        'the detector runs on every n-th frame; tracks predict the boxes between',
        unit='frames',
        minimum=1,
        maximum=100,
        is_live=True,
    )
    rotation: int = setting(
        0,
        'clockwise rotation of an image for detection, 0, 90, 180 or 270: for a camera mounted on '
        'its side or upside down; boxes stay in pixels of the image as it comes, and the detector '
        'must find eyes and mouth (rtcnn, yunet)',
        unit='degree',
        minimum=0,
        maximum=270,
    )
    threads: int = setting(
        _DETECTOR.threads,
        'threads of the detector; OpenCV uses as many in the whole process',
        minimum=1,
        maximum=64,
    )
    precision: str = setting(_DETECTOR.precision, PRECISION_DESCRIPTION, choices=PRECISIONS)
    check: bool = setting(
        _DETECTOR.check,
        'whether a small network looks again at what the detector is unsure of, where its model '
        'has one (rtcnn); without it there are more false faces, and crowds take less time',
    )

    def __post_init__(self) -> None:
        if 0 < self.width < LEAST_WIDTH:
            raise ConfigurationError(
                f'parameter detector.width must be 0, or {LEAST_WIDTH} and more, got {self.width}'
            )
        if self.rotation not in RIGHT_ANGLES:
            known = ', '.join(map(str, RIGHT_ANGLES))
            raise ConfigurationError(
                f'parameter detector.rotation must be one of {known}, got {self.rotation}'
            )


@dataclass(frozen=True)
class TrackerGroup:
    """Tracking."""

    confirm_score: float = setting(
        _TRACKER.confirm_score,
        'a detection of this score or more confirms a track at once',
        minimum=0.0,
        maximum=1.0,
        is_live=True,
    )
    confirm_hits: int = setting(
        _TRACKER.confirm_hits,
        'detections in a row that confirm a track',
        minimum=1,
        maximum=100,
        is_live=True,
    )
    keep_ratio: float = setting(
        _TRACKER.keep_ratio,
        'share of the minimum score of a detection from which on it continues a track with '
        'confirm_hits detections, but begins none; 1 asks for the whole score',
        minimum=0.05,
        maximum=1.0,
        is_live=True,
    )
    max_coast: float = setting(
        _TRACKER.max_coast_s,
        'time for which a track lives without a detection',
        unit='s',
        minimum=0.0,
        maximum=60.0,
        is_live=True,
    )
    max_tracks: int = setting(
        _TRACKER.max_tracks,
        'maximum number of tracks at once',
        minimum=1,
        maximum=MOST_TRACKS,
        is_live=True,
    )
    first_id: int = setting(
        0,
        'id of the first track; 0 takes it from the clock, so that the ids of a process that is '
        'started again are others than before',
        minimum=0,
        maximum=2**31 - 1,
        read_at=ReadAt.START,
    )


@dataclass(frozen=True)
class DetectorParameters(NodeParameters):
    """Detection and tracking."""

    qos: str = setting('auto', QOS_DESCRIPTION, choices=tuple(QOS), read_at=ReadAt.ACTIVATION)
    detector: DetectorGroup = DetectorGroup()
    tracker: TrackerGroup = TrackerGroup()
