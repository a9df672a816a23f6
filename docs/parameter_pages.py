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

from rtcnn_perception.nodes.parameters import TABLES
from rtcnn_perception.nodes.parameters.declaration import ReadAt
from rtcnn_perception.nodes.parameters.declaration import Setting
from rtcnn_perception.nodes.parameters.declaration import setting_of
from rtcnn_perception.nodes.parameters.declaration import settings_of
from rtcnn_perception.nodes.parameters.declaration import values_of
from rtcnn_perception.nodes.parameters.names import as_yaml
from rtcnn_perception.nodes.parameters.names import node_name
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
# A section may apply to one node (/robot1/faces_camera), to that node in any namespace
# (/**/faces_camera), or to all (/**).
# `ros2 param set` changes those marked (live) at any time, those marked (inactive) while the node
# is inactive or unconfigured, and the others while it is unconfigured: deactivate it and clean it
# up, set them, and configure and activate it. Those marked (start) are read once.
# An attribute that is left out of the list `attributes` is turned off, neither loaded nor run; an
# empty list, [], turns off all.
"""

PAGE_HEAD = """\
# Parameters

[config/perception.yaml](../config/perception.yaml) lists the same with their defaults.
`ros2 param set` changes live ones at any time, those with `inactive` while the node is inactive
or unconfigured, those with `unconfigured` in that state alone, and those with `start` never.
A node says so where it refuses:

```console
$ ros2 param set /faces_detector detector.width 640
Setting parameter failed: parameter detector.width of /faces_detector, which is active, is read \\
when the node is configured: deactivate it and clean it up, set the parameter, then configure \\
and activate it
$ ros2 lifecycle set /faces_detector deactivate
$ ros2 lifecycle set /faces_detector cleanup
$ ros2 param set /faces_detector detector.width 640
$ ros2 lifecycle set /faces_detector configure
$ ros2 lifecycle set /faces_detector activate
```
"""


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
    yield f'/**/{node_name(table)}:'
    yield '  ros__parameters:'
    groups: list[str] = []
    for name, value in values_of(table()):
        *parents, leaf = name.split('.')
        setting = setting_of(table, name)
        assert setting is not None
        for depth, parent in enumerate(parents):
            if groups[depth : depth + 1] != [parent]:
                groups[depth:] = [parent]
                yield f'{"  " * (depth + 2)}{parent}:'
        groups[len(parents) :] = []
        indent = '  ' * (len(parents) + 2)
        comment = f'{setting.full_description}{_bounds(setting)}{_marked(setting)}'
        for line in textwrap.wrap(comment, WIDTH - len(indent) - 2):
            yield f'{indent}# {line}'
        yield f'{indent}{leaf}: {as_yaml(value)}'


def _marked(setting: Setting) -> str:
    return '' if setting.read_at is ReadAt.CONFIGURATION else f' ({setting.read_at.value})'


def _bounds(setting: Setting) -> str:
    if setting.choices:
        return f'; one of {", ".join(setting.choices)}'
    return f'; {setting.minimum:.15g} to {setting.maximum:.15g}' if setting.has_bounds else ''


def _markdown_node(table: type[NodeParameters], heading: str) -> Iterator[str]:
    yield f'{heading} `{node_name(table)}`'
    yield ''
    yield '| Parameter | Default | Changed while | Meaning |'
    yield '| --- | --- | --- | --- |'
    for name, setting in settings_of(table):
        meaning = f'{setting.full_description}{_bounds(setting)}'.replace('<', '\\<')
        yield f'| `{name}` | `{as_yaml(setting.default)}` | {setting.read_at.value} | {meaning} |'


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
