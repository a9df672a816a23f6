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

"""Facts that several files must state are the same in all of them."""

import ast
from pathlib import Path
import re
from xml.etree import ElementTree as ET

import pytest
from rtcnn_perception import __version__

ROOT = Path(__file__).parents[2]
INTERFACES = sorted([*ROOT.glob('msg/*'), *ROOT.glob('srv/*')])


@pytest.fixture
def manifest():
    """Return package.xml."""
    return ET.parse(ROOT / 'package.xml').getroot()


@pytest.fixture
def setup_arguments():
    """Return the literal arguments of setup() in setup.py."""
    tree = ast.parse((ROOT / 'setup.py').read_text(encoding='utf-8'))
    (call,) = (
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, 'id', '') == 'setup'
    )
    literal = (ast.Constant, ast.List, ast.Dict)
    return {
        word.arg: ast.literal_eval(word.value)
        for word in call.keywords
        if isinstance(word.value, literal) and word.arg not in ('cmdclass', 'package_data')
    }


def test_the_version_is_the_same_everywhere(manifest, setup_arguments):
    log = (ROOT / 'CHANGELOG.rst').read_text(encoding='utf-8')
    released = re.findall(r'^(\d+\.\d+\.\d+) \(\d{4}-\d{2}-\d{2}\)$', log, re.MULTILINE)
    assert manifest.findtext('version') == __version__
    assert setup_arguments['version'] == __version__
    # Until the first release the log has its forthcoming section alone.
    assert released[:1] in ([], [__version__])
    assert released or re.search(r'^Forthcoming$', log, re.MULTILINE)


def test_licence_and_maintainer_are_the_same_everywhere(manifest, setup_arguments):
    maintainer = manifest.find('maintainer')
    assert manifest.findtext('license') == setup_arguments['license'] == 'Apache-2.0'
    assert maintainer.text == setup_arguments['maintainer']
    assert maintainer.get('email') == setup_arguments['maintainer_email']
    assert 'Apache License' in (ROOT / 'LICENSE').read_text(encoding='utf-8')


def test_colcon_and_rosidl_recognise_the_package(manifest):
    assert manifest.findtext('export/build_type') == 'ament_python'
    assert manifest.findtext('member_of_group') == 'rosidl_interface_packages'


def test_package_xml_is_valid():
    package = pytest.importorskip('catkin_pkg.package', reason='comes with ROS or colcon')
    warnings = []
    package.parse_package(str(ROOT / 'package.xml'), warnings=warnings).validate(warnings=warnings)
    assert warnings == []


def test_every_interface_is_generated():
    listed = set(
        re.findall(r'"(\w+/\w+\.(?:msg|srv))"', (ROOT / 'CMakeLists.txt').read_text('utf-8'))
    )
    assert listed == {str(path.relative_to(ROOT)) for path in INTERFACES}


@pytest.mark.parametrize('message', INTERFACES, ids=lambda path: path.stem)
def test_every_field_of_a_message_has_a_comment(message):
    lines = message.read_text(encoding='utf-8').splitlines()
    # Behind the field, or in lines of its own just above it.
    bare = [
        line
        for above, line in zip(['', *lines], lines, strict=False)
        if line.strip(' -') and '#' not in line and not above.startswith('#')
    ]
    assert bare == []


@pytest.mark.parametrize('name', ['dev', 'fuzz', 'jazzy', 'kilted', 'training'])
def test_requirements_pin_every_version(name):
    lines = (ROOT / 'requirements' / f'{name}.txt').read_text(encoding='utf-8').splitlines()
    pins = [line.partition(' ;')[0] for line in lines if not line.startswith('#')]
    assert pins
    assert [pin for pin in pins if not re.fullmatch(r'[\w.-]+==[\w.]+', pin)] == []
