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
The detectors by name, and the choice between them.

A detector is a file in this folder and a row here. All of them return the same kind of box, that
of YuNet and WIDER FACE, from forehead to chin and cheek to cheek, so that crops do not depend on
the detector.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
from rtcnn_perception.core.detection import haar
from rtcnn_perception.core.detection import rtcnn
from rtcnn_perception.core.detection import yunet
from rtcnn_perception.core.detection.base import Detector
from rtcnn_perception.core.detection.base import DetectorConfig
from rtcnn_perception.core.detection.base import DetectorRow
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.paths import is_text
from rtcnn_perception.paths import is_there
from rtcnn_perception.paths import with_home

AUTO: Final = 'auto'

DETECTORS: Final[dict[str, DetectorRow]] = {
    row.name: row for row in (rtcnn.ROW, yunet.ROW, haar.ROW)
}
"""All detectors, in the order in which :data:`AUTO` tries them."""


@dataclass(frozen=True, slots=True)
class LoadedDetector:
    """A detector, and why it was chosen, as the end of a sentence that names it."""

    detector: Detector
    why: str
    default_min_score: float

    @property
    def reason(self) -> str:
        """Which detector was chosen, and why, in one sentence."""
        return f'the detector is {self.detector.tag}, {self.why}'


def detector_names() -> tuple[str, ...]:
    """Return what a configuration may name."""
    return (AUTO, *DETECTORS)


def parse_detector(text: str) -> DetectorConfig:
    """
    Read ``NAME`` or ``NAME=MODEL``, as the command line takes a detector.

    :raises ConfigurationError: if no detector has that name
    """
    name, _, model = text.partition('=')
    if name != AUTO:
        row_called(name)
    return DetectorConfig(name=name, model_path=model)


def row_called(name: str) -> DetectorRow:
    """
    Return the row of a detector.

    :raises ConfigurationError: if no detector has that name; the known ones are listed
    """
    if name not in DETECTORS:
        known = ', '.join(detector_names())
        raise ConfigurationError(f"expected a detector among {known}, got '{name}'")
    return DETECTORS[name]


def load_detector(config: DetectorConfig, models_directories: Sequence[Path]) -> LoadedDetector:
    """
    Make the detector that a configuration names.

    ``auto`` is the first in the registry whose model exists and which runs with this installation.
    Where a model is named, it is the detector that recognises it. A model that is named and
    missing, or exists and is damaged, is an error and no reason to fall back.

    OpenCV's number of threads, which is one for the whole process, becomes that of ``config``.

    :param models_directories: folders in which to look for default models, the first one first;
        ``rtcnn_perception.resources.models_search_path()`` gives those of the installed package
    :raises ConfigurationError: if no detector has that name; the known ones are listed
    :raises ModelError: if the detector's model is missing or damaged, or it cannot run here
    """
    cv2.setNumThreads(config.threads)
    if config.name != AUTO:
        return _load(row_called(config.name), config, models_directories, 'as configured')
    if config.model_path:
        row = _row_of_model(with_home(config.model_path))
        try:
            return _load(row, config, (), f'since its model {config.model_path} is named')
        except ModelError as error:
            why = f'{row.name} was chosen as its model is {row.model_description}'
            raise ModelError(f'{error}; {why}') from error
    obstacles: list[str] = []
    for row in DETECTORS.values():
        obstacle = _obstacle(row, models_directories)
        if not obstacle:
            why = f'since {" and ".join(obstacles)}' if obstacles else 'the default'
            return _load(row, config, models_directories, why)
        obstacles.append(obstacle)
    raise ModelError(f'no detector can be loaded: {"; ".join(obstacles)}')


def _load(
    row: DetectorRow, config: DetectorConfig, folders: Sequence[Path], why: str
) -> LoadedDetector:
    obstacle = row.obstacle()
    if obstacle:
        others = ', '.join(name for name in DETECTORS if name != row.name)
        raise ModelError(f'{obstacle}, or use another detector ({others})')
    path = with_home(config.model_path) if config.model_path else row.locate(folders)
    if not is_text(path):
        raise ModelError(f'the name of {path} is no UTF-8, as models need here; rename it')
    detector = row.load(path, config)
    note = getattr(detector, 'precision_note', '')  # only of detectors with several graphs
    return LoadedDetector(detector, f'{why} ({note})' if note else why, row.default_min_score)


def _obstacle(row: DetectorRow, folders: Sequence[Path]) -> str:
    """Return why a detector cannot be the default here, or nothing."""
    obstacle = row.obstacle()
    if obstacle:
        return obstacle
    try:
        row.locate(folders)
    except ModelError as error:
        return str(error)
    return ''


def _row_of_model(model: Path) -> DetectorRow:
    """Return the detector that recognises a model."""
    known = '; '.join(f'{row.name}: {row.model_description}' for row in DETECTORS.values())
    if not is_there(model):
        raise ModelError(
            f'{model}: expected a model of a detector ({known}), got nothing; '
            'name one that exists, or none for the default'
        )
    for row in DETECTORS.values():
        if row.recognises(model):
            return row
    raise ModelError(f'{model}: expected a model of a detector ({known}), got another file')
