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

"""Fixtures of the commands' tests: an isolated ROS, and the places of the research data."""

import os
from pathlib import Path

import pytest
from rtcnn_perception import shared_memory
from rtcnn_perception.core.detection import yunet as yunet_module

PROFILE = Path(__file__).parents[2] / 'config' / 'fastdds.xml'
DOMAIN = 10 + os.getpid() % 90
"""Domains up to 101 keep clear of the ports that Linux gives to programs."""


@pytest.fixture
def own_ros(monkeypatch):
    """Give the test and its child processes a ROS domain of their own."""
    pytest.importorskip('rclpy')
    monkeypatch.setenv('ROS_DOMAIN_ID', str(DOMAIN))
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    monkeypatch.delenv('ROS_LOCALHOST_ONLY', raising=False)
    # Fast DDS reads a profile once in a process: without it here, best-effort images would be lost
    # in the tests of the nodes that follow. Fast DDS 3 warns of the name that it no longer reads.
    for name in shared_memory.PROFILE_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(shared_memory._profile_variable(), str(PROFILE))


@pytest.fixture(scope='session')
def data() -> Path:
    """Return the folder of the research data, or skip the test."""
    beside = Path(__file__).resolve().parents[2].parent / 'shared' / 'data'
    folder = Path(os.environ.get('RTCNN_DATA') or beside)
    if not folder.is_dir():
        pytest.skip(f'there is no research data at {folder}; RTCNN_DATA may name the folder')
    return folder


@pytest.fixture(scope='session')
def yunet(data) -> Path:
    """Return the model of YuNet that comes with the research data, or skip the test."""
    if yunet_module.obstacle():
        pytest.skip(yunet_module.obstacle())
    baselines = Path(os.environ.get('RTCNN_BASELINES') or data.parent / 'baselines')
    path = baselines / yunet_module.PUBLISHED.path
    if not path.is_file():
        pytest.skip(f'there is no YuNet at {path}; RTCNN_BASELINES may name the folder')
    return path
