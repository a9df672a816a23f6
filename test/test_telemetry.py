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

"""onnxruntime reports its use unless a variable turns that off: the package sets the variable."""

import os
from pathlib import Path
import subprocess
import sys

import pytest
from rtcnn_perception.resources import models_directory

SESSION = f"""
from rtcnn_perception.core.attributes.model import AttributeModel
AttributeModel.load(__import__('pathlib').Path({str(models_directory() / 'attributes')!r}))
"""
ENTRIES = {
    'core': ['-c', SESSION],
    'command line': [
        '-m',
        'rtcnn_perception.cli',
        'explain',
        str(Path(__file__).parent.parent / 'rtcnn_perception/assets/astronaut.jpg'),
    ],
    'child process': [
        '-c',
        'import subprocess, sys, rtcnn_perception\n'
        f'subprocess.run([sys.executable, "-c", {SESSION!r}], check=True)',
    ],
}


def files_after(home, arguments, **variables):
    """Run Python where HOME is an empty folder, and return the files in it afterwards."""
    home.mkdir()
    environment = {k: v for k, v in os.environ.items() if k != 'ORT_DISABLE_TELEMETRY'}
    for name in ('XDG_CACHE_HOME', 'XDG_CONFIG_HOME', 'XDG_DATA_HOME'):
        environment.pop(name, None)
    subprocess.run(
        [sys.executable, *arguments],
        env={**environment, 'HOME': str(home), **variables},
        cwd=home.parent,
        check=True,
        capture_output=True,
    )
    return [str(each.relative_to(home)) for each in home.rglob('*')]


@pytest.mark.parametrize('entry', list(ENTRIES))
def test_no_entry_into_the_package_leaves_a_file_in_the_home_folder(tmp_path, entry):
    assert files_after(tmp_path / 'home', ENTRIES[entry]) == []


def test_a_value_that_the_user_has_set_is_kept():
    code = 'import os, rtcnn_perception; print(os.environ["ORT_DISABLE_TELEMETRY"])'
    for value in ('0', ''):
        ended = subprocess.run(
            [sys.executable, '-c', code],
            env={**os.environ, 'ORT_DISABLE_TELEMETRY': value},
            check=True,
            capture_output=True,
            text=True,
        )
        assert ended.stdout == f'{value}\n'
