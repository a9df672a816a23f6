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

"""The package, built as a wheel and by colcon, once per run of the tests."""

from importlib import metadata
from pathlib import Path
import sys

from building import copy_sources
from building import ROOT
from building import run
from building import Workspace
import pytest


@pytest.fixture(scope='session')
def distribution() -> str:
    """Return the ROS distribution of this environment, by the version of its rclpy."""
    try:
        version = metadata.version('ros-rclpy')
    except metadata.PackageNotFoundError:
        pytest.skip('ROS 2 does not come from the package index here')
    for path in (ROOT / 'requirements').glob('*.txt'):
        if f'ros-rclpy=={version}' in path.read_text(encoding='utf-8').splitlines():
            return path.stem
    raise AssertionError(f'no file in requirements/ pins rclpy {version}')


@pytest.fixture(scope='session')
def wheel(tmp_path_factory, distribution) -> Path:  # noqa: ARG001 - building needs its generators
    """Return a wheel built from the sources, as a user would build it."""
    folder = tmp_path_factory.mktemp('wheel')
    copy_sources(folder / 'sources')
    run(
        *(sys.executable, '-m', 'pip', 'wheel', '--no-build-isolation', '--no-deps'),
        *('--wheel-dir', folder, folder / 'sources'),
    )
    (path,) = folder.glob('*.whl')
    return path


@pytest.fixture(scope='session')
def empty_environment(tmp_path_factory, distribution, wheel) -> Path:
    """Return an environment with ROS 2, what the package needs, and its wheel: nothing else."""
    folder = tmp_path_factory.mktemp('empty') / 'venv'
    requirements = ROOT / 'requirements'
    run(
        *(sys.executable, requirements / 'environment.py', folder),
        requirements / f'{distribution}.txt',
    )
    run(folder / 'bin' / 'pip', 'install', '--no-index', f'{wheel}[opencv]')
    return folder


@pytest.fixture(scope='session', params=['copied', 'symlinked'])
def workspace(request, tmp_path_factory, distribution) -> Workspace:  # noqa: ARG001 - as above
    """Return a built workspace, without and with ``--symlink-install``."""
    options = ['--symlink-install'] if request.param == 'symlinked' else []
    return Workspace(tmp_path_factory.mktemp(request.param), *options)
