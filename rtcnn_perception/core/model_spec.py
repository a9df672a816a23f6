"""
The card of a model: what a network was trained to see, beside the network itself.

``model.json`` says how a crop is framed and scaled, which graph output means what and in which
order the classes stand, and by its sha256 which file it speaks of. A card that contradicts its
model is refused, as a network that is fed otherwise than it was trained fails in silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
import hashlib
import json
import math
from pathlib import Path

from rtcnn_perception.core.json_fields import JsonFields
from rtcnn_perception.core.json_fields import shown
from rtcnn_perception.core.labels import ATTRIBUTES
from rtcnn_perception.core.preprocessing import CropGeometry
from rtcnn_perception.exceptions import ModelError

CARD_NAME = 'model.json'
CARD_FORMAT = 1
CHANNELS: Mapping[str, int] = {'gray': 1, 'bgr': 3, 'rgb': 3}
"""How many planes the network's input has for each order of colours."""

DTYPES = ('uint8', 'float32')
MAX_SIDE = 1024
"""Longest side of an input in pixels: anything above is a slip of the pen."""

ADVICE = 'correct the card, or write it anew with `rtcnn_perception export`'


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
        _expect(self.attribute in ATTRIBUTES, 'attribute', f'one of {ATTRIBUTES}', self.attribute)
        _expect(bool(self.output), 'output', 'the name of an output of the graph', self.output)
        is_distinct = len(set(self.labels)) == len(self.labels) >= 2 and all(self.labels)
        _expect(is_distinct, 'labels', 'two or more different names', self.labels)
        is_positive = self.temperature > 0.0 and math.isfinite(self.temperature)
        _expect(is_positive, 'temperature', 'a number above 0', self.temperature)


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """
    What the card says that the pipeline goes by.

    A float32 input takes ``pixel * scale + offset``; a graph with a uint8 input scales by itself.

    :raises ValueError: naming the field that cannot be
    """

    name: str
    directory: Path
    file: str
    sha256: str
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
        _expect(bool(self.name), 'name', 'a name', self.name)
        is_beside = self.file not in ('', '.', '..') and Path(self.file).name == self.file
        _expect(is_beside, 'file', 'the name of a file beside the card', self.file)
        is_digest = len(self.sha256) == 64 and set(self.sha256) <= set('0123456789abcdef')
        _expect(is_digest, 'sha256', '64 hexadecimal digits, in lower case', self.sha256)
        _expect(bool(self.input_name), 'input.name', 'the name of the input', self.input_name)
        is_size = all(1 <= side <= MAX_SIDE for side in self.input_size_hw)
        _expect(
            is_size, 'input.size_hw', f'height and width from 1 to {MAX_SIDE}', self.input_size_hw
        )
        _expect(self.input_dtype in DTYPES, 'input.dtype', f'one of {DTYPES}', self.input_dtype)
        _expect(
            self.channels in CHANNELS, 'input.channels', f'one of {tuple(CHANNELS)}', self.channels
        )
        is_scaling = math.isfinite(self.scale) and math.isfinite(self.offset) and self.scale != 0.0
        if self.input_dtype == 'uint8':
            is_scaling = (self.scale, self.offset) == (1.0, 0.0)
        _expect(
            is_scaling,
            'input.scale and input.offset',
            '1 and 0 for uint8, finite numbers and a scale other than 0 for float32',
            (self.scale, self.offset),
        )
        attributes = [head.attribute for head in self.heads]
        is_distinct = len(set(attributes)) == len(attributes) >= 1
        _expect(is_distinct, 'heads', 'one or more, of different attributes', attributes)

    @property
    def path(self) -> Path:
        """Where the network lies."""
        return self.directory / self.file

    @property
    def tag(self) -> str:
        """Name and first 8 digits of the sha256, as results report them."""
        return f'{self.name}@{self.sha256[:8]}'

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

    @classmethod
    def load(cls, path: Path) -> ModelSpec:
        """
        Read a card and check it against its model.

        :param path: the folder, the model, or the card; ``~`` is the user's home
        :raises ModelError: if anything is missing, damaged or contradictory
        """
        path = path.expanduser()
        card = card_path(path)
        try:
            content = json.loads(_read(card, 'the card of a model'))
        except ValueError as error:  # of JSON or of UTF-8
            raise ModelError(
                f'{card}: expected JSON, got what cannot be read as such ({error}); {ADVICE}'
            ) from error
        fields = JsonFields(card, content, ADVICE)
        card_format = fields.integer('format')
        if card_format != CARD_FORMAT:
            raise fields.refusal('format', f'{CARD_FORMAT}', card_format)
        spec = cls._from_fields(card, fields)
        if path.is_file() and path not in (card, spec.path):
            raise fields.refusal('file', repr(path.name), spec.file)
        spec.read_model()
        return spec

    def read_model(self) -> bytes:
        """
        Return the network as it lies in its file.

        :raises ModelError: if it is missing, or not the one the card speaks of
        """
        content = _read(self.path, 'the model that its card names')
        found = hashlib.sha256(content).hexdigest()
        if found != self.sha256:
            raise ModelError(
                f'{self.path}: expected the sha256 {self.sha256} that its card gives, got {found} '
                f'over {len(content)} bytes; the file is damaged or was replaced: '
                f'fetch or export model and card together'
            )
        return content

    @classmethod
    def _from_fields(cls, card: Path, fields: JsonFields) -> ModelSpec:
        source = fields.section('input')
        crop = fields.section('crop')
        with crop.refusing():
            geometry = CropGeometry(crop.number('margin'), crop.number('shift_down'))
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


def card_path(path: Path) -> Path:
    """
    Return where the card lies for a folder, a model, or a card; ``~`` is the user's home.

    :raises ModelError: if ``path`` does not exist
    """
    path = path.expanduser()
    if path.is_dir():
        return path / CARD_NAME
    if not path.exists():
        raise ModelError(
            f'{path}: expected a folder with {CARD_NAME} and the model it names, got nothing; '
            f'name one that exists, or train and export a model'
        )
    return path if path.suffix == '.json' else path.with_suffix('.json')


def _expect(holds: bool, name: str, expected: str, found: object) -> None:
    if not holds:
        raise ValueError(f'{name} must be {expected}, got {shown(found)}')


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(
            f'{path}: expected {what}, got none ({error.strerror}); '
            f'put model and card together in one folder'
        ) from error
