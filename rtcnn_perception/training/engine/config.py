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
Configurations of trainings: TOML files with only what differs from the defaults.

Keys, types and ranges of numbers are checked against the dataclasses that hold them. Python 3.10
has no ``tomllib``; the extra ``training`` installs ``tomli`` there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import fields
from dataclasses import is_dataclass
from dataclasses import MISSING
import math
from pathlib import Path
import sys
from typing import Annotated
from typing import Any
from typing import get_args
from typing import get_origin
from typing import get_type_hints
from typing import TypeVar

from rtcnn_perception.core.models.fields import LARGEST
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.files import read_text
from rtcnn_perception.paths import is_file

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

T = TypeVar('T')

SHIPPED = Path(__file__).parents[1] / 'configs'
"""The folder of the configurations that ship."""


@dataclass(frozen=True)
class Range:
    """Numbers from ``low`` to ``high``; an open end is excluded, and so is infinity."""

    low: float
    high: float = math.inf
    is_low_open: bool = False
    is_high_open: bool = False

    def __contains__(self, value: float) -> bool:
        """Return whether a number is in the range; NaN is in none."""
        is_end = (value == self.low and self.is_low_open) or (
            value == self.high and self.is_high_open
        )
        return self.low <= value <= self.high and value < math.inf and not is_end

    def __str__(self) -> str:
        if math.isinf(self.high):
            return f'above {self.low}' if self.is_low_open else f'at least {self.low}'
        opening, closing = '(' if self.is_low_open else '[', ')' if self.is_high_open else ']'
        return f'in {opening}{self.low}, {self.high}{closing}'


Share = Annotated[float, Range(0, 1)]
NotNegative = Annotated[float, Range(0)]
Positive = Annotated[float, Range(0, is_low_open=True)]
BelowOne = Annotated[float, Range(0, 1, is_high_open=True)]
Degrees = Annotated[float, Range(0, 180)]
Count = Annotated[int, Range(0)]
AtLeastOne = Annotated[int, Range(1)]
Seed = Annotated[int, Range(0, 2**31 - 1)]


@dataclass(frozen=True)
class Settings:
    """A part of a configuration; its numbers are in the ranges that their types name."""

    def __post_init__(self) -> None:
        for name, hint in get_type_hints(type(self), include_extras=True).items():
            for allowed in getattr(hint, '__metadata__', ()):
                value = getattr(self, name)
                if isinstance(allowed, Range) and value not in allowed:
                    raise ValueError(f'{name} must be {allowed}, got {value}')


@dataclass(frozen=True, kw_only=True)
class RunConfig(Settings):
    """
    What every training has, whatever the task.

    ``seed`` chooses first weights, order and augmentation, and not which data is held out.
    ``learning_rate`` and ``weight_decay`` are those of AdamW; the rate rises over
    ``warmup_epochs`` and falls to nothing over ``epochs``. ``average`` is the decay of the
    averaged weights. ``start_from`` names the weights to start from.
    """

    name: str
    epochs: AtLeastOne = 30
    batch_size: AtLeastOne = 128
    learning_rate: Positive = 2e-3
    warmup_epochs: NotNegative = 1.0
    weight_decay: NotNegative = 0.0
    average: BelowOne = 0.999
    seed: Seed = 1
    start_from: str = ''

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, as a checkpoint keeps them."""
        return asdict(self)


def from_mapping(kind: type[T], values: Mapping[str, Any], where: str) -> T:
    """
    Build a configuration from plain values; unknown keys and wrong types are refused.

    A field whose metadata says ``tables`` takes every table with another key.

    :raises ConfigurationError: naming the key, what was expected and what came
    """
    if not is_dataclass(kind):
        raise TypeError(f'{kind} is no dataclass')
    hints = get_type_hints(kind)
    known = {field.name for field in fields(kind)}
    further = next((field.name for field in fields(kind) if field.metadata.get('tables')), None)
    given = dict(values)
    if further is not None and not isinstance(given.setdefault(further, {}), Mapping):
        raise ConfigurationError(f'{where}.{further} must be a table, got {given[further]!r}')
    others = [key for key in values if key not in known]
    unknown = [key for key in others if further is None or not isinstance(values[key], Mapping)]
    if unknown:
        tables = ' and a table for each attribute' if further else ''
        names = ', '.join(sorted(known - {further}))
        raise ConfigurationError(
            f'{where} has the unknown {"keys" if len(unknown) > 1 else "key"} '
            f'{", ".join(map(repr, unknown))}; known are {names}{tables}'
        )
    if further is not None:
        given[further] = {**given[further], **{key: given.pop(key) for key in others}}
    missing = [
        each.name
        for each in fields(kind)
        if each.init
        and each.name not in given
        and each.default is MISSING
        and each.default_factory is MISSING
    ]
    if missing:
        raise ConfigurationError(f'{where} lacks {" and ".join(missing)}')
    arguments: dict[str, Any] = {
        key: _value(hints[key], value, where if key == further else f'{where}.{key}')
        for key, value in given.items()
    }
    try:
        return kind(**arguments)
    except ValueError as error:
        raise ConfigurationError(f'{where}: {error}') from error


def _value(kind: type, value: object, where: str) -> object:
    """Check one value against its type."""
    if is_dataclass(kind):
        if not isinstance(value, Mapping):
            raise ConfigurationError(f'{where} must be a table, got {value!r}')
        return from_mapping(kind, value, where)
    if get_origin(kind) is tuple:
        return _values(get_args(kind)[0], value, where)
    if get_origin(kind) is Mapping:
        if not isinstance(value, Mapping):
            raise ConfigurationError(f'{where} must be a table, got {value!r}')
        row = get_args(kind)[1]
        return {name: _value(row, each, f'{where}.{name}') for name, each in value.items()}
    if kind is float and type(value) is int and abs(value) <= LARGEST:
        return float(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ConfigurationError(f'{where} must be {kind.__name__}, got {value!r}')
    return value


def _values(kind: type, value: object, where: str) -> tuple[object, ...]:
    """Check a list; a text is a list of one, and in one of tables stands for the first field."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, (list, tuple)):
        raise ConfigurationError(f'{where} must be a list, got {value!r}')
    if is_dataclass(kind):
        first = fields(kind)[0].name
        value = [{first: each} if isinstance(each, str) else each for each in value]
    return tuple(_value(kind, each, where) for each in value)


def read_toml(path: Path) -> dict[str, Any]:
    """
    Read a TOML file.

    :raises ConfigurationError: if the file is missing or is no TOML
    """
    try:
        return tomllib.loads(read_text(path))
    except OSError as error:
        shipped = ', '.join(sorted(file.stem for file in SHIPPED.glob('*.toml')))
        raise ConfigurationError(
            f'cannot read the configuration {path} ({error.strerror}); expected a TOML file, or '
            f'the name of one that ships: {shipped}'
        ) from error
    except RecursionError as error:
        raise ConfigurationError(f'{path} is no TOML: it is nested too deep') from error
    except ValueError as error:  # of TOML, of UTF-8, or of a number with thousands of digits
        raise ConfigurationError(f'{path} is no TOML: {error}') from error


def find_config(name: Path) -> Path:
    """
    Return the path as given, or the configuration of that name that ships with the package.

    A name with a suffix or a folder is a path, and a file takes precedence over what ships.
    """
    is_bare = name.name == str(name) and not name.suffix
    shipped = SHIPPED / f'{name}.toml'
    return shipped if is_bare and not is_file(name) and shipped.is_file() else name
