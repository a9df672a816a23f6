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

"""Build and run the package as a user would: in processes, away from this checkout."""

from collections.abc import Iterable
import os
from pathlib import Path
import shutil
import subprocess
import sys

import pytest

ROOT = Path(__file__).parents[2]
DATA = Path(__file__).parent / 'data'
DOMAIN = str(10 + os.getpid() % 90)  # of its own, below the ports Linux gives to programs
DROPPED = ('AMENT_PREFIX_PATH', 'CMAKE_PREFIX_PATH', 'PYTHONPATH', 'LD_LIBRARY_PATH')
MARK = '_ROS_WHEELS_BOOTSTRAP_COMPLETE'  # of the wheels: LD_LIBRARY_PATH has been set


def clean_environment() -> dict[str, str]:
    """Return the variables of a terminal in which no ROS was sourced, this environment first."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in (*DROPPED, MARK) and not name.startswith('COVERAGE')
    }
    kept['PATH'] = os.pathsep.join([str(Path(sys.executable).parent), os.environ['PATH']])
    return kept | {'ROS_DOMAIN_ID': DOMAIN, 'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST'}


def run(*command, env=None, cwd=None, timeout=600):
    """Run a command to its end, and return its output; show all output where it fails."""
    done = subprocess.run(
        [str(word) for word in command],
        env=clean_environment() if env is None else env,
        cwd=cwd,
        timeout=timeout,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f'{command} gave {done.returncode}\n{done.stdout}\n{done.stderr}'
    return done.stdout


def copy_sources(target: Path) -> None:
    """Copy the files of the project, and none that was built or fetched."""
    if not (ROOT / '.git').exists():
        pytest.skip('not a git checkout: the files of the project are unknown')
    names = run('git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard', cwd=ROOT)
    for name in filter(None, names.split('\0')):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


class Workspace:
    """A colcon workspace with the package in it, and one in C++ that uses its messages."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.prefix = folder / 'install' / 'rtcnn_perception'
        copy_sources(folder / 'src' / 'rtcnn_perception')
        # The data of this test are a package of their own, which colcon does not search below
        # another one.
        shutil.copytree(DATA / 'consumer', folder / 'src' / 'consumer')
        self._options = options
        self.build()

    def build(self, *overlays: Path) -> None:
        """Build it, or build it again in a terminal in which further overlays were sourced."""
        self.colcon('build', *self._options, overlays=overlays)

    def colcon(self, *words: str, overlays: Iterable[Path] = ()) -> str:
        """Run colcon as in a terminal in which ROS was sourced, and return its output."""
        # As the setup.bash of ROS sets them, which the wheels do not have.
        prefixes = os.pathsep.join([*map(str, overlays), sys.prefix])
        ros = dict.fromkeys(('AMENT_PREFIX_PATH', 'CMAKE_PREFIX_PATH'), prefixes)
        return run('colcon', *words, env=clean_environment() | ros, cwd=self.folder)

    def environment(self) -> dict[str, str]:
        """Return the variables after sourcing the workspace's setup file."""
        lines = run('sh', '-c', '. install/setup.sh && env -0', cwd=self.folder)
        return dict(line.split('=', 1) for line in lines.split('\0') if line)
