"""
The card of a face detector: how its network is fed, and how its outputs are read.

``model.json`` gives the size the image is padded to, the strides of the cells the outputs have a
row for, and which output means what.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rtcnn_perception.core.detection.base import LEAST_WIDTH
from rtcnn_perception.core.detection.base import MAX_WIDTH
from rtcnn_perception.core.models.card import ModelCard
from rtcnn_perception.core.models.fields import expect
from rtcnn_perception.core.models.fields import JsonFields

CHANNELS = 'bgr'
DTYPE = 'uint8'
"""The image goes in as the camera gives it; the graph scales by itself."""

MAX_MULTIPLE = 256
"""Pixels; anything above is a slip of the pen."""


@dataclass(frozen=True, slots=True)
class DetectorSpec(ModelCard):
    """
    What the card says that the detector goes by.

    ``multiple`` is what height and width of the input are multiples of, ``strides`` the sides of
    the cells in the order of the outputs' rows, ``width`` that of detection where none is asked
    for, all in pixels. Of two boxes that overlap by more than ``suppression_iou`` one goes.
    ``score``, ``box`` and ``landmarks`` are the names of the outputs.

    :raises ValueError: naming the field that cannot be
    """

    input_name: str
    multiple: int
    strides: tuple[int, ...]
    suppression_iou: float
    width: int
    score: str
    box: str
    landmarks: str

    def __post_init__(self) -> None:
        """Reject what no detector can be."""
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
        is_share = 0.0 < self.suppression_iou <= 1.0
        expect(is_share, 'suppression_iou', 'above 0 and at most 1', self.suppression_iou)
        is_width = LEAST_WIDTH <= self.width <= MAX_WIDTH
        expect(is_width, 'width', f'from {LEAST_WIDTH} to {MAX_WIDTH}', self.width)
        is_distinct = all(self.outputs) and len(set(self.outputs)) == len(self.outputs)
        expect(is_distinct, 'outputs', 'names of three different outputs', self.outputs)

    @property
    def outputs(self) -> tuple[str, str, str]:
        """Names of the outputs: score, box and landmarks."""
        return self.score, self.box, self.landmarks

    @classmethod
    def _from_fields(cls, card: Path, fields: JsonFields) -> DetectorSpec:
        source = fields.section('input')
        for name, only in (('channels', CHANNELS), ('dtype', DTYPE)):
            if source.text(name) != only:
                raise source.refusal(name, repr(only), source.text(name))
        outputs = fields.section('outputs')
        with fields.refusing():
            return cls(
                name=fields.text('name'),
                directory=card.parent,
                file=fields.text('file'),
                sha256=fields.text('sha256'),
                input_name=source.text('name'),
                multiple=source.integer('multiple'),
                strides=fields.integers('strides'),
                suppression_iou=fields.number('suppression_iou'),
                width=fields.integer('width'),
                score=outputs.text('score'),
                box=outputs.text('box'),
                landmarks=outputs.text('landmarks'),
            )
