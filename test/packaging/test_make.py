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

"""The targets of make, and its errors where the machine lacks something."""

import importlib.util
import os
import subprocess

from building import ROOT
import pytest


class Version(tuple):
    """A value like sys.version_info."""

    major, minor = 3, 9


PYTHON_3_9 = Version((3, 9, 0, 'final', 0))


@pytest.fixture
def environment():
    """Return requirements/environment.py as a module."""
    path = ROOT / 'requirements' / 'environment.py'
    spec = importlib.util.spec_from_file_location('environment', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def make(*arguments):
    """Run make as a user would, also where make runs this test."""
    environment = {name: value for name, value in os.environ.items() if 'MAKE' not in name}
    environment.pop('MFLAGS', None)
    return subprocess.run(
        ['make', *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_has_a_line_for_each_target():
    lines = make('help').stdout.splitlines()
    assert [line.split()[1] for line in lines][:4] == ['help', 'run', 'bench', 'test']
    assert all(line.startswith('make ') for line in lines)


def test_make_run_passes_source_and_duration():
    printed = make('--dry-run', 'run', 'SOURCE=a clip.mp4', 'DURATION=0').stdout
    assert "run --source 'a clip.mp4' --duration '0'" in printed


def test_a_distribution_that_is_not_packaged_is_refused_by_name():
    done = make('--dry-run', 'run', 'ROS_DISTRO=foxy')
    assert done.returncode == 2
    assert 'foxy' in done.stderr
    assert 'jazzy kilted' in done.stderr


def test_this_machine_lacks_nothing(environment):
    assert environment.missing() is None


@pytest.mark.parametrize(
    ('name', 'value', 'words'),
    [
        ('sys.version_info', PYTHON_3_9, 'Python 3.10 to 3.12'),
        ('platform.machine', lambda: 'aarch64', 'x86-64 alone, this is aarch64'),
        ('importlib.util.find_spec', lambda _: None, '-venv'),
        ('sysconfig.get_path', lambda _: '/nowhere', '-dev'),
        ('shutil.which', lambda _: None, 'g++'),
    ],
)
def test_a_missing_part_of_the_machine_is_reported_in_one_line(
    environment, monkeypatch, name, value, words
):
    monkeypatch.setattr(name, value)
    lack = environment.missing()
    assert words in lack
    assert '\n' not in lack


def test_packages_for_several_pythons_are_counted_once(environment, tmp_path):
    empty, pins = tmp_path / 'empty.txt', tmp_path / 'pins.txt'
    empty.write_text('# nothing\n', encoding='utf-8')
    pins.write_text(
        "numpy==2.2.6 ; python_full_version < '3.11'\nnumpy==2.4.6\nscipy==1.17.1\n",
        encoding='utf-8',
    )
    assert environment.pinned([empty]) == 0
    assert environment.pinned([empty, pins]) == 2


def test_a_requirements_file_that_does_not_exist_is_refused(environment, tmp_path, capsys):
    (tmp_path / 'jazzy.txt').touch()
    assert environment.main([str(tmp_path / 'venv'), str(tmp_path / 'foxy.txt')]) == 1
    assert 'jazzy' in capsys.readouterr().err
    assert not (tmp_path / 'venv').exists()
