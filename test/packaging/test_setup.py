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

"""What setup.py builds the messages from, which says when they are built anew."""

import runpy

from building import ROOT
import pytest

pytestmark = pytest.mark.filterwarnings('ignore:pkg_resources is deprecated')  # setuptools' own


@pytest.fixture
def built_from(monkeypatch):
    """Return the function of setup.py, for prefixes as paths."""
    monkeypatch.setattr('setuptools.setup', lambda **_: None)
    function = runpy.run_path(str(ROOT / 'setup.py'))['built_from']
    return lambda *prefixes: function([str(each) for each in prefixes])


def write_package(prefix, name, *, version='1.0.0', needs=()):
    """Write the manifest of an installed package into a prefix, and return the prefix."""
    folder = prefix / 'share' / name
    folder.mkdir(parents=True)
    depends = ''.join(f'<depend>{each}</depend>' for each in needs)
    manifest = f'<package><name>{name}</name><version>{version}</version>{depends}</package>'
    (folder / 'package.xml').write_text(manifest, encoding='utf-8')
    return prefix


@pytest.fixture
def ros(tmp_path):
    """Return a prefix with two packages of messages, one of which uses a third package."""
    write_package(tmp_path / 'ros', 'std_msgs')
    write_package(tmp_path / 'ros', 'below')
    return write_package(tmp_path / 'ros', 'sensor_msgs', needs=['std_msgs', 'below', 'absent'])


def test_nothing_is_found_without_a_prefix(built_from):
    assert built_from() == []


def test_what_the_dependencies_depend_on_counts(built_from, ros):
    found = [each.partition(' ')[0] for each in built_from(ros)]
    names = ('below', 'sensor_msgs', 'std_msgs')
    assert found == [str(ros / 'share' / name / 'package.xml') for name in names]


def test_an_overlay_that_has_nothing_to_do_with_the_messages_does_not_count(
    built_from, ros, tmp_path
):
    overlay = write_package(tmp_path / 'overlay', 'navigation')
    write_package(overlay, 'rtcnn_perception', needs=['std_msgs', 'navigation'])
    assert built_from(overlay, ros) == built_from(ros)


@pytest.mark.parametrize('name', ['std_msgs', 'below'])
def test_an_overlay_with_one_of_the_packages_counts(built_from, ros, tmp_path, name):
    overlay = write_package(tmp_path / 'overlay', name)
    assert built_from(overlay, ros) != built_from(ros)
    assert built_from(ros, overlay) == built_from(ros)  # the first that has it is used


def test_another_version_in_the_same_place_counts(built_from, ros):
    before = built_from(ros)
    manifest = ros / 'share' / 'below' / 'package.xml'
    manifest.write_text(manifest.read_text().replace('1.0.0', '1.0.1'), encoding='utf-8')
    assert built_from(ros) != before


def test_a_further_generator_counts_though_nothing_depends_on_it(built_from, ros, tmp_path):
    overlay = write_package(tmp_path / 'overlay', 'rosidl_generator_rs')
    index = overlay / 'share' / 'ament_index' / 'resource_index' / 'rosidl_generator_packages'
    index.mkdir(parents=True)
    (index / 'rosidl_generator_rs').touch()
    assert built_from(overlay, ros) != built_from(ros)
