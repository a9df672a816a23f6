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

"""Shared memory of Fast DDS: what the dead left is removed, and what is there is not exceeded."""

from importlib import metadata
import os
import subprocess
import sys
import time

import pytest
from ros_bench import DOMAIN
from rtcnn_perception import shared_memory
from rtcnn_perception.nodes.parameters import TABLES

MIB = 1024 * 1024
SEGMENT = 'fastdds_0123456789abcdef'


@pytest.fixture
def chosen(monkeypatch, tmp_path):
    """Return a function that chooses where so many MiB are left, in an environment."""
    monkeypatch.chdir(tmp_path)

    def choose(free, *, has_images=True, **given):
        monkeypatch.setattr(shared_memory, 'free_bytes', lambda _: free * MIB)
        return shared_memory.transport_variables(
            has_images=has_images, given=given, folder=tmp_path
        )

    return choose


def profile(variables):
    (named,) = [variables[name] for name in shared_memory.PROFILE_VARIABLES if name in variables]
    return named.rpartition('/')[2]


@pytest.mark.parametrize(
    ('free', 'expected'),
    [
        (23_000, 'fastdds.xml'),
        (175, 'fastdds.xml'),
        (174, 'fastdds_small.xml'),
        (64, 'fastdds_small.xml'),
    ],
)
def test_the_profile_for_images_is_of_the_size_that_all_nodes_and_a_subscriber_can_have(
    chosen, free, expected
):
    variables, warning = chosen(free)
    assert (profile(variables), warning) == (expected, '')
    assert len(TABLES) + 1 == shared_memory.PROCESSES


def test_where_there_is_too_little_room_for_images_there_is_no_profile_but_a_warning(chosen):
    variables, warning = chosen(30)
    assert variables == {}
    assert 'fastdds shm clean' in warning


def test_where_no_image_crosses_processes_there_is_no_profile(chosen):
    assert chosen(23_000, has_images=False) == ({}, '')


def test_where_almost_nothing_is_left_messages_go_over_udp_with_a_warning(chosen):
    variables, warning = chosen(3, has_images=False)
    assert 'has 3.0 MiB left' in warning
    assert 'fastdds shm clean' in warning
    assert variables == {shared_memory.TRANSPORTS_VARIABLE: 'UDPv4'}


@pytest.mark.parametrize(
    ('version', 'expected'), [('3.3.16', 1), ('7.1.6', 1), ('9.1.2', 0), ('12.0.0', 0)]
)
def test_the_profile_is_named_by_the_variable_that_each_distribution_reads(
    monkeypatch, chosen, version, expected
):
    monkeypatch.setattr(shared_memory.metadata, 'version', lambda _: version)
    variables, _ = chosen(23_000)
    assert [*variables] == [shared_memory.PROFILE_VARIABLES[expected]]
    assert profile(variables) == 'fastdds.xml'


@pytest.mark.parametrize('free', [1, 23_000])
@pytest.mark.parametrize(
    ('name', 'value'),
    [
        *((name, 'mine.xml') for name in shared_memory.PROFILE_VARIABLES),
        ('FASTDDS_BUILTIN_TRANSPORTS', 'LARGE_DATA'),
        ('FASTDDS_BUILTIN_TRANSPORTS', 'UDPv4'),
        ('FASTDDS_ENVIRONMENT_FILE', 'mine.json'),
        ('ROS_DISCOVERY_SERVER', '192.168.0.1:11811'),
        ('ROS_DISABLE_LOANED_MESSAGES', '1'),
        ('RMW_IMPLEMENTATION', 'rmw_cyclonedds_cpp'),
        ('RMW_IMPLEMENTATION', 'rmw_zenoh_cpp'),
    ],
)
def test_what_the_user_has_set_about_transports_is_left_as_it_is(chosen, free, name, value):
    assert chosen(free, **{name: value}) == ({}, '')


