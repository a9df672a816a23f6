"""The README's tables of parameters are those of the nodes."""

from __future__ import annotations

from pathlib import Path
import re

import pytest

pytest.importorskip('rclpy', reason='the parameters are declared with rclpy, which is absent')

from rtcnn_perception.nodes.declaration import settings_of
from rtcnn_perception.nodes.parameters import CameraParameters
from rtcnn_perception.nodes.parameters import ClassifierParameters
from rtcnn_perception.nodes.parameters import DetectorParameters

README = Path(__file__).parents[1] / 'README.md'
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


def as_yaml(value):
    if isinstance(value, bool):
        return str(value).lower()
    return "''" if value == '' else str(value)
