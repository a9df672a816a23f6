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

"""What the user has set about DDS holds for the nodes, however they are started."""

import os
from pathlib import Path
import subprocess

import pytest

pytestmark = pytest.mark.slow

PLAIN = {'detector.name': 'haar', 'attributes': "['']"}
"""Parameters that need little time and no model."""


SUBNET = {'ROS_AUTOMATIC_DISCOVERY_RANGE': 'SUBNET'}
"""The default, by which Fast DDS uses the transports as they are configured."""

CONTAINER = 'mount -t tmpfs tmpfs /dev/shm && exec "$@"'


def has_cyclone():
    """Return whether CycloneDDS is installed as a middleware of ROS."""
    prefixes = os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep)
    return any(list(Path(each).glob('lib/librmw_cyclonedds_cpp.so')) for each in prefixes if each)


def run_through(it, container=()):
    it.listen()
    it.drive(320, 240, 10)
    it.launch(False, PLAIN, container)
    it.wait_for(lambda: len(it.heard('attributes')) >= 5, 'attributes of five images')


def test_images_pass_where_all_processes_have_another_transport(robot):
    run_through(robot(FASTDDS_BUILTIN_TRANSPORTS='UDPv4', **SUBNET))


def test_images_pass_into_a_container_whose_user_has_turned_shared_memory_off(robot):
    # Without shared memory of the driver's, but with its network and so its host id.
    container = ('unshare', '-rm', 'sh', '-c', CONTAINER, 'sh')
    try:
        probe = subprocess.run([*container, 'true'], check=False, capture_output=True)
    except FileNotFoundError:
        pytest.skip('unshare is not installed')
    if probe.returncode:
        pytest.skip('this user may not mount a file system of its own')
    it = robot(**SUBNET)
    it.of_the_nodes = {'FASTDDS_BUILTIN_TRANSPORTS': 'UDPv4'}
    run_through(it, container)


@pytest.mark.skipif(not has_cyclone(), reason='rmw_cyclonedds_cpp is not installed')
def test_images_pass_with_cyclonedds(robot):
    run_through(robot(RMW_IMPLEMENTATION='rmw_cyclonedds_cpp'))


def test_lost_images_are_reported_with_what_to_do(robot):
    it = robot()
    it.listen()
    it.drive(1280, 720, 30)
    it.launch(True, PLAIN)
    # Of images in so many pieces some machines get a few and others none at all.
    it.wait_for(lambda: 'lost: ' in it.status('camera')['message'], 'word of the loss')
    status = it.status('camera')
    assert status['level'] in (1, 2)
    assert 'fastdds.xml' in status['message']