@pytest.mark.parametrize('name', shared_memory.PROFILE_VARIABLES)
@pytest.mark.parametrize(
    ('profile', 'free', 'is_enough'),
    [('fastdds.xml', 36, True), ('fastdds.xml', 34, False), ('fastdds_small.xml', 34, True)],
)
def test_a_profile_that_the_user_chose_stays_and_too_little_room_for_it_is_said(
    chosen, name, profile, free, is_enough
):
    variables, warning = chosen(free, **{name: f'/opt/config/{profile}'})
    assert variables == {}
    expected = f'has 34.0 MiB left, a process with the profile {profile} needs 35: its messages'
    assert warning == '' if is_enough else expected in warning


@pytest.mark.parametrize('name', shared_memory.FILES_OF_THE_USER)
def test_a_profile_in_the_working_directory_is_left_as_it_is(chosen, tmp_path, name):
    (tmp_path / name).touch()
    assert chosen(23_000) == ({}, '')


@pytest.mark.parametrize('name', ['FASTDDS_BUILTIN_TRANSPORTS', 'RMW_IMPLEMENTATION'])
def test_an_empty_variable_counts_as_none(chosen, name):
    assert profile(chosen(23_000, **{name: ''})[0]) == 'fastdds.xml'


def test_choosing_changes_no_environment_and_preparing_that_of_this_process(monkeypatch, chosen):
    name = shared_memory.TRANSPORTS_VARIABLE
    monkeypatch.setenv(name, '')
    for each in (*shared_memory.CHOICES_OF_THE_USER, 'RMW_IMPLEMENTATION'):
        monkeypatch.delenv(each, raising=False)
    before = dict(os.environ)
    assert chosen(1)[0] == {name: 'UDPv4'}
    assert dict(os.environ) == before
    assert 'go over UDP' in shared_memory.prepare(has_images=True)
    assert os.environ[name] == 'UDPv4'


@pytest.mark.parametrize(
    ('middleware', 'given', 'expected'),
    [
        ('rmw_fastrtps_cpp', {}, '/config/fastdds.xml'),
        (
            'rmw_fastrtps_cpp',
            {'FASTRTPS_DEFAULT_PROFILES_FILE': '/mine.xml'},
            'start their publisher with FASTRTPS_DEFAULT_PROFILES_FILE=/mine.xml',
        ),
        (
            'rmw_fastrtps_cpp',
            {'FASTDDS_BUILTIN_TRANSPORTS': 'LARGE_DATA'},
            'set FASTDDS_BUILTIN_TRANSPORTS=LARGE_DATA?max_msg_size=',
        ),
        (
            'rmw_fastrtps_cpp',
            {'FASTDDS_BUILTIN_TRANSPORTS': shared_memory.LARGE_DATA},
            'smaller or compressed images',
        ),
        ('rmw_cyclonedds_cpp', {}, 'net.core.rmem_max'),
    ],
)
def test_the_advice_against_loss_is_not_to_set_what_is_set(middleware, given, expected):
    assert expected in shared_memory.advice_against_loss(middleware, given)


def test_fresh_files_links_and_files_of_other_names_are_left_alone(tmp_path):
    (tmp_path / 'target').write_bytes(b'')
    (tmp_path / 'fastdds_fedcba9876543210_el').symlink_to(tmp_path / 'target')
    for name in (SEGMENT, f'{SEGMENT}_el', 'fastdds_port7400_el', 'fastdds_notes_el', 'other_el'):
        (tmp_path / name).write_bytes(b'')
    before = sorted(tmp_path.iterdir())
    assert shared_memory.remove_leftovers(tmp_path) == []
    (tmp_path / f'{SEGMENT}_el').unlink()
    before.remove(tmp_path / f'{SEGMENT}_el')
    later = time.time() + 1000.0
    assert shared_memory.remove_leftovers(tmp_path, now=later) == []
    assert sorted(tmp_path.iterdir()) == before


def test_a_port_that_was_never_completed_is_removed_once_it_is_old(tmp_path):
    for number, state in enumerate((b'', b'\1\0\0\0', b'\2\0\0\0')):
        (tmp_path / f'fastrtps_port741{number}').write_bytes(state)
    (tmp_path / 'fastrtps_port7411_el').write_bytes(b'')
    (tmp_path / 'fastdds_portal').write_bytes(b'')
    assert shared_memory.remove_leftovers(tmp_path) == []
    removed = shared_memory.remove_leftovers(tmp_path, now=time.time() + 1000.0)
    assert sorted(each.name for each in removed) == ['fastrtps_port7410', 'fastrtps_port7411']
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        'fastdds_portal',
        'fastrtps_port7411_el',
        'fastrtps_port7412',
    ]


