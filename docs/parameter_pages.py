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
The parameters as documents: ``config/perception.yaml``, ``docs/parameters.md`` and the README.

``make docs`` writes them from the tables; a test compares them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
import textwrap

from rtcnn_perception.nodes.host import as_yaml
from rtcnn_perception.nodes.parameters import TABLES
from rtcnn_perception.nodes.parameters.declaration import Setting
from rtcnn_perception.nodes.parameters.declaration import settings_of
from rtcnn_perception.nodes.parameters.declaration import values_of
from rtcnn_perception.nodes.parameters.node import NodeParameters
from rtcnn_perception.resources import share_directory

WIDTH = 99
"""Longest line of the YAML file."""

BEGIN, END = '<!-- parameters: begin -->', '<!-- parameters: end -->'
"""What encloses the tables in the README."""

YAML_HEAD = """\
# Every parameter of the nodes, with its default: copy the file, change what you want, and pass it
# by `ros2 launch rtcnn_perception perception.launch.py params_file:=FILE` or
# `--ros-args --params-file FILE`.
# A section may apply to one node (/robot1/camera), to that node in any namespace (/**/camera), or
# to all (/**). Those marked (live) can be changed while the nodes run, by `ros2 param set`; the
# others are read when a node starts.
# An attribute that is left out of the list `attributes` is turned off, neither loaded nor run; an
# empty list, [], turns off all.
"""

PAGE_HEAD = """\
# Parameters

[config/perception.yaml](../config/perception.yaml) lists the same with their defaults.
Live parameters can be changed while a node runs (`ros2 param set`), the others when it starts.
"""


def node_of(table: type[NodeParameters]) -> str:
    """Return the name of the node that has a table of parameters."""
    return table.__name__.removesuffix('Parameters').lower()


def yaml_text() -> str:
    """Return the content of ``config/perception.yaml``."""
    nodes = ('\n'.join(_yaml_node(table)) for table in TABLES)
    return '\n'.join([YAML_HEAD, '\n\n'.join(nodes), ''])


def page_text() -> str:
    """Return the content of ``docs/parameters.md``."""
    return f'{PAGE_HEAD}\n{tables_text("##")}'


def tables_text(heading: str) -> str:
    """Return a table in Markdown for each node, below headings of a level such as ``##``."""
    return '\n'.join('\n'.join([*_markdown_node(table, heading), '']) for table in TABLES)


def readme_text(text: str) -> str:
    """Return the README with the tables between its markers replaced."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f'{before}{BEGIN}\n\n{tables_text("####")}\n{END}{after}'


def _yaml_node(table: type[NodeParameters]) -> Iterator[str]:
    yield f'/**/{node_of(table)}:'
    yield '  ros__parameters:'
    described = dict(settings_of(table))
    groups: list[str] = []
    for name, value in values_of(table()):
        *parents, leaf = name.split('.')
        setting = described.get(name) or _setting_of_item(described, name)
        for depth, parent in enumerate(parents):
            if groups[depth : depth + 1] != [parent]:
                groups[depth:] = [parent]
                yield f'{"  " * (depth + 2)}{parent}:'
        groups[len(parents) :] = []
        indent = '  ' * (len(parents) + 2)
        comment = f'{setting.full_description}{_bounds(setting)}{" (live)" * setting.is_live}'
        for line in textwrap.wrap(comment, WIDTH - len(indent) - 2):
            yield f'{indent}# {line}'
        yield f'{indent}{leaf}: {as_yaml(value)}'


def _setting_of_item(described: dict[str, Setting], name: str) -> Setting:
    """Return the setting of a parameter that exists for each item of a list."""
    ending = name.partition('.')[2]
    return next(
        setting
        for known, setting in described.items()
        if known.startswith('<') and known.endswith(f'.{ending}')
    )


def _bounds(setting: Setting) -> str:
    if setting.choices:
        return f'; one of {", ".join(setting.choices)}'
    return f'; {setting.minimum:g} to {setting.maximum:g}' if setting.has_bounds else ''


def _markdown_node(table: type[NodeParameters], heading: str) -> Iterator[str]:
    yield f'{heading} `{node_of(table)}`'
    yield ''
    yield '| Parameter | Default | Live | Meaning |'
    yield '| --- | --- | --- | --- |'
    for name, setting in settings_of(table):
        live = 'yes' if setting.is_live else ''
        meaning = f'{setting.full_description}{_bounds(setting)}'.replace('<', '\\<')
        yield f'| `{name}` | `{as_yaml(setting.default)}` | {live} | {meaning} |'


def main() -> None:
    """Write the documents of a checkout."""
    root = share_directory()
    readme = root / 'README.md'
    contents: dict[Path, str] = {
        root / 'config' / 'perception.yaml': yaml_text(),
        root / 'docs' / 'parameters.md': page_text(),
        readme: readme_text(readme.read_text(encoding='utf-8')),
    }
    for path, content in contents.items():
        path.write_text(content, encoding='utf-8')


if __name__ == '__main__':
    main()
