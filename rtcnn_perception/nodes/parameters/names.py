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
Names of nodes and parameters, by default and as files have them, and mistaken ones.

Nodes are called ``faces_camera``, ``faces_detector`` and so on. Two nodes of one name answer
requests in turns, and ``camera`` is what many drivers are called.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
import difflib
from itertools import pairwise
import os
from pathlib import Path

from rclpy.node import Node
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.nodes.parameters.declaration import Group
from rtcnn_perception.nodes.parameters.declaration import setting_of
from rtcnn_perception.nodes.parameters.declaration import settings_of
from rtcnn_perception.nodes.parameters.declaration import values_given
from rtcnn_perception.nodes.parameters.node import NodeParameters
from rtcnn_perception.resources import share_directory
import yaml

PREFIX = 'faces'
"""Beginning of the names of all nodes, before an underscore."""

ROS_PREFIXES = ('use_sim_time', 'qos_overrides.', 'start_type_description_service')
"""Beginnings of the names of parameters that ROS itself has in every node."""

NAME_RULES = ('__node:=', '__name:=')
"""Beginnings of remapping rules that give every node of a process one name."""


def role_of(table: type[NodeParameters]) -> str:
    """Return what the node with a table of parameters does: ``camera`` of CameraParameters."""
    return table.__name__.removesuffix('Parameters').lower()


def node_name(table: type[NodeParameters], prefix: str = PREFIX) -> str:
    """Return the name of the node with a table of parameters: ``faces_camera`` by default."""
    return f'{prefix}_{role_of(table)}'


def with_own_names(
    arguments: Sequence[str], tables: Iterable[type[NodeParameters]]
) -> Sequence[str]:
    """
    Let a rule that names all nodes of a process name each its own: ``NAME_camera`` and so on.

    :param arguments: a command line, such as ``-r __node:=NAME``, as launch files pass it
    :param tables: of the nodes of the process
    :returns: the command line with a rule for each node instead
    """
    changed: list[str] = []
    for before, word in pairwise(('', *arguments)):
        name = _ruled(before, word, NAME_RULES)
        if not name:
            changed.append(word)
            continue
        changed.pop()
        for table in tables:
            changed += [before, f'{node_name(table)}:__node:={node_name(table, name)}']
    return changed


def with_own_parameters(arguments: Sequence[str]) -> Sequence[str]:
    """
    Let files give all nodes of a process what they give a node of the name that a rule gives all.

    launch_ros writes the parameters of a ``Node`` with a name and a namespace for that node, which
    is none of the process. They follow their file as one for any node, so that what comes later
    goes before them as ever.

    :param arguments: a command line, as :func:`with_own_names` takes it
    :returns: the command line with further files, which lie in memory and are open from now on
    """
    pairs = [*pairwise(('', *arguments))]
    name = next(filter(None, (_ruled(*pair, NAME_RULES) for pair in pairs)), '')
    space = next(filter(None, (_ruled(*pair, ('__ns:=',)) for pair in pairs)), '').strip('/')
    changed: list[str] = []
    for option, word in pairs:
        changed.append(word)
        if name and option == '--params-file':
            for section, node in _sections_of(Path(word)) or ():
                path, _, own = section.rpartition('/')
                if own == name and path.strip('/') in {space, '*', '**'}:
                    changed += [option, _file_for_all(node)]
    return changed


def _file_for_all(section: yaml.MappingNode) -> str:
    """Return the path of a file in memory that has a section for any node."""
    for_all = yaml.ScalarNode('tag:yaml.org,2002:str', '/**')
    content = yaml.MappingNode('tag:yaml.org,2002:map', [(for_all, section)])
    number = os.memfd_create('parameters')
    os.write(number, yaml.serialize(content).encode())
    return f'/proc/self/fd/{number}'


