"""What the pages say is there: parameters, commands, and what links lead to."""

from __future__ import annotations

from pathlib import Path
import re
import shlex

import pytest

pytest.importorskip('rclpy', reason='the parameters are declared with rclpy, which is absent')

from rtcnn_perception.cli import _parse as parse
from rtcnn_perception.nodes.parameters.declaration import settings_of
from rtcnn_perception.nodes.parameters.tables import CameraParameters
from rtcnn_perception.nodes.parameters.tables import ClassifierParameters
from rtcnn_perception.nodes.parameters.tables import DetectorParameters

ROOT = Path(__file__).parents[1]
README = ROOT / 'README.md'
PAGES = [README, ROOT / 'CONTRIBUTING.md', *ROOT.glob('docs/*.md'), *ROOT.glob('benchmarks/*.md')]
COMMAND = re.compile(r'^\$ (?:\S*/)?rtcnn_perception (.*)$', re.MULTILINE)
NODES = {
    'camera': CameraParameters,
    'detector': DetectorParameters,
    'classifier': ClassifierParameters,
}


@pytest.mark.parametrize('node', NODES)
def test_readme_lists_every_parameter_with_its_default(node):
    section = README.read_text().split(f'`{node}`:\n\n| Parameter |')[1].split('\n\n')[0]
    rows = re.findall(r'^\| `([a-z_.]+)` \| `(.*?)` \| (yes)? *\|', section, re.MULTILINE)
    listed = {name: (default, bool(live)) for name, default, live in rows}
    assert listed == {
        name: (as_yaml(setting.default), setting.is_live)
        for name, setting in settings_of(NODES[node])
    }


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_links_of_a_page_lead_to_something(page):
    links = re.findall(r'\]\(([^)#]+)(?:#[^)]*)?\)', page.read_text())
    targets = [link for link in links if '://' not in link]
    assert [each for each in targets if not (page.parent / each).exists()] == []


def test_commands_of_the_readme_are_usage_that_the_command_line_takes():
    commands = COMMAND.findall(README.read_text())
    assert len(commands) >= 3
    for command in commands:
        _, args = parse(shlex.split(command))
        assert args.command == command.split()[0]


def as_yaml(value):
    if isinstance(value, bool):
        return str(value).lower()
    return "''" if value == '' else str(value)
