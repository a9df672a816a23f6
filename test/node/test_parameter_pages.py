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

"""The documents of the parameters: written from the tables, and equal to what lies there."""

from pathlib import Path

from parameter_pages import BEGIN
from parameter_pages import END
from parameter_pages import page_text
from parameter_pages import readme_text
from parameter_pages import WIDTH
from parameter_pages import yaml_text
from rtcnn_perception.nodes.parameters import TABLES
from rtcnn_perception.nodes.parameters.declaration import settings_of
from rtcnn_perception.nodes.parameters.names import as_yaml
from rtcnn_perception.nodes.parameters.names import node_name
import yaml

ROOT = Path(__file__).parents[2]
WRITE = 'write it anew by `make docs`'


def test_the_yaml_file_is_that_of_the_tables():
    assert (ROOT / 'config' / 'perception.yaml').read_text() == yaml_text(), WRITE


def test_the_page_is_that_of_the_tables():
    assert (ROOT / 'docs' / 'parameters.md').read_text() == page_text(), WRITE


def test_the_tables_of_the_readme_are_those_of_the_nodes():
    text = (ROOT / 'README.md').read_text()
    assert text == readme_text(text), WRITE


def test_values_are_written_as_yaml_reads_them():
    for value in (True, False, 3, 0.5, '', 'on', 'a', ('a', 'b'), ()):
        read = yaml.safe_load(as_yaml(value))
        assert read == (list(value) if isinstance(value, tuple) else value)
        assert type(read) is (list if isinstance(value, tuple) else type(value))


def test_no_line_of_the_yaml_file_is_longer_than_its_width():
    assert max(map(len, yaml_text().splitlines())) <= WIDTH


def test_the_page_lists_every_parameter_of_every_node():
    page = page_text()
    for table in TABLES:
        section = page.split(f'## `{node_name(table)}`\n')[1].split('\n## ')[0]
        rows = [line for line in section.splitlines() if line.startswith('| `')]
        assert [row.split('`')[1] for row in rows] == [name for name, _ in settings_of(table)]


def test_what_stands_around_the_tables_of_the_readme_is_kept():
    written = readme_text(f'before\n{BEGIN}\nold tables\n{END}\nafter\n')
    assert written.startswith(f'before\n{BEGIN}\n\n#### `faces_camera`')
    assert written.endswith(f'\n{END}\nafter\n')
    assert 'old tables' not in written
    assert readme_text(written) == written