def _ruled(option: str, word: str, rules: Sequence[str]) -> str:
    """Return what a remapping rule gives; empty where it is another one, or none."""
    given = (word.removeprefix(rule) for rule in rules if word.startswith(rule))
    return next(given, '') if option in {'-r', '--remap'} else ''


def is_known(name: str, groups: Iterable[type[Group]]) -> bool:
    """Return whether one of the groups has a parameter of that name, for any item of a list."""
    return any(setting_of(group, name) is not None for group in groups)


def unknown_parameters(node: Node, groups: Iterable[type[Group]]) -> Iterator[str]:
    """
    Yield a sentence for each value that a node was given under an unknown name.

    :param groups: those of the node and of the nodes beside it, which one file may serve
    """
    tables = tuple(groups)
    for given in values_given(node):
        if not is_known(given, tables) and not given.startswith(ROS_PREFIXES):
            yield unknown_parameter(given, tables, ', its value is not used')


def unknown_parameter(name: str, groups: Iterable[type[Group]], consequence: str = '') -> str:
    """Return what is said of an unknown name, with the closest known one."""
    names = sorted({known for group in groups for known, _ in settings_of(group)})
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.7)
    meant = f'; is {close[0]} meant?' if close else ''
    return f'there is no parameter {name}{consequence}{meant}'


def as_yaml(value: object) -> str:
    """Return a value as YAML has it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f'[{", ".join(map(as_yaml, value))}]'
    return f"'{value}'" if isinstance(value, str) else repr(value)


def misnamed_sections(file: Path, names: Mapping[type[NodeParameters], str]) -> Iterator[str]:
    """
    Yield a sentence for each section of a parameter file that is for a node by another name.

    That is its default one, or that of before the prefix. Such a section is not read, and its node
    runs with defaults. One with other parameters belongs to another node, such as the driver of a
    camera.

    :param file: a file that ROS has read
    :param names: of the nodes of this process, by their tables
    """
    if file.resolve() == (share_directory() / 'config' / 'perception.yaml').resolve():
        return  # the launch file's own, which has defaults alone
    for section, node in _sections_of(file) or ():
        path, slash, name = section.rpartition('/')
        for table, present in names.items():
            if (
                name in {role_of(table), node_name(table)}
                and name not in names.values()
                and all(is_known(each, [table]) for each in _names(node))
            ):
                yield (
                    f'the section {section} of {file} is not read, as no node has that name: '
                    f'rename it to {path}{slash}{present}'
                )


def check_sections(file: Path) -> None:
    """
    Refuse a file of something else, of which ROS says nothing, and nodes run with defaults.

    :raises ConfigurationError: if it can be read, is not empty, and has no parameters
    """
    if _sections_of(file) == []:
        raise ConfigurationError(
            f'{file} is no parameter file: expected a section for a node, with ros__parameters, '
            'as in config/perception.yaml'
        )


def _sections_of(file: Path) -> list[tuple[str, yaml.MappingNode]] | None:
    """Return the sections of a file; None if it is empty, or only ROS can read it."""
    try:
        content = yaml.compose(file.read_text(encoding='utf-8'), yaml.SafeLoader)
        return None if content is None else list(_sections(content))
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        return None


def _sections(content: yaml.Node, path: str = '') -> Iterator[tuple[str, yaml.MappingNode]]:
    """Yield the sections of a parameter file: node, and what is given to it, as it is written."""
    if not isinstance(content, yaml.MappingNode):
        return
    for key, below in content.value:
        if key.value == 'ros__parameters':
            yield path, content
        else:
            name = str(key.value)
            yield from _sections(below, f'{path}/{name}'.replace('//', '/') if path else name)


def _names(section: yaml.Node, prefix: str = '') -> Iterator[str]:
    """Yield the full names of the parameters of a section."""
    if not isinstance(section, yaml.MappingNode):
        yield prefix.removesuffix('.')
        return
    for key, below in section.value:
        yield from _names(below, '' if key.value == 'ros__parameters' else f'{prefix}{key.value}.')
