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

"""The pages: links, commands, example and length of the README."""

from __future__ import annotations

import json
from pathlib import Path
import re
import shlex

import pytest
from rtcnn_perception.cli import _parse as parse
from rtcnn_perception.cli import COMMANDS
import yaml

ROOT = Path(__file__).parents[1]
README = ROOT / 'README.md'
PAGES = [
    README,
    ROOT / 'CONTRIBUTING.md',
    *ROOT.glob('docs/**/*.md'),
    *ROOT.glob('benchmarks/*.md'),
    *ROOT.glob('experiments/*.md'),
]
COMMAND = re.compile(rf'rtcnn_perception ((?:{"|".join(COMMANDS)}) [^`;\n]+)')
YAML = re.compile(r'^```yaml\n(.*?)^```$', re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_links_of_a_page_lead_to_something(page):
    links = re.findall(r'\]\(([^)#]+)(?:#[^)]*)?\)', page.read_text())
    targets = [link for link in links if '://' not in link]
    assert [each for each in targets if not (page.parent / each).exists()] == []


def test_commands_of_the_pages_and_the_cards_are_usage_that_the_command_line_takes():
    commands = [each for page in PAGES for each in COMMAND.findall(page.read_text())]
    assert len(commands) >= 30
    for card in ROOT.glob('models/**/model.json'):
        made_by = json.loads(card.read_text())['command'].split(' && ')
        commands += [each.partition(' ')[2] for each in made_by]
    for command in commands:
        _, args = parse(shlex.split(command, comments=True))
        assert args.command == command.split()[0]


def test_what_the_shell_expands_is_named_with_the_folder_of_the_data():
    words = {
        word
        for page in PAGES
        for command in COMMAND.findall(page.read_text())
        for word in shlex.split(command, comments=True)
        if '*' in word
    }
    assert words
    assert [word for word in words if not word.startswith('$RTCNN_DATA/')] == []


def test_parameters_in_the_pages_are_of_nodes_that_exist():
    names = yaml.safe_load((ROOT / 'config/perception.yaml').read_text())
    nodes = {name.rpartition('/')[2] for name in names} | {'lifecycle_manager_faces'}  # of Nav2
    blocks = [each for page in PAGES for each in YAML.findall(page.read_text())]
    keys = [key for each in map(yaml.safe_load, blocks) for key in each]
    assert len(keys) >= 4
    assert {key.rpartition('/')[2] for key in keys} <= nodes


def test_the_example_of_the_readme_is_the_one_in_the_examples():
    example = (ROOT / 'examples' / 'greeter.py').read_text().partition('"""\n\n')[2].strip()
    assert f'```python\n{example}\n```' in README.read_text()


def test_the_readme_has_at_most_1000_words_above_its_reference():
    assert len(README.read_text().partition('## Reference')[0].split()) <= 1000
