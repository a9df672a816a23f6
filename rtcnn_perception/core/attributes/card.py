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
The card of an attribute network: how its crops are framed and scaled, and what its outputs mean.

``model.json`` says which output of the graph belongs to which attribute, and the order of its
classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
import math
from pathlib import Path
import re
from typing import ClassVar
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.geometry.crops import CHANNELS
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.core.models.card import common_fields
from rtcnn_perception.core.models.card import ModelCard
from rtcnn_perception.core.models.fields import expect
from rtcnn_perception.core.models.fields import JsonFields
from rtcnn_perception.exceptions import ModelError

DTYPES = ('uint8', 'float32')
MAX_SIDE = 1024
"""Longest side of an input in pixels: anything above is a typing error."""

TAKEN_NAMES = frozenset(
    {
        'all',
        'annotation',
        'attributes',
        'autostart',
        'bond',
        'classifier',
        'image_timeout',
        'join_frames',
        'label',
        'latency_limit_ms',
        'model_paths',
        'pose',
        'qos',
        'saliency',
        'smoothing',
    }
)
"""Names of the classifier's parameters, beside which its attributes have some of their own."""
EXPECTED_NAME = (
    'lower case letters, digits and _, a letter first, and none of '
    f'{", ".join(sorted(TAKEN_NAMES))}'
)


def is_attribute_name(name: str) -> bool:
    """Return whether parameters, options and files can be named by it."""
    return re.fullmatch('[a-z][a-z0-9_]*', name) is not None and name not in TAKEN_NAMES


LONGEST_LABEL: Final = 100
"""Characters of a label, which messages and logs carry with every face."""

EXPECTED_LABELS: Final = (
    f'two or more different names, each of 1 to {LONGEST_LABEL} characters that can be printed'
)


def are_labels(names: Sequence[str]) -> bool:
    """Return whether the classes of an attribute can be called so."""
    are_names = all(each.isprintable() and 0 < len(each) <= LONGEST_LABEL for each in names)
    return len(set(names)) == len(names) >= 2 and are_names


@dataclass(frozen=True, slots=True)
class AttributeHead:
    """
    The output of the graph for one attribute, and its classes in order.

    ``temperature`` divided the scores before the softmax; the graph has it built in.

    :raises ValueError: naming the field that cannot be
    """

    attribute: str
    output: str
    labels: tuple[str, ...]
    temperature: float = 1.0

    def __post_init__(self) -> None:
        expect(is_attribute_name(self.attribute), 'attribute', EXPECTED_NAME, self.attribute)
        expect(bool(self.output), 'output', 'the name of an output of the graph', self.output)
        expect(are_labels(self.labels), 'labels', EXPECTED_LABELS, self.labels)
        is_positive = self.temperature > 0.0 and math.isfinite(self.temperature)
        expect(is_positive, 'temperature', 'a number above 0', self.temperature)


@dataclass(frozen=True, slots=True)
class AttributeCard(ModelCard):
    """
    What the pipeline needs of a card.

    A float32 input takes ``pixel * scale + offset``; a graph with a uint8 input scales by itself.

    :raises ValueError: naming the field that cannot be
    """

    KIND: ClassVar[str] = 'attributes'

    input_name: str
    input_size_hw: tuple[int, int]
    input_dtype: str
    channels: str
    scale: float
    offset: float
    crop: CropGeometry
    heads: tuple[AttributeHead, ...]

    def __post_init__(self) -> None:
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
    def names(self) -> tuple[str, ...]:
        """Return the attributes that this model classifies."""
        return tuple(head.attribute for head in self.heads)

    def head(self, attribute: str) -> AttributeHead:
        """
        Return the head of an attribute.

        :raises ModelError: if the model has none for it
        """
        for head in self.heads:
            if head.attribute == attribute:
                return head
        raise ModelError(
            f'{self.path}: expected a model that classifies {attribute}, got one that classifies '
            f'{" and ".join(self.names)}; name another model, or leave {attribute} out'
        )

    def network_input(self, faces: NDArray[np.uint8]) -> NDArray[np.uint8] | NDArray[np.float32]:
        """
        Return crops as the network takes them.

        :param faces: (N, C, h, w) uint8
        :returns: the crops themselves, or scaled copies where the input is float32
        """
        if self.input_dtype == 'uint8':
            return faces
        scale, offset = np.float32(self.scale), np.float32(self.offset)
        pixels: NDArray[np.float32] = faces.astype(np.float32) * scale + offset
        return pixels

    @classmethod
    def _from_fields(cls, card: Path, fields: JsonFields) -> AttributeCard:
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
                parsed = AttributeHead(
                    attribute=head.text('attribute'),
                    output=head.text('output'),
                    labels=head.texts('labels'),
                    temperature=head.number('temperature'),
                )
            heads.append(parsed)
        with fields.refusing():
            return cls(
                **common_fields(card, fields),
                input_name=source.text('name'),
                input_size_hw=source.size('size_hw'),
                input_dtype=source.text('dtype'),
                channels=source.text('channels'),
                scale=source.number('scale'),
                offset=source.number('offset'),
                crop=geometry,
                heads=tuple(heads),
            )
