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

"""A ROS of its own for every test: its context, a domain of its own, and a deadline."""

import importlib
import os
from pathlib import Path

import pytest

# Iron and later stay on this machine by this variable; that of Humble would override it.
os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
os.environ.pop('ROS_LOCALHOST_ONLY', None)
# As the launch file does, under both names: best-effort images must not be lost on the way.
PROFILE = Path(__file__).parents[2] / 'config' / 'fastdds.xml'
for variable in ('FASTDDS_DEFAULT_PROFILES_FILE', 'FASTRTPS_DEFAULT_PROFILES_FILE'):
    os.environ.setdefault(variable, str(PROFILE))


@pytest.fixture
def bench(monkeypatch):
    """Return a ROS of the test's own, in which diagnostics come twenty times a second."""
    pytest.importorskip('rclpy')
    monkeypatch.setattr('rtcnn_perception.nodes.base.DIAGNOSTICS_PERIOD', 0.05)
    made = importlib.import_module('ros_bench').Bench()
    yield made
    made.close()


@pytest.fixture(scope='session')
def provided(request):
    """Return a function that lets the interface packages of these names be imported."""
    pytest.importorskip('rclpy')
    cache = request.config.cache.mkdir('interfaces')
    provide = importlib.import_module('interfaces').provide

    def all_of(*names):
        for name in names:
            provide(name, cache)

    return all_of