def without_choices():
    """Return the environment of a user who has set nothing."""
    left = {k: v for k, v in os.environ.items() if k not in shared_memory.CHOICES_OF_THE_USER}
    return {**left, 'ROS_DOMAIN_ID': str(DOMAIN)}


PARTICIPANT = """
import os, rclpy
before = set(os.listdir('/dev/shm'))
rclpy.init()
node = rclpy.create_node('probe')
print(*(set(os.listdir('/dev/shm')) - before), flush=True)
input()
"""


@pytest.mark.skipif(not shared_memory.FOLDER.is_dir(), reason='this system has no /dev/shm')
def test_the_segment_of_a_killed_process_is_removed_and_that_of_a_living_one_stays():
    processes = [
        subprocess.Popen(
            [sys.executable, '-c', PARTICIPANT],
            env=without_choices(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    try:
        # Each may see the segments of the other as they appear: those of its own are locked by it.
        names = {name for each in processes for name in each.stdout.readline().split()}
        segments = {name[:-3] for name in names if shared_memory.SEGMENT_LOCK.fullmatch(name)}
        if not segments:
            pytest.skip('this middleware uses no shared memory')
        processes[0].kill()
        processes[0].wait()
        removed = shared_memory.remove_leftovers(now=time.time() + 1000.0)
        gone = {each for each in segments if not (shared_memory.FOLDER / each).exists()}
        assert len(gone) == 1, 'that of the killed process alone'
        assert gone <= {each.name for each in removed}
        assert not (shared_memory.FOLDER / f'{gone.pop()}_el').exists()
        processes[1].communicate('\n', timeout=60.0)
        assert processes[1].returncode == 0
    finally:
        for each in processes:
            each.kill()
            each.communicate()


CONTAINER = """
mount -t tmpfs -o size={size} tmpfs /dev/shm || exit 77
for number in 1 2 3; do {python} -c '{code}' {folder} & done
wait
"""
NODES = """
import pathlib, sys, tempfile, time, rclpy
from rtcnn_perception.commands.ros import initialised_context
folder = pathlib.Path(sys.argv[1])
limit = time.monotonic() + 60
def wait_until(is_done):
    while not is_done() and time.monotonic() < limit:
        time.sleep(0.05)
with initialised_context(has_images=True) as context:
    node = rclpy.create_node("probe", context=context)
    wait_until(lambda: node.get_node_names().count("probe") == 3)
    tempfile.mkstemp(prefix=str(node.get_node_names().count("probe")), dir=folder)
    wait_until(lambda: len([*folder.iterdir()]) == 3)
    node.destroy_node()
"""


@pytest.mark.slow
@pytest.mark.parametrize('size', ['64m', '1m'])
def test_three_processes_run_without_errors_in_a_container_with_little_shared_memory(
    tmp_path, size
):
    script = CONTAINER.format(size=size, python=sys.executable, code=NODES, folder=tmp_path)
    try:
        done = subprocess.run(
            ['unshare', '-rm', 'bash', '-c', script],
            capture_output=True,
            text=True,
            timeout=120.0,
            check=False,
            env=without_choices(),
        )
    except FileNotFoundError:
        pytest.skip('unshare is not installed')
    if done.returncode == 77 or 'unshare failed' in done.stderr:
        pytest.skip('this user may not mount a file system of its own')
    assert [each.name[0] for each in tmp_path.iterdir()] == ['3'] * 3, done.stderr
    # Fast DDS 3 tries shared memory once whatever is configured, reports that, and goes on.
    has_3 = int(metadata.version('rclpy').partition('.')[0]) >= shared_memory.FIRST_WITH_FAST_DDS_3
    assert 'Error' not in done.stderr or (has_3 and size == '1m')
    assert ('go over UDP' in done.stderr) == (size == '1m')
