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
The card of a detector network: how it is fed, and how its outputs are decoded.

``model.json`` gives the size the image is padded to, the strides of the grid that the outputs have
a row for, and which output means what.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from rtcnn_perception.core.detection.base import LEAST_WIDTH
from rtcnn_perception.core.detection.base import MAX_WIDTH
from rtcnn_perception.core.models.card import common_fields
from rtcnn_perception.core.models.card import ModelCard
from rtcnn_perception.core.models.fields import expect
from rtcnn_perception.core.models.fields import JsonFields

CHANNELS = 'bgr'
DTYPE = 'uint8'
"""The graph takes the pixels of the image and scales by itself."""

MAX_MULTIPLE = 256
"""Pixels; anything above is a typing error."""


@dataclass(frozen=True, slots=True)
class DetectorCard(ModelCard):
    """
    What the detector needs of its card.

    ``multiple`` is what height and width of the input are multiples of, ``strides`` those of the
    grid in the order of the outputs' rows, ``width`` the default detection width, all in pixels.
    ``nms_iou`` is the intersection over union above which non-maximum suppression drops the worse
    of two boxes. ``score``, ``box`` and ``landmarks`` are the names of the outputs.

    :raises ValueError: naming the field that cannot be
    """

    KIND: ClassVar[str] = 'detector'

    input_name: str
    multiple: int
    strides: tuple[int, ...]
    nms_iou: float
    width: int
    score: str
    box: str
    landmarks: str

    def __post_init__(self) -> None:
        ModelCard.__post_init__(self)
        expect(bool(self.input_name), 'input.name', 'the name of the input', self.input_name)
        expect(
            1 <= self.multiple <= MAX_MULTIPLE,
            'input.multiple',
            f'from 1 to {MAX_MULTIPLE}',
            self.multiple,
        )
        fit = all(stride >= 1 and self.multiple % stride == 0 for stride in self.strides)
        expect(
            fit and len(set(self.strides)) == len(self.strides) >= 1,
            'strides',
            f'one or more different numbers that divide input.multiple, {self.multiple}',
            self.strides,
        )
        is_share = 0.0 < self.nms_iou <= 1.0
        expect(is_share, 'nms_iou', 'above 0 and at most 1', self.nms_iou)
        is_width = LEAST_WIDTH <= self.width <= MAX_WIDTH
        expect(is_width, 'width', f'from {LEAST_WIDTH} to {MAX_WIDTH}', self.width)
        is_distinct = all(self.outputs) and len(set(self.outputs)) == len(self.outputs)
        expect(is_distinct, 'outputs', 'names of three different outputs', self.outputs)

    @property
    def outputs(self) -> tuple[str, str, str]:
        """Names of the outputs: score, box and landmarks."""
        return self.score, self.box, self.landmarks

    @classmethod
    def _from_fields(cls, card: Path, fields: JsonFields) -> DetectorCard:
        source = fields.section('input')
        for name, only in (('channels', CHANNELS), ('dtype', DTYPE)):
            if source.text(name) != only:
                raise source.refusal(name, repr(only), source.text(name))
        outputs = fields.section('outputs')
        with fields.refusing():
            return cls(
                **common_fields(card, fields),
                input_name=source.text('name'),
                multiple=source.integer('multiple'),
                strides=fields.integers('strides'),
                nms_iou=fields.number('nms_iou'),
                width=fields.integer('width'),
                score=outputs.text('score'),
                box=outputs.text('box'),
                landmarks=outputs.text('landmarks'),
            )
