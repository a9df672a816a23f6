"""
Face detectors by name, and the choice between them.

All detectors mark a face by the same box, that of YuNet and WIDER FACE, from forehead to chin and
cheek to cheek, so that what is cut out about the box does not hang on who found the face.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

import cv2
from rtcnn_perception.core.detector_protocol import Detection
from rtcnn_perception.core.detector_protocol import Detector
from rtcnn_perception.core.detector_protocol import DetectorConfig
from rtcnn_perception.core.haar import HaarDetector
from rtcnn_perception.core.yunet import why_opencv_cannot_run_yunet
from rtcnn_perception.core.yunet import YuNetDetector
from rtcnn_perception.core.yunet_file import YUNET_NAME
from rtcnn_perception.core.yunet_file import yunet_path
from rtcnn_perception.exceptions import ConfigurationError

__all__ = [
    'AUTO',
    'DETECTORS',
    'Detection',
    'Detector',
    'DetectorConfig',
    'LoadedDetector',
    'load_detector',
]

AUTO: Final = 'auto'


@dataclass(frozen=True, slots=True)
class LoadedDetector:
    """A detector, and in one sentence which it is and why it was taken."""

    detector: Detector
    reason: str


def load_detector(config: DetectorConfig, models_directories: Sequence[Path]) -> LoadedDetector:
    """
    Make the detector that a configuration names.

    ``auto`` is YuNet where there is a file for it and OpenCV can run it, and Haar otherwise. A
    file that is there and damaged is an error all the same, and no reason to do with less.

    OpenCV's number of threads, which is one for the whole process, becomes that of ``config``.

    :param models_directories: folders in which to look for default model files, first one first;
        ``rtcnn_perception.resources.models_search_path()`` gives those of the installed package
    :raises ConfigurationError: if no detector has that name; the known ones are listed
    :raises ModelError: if the detector's file is missing or damaged, or OpenCV cannot run it
    """
    cv2.setNumThreads(config.threads)
    if config.name == AUTO:
        return _choose(config, models_directories)
    if config.name not in DETECTORS:
        known = ', '.join((AUTO, *DETECTORS))
        raise ConfigurationError(f"expected a detector out of {known}, got '{config.name}'")
    detector = DETECTORS[config.name](config, models_directories)
    return LoadedDetector(detector, f'the detector is {config.name}, as configured')


def _choose(config: DetectorConfig, models_directories: Sequence[Path]) -> LoadedDetector:
    path = _yunet_file(config, models_directories)
    obstacle = why_opencv_cannot_run_yunet()
    if not obstacle and not config.model_path and not path.is_file():
        places = ' or '.join(str(yunet_path(folder).parent) for folder in models_directories)
        obstacle = (
            f'there is no {YUNET_NAME} in {places or "any folder"} '
            "('rtcnn_perception fetch-yunet' gets it)"
        )
    if obstacle:
        # A path that was named is YuNet's, and no cascade.
        haar = _load_haar(replace(config, model_path=''), models_directories)
        return LoadedDetector(haar, f'the detector is haar, since {obstacle}')
    yunet = _load_yunet(config, models_directories)
    return LoadedDetector(yunet, f'the detector is yunet, since its file {path} is there')


def _yunet_file(config: DetectorConfig, models_directories: Sequence[Path]) -> Path:
    """Return the file that was named, else the first that is there, else the first place."""
    if config.model_path:
        return Path(config.model_path).expanduser()
    candidates = [yunet_path(folder) for folder in models_directories] or [Path(YUNET_NAME)]
    return next((path for path in candidates if path.is_file()), candidates[0])


def _load_yunet(config: DetectorConfig, models_directories: Sequence[Path]) -> Detector:
    return YuNetDetector.load(
        _yunet_file(config, models_directories), width=config.width, min_score=config.min_score
    )


def _load_haar(config: DetectorConfig, _models_directories: Sequence[Path]) -> Detector:
    path = Path(config.model_path).expanduser() if config.model_path else None
    return HaarDetector.load(path, width=config.width, min_score=config.min_score)


DETECTORS: Final[Mapping[str, Callable[[DetectorConfig, Sequence[Path]], Detector]]] = (
    MappingProxyType({'haar': _load_haar, 'yunet': _load_yunet})
)
"""The detectors by name; a configuration may also ask for :data:`AUTO`."""
