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

import os

import pytest
from rtcnn_perception.commands.benchmark import machine


@pytest.mark.parametrize(
    ('version', 'expected'), [('3.3.16', 'humble'), ('7.1.6', 'jazzy'), ('99.0', 'not named')]
)
def test_a_distribution_without_its_variable_is_known_by_its_rclpy(monkeypatch, version, expected):
    monkeypatch.delenv('ROS_DISTRO', raising=False)
    monkeypatch.setattr(machine.metadata, 'version', lambda _: version)
    assert machine.describe()['ROS distribution'] == expected
    monkeypatch.setenv('ROS_DISTRO', 'rolling')
    assert machine.describe()['ROS distribution'] == 'rolling'


def test_memory_and_processor_time_of_a_process_are_read():
    assert 5 < machine.resident_mb(os.getpid()) < 5000
    assert machine.cpu_seconds(os.getpid()) > 0
