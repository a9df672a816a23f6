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

"""The fields of a JSON object by type, where a wrong one is refused by file and name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from rtcnn_perception.exceptions import ModelError

T = TypeVar('T')

LARGEST = 2**53
"""Above it a float no longer holds every whole number; nothing in a card comes near."""


class JsonFields:
    """
    The fields of one object in a file.

    Every method raises ModelError for a field that is missing or of another type.

    :raises ModelError: if ``content`` is no object
    """

    def __init__(self, path: Path, content: object, advice: str, where: str = '') -> None:
        """Take the object that lies at ``where`` in the file; ``advice`` says what to do."""
        self._path = path
        self._advice = advice
        self._where = where
        if not isinstance(content, dict):
            raise ModelError(
                f'{path}: {where.rstrip(".") or "the file"} must be an object, '
                f'got {shown(content)}; {advice}'
            )
        self._content: dict[str, object] = content

    def __contains__(self, name: str) -> bool:
        """Return whether there is such a field."""
        return name in self._content

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Turn a ValueError, which begins with the name of a field, into a refusal of it."""
        try:
            yield
        except ValueError as error:
            raise ModelError(f'{self._path}: {self._where}{error}; {self._advice}') from error

    def refusal(self, name: str, expected: str, found: object) -> ModelError:
        """Return the error that says what is wrong with a field."""
        return ModelError(
            f'{self._path}: {self._where}{name} must be {expected}, got {shown(found)}; '
            f'{self._advice}'
        )

    def section(self, name: str) -> JsonFields:
        """Return an object within this one."""
        content = self._get(name, dict, 'an object')
        return JsonFields(self._path, content, self._advice, f'{self._where}{name}.')

    def sections(self, name: str) -> tuple[JsonFields, ...]:
        """Return a list of objects."""
        return tuple(
            JsonFields(self._path, content, self._advice, f'{self._where}{name}[{index}].')
            for index, content in enumerate(self._get(name, list, 'a list of objects'))
        )

    def text(self, name: str) -> str:
        """Return a text."""
        return self._get(name, str, 'a text')

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts."""
        found = self._get(name, list, 'a list of texts')
        if not all(isinstance(each, str) for each in found):
            raise self.refusal(name, 'a list of texts', found)
        return tuple(found)

    def number(self, name: str) -> float:
        """Return a number, whole or not."""
        found = self._content.get(name)
        if type(found) is int and abs(found) <= LARGEST:
            return float(found)
        return self._get(name, float, 'a number')

    def integer(self, name: str) -> int:
        """Return a whole number."""
        found = self._get(name, int, 'a whole number')
        if type(found) is not int:  # a bool is an int to Python
            raise self.refusal(name, 'a whole number', found)
        return found

    def flag(self, name: str, *, default: bool) -> bool:
        """Return true or false, or the default where the field is missing."""
        return self._get(name, bool, 'true or false') if name in self._content else default

    def integers(self, name: str) -> tuple[int, ...]:
        """Return a list of whole numbers."""
        found = self._get(name, list, 'a list of whole numbers')
        if any(type(each) is not int for each in found):
            raise self.refusal(name, 'a list of whole numbers', found)
        return tuple(found)

    def size(self, name: str) -> tuple[int, int]:
        """Return height and width."""
        found = self._get(name, list, 'height and width')
        if len(found) != 2 or any(type(side) is not int for side in found):
            raise self.refusal(name, 'two whole numbers, height and width', found)
        return found[0], found[1]

    def _get(self, name: str, kind: type[T], expected: str) -> T:
        if name not in self._content:
            raise ModelError(f'{self._path}: {self._where}{name} is missing; {self._advice}')
        found = self._content[name]
        if not isinstance(found, kind):
            raise self.refusal(name, expected, found)
        return found


def expect(holds: bool, name: str, expected: str, found: object) -> None:
    """
    Refuse the value of a field, in the words of :meth:`JsonFields.refusing`.

    :raises ValueError: beginning with the name of the field, unless the condition holds
    """
    if not holds:
        raise ValueError(f'{name} must be {expected}, got {shown(found)}')


def shown(value: object, longest: int = 80) -> str:
    """Return a value as a message shows it, cut where it is long."""
    text = repr(value)
    return text if len(text) <= longest else f'{text[:longest]}...'
