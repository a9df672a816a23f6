"""What a detector's training is: a TOML file with only what differs from the defaults here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.training.detection.detector_losses import DetectorLossConfig
from rtcnn_perception.training.detection.scenes import SceneConfig


@dataclass(frozen=True)
class DetectorTrainConfig:
    """
    A training of a detector.

    ``detector`` is the architecture, ``photographs`` a folder with marks, ``test`` another that is
    judged once, when the detector is exported; ``faces`` a file of faces with boxes, as networks
    for gender learn from, to be put into scenes. An epoch has ``steps`` batches; rates, decay and
    averaging are as for the attribute networks.
    """

    name: str
    detector: str
    photographs: str
    test: str = ''
    faces: str = ''
    scenes: SceneConfig = field(default_factory=SceneConfig)
    loss: DetectorLossConfig = field(default_factory=DetectorLossConfig)
    epochs: int = 20
    steps: int = 1000
    batch_size: int = 32
    learning_rate: float = 2e-3
    warmup_epochs: float = 0.5
    weight_decay: float = 1e-3
    average: float = 0.999
    seed: int = 1
    start_from: str = ''

    def __post_init__(self) -> None:
        """Reject numbers that cannot train."""
        for name in ('epochs', 'steps', 'batch_size', 'learning_rate'):
            if getattr(self, name) <= 0:
                raise ConfigurationError(f'{name} must be above 0, got {getattr(self, name)}')
        if not 0.0 <= self.average < 1.0:
            raise ConfigurationError(f'average must be in [0, 1), got {self.average}')

    @classmethod
    def describes(cls, values: Mapping[str, Any]) -> bool:
        """Return whether plain values are a detector's training and no attribute network's."""
        return 'detector' in values

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, as a checkpoint keeps them."""
        return asdict(self)
