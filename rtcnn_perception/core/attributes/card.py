"""
The card of a model: what a network was trained to see, beside the network itself.

``model.json`` says how a crop is framed and scaled, which graph output means what and in which
order the classes stand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.core.labels import ATTRIBUTES
from rtcnn_perception.core.models.card import ModelCard
from rtcnn_perception.core.models.fields import expect
from rtcnn_perception.core.models.fields import JsonFields
from rtcnn_perception.exceptions import ModelError

CHANNELS: Mapping[str, int] = {'gray': 1, 'bgr': 3, 'rgb': 3}
"""How many planes the network's input has for each order of colours."""

DTYPES = ('uint8', 'float32')
MAX_SIDE = 1024
"""Longest side of an input in pixels: anything above is a slip of the pen."""


@dataclass(frozen=True, slots=True)
class HeadSpec:
    """
    One attribute that a model judges: the graph's output, and its classes in order.

    ``temperature`` divided the scores before the softmax; the graph has it built in.

    :raises ValueError: naming the field that cannot be
    """

    attribute: str
    output: str
    labels: tuple[str, ...]
    temperature: float = 1.0

    def __post_init__(self) -> None:
        """Reject a head that says nothing."""
        expect(self.attribute in ATTRIBUTES, 'attribute', f'one of {ATTRIBUTES}', self.attribute)
        expect(bool(self.output), 'output', 'the name of an output of the graph', self.output)
        is_distinct = len(set(self.labels)) == len(self.labels) >= 2 and all(self.labels)
        expect(is_distinct, 'labels', 'two or more different names', self.labels)
        is_positive = self.temperature > 0.0 and math.isfinite(self.temperature)
        expect(is_positive, 'temperature', 'a number above 0', self.temperature)


@dataclass(frozen=True, slots=True)
class ModelSpec(ModelCard):
    """
    What the card says that the pipeline goes by.

    A float32 input takes ``pixel * scale + offset``; a graph with a uint8 input scales by itself.

    :raises ValueError: naming the field that cannot be
    """

    input_name: str
    input_size_hw: tuple[int, int]
    input_dtype: str
    channels: str
    scale: float
    offset: float
    crop: CropGeometry
    heads: tuple[HeadSpec, ...]

    def __post_init__(self) -> None:
        """Reject what no model can be."""
        ModelCard.__post_init__(self)
        expect(bool(self.input_name), 'input.name', 'the name of the input', self.input_name)
        is_size = all(1 <= side <= MAX_SIDE for side in self.input_size_hw)
        expect(
            is_size, 'input.size_hw', f'height and width from 1 to {MAX_SIDE}', self.input_size_hw
        )
        expect(self.input_dtype in DTYPES, 'input.dtype', f'one of {DTYPES}', self.input_dtype)
        expect(
            self.channels in CHANNELS, 'input.channels', f'one of {tuple(CHANNELS)}', self.channels
        )
        is_scaling = math.isfinite(self.scale) and math.isfinite(self.offset) and self.scale != 0.0
        if self.input_dtype == 'uint8':
            is_scaling = (self.scale, self.offset) == (1.0, 0.0)
        expect(
            is_scaling,
            'input.scale and input.offset',
            '1 and 0 for uint8, finite numbers and a scale other than 0 for float32',
            (self.scale, self.offset),
        )
        attributes = [head.attribute for head in self.heads]
        is_distinct = len(set(attributes)) == len(attributes) >= 1
        expect(is_distinct, 'heads', 'one or more, of different attributes', attributes)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of the input of one face."""
        return CHANNELS[self.channels], *self.input_size_hw

    @property
    def attributes(self) -> tuple[str, ...]:
        """What this model judges."""
        return tuple(head.attribute for head in self.heads)

    def head(self, attribute: str) -> HeadSpec:
        """
        Return the head of an attribute.

        :raises ModelError: if the model does not judge it
        """
        for head in self.heads:
            if head.attribute == attribute:
                return head
        raise ModelError(
            f'{self.path}: expected a model that judges {attribute}, got one that judges '
            f'{" and ".join(self.attributes)}; name another model, or turn {attribute} off'
        )

    def network_input(self, faces: NDArray[np.uint8]) -> NDArray[np.uint8] | NDArray[np.float32]:
        """
        Return faces as the network takes them.

        :param faces: (N, C, h, w) uint8
        :returns: the faces themselves, or scaled in new pixels where the input is float32
        """
        if self.input_dtype == 'uint8':
            return faces
        scale, offset = np.float32(self.scale), np.float32(self.offset)
        pixels: NDArray[np.float32] = faces.astype(np.float32) * scale + offset
        return pixels

    @classmethod
    def _from_fields(cls, card: Path, fields: JsonFields) -> ModelSpec:
        source = fields.section('input')
        crop = fields.section('crop')
        with crop.refusing():
            geometry = CropGeometry(
                margin=crop.number('margin'),
                shift_down=crop.number('shift_down'),
                upright=crop.flag('upright', default=False),
            )
        heads = []
        for head in fields.sections('heads'):
            with head.refusing():
                spec = HeadSpec(
                    attribute=head.text('attribute'),
                    output=head.text('output'),
                    labels=head.texts('labels'),
                    temperature=head.number('temperature'),
                )
            heads.append(spec)
        with fields.refusing():
            return cls(
                name=fields.text('name'),
                directory=card.parent,
                file=fields.text('file'),
                sha256=fields.text('sha256'),
                input_name=source.text('name'),
                input_size_hw=source.size('size_hw'),
                input_dtype=source.text('dtype'),
                channels=source.text('channels'),
                scale=source.number('scale'),
                offset=source.number('offset'),
                crop=geometry,
                heads=tuple(heads),
            )
