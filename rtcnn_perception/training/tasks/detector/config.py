"""What a detector's training is: a TOML file with only what differs from the defaults here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from rtcnn_perception.training.engine.ranges import AtLeastOne
from rtcnn_perception.training.engine.ranges import BelowOne
from rtcnn_perception.training.engine.ranges import check_ranges
from rtcnn_perception.training.engine.ranges import NotNegative
from rtcnn_perception.training.engine.ranges import Positive
from rtcnn_perception.training.engine.ranges import Seed
from rtcnn_perception.training.tasks.detector.loss import DetectorLossConfig
from rtcnn_perception.training.tasks.detector.scenes.config import SceneConfig


@dataclass(frozen=True)
class DetectorTrainConfig:
    """
    A training of a detector.

    ``detector`` is the architecture, ``photographs`` a folder with marks, ``test`` another that is
    judged once, when the detector is exported; ``faces`` a file of faces with boxes, as networks
    for gender learn from, to be put into scenes. An epoch has ``steps`` batches; rates, decay and
    averaging are as for the attribute networks. ``start_from`` is a checkpoint, or the folder of
    an exported model, of the same architecture.
    """

    name: str
    detector: str
    photographs: str
    test: str = ''
    faces: str = ''
    scenes: SceneConfig = field(default_factory=SceneConfig)
    loss: DetectorLossConfig = field(default_factory=DetectorLossConfig)
    epochs: AtLeastOne = 20
    steps: AtLeastOne = 1000
    batch_size: AtLeastOne = 32
    learning_rate: Positive = 2e-3
    warmup_epochs: NotNegative = 0.5
    weight_decay: NotNegative = 1e-3
    average: BelowOne = 0.999
    seed: Seed = 1
    start_from: str = ''

    def __post_init__(self) -> None:
        """Refuse numbers out of their ranges, and faces that no scene would show."""
        check_ranges(self)
        if bool(self.faces) != bool(self.scenes.faces_share):
            raise ValueError(
                'faces and faces_share of [scenes] must be given both or neither, '
                f'got {self.faces!r} and {self.scenes.faces_share}'
            )

    @classmethod
    def describes(cls, values: Mapping[str, Any]) -> bool:
        """Return whether plain values are a detector's training and no attribute network's."""
        return 'detector' in values

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, as a checkpoint keeps them."""
        return asdict(self)
