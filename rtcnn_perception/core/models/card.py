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
The card of a model: kind, name, and the checksums of the graphs beside it.

A card that contradicts its graph is refused, as a network that is fed otherwise than it was
trained fails in silence. ``attributes.card`` and ``detection.card`` say what the two kinds add.
"""

from __future__ import annotations

from abc import ABC
from abc import abstractmethod
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from pathlib import Path
from typing import Any
from typing import ClassVar
from typing import NamedTuple
from typing import TypeVar

from rtcnn_perception.core.models.external_data import embedded
from rtcnn_perception.core.models.fields import expect
from rtcnn_perception.core.models.fields import JsonFields
from rtcnn_perception.core.models.files import check_sha256
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.files import parse_json
from rtcnn_perception.files import read_bytes
from rtcnn_perception.paths import is_file
from rtcnn_perception.paths import is_folder
from rtcnn_perception.paths import with_home

CARD_NAME = 'model.json'
CARD_FORMAT = 2
MAKE = (
    '`rtcnn_perception export` of a training, or `rtcnn_perception adapt` of a network for '
    'attributes that others trained'
)
"""What writes graph and card together."""

ADVICE = f'correct the card, or write it anew with {MAKE}'

Card = TypeVar('Card', bound='ModelCard')


@dataclass(frozen=True, slots=True)
class Int8Graph:
    """
    The graph of a model in integers of eight bits.

    :raises ValueError: naming the field that cannot be
    """

    file: str
    sha256: str

    def __post_init__(self) -> None:
        """Reject what is no file beside the card, or no sha256."""
        _expect_graph('int8.', self.file, self.sha256)


@dataclass(frozen=True, slots=True)
class ModelCard(ABC):
    """
    A model by name, place and sha256.

    ``KIND`` is the value of the field ``kind``, by which a card is known from one of another kind.
    ``file`` is the graph in float32; ``int8`` is the one that computes the same in eight bits,
    where there is one.

    :raises ValueError: naming the field that cannot be
    """

    KIND: ClassVar[str] = ''

    name: str
    directory: Path
    file: str
    sha256: str
    int8: Int8Graph | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        """Reject what is no name, no file beside the card, or no sha256."""
        expect(bool(self.name), 'name', 'a name', self.name)
        _expect_graph('', self.file, self.sha256)

    @property
    def path(self) -> Path:
        """Where the graph lies."""
        return self.directory / self.file

    @property
    def tag(self) -> str:
        """Name and first 8 digits of the sha256, as results report them."""
        return f'{self.name}@{self.sha256[:8]}'

    @classmethod
    def load(cls: type[Card], path: Path) -> Card:
        """
        Read a card and check it against its graph.

        :param path: the folder, the graph, or the card; ``~`` is the user's home
        :raises ModelError: if anything is missing, damaged or contradictory
        """
        path = with_home(path)
        card = card_path(path)
        fields = read_fields(card)
        kind = fields.text('kind')
        if kind != cls.KIND:
            raise fields.refusal('kind', repr(cls.KIND), kind)
        model = cls._from_fields(card, fields)
        if is_file(path) and path not in (card, model.path):
            raise fields.refusal('file', repr(path.name), model.file)
        model.read_model()
        return model

    def read_model(self) -> bytes:
        """
        Return the graph, with the weights that it keeps in files beside it.

        :raises ModelError: if it or such a file is missing, or not the one the card names
        """
        graph = read_graph(self.path)
        advice = 'fetch or export graph and card together'
        check_sha256(graph.files, self.sha256, self.path, advice)
        return graph.content

    def int8_card(self: Card) -> Card | None:
        """Return the card of the graph in eight bits, whose name says so; None without one."""
        if self.int8 is None:
            return None
        file, sha256 = self.int8.file, self.int8.sha256
        return replace(self, name=f'{self.name}_int8', file=file, sha256=sha256, int8=None)

    @classmethod
    @abstractmethod
    def _from_fields(cls: type[Card], card: Path, fields: JsonFields) -> Card:
        """Return what the fields of a card say."""


class GraphFiles(NamedTuple):
    """
    A graph that holds all its weights, and what its sha256 is of.

    ``files`` is the graph's file, and behind it those that it keeps weights in, by their names.
    """

    content: bytes
    files: bytes


def read_graph(path: Path) -> GraphFiles:
    """
    Read a graph and its weights.

    :raises ModelError: if it is missing, or as of :func:`with_weights`
    """
    return with_weights(_read(path, 'the graph that its card names'), path)


def with_weights(graph: bytes, path: Path) -> GraphFiles:
    """
    Read the files beside a graph that it keeps weights in.

    :param path: where the graph lies
    :raises ModelError: if one is missing, or the graph names what is no part of a file beside it
    """
    beside: dict[str, bytes] = {}

    def read(name: str) -> bytes:
        if name not in beside:
            beside[name] = _read(path.parent / name, f'the weights of {path.name}')
        return beside[name]

    try:
        content = embedded(graph, read)
    except ValueError as error:
        raise ModelError(
            f'{path}: expected an ONNX graph with its weights beside it, got one that cannot be '
            f'used ({error}); fetch or export graph and weights together'
        ) from error
    return GraphFiles(content, b''.join((graph, *(beside[name] for name in sorted(beside)))))


def common_fields(card: Path, fields: JsonFields) -> dict[str, Any]:
    """Return the fields that cards of every kind have, as arguments of their class."""
    int8 = fields.section('int8') if 'int8' in fields else None
    return {
        'name': fields.text('name'),
        'directory': card.parent,
        'file': fields.text('file'),
        'sha256': fields.text('sha256'),
        'int8': int8 and Int8Graph(int8.text('file'), int8.text('sha256')),
    }


def _expect_graph(where: str, file: str, sha256: str) -> None:
    is_beside = file not in ('', '.', '..') and Path(file).name == file
    expect(is_beside, f'{where}file', 'the name of a file beside the card', file)
    is_digest = len(sha256) == 64 and set(sha256) <= set('0123456789abcdef')
    expect(is_digest, f'{where}sha256', '64 hexadecimal digits, in lower case', sha256)


def read_fields(card: Path, advice: str = ADVICE) -> JsonFields:
    """
    Read the fields of a card of any kind.

    :param advice: what is to be done about a field that is missing or wrong
    :raises ModelError: if it is missing, is no JSON, or has another format
    """
    try:
        content = parse_json(_read(card, 'the card of a model'))
    except ValueError as error:  # of JSON or of UTF-8
        raise ModelError(
            f'{card}: expected JSON, got what cannot be read as such ({error}); {ADVICE}'
        ) from error
    fields = JsonFields(card, content, advice)
    card_format = fields.integer('format')
    if card_format != CARD_FORMAT:
        raise fields.refusal('format', f'{CARD_FORMAT}', card_format)
    return fields


def kind_of(path: Path) -> str:
    """
    Return the kind of a model by its card.

    :param path: the folder, the graph, or the card
    :raises ModelError: if it has no card, or one that cannot be read
    """
    return read_fields(card_path(path)).text('kind')


def card_path(path: Path) -> Path:
    """
    Return where the card lies for a folder, a graph, or a card; ``~`` is the user's home.

    :raises ModelError: if ``path`` does not exist
    """
    path = with_home(path)
    try:
        path.stat()
    except OSError as error:
        raise ModelError(
            f'{path}: expected a folder with {CARD_NAME} and the graph it names, got nothing '
            f'({error.strerror}); name one that exists, or train and export a model'
        ) from error
    if is_folder(path):
        return path / CARD_NAME
    return path.with_suffix('.json')


def _read(path: Path, what: str) -> bytes:
    try:
        return read_bytes(path)
    except OSError as error:
        raise ModelError(
            f'{path}: expected {what}, got none ({error.strerror}); put graph and card together '
            f'in one folder, or make them with {MAKE}'
        ) from error
