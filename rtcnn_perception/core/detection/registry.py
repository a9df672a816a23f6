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
from pathlib import Path
from types import MappingProxyType
from typing import Final

import cv2
from rtcnn_perception.core.detection.base import Detection
from rtcnn_perception.core.detection.base import Detector
from rtcnn_perception.core.detection.base import DetectorConfig
from rtcnn_perception.core.detection.haar import HaarDetector
from rtcnn_perception.core.detection.rtcnn import RtcnnDetector
from rtcnn_perception.core.detection.yunet import why_opencv_cannot_run_yunet
from rtcnn_perception.core.detection.yunet import YuNetDetector
from rtcnn_perception.core.models.card import CARD_NAME
from rtcnn_perception.core.models.files import YUNET_NAME
from rtcnn_perception.core.models.files import yunet_path
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.paths import is_file
from rtcnn_perception.paths import is_folder
from rtcnn_perception.paths import is_there
from rtcnn_perception.paths import with_home

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

RTCNN_MODEL: Final = 'face'
"""Name of the folder with the model of rtcnn, in a folder of models."""


@dataclass(frozen=True, slots=True)
class LoadedDetector:
    """A detector, and why it was taken, as the end of a sentence that says which it is."""

    detector: Detector
    why: str

    @property
    def tag(self) -> str:
        """Name of the detector, and the tag of its model where that has a card."""
        if isinstance(self.detector, RtcnnDetector):
            return f'{self.detector.name} ({self.detector.spec.tag})'
        return self.detector.name

    @property
    def reason(self) -> str:
        """Which detector was taken, and why, in one sentence."""
        return f'the detector is {self.tag}, {self.why}'


def load_detector(config: DetectorConfig, models_directories: Sequence[Path]) -> LoadedDetector:
    """
    Make the detector that a configuration names.

    ``auto`` is rtcnn where there is a model for it, else YuNet where there is a file for that and
    OpenCV can run it, else Haar. Where a path is named, what lies there decides: a model with a
    card is rtcnn's, any other file YuNet's. What is named and missing, or there and damaged, is an
    error all the same, and no reason to do with less.

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
    return LoadedDetector(detector, 'as configured')


def _choose(config: DetectorConfig, models_directories: Sequence[Path]) -> LoadedDetector:
    if config.model_path:
        return _by_its_model(config, with_home(config.model_path))
    model = _rtcnn_model(config, models_directories)
    if is_there(model):
        rtcnn = _load_rtcnn(config, models_directories)
        return LoadedDetector(rtcnn, f'since its model {model} is there')
    places = ' or '.join(map(str, models_directories)) or 'any folder'
    lack = f'there is no model {RTCNN_MODEL} in {places}'
    path = _yunet_file(config, models_directories)
    obstacle = why_opencv_cannot_run_yunet()
    if not obstacle and not is_file(path):
        obstacle = f"no {yunet_path(Path())} ('rtcnn_perception fetch-yunet' gets it)"
    if obstacle:
        haar = _load_haar(config, models_directories)
        return LoadedDetector(haar, f'since {lack} and {obstacle}')
    yunet = _load_yunet(config, models_directories)
    return LoadedDetector(yunet, f'since {lack} and its file {path} is there')


def _by_its_model(config: DetectorConfig, model: Path) -> LoadedDetector:
    """Load the detector whose model is named: one with a card is rtcnn's, any other YuNet's."""
    if not is_there(model):
        raise ModelError(
            f'{model}: expected a model of rtcnn, which is a folder with {CARD_NAME}, or the file '
            f'of YuNet, {YUNET_NAME}, got nothing; name one that exists, or none for the default'
        )
    if _has_card(model):
        rtcnn = _load_rtcnn(config, ())
        return LoadedDetector(rtcnn, f'since its model {model} is there')
    try:
        yunet = _load_yunet(config, ())
    except ModelError as error:
        raise ModelError(f'{error}; a model of rtcnn has its card beside it') from error
    return LoadedDetector(yunet, f'since its file {model} is there')


def _has_card(path: Path) -> bool:
    """Tell the model of rtcnn from the file of YuNet, which has no card."""
    return is_folder(path) or path.suffix == '.json' or is_file(path.with_suffix('.json'))


def _rtcnn_model(config: DetectorConfig, models_directories: Sequence[Path]) -> Path:
    return _named_or_first(config, models_directories, Path(RTCNN_MODEL))


def _yunet_file(config: DetectorConfig, models_directories: Sequence[Path]) -> Path:
    return _named_or_first(config, models_directories, yunet_path(Path()))


def _named_or_first(config: DetectorConfig, folders: Sequence[Path], default: Path) -> Path:
    """Return the path that was named, else the first that is there, else the first place."""
    if config.model_path:
        return with_home(config.model_path)
    places = [folder / default for folder in folders] or [default]
    return next((path for path in places if is_there(path)), places[0])


def _load_rtcnn(config: DetectorConfig, models_directories: Sequence[Path]) -> Detector:
    return RtcnnDetector.load(
        _rtcnn_model(config, models_directories),
        width=config.width,
        min_score=config.min_score,
        threads=config.threads,
    )


def _load_yunet(config: DetectorConfig, models_directories: Sequence[Path]) -> Detector:
    return YuNetDetector.load(
        _yunet_file(config, models_directories), width=config.width, min_score=config.min_score
    )


def _load_haar(config: DetectorConfig, _models_directories: Sequence[Path]) -> Detector:
    path = with_home(config.model_path) if config.model_path else None
    return HaarDetector.load(path, width=config.width, min_score=config.min_score)


DETECTORS: Final[Mapping[str, Callable[[DetectorConfig, Sequence[Path]], Detector]]] = (
    MappingProxyType({'rtcnn': _load_rtcnn, 'yunet': _load_yunet, 'haar': _load_haar})
)
"""The detectors by name; a configuration may also ask for :data:`AUTO`."""
