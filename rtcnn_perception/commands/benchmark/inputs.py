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

"""What a benchmark takes: how long it measures, clips, models and detectors."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
import math
import os
from pathlib import Path

import cv2
import numpy as np
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.detection.base import DetectorConfig
from rtcnn_perception.core.detection.registry import AUTO
from rtcnn_perception.core.detection.registry import DETECTORS
from rtcnn_perception.core.detection.registry import parse_detector
from rtcnn_perception.core.detection.registry import row_called
from rtcnn_perception.core.sources.builtin import BuiltinClip
from rtcnn_perception.core.sources.builtin import load_portrait
from rtcnn_perception.core.sources.builtin import VISITOR_FRAMES
from rtcnn_perception.core.sources.open import BUILTIN
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.paths import is_folder
from rtcnn_perception.paths import is_there
from rtcnn_perception.paths import with_home
from rtcnn_perception.resources import models_search_path
from rtcnn_perception.resources import share_directory

ONE_FACE_CLIP = 'book.mkv'
CLIPS = ('again.mkv', ONE_FACE_CLIP, 'help.mkv', 'walk.mkv')
"""640x480 at 30 frames per second, one signer, a face in every frame."""

SHIPPED = 'rtcnn'
"""The detector that comes with the package."""

NO_CLIP = 'The clip of one person was missing: the built-in one, with a second person, was used.'

SIZE = (640, 480)
"""Width and height in pixels."""
HEAD_XYWH = (121, 8, 213, 160)
"""The head in the portrait, with the aspect of a frame, in its pixels."""
SWAY_PX = 6.0


ReportProgress = Callable[[str, float], None]
"""Takes what is being measured, and the share of the part that is done, in [0, 1]."""


@dataclass(frozen=True)
class BenchmarkConfig:
    """How long and how often to measure."""

    repeats: int
    seconds: float
    soak_frames: int
    stage_frames: int


@dataclass(frozen=True)
class Inputs:
    """
    What was found.

    ``detectors`` are those that can run, with the paths of their models; parts that compare no
    detectors use the first. ``left_out`` names the others; ``attributes`` are the attributes to
    classify; ``clips`` is empty where there are none.
    """

    detectors: tuple[DetectorConfig, ...]
    left_out: tuple[str, ...]
    attributes: tuple[str, ...]
    clips: tuple[Path, ...]
    data: Path
    models: tuple[Path, ...]

    @property
    def one_face(self) -> str:
        """Return the source with one face: a clip of a person, or else the built-in one."""
        for clip in self.clips:
            if clip.name == ONE_FACE_CLIP:
                return str(clip)
        return BUILTIN

    @property
    def substitutes(self) -> tuple[str, ...]:
        """Return what replaced missing inputs: then targets for one face are not checked."""
        return (NO_CLIP,) if self.one_face == BUILTIN else ()

    def detector(self, name: str) -> DetectorConfig:
        """Return the configuration of a detector that can run."""
        return next(each for each in self.detectors if each.name == name)

    def parameters(self, detector: str = '') -> dict[str, object]:
        """Return parameters of the nodes: attributes and a detector, by default the first."""
        config = self.detector(detector or self.detectors[0].name)
        return {
            'attributes': self.attributes,
            'detector.name': config.name,
            'detector.model_path': config.model_path,
        }


def find_inputs(
    data: Path | None, detectors: Sequence[str] | None, attributes: Sequence[str]
) -> Inputs:
    """
    Find clips, models and detectors.

    :param data: folder of the research data; None for ``RTCNN_DATA``, or the one beside the
        repository
    :param detectors: each as NAME or NAME=MODEL; None for all that can run
    :param attributes: names of the attributes to classify
    :raises ConfigurationError: if ``data`` is named and does not exist, if a detector is unknown,
        cannot run or is named twice, or if none is named
    """
    if data is not None and not is_folder(data):
        raise ConfigurationError(f'there is no folder {data}')
    if data is None:
        beside = share_directory().parent / 'shared' / 'data'
        data = Path(os.environ.get('RTCNN_DATA') or beside)
    baselines = Path(os.environ.get('RTCNN_BASELINES') or data.parent / 'baselines')
    folders = (*models_search_path(), baselines)
    found: list[DetectorConfig] = []
    left_out: list[str] = []
    names = ', '.join(DETECTORS)
    for text in DETECTORS if detectors is None else detectors:
        config = parse_detector(text)
        if config.name == AUTO:
            raise ConfigurationError(f'expected a detector to measure, one of {names}, got {AUTO}')
        if config.name in (each.name for each in found):
            raise ConfigurationError(f'expected each detector once, got {config.name} twice')
        config, obstacle = _with_model(config, folders)
        if not obstacle:
            found.append(config)
        elif detectors is None and config.name != SHIPPED:
            left_out.append(f'{obstacle}: {config.name} is left out.')
        else:
            raise ConfigurationError(obstacle)
    if not found:
        raise ConfigurationError(f'expected a detector to measure, one of {names}, got none')
    clips = [data / 'video' / name for name in CLIPS]
    return Inputs(
        detectors=tuple(found),
        left_out=tuple(left_out),
        attributes=tuple(attributes),
        clips=tuple(clip.resolve() for clip in clips if is_there(clip)),
        data=data,
        models=folders,
    )


def _with_model(config: DetectorConfig, folders: Sequence[Path]) -> tuple[DetectorConfig, str]:
    """Return a configuration with the path of its model, and why it cannot run, or nothing."""
    row = row_called(config.name)
    obstacle = row.obstacle()
    if obstacle:
        return config, obstacle
    try:
        path = with_home(config.model_path) if config.model_path else row.locate(folders)
    except ModelError as error:
        return config, str(error)
    advice = 'name one that exists'
    missing = '' if is_there(path) else f'there is no model of {row.name} at {path}; {advice}'
    return DetectorConfig(name=config.name, model_path=str(path.resolve())), missing


def crowd_clip(faces: int, frames: int) -> list[ImageBGR]:
    """
    Make frames of one person as the built-in clip shows them, or of a crowd that sways.

    :param faces: how many; a square number, for they stand in rows and columns
    :param frames: how many frames, at 30 per second
    :raises ValueError: if ``faces`` is no square number
    """
    side = math.isqrt(max(faces, 0))
    if side * side != faces or faces < 1:
        raise ValueError(f'faces must be a square number from 1 up, got {faces}')
    if faces == 1:
        clip = BuiltinClip()
        return [clip.frame(index % VISITOR_FRAMES[0]) for index in range(frames)]
    x, y, width, height = HEAD_XYWH
    head = load_portrait()[y : y + height, x : x + width]
    cell = (SIZE[0] // side, SIZE[1] // side)
    crowd = np.tile(cv2.resize(head, cell, interpolation=cv2.INTER_AREA), (side, side, 1))
    swaying = []
    for index in range(frames):
        phase = 2 * math.pi * index / 30.0
        matrix = np.array(
            [[1, 0, SWAY_PX * math.sin(phase)], [0, 1, SWAY_PX / 2 * math.sin(2 * phase)]]
        )
        frame = cv2.warpAffine(crowd, matrix, SIZE, borderMode=cv2.BORDER_REPLICATE)
        swaying.append(np.asarray(frame, dtype=np.uint8))
    return swaying
