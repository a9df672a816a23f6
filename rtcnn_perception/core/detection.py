"""Face detectors by name, and the choice between them."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rtcnn_perception.core.detector_protocol import Detection
from rtcnn_perception.core.detector_protocol import Detector
from rtcnn_perception.core.detector_protocol import DetectorConfig

__all__ = [
    'DETECTORS',
    'Detection',
    'Detector',
    'DetectorConfig',
    'LoadedDetector',
    'load_detector',
]


@dataclass(frozen=True, slots=True)
class LoadedDetector:
    """A detector, and in one sentence which it is and why it was taken."""

    detector: Detector
    reason: str


DETECTORS: Mapping[str, Callable[[DetectorConfig, Sequence[Path]], Detector]] = {}


def load_detector(config: DetectorConfig, models_directories: Sequence[Path]) -> LoadedDetector:
    """
    Make the detector that a configuration names.

    :param models_directories: folders in which to look for default model files, first one first;
        ``rtcnn_perception.resources.models_search_path()`` gives those of the installed package
    :raises ConfigurationError: if no detector has that name; the known ones are listed
    :raises ModelError: if the detector's file is missing or damaged, or OpenCV cannot run it
    """
    raise NotImplementedError
