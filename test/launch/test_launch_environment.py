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

"""The launch file gives a profile of Fast DDS to the nodes of this package, and to no other."""

from importlib import util
import os
from pathlib import Path

import pytest
from rtcnn_perception.shared_memory import CHOICES_OF_THE_USER

LAUNCH_FILE = Path(__file__).parents[2] / 'launch' / 'perception.launch.py'
PARAMETERS = str(LAUNCH_FILE.parents[1] / 'config' / 'perception.yaml')


@pytest.fixture
def start(monkeypatch):
    """Return a function that returns what each node gets besides the launch's environment."""
    reason = 'launch files need ROS 2 from its own packages'
    launch = pytest.importorskip('launch', reason=reason)
    pytest.importorskip('launch_ros', reason=reason)
    for name in (*CHOICES_OF_THE_USER, 'RMW_IMPLEMENTATION'):
        monkeypatch.delenv(name, raising=False)
    spec = util.spec_from_file_location('perception_launch', LAUNCH_FILE)
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def run(**arguments):
        context = launch.LaunchContext()
        for each in module.ARGUMENTS:
            each.execute(context)
        context.launch_configurations.update(arguments)
        nodes = [each for each in module.start_nodes(context) if isinstance(each, module.Node)]
        return [
            {
                context.perform_substitution(key[0]): context.perform_substitution(value[0])
                for key, value in each.process_description.additional_env or ()
            }
            for each in nodes
        ]

    return run


def test_four_processes_get_the_profile_and_the_launch_itself_none(start):
    before = dict(os.environ)
    given = start(composed='false', params_file=PARAMETERS)
    assert len(given) == 4
    assert all(
        value.endswith(('/fastdds.xml', '/fastdds_small.xml'))
        for each in given
        for value in each.values()
    )
    assert all(given)
    assert dict(os.environ) == before


def test_one_process_gets_none(start):
    assert start(composed='true', params_file=PARAMETERS) == [{}]


def test_transports_of_the_user_are_left_as_they_are(start, monkeypatch):
    monkeypatch.setenv('FASTDDS_BUILTIN_TRANSPORTS', 'LARGE_DATA')
    assert start(composed='false', params_file=PARAMETERS) == [{}, {}, {}, {}]
