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

"""A robot of processes for every test: they end with it."""

import importlib

import pytest


@pytest.fixture
def robot(tmp_path):
    """Return a function that makes a robot whose user has set some variables."""
    pytest.importorskip('rclpy')
    processes = importlib.import_module('robot_processes')
    if processes.find_executable('perception') is None:
        pytest.skip('the executables are not installed')
    made = []

    def make(**of_the_user):
        made.append(processes.Robot(tmp_path, **of_the_user))
        return made[-1]

    yield make
    for each in made:
        each.close()
