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

"""The suite is collected where ROS comes from its own packages, with launch_testing's plugin."""

import importlib.util
from pathlib import Path
import re
import sys

from building import clean_environment
from building import ROOT
from building import run
import pytest
from robot_installation import ABSENT

HERE = Path(__file__).parent
FILES = {path.relative_to(ROOT).as_posix() for path in ROOT.glob('test/**/test_*.py')}
SKIPPED = re.compile(r'^SKIPPED \[(\d+)\] .*: (\S+) is not installed$', re.MULTILINE)


@pytest.mark.skipif(
    importlib.util.find_spec('launch_testing') is not None,
    reason='launch_testing is installed, whose own plugin collects this suite',
)
def test_every_module_is_collected_or_skipped_for_what_a_robot_lacks():
    pytest.importorskip('rclpy')
    printed = run(
        *(sys.executable, '-m', 'pytest', '--collect-only', '--quiet', '-rs'),
        *('-p', 'robot_installation', '-p', 'no:cacheprovider', 'test'),
        env=clean_environment() | {'PYTHONPATH': str(HERE)},
        cwd=ROOT,
    )
    collected = {line.partition('::')[0] for line in printed.splitlines() if '::' in line}
    skipped = [(int(number), name) for number, name in SKIPPED.findall(printed)]
    assert {name.partition('.')[0] for _, name in skipped} <= {*ABSENT, 'launch_testing'}
    assert collected <= FILES
    assert len(collected) + sum(number for number, _ in skipped) == len(FILES)
    # What a robot runs is what it tests.
    needed = ('test/core/', 'test/node/', 'test/packaging/', 'test/test_')
    assert all(any(path.startswith(start) for path in collected) for start in needed)
