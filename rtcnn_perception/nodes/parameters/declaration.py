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
Parameters as one table: default, unit, bound and meaning stand in a dataclass's fields.

A field made by ``setting`` is a parameter, one made by ``setting_of_each`` a parameter for each
item of a list; a field whose default is such a dataclass is a group, and the names of its
parameters are joined to its own by a dot.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
import dataclasses
from dataclasses import dataclass
from enum import Enum
from functools import partial
import math
from typing import Any
from typing import cast
from typing import ClassVar
from typing import Protocol
from typing import TypeAlias
from typing import TypeVar

from rcl_interfaces.msg import FloatingPointRange
from rcl_interfaces.msg import IntegerRange
from rcl_interfaces.msg import ParameterDescriptor
from rclpy.exceptions import ParameterException
from rclpy.node import Node
from rclpy.parameter import Parameter
from rtcnn_perception.exceptions import ConfigurationError


class Group(Protocol):
    """A frozen dataclass of settings and of groups."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


T = TypeVar('T', bool, int, float, str, 'tuple[str, ...]')
G = TypeVar('G', bound=Group)

Value: TypeAlias = 'bool | int | float | str | tuple[str, ...]'
"""What a parameter may be; a tuple of texts is a list of strings to ROS."""


class ReadAt(Enum):
    """When a node reads a parameter; the value says when it may be changed, in documents."""

    START = 'start'
    CONFIGURATION = 'unconfigured'
    ACTIVATION = 'inactive'
    ALWAYS = 'live'


@dataclass(frozen=True)
class Setting:
    """A parameter besides its name; see ``setting``."""

    default: Value
    description: str
    unit: str = ''
    minimum: float = -math.inf
    maximum: float = math.inf
    choose_from: Callable[[], tuple[str, ...]] = tuple
    read_at: ReadAt = ReadAt.CONFIGURATION

    @property
    def choices(self) -> tuple[str, ...]:
        """Return the values that a text may have; empty for any."""
        return self.choose_from()

    @property
    def has_bounds(self) -> bool:
        """Whether a number must lie between two others."""
        return math.isfinite(self.minimum) and math.isfinite(self.maximum)

    @property
    def full_description(self) -> str:
        """Meaning and unit."""
        return f'{self.description} [{self.unit}]' if self.unit else self.description

    @property
    def expected(self) -> str:
        """Return what a value must be, as the second half of a sentence."""
        if self.choices:
            return f'one of {", ".join(self.choices)}'
        if isinstance(self.default, bool):
            return 'true or false'
        if isinstance(self.default, str):
            return 'text'
        if isinstance(self.default, tuple):
            return "a list of texts, or [''] for none"
        kind = 'a whole number' if isinstance(self.default, int) else 'a number such as 1.0'
        if not self.has_bounds:
            return kind
        return f'{kind} in [{self.minimum:.15g}, {self.maximum:.15g}]'

    def converted(self, value: object) -> object:
        """Return a value of ROS as its Python type; an empty list comes as None or [''] there."""
        if isinstance(self.default, tuple) and isinstance(value, list | tuple | None):
            return tuple(each for each in value or () if each != '')
        return value

    def accepts(self, value: object) -> bool:
        """Return whether a value has the type of the default and lies within the bounds."""
        if type(value) is not type(self.default):
            return False
        if isinstance(value, tuple):
            return all(isinstance(each, str) for each in value)
        if isinstance(value, str):
            return not self.choices or value in self.choices
        number = cast('float', value)
        is_finite = -math.inf < number < math.inf  # also of whole numbers that no float holds
        return is_finite and self.minimum <= number <= self.maximum

    def descriptor(self) -> ParameterDescriptor:
        """Describe the parameter to ROS; values out of range are then refused by ROS too."""
        described = ParameterDescriptor(
            description=self.full_description,
            read_only=self.read_at is ReadAt.START,
            additional_constraints='' if self.has_bounds else self.expected,
        )
        if self.has_bounds and isinstance(self.default, int):
            described.integer_range = [
                IntegerRange(from_value=int(self.minimum), to_value=int(self.maximum), step=0)
            ]
        elif self.has_bounds:
            described.floating_point_range = [
                FloatingPointRange(
                    from_value=float(self.minimum), to_value=float(self.maximum), step=0.0
                )
            ]
        return described


def setting(
    default: T,
    description: str,
    *,
    unit: str = '',
    minimum: float = -math.inf,
    maximum: float = math.inf,
    choices: Sequence[str] | Callable[[], tuple[str, ...]] = (),
    is_live: bool = False,
    read_at: ReadAt = ReadAt.CONFIGURATION,
) -> T:
    """
    Make a dataclass field that is a parameter.

    :param default: its type is the parameter's
    :param description: what it means, as a user reads it in ``ros2 param describe``
    :param unit: where it is not obvious
    :param minimum: least value of a number; give both bounds or none
    :param maximum: greatest value of a number
    :param choices: the values that a text may have, or what returns them; none for any
    :param is_live: whether it is read at any time
    :param read_at: when else the node reads it: it may be changed before that
    """
    choose = choices if callable(choices) else partial(tuple, tuple(choices))
    read = ReadAt.ALWAYS if is_live else read_at
    table = Setting(default, description, unit, minimum, maximum, choose, read)
    field: T = dataclasses.field(default=default, metadata={'setting': table})
    return field


def setting_of_each(item: str, items: str, name: str, description: str) -> Mapping[str, str]:
    """
    Make a dataclass field that is a text parameter for each item of a list.

    The field is a mapping from item to text, empty where none is given; the parameter of an item
    is called ``ITEM.NAME``.

    :param item: what an item is called in help
    :param items: the field of the same dataclass that lists the items, before this one
    :param name: the last part of the parameters' names
    """
    metadata = {'setting': Setting('', description), 'items': items, 'name': name, 'item': item}
    field: Mapping[str, str] = dataclasses.field(default_factory=dict, metadata=metadata)
    return field


def settings_of(group: type[Group], prefix: str = '') -> Iterator[tuple[str, Setting]]:
    """Yield full name and setting of every parameter of a group, in the order of its fields."""
    for field in dataclasses.fields(group):
        name = f'{prefix}{field.name}'
        if 'items' in field.metadata:
            name = f'<{field.metadata["item"]}>.{field.metadata["name"]}'
            yield name, field.metadata['setting']
        elif 'setting' in field.metadata:
            yield name, field.metadata['setting']
        else:
            yield from settings_of(_group_of(field), f'{name}.')


def setting_of(group: type[Group], name: str) -> Setting | None:
    """Return the setting of a parameter by full name, for any item of a list; None if none."""
    item, _, ending = name.partition('.')
    for known, table in settings_of(group):
        if name == known or (known.startswith('<') and item and known.endswith(f'>.{ending}')):
            return table
    return None


def _group_of(field: dataclasses.Field[Any]) -> type[Group]:
    return cast('type[Group]', type(field.default))


def values_of(group: Group, prefix: str = '') -> Iterator[tuple[str, Any]]:
    """Yield full name and value of every parameter of a group."""
    for field in dataclasses.fields(group):
        name, value = f'{prefix}{field.name}', getattr(group, field.name)
        if 'items' in field.metadata:
            for item in getattr(group, field.metadata['items']):
                yield f'{item}.{field.metadata["name"]}', value.get(item, '')
        elif 'setting' in field.metadata:
            yield name, value
        else:
            yield from values_of(value, f'{name}.')


def build(group: type[G], values: Mapping[str, object], prefix: str = '') -> G:
    """
    Make a group from values by full name; what is not named has its default.

    :raises ConfigurationError: if a value has another type or is out of its bounds, or the group
        refuses them together
    """
    arguments: dict[str, Any] = {}
    for field in dataclasses.fields(group):
        name = f'{prefix}{field.name}'
        table: Setting | None = field.metadata.get('setting')
        if 'items' in field.metadata:
            items, ending = arguments[field.metadata['items']], field.metadata['name']
            names = {item: f'{item}.{ending}' for item in items}
            arguments[field.name] = {
                item: _checked(name, Setting('', ''), values.get(name, ''))
                for item, name in names.items()
            }
        elif table is None:
            arguments[field.name] = build(_group_of(field), values, f'{name}.')
        else:
            arguments[field.name] = _checked(name, table, values.get(name, field.default))
    return group(**arguments)


def _checked(name: str, table: Setting, value: object) -> object:
    value = table.converted(value)
    if not table.accepts(value):
        raise ConfigurationError(f'parameter {name} must be {table.expected}, got {value!r}')
    return value


def declare(node: Node, group: type[G]) -> G:
    """
    Declare every parameter of a group, and return the values that the node was given.

    :raises ConfigurationError: if a value has another type or is out of its bounds
    """
    tables = {name: table for name, table in settings_of(group) if not name.startswith('<')}
    values = {name: _declare(node, name, table) for name, table in tables.items()}
    # Only now it is known which items the lists have.
    return build(group, {**values, **declare_items(node, build(group, values))})


def declare_items(node: Node, group: Group) -> dict[str, object]:
    """
    Declare the parameters for each item of the lists of a group, and return them by full name.

    :raises ConfigurationError: if a value that the node was given has another type
    """
    values: dict[str, object] = {}
    for field in dataclasses.fields(group):
        for item in getattr(group, field.metadata.get('items', ''), ()):
            name = f'{item}.{field.metadata["name"]}'
            if node.has_parameter(name):
                values[name] = node.get_parameter(name).value
            else:
                values[name] = _declare(node, name, field.metadata['setting'])
    return values


def _declare(node: Node, name: str, table: Setting) -> object:
    default = list(table.default) if isinstance(table.default, tuple) else table.default
    try:
        return node.declare_parameter(name, default, table.descriptor()).value
    except ParameterException as error:
        given = values_given(node).get(name)
        came = f': {error}' if given is None else f', got {given.value!r}'
        raise ConfigurationError(
            f'parameter {name} of node {node.get_name()} must be {table.expected}{came}'
        ) from error


def values_given(node: Node) -> Mapping[str, Parameter]:
    """Return the values that a node was given, for messages alone: rclpy has no public way."""
    return getattr(node, '_parameter_overrides', {})
