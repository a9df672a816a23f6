"""
What every model's card has: a name, and the file beside it that it speaks of, by its sha256.

A card that contradicts its model is refused, as a network that is fed otherwise than it was
trained fails in silence.
"""

from __future__ import annotations

from abc import ABC
from abc import abstractmethod
from dataclasses import dataclass
import hashlib
import json
from pathlib import Path
from typing import TypeVar

from rtcnn_perception.core.models.fields import expect
from rtcnn_perception.core.models.fields import JsonFields
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.paths import is_file
from rtcnn_perception.paths import is_folder
from rtcnn_perception.paths import with_home

CARD_NAME = 'model.json'
CARD_FORMAT = 1
ADVICE = 'correct the card, or write it anew with `rtcnn_perception export`'

Card = TypeVar('Card', bound='ModelCard')


@dataclass(frozen=True, slots=True)
class ModelCard(ABC):
    """
    A model by name, place and sha256.

    :raises ValueError: naming the field that cannot be
    """

    name: str
    directory: Path
    file: str
    sha256: str

    def __post_init__(self) -> None:
        """Reject what is no name, no file beside the card, or no sha256."""
        expect(bool(self.name), 'name', 'a name', self.name)
        is_beside = self.file not in ('', '.', '..') and Path(self.file).name == self.file
        expect(is_beside, 'file', 'the name of a file beside the card', self.file)
        is_digest = len(self.sha256) == 64 and set(self.sha256) <= set('0123456789abcdef')
        expect(is_digest, 'sha256', '64 hexadecimal digits, in lower case', self.sha256)

    @property
    def path(self) -> Path:
        """Where the network lies."""
        return self.directory / self.file

    @property
    def tag(self) -> str:
        """Name and first 8 digits of the sha256, as results report them."""
        return f'{self.name}@{self.sha256[:8]}'

    @classmethod
    def load(cls: type[Card], path: Path) -> Card:
        """
        Read a card and check it against its model.

        :param path: the folder, the model, or the card; ``~`` is the user's home
        :raises ModelError: if anything is missing, damaged or contradictory
        """
        path = with_home(path)
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
        model = cls._from_fields(card, fields)
        if is_file(path) and path not in (card, model.path):
            raise fields.refusal('file', repr(path.name), model.file)
        model.read_model()
        return model

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
    @abstractmethod
    def _from_fields(cls: type[Card], card: Path, fields: JsonFields) -> Card:
        """Return what the fields of a card say."""


def card_path(path: Path) -> Path:
    """
    Return where the card lies for a folder, a model, or a card; ``~`` is the user's home.

    :raises ModelError: if nothing can be seen at ``path``
    """
    path = with_home(path)
    try:
        path.stat()
    except OSError as error:
        raise ModelError(
            f'{path}: expected a folder with {CARD_NAME} and the model it names, got nothing '
            f'({error.strerror}); name one that exists, or train and export a model'
        ) from error
    if is_folder(path):
        return path / CARD_NAME
    return path if path.suffix == '.json' else path.with_suffix('.json')


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(
            f'{path}: expected {what}, got none ({error.strerror}); '
            f'put model and card together in one folder'
        ) from error
