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

"""The linters of ROS find nothing; they are there where ROS is installed by its own packages."""

import shutil
import socket

from building import ROOT
import pytest

GENERATED = {'build', 'dist', 'htmlcov', 'install', 'log', 'out', 'runs'}
FOLDERS = [
    path.name
    for path in sorted(ROOT.iterdir())
    if path.is_dir() and path.name not in GENERATED and not path.name.startswith('.')
]

ARGUMENTS = {
    'copyright': ['CONTRIBUTING.md', 'LICENSE'],
    'flake8': ['setup.py', '--config', 'test/ament_flake8.ini'],
    'pep257': ['setup.py'],
    'xmllint': ['package.xml'],
}
"""What each linter is given beside the folders."""

SCHEMAS = 'download.ros.org'


@pytest.mark.filterwarnings('ignore:pkg_resources')  # a plugin of flake8 imports it
@pytest.mark.parametrize('name', ARGUMENTS)
def test_a_linter_finds_nothing(name, monkeypatch, capfd):
    linter = pytest.importorskip(f'ament_{name}.main', reason=f'ament_{name} is not installed')
    if name == 'xmllint':
        if shutil.which('xmllint') is None:
            pytest.skip('the command xmllint is not installed')
        try:
            socket.create_connection((SCHEMAS, 80), timeout=5).close()
        except OSError as error:
            pytest.skip(f'xmllint reads the schema of package.xml from {SCHEMAS}: {error}')
    monkeypatch.chdir(ROOT)
    code = linter.main([*FOLDERS, *ARGUMENTS[name]])
    printed = capfd.readouterr()
    assert code == 0, printed.out + printed.err
