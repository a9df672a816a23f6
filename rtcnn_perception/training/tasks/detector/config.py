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

"""The configuration of a training of a detector: scenes, loss, run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Annotated
from typing import Any

from rtcnn_perception.training.engine.config import AtLeastOne
from rtcnn_perception.training.engine.config import Degrees
from rtcnn_perception.training.engine.config import NotNegative
from rtcnn_perception.training.engine.config import Positive
from rtcnn_perception.training.engine.config import Range
from rtcnn_perception.training.engine.config import RunConfig
from rtcnn_perception.training.engine.config import Settings
from rtcnn_perception.training.engine.config import Share
from rtcnn_perception.training.models.detector import STRIDES
from rtcnn_perception.training.tasks.detector.loss import DetectorLossConfig

MULTIPLE = max(STRIDES)
"""Pixels that the sides of an input are multiples of."""

LARGEST = 1024
"""Pixels of the side of a scene; a batch of larger ones fits into no memory."""


@dataclass(frozen=True)
class SceneConfig(Settings):
    """
    How scenes are composed.

    ``sizes`` are the sides of a batch's scenes in pixels, one chosen for each batch. A face of the
    photograph is chosen and scaled to ``least_face`` to ``most_face`` pixels of height, but little
    more than the scene's; ``most_enlarged`` bounds the scale, as enlarged pictures are blurred;
    all but ``small_share`` fill the scene. ``negative_share`` show no face that was chosen, where
    photographs without one are given: any part of these, or, ``anywhere_share`` of them, any part
    of one with faces. ``faces_share`` of the others show one of the faces that are given beside
    photographs; ``mosaic_share`` are made of four, ``nine_share`` of those of nine. Where a
    photograph does not reach, there is one colour or, in ``background_share``, another photograph
    without a face. Faces lower than ``too_small`` pixels are ignored. ``rotation`` is in degrees,
    ``stretch`` bounds the logarithm of width by height. ``front_share`` of the scenes have heads
    of another photograph in front. A part of ``covered_share`` of the faces is covered, by one
    colour or as ``background_share`` says; ``drawn_share`` of the scenes have frames and words
    drawn on them, ``dark_share`` are darkened, ``print_share`` have skulls, drawn faces or
    stencils of faces laid over them, which are background; ``padded_share`` end in black at the
    right and the bottom, as pictures that no multiple of 32 fits; ``blur_share`` are blurred, half
    of them along a line; the rest is as for face crops.
    """

    sizes: tuple[int, ...] = (160, 224, 288)
    least_face: Positive = 9.0
    most_face: Positive = 260.0
    most_enlarged: Positive = 2.5
    small_share: Share = 0.15
    negative_share: Share = 0.3
    anywhere_share: Share = 0.0
    faces_share: Share = 0.0
    mosaic_share: Share = 0.35
    nine_share: Share = 0.0
    background_share: Share = 0.0
    too_small: NotNegative = 7.0
    rotation: Degrees = 12.0
    stretch: Share = 0.0
    front_share: Share = 0.0
    covered_share: Share = 0.0
    drawn_share: Share = 0.0
    dark_share: Share = 0.0
    print_share: Share = 0.0
    padded_share: Share = 0.0
    light: Share = 0.3
    gamma: NotNegative = 0.4
    colour: Share = 0.4
    gray_share: Share = 0.08
    blur_share: Share = 0.1
    noise_share: Share = 0.2
    noise: Annotated[float, Range(0, 255)] = 12.0
    jpeg_share: Share = 0.1

    def __post_init__(self) -> None:
        """Refuse sizes that the network does not take, and bounds that leave nothing to draw."""
        super().__post_init__()
        if not self.sizes or any(
            size % MULTIPLE or not 0 < size <= LARGEST for size in self.sizes
        ):
            raise ValueError(
                f'sizes must be multiples of {MULTIPLE} pixels up to {LARGEST}, got {self.sizes}'
            )
        if self.least_face > self.most_face:
            raise ValueError(
                f'least_face must be at most most_face, got {self.least_face} and {self.most_face}'
            )
        if self.too_small >= self.most_face:
            raise ValueError(
                f'too_small must be below most_face, got {self.too_small} and {self.most_face}'
            )


@dataclass(frozen=True, kw_only=True)
class DetectorTrainConfig(RunConfig):
    """
    A training of a detector.

    ``detector`` is the architecture, ``photographs`` are folders of annotated ones, ``test`` is
    one whose part of that name is evaluated once, when the detector is exported; ``faces`` are
    packed files of faces with boxes, as attribute networks learn from, to be put into scenes. An
    epoch has ``steps`` batches. ``start_from`` is a checkpoint or an exported model of the
    architecture. Photographs without a face are drawn the more often the surer these weights see
    one in them: 1 plus ``hard_negatives`` times the square of the highest score, relative to each
    other.
    """

    detector: str
    photographs: tuple[str, ...]
    test: str = ''
    faces: tuple[str, ...] = ()
    scenes: SceneConfig = field(default_factory=SceneConfig)
    loss: DetectorLossConfig = field(default_factory=DetectorLossConfig)
    epochs: AtLeastOne = 20
    steps: AtLeastOne = 1000
    batch_size: AtLeastOne = 32
    hard_negatives: NotNegative = 0.0
    warmup_epochs: NotNegative = 0.5
    weight_decay: NotNegative = 1e-3

    def __post_init__(self) -> None:
        """Refuse numbers out of their ranges, and faces that no scene would show."""
        super().__post_init__()
        if bool(self.faces) != bool(self.scenes.faces_share):
            raise ValueError(
                'faces and faces_share of [scenes] must be given both or neither, '
                f'got {self.faces!r} and {self.scenes.faces_share}'
            )

        if self.hard_negatives and not self.start_from:
            raise ValueError('hard_negatives needs start_from: they are hard for its weights')

    @classmethod
    def describes(cls, values: Mapping[str, Any]) -> bool:
        """Return whether plain values are a training of a detector."""
        return 'detector' in values
