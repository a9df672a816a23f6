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

"""Nothing leaves the robot: what the nodes open on the network and write below the home."""

import contextlib
import fcntl
import os
import re
import shutil
import socket
import struct
import subprocess
import sys

import pytest
from ros_bench import DOMAIN

PIPELINE = """
import sys
seen = []
def hook(event, arguments):
    if event in ('socket.connect', 'socket.getaddrinfo', 'socket.gethostbyname', 'socket.sendto'):
        seen.append((event, arguments))
sys.addaudithook(hook)
from rtcnn_perception.commands.ros import initialised_context
from rtcnn_perception.nodes.perception import Perception
results = []
with initialised_context() as context:
    parameters = {'source': 'builtin'}
    with Perception(context=context, parameters=parameters, on_result=results.append) as nodes:
        while len(results) < 5:
            nodes.wait(0.1)
assert not seen, f'opened by Python: {seen}'
"""
DOCUMENTED = re.compile(r'\.ros(/log(/python_[0-9_]+\.log)?)?')
"""What ROS writes below the home: a log of each process."""
MULTICAST = '239.255.0.1'
"""Of discovery. Source: DDSI-RTPS 2.2, 9.6.1.4.1."""
SIOCGIFADDR = 0x8915


def own_addresses():
    """Return the IPv4 addresses of this machine's interfaces."""
    found = {'127.0.0.1', '0.0.0.0'}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _, name in socket.if_nameindex():
            with contextlib.suppress(OSError):  # an interface without an address
                request = struct.pack('256s', name.encode()[:15])
                answer = fcntl.ioctl(probe.fileno(), SIOCGIFADDR, request)
                found.add(socket.inet_ntoa(answer[20:24]))
    return found


@pytest.fixture
def run_pipeline(tmp_path):
    """Return a function that runs all nodes with a fresh home, behind a command; and the home."""
    home = tmp_path / 'home'
    home.mkdir()
    left_out = (
        'ORT_DISABLE_TELEMETRY',
        'ROS_AUTOMATIC_DISCOVERY_RANGE',
        'ROS_HOME',
        'ROS_LOG_DIR',
    )
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in left_out and not name.startswith('XDG_')
    }

    def run(*before):
        return subprocess.run(
            [*before, sys.executable, '-c', PIPELINE],
            env={**environment, 'HOME': str(home), 'ROS_DOMAIN_ID': str(DOMAIN)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300.0,
            check=False,
        )

    return run, home


def test_the_nodes_leave_only_logs_below_the_home_and_python_opens_no_connection(run_pipeline):
    run, home = run_pipeline
    done = run()
    assert done.returncode == 0, done.stderr
    names = [str(each.relative_to(home)) for each in home.rglob('*')]
    assert [each for each in names if not DOCUMENTED.fullmatch(each)] == []


def test_no_address_is_spoken_to_but_those_of_this_machine_and_of_discovery(
    run_pipeline, tmp_path
):
    strace = shutil.which('strace')
    if strace is None:
        pytest.skip('strace is not installed')
    run, _ = run_pipeline
    trace = tmp_path / 'trace'
    done = run(strace, '-f', '-e', 'trace=network', '-o', str(trace))
    if 'PTRACE' in done.stderr or 'ptrace' in done.stderr:
        pytest.skip('this system does not let strace trace')
    assert done.returncode == 0, done.stderr
    calls = trace.read_text(errors='replace').splitlines()
    # What is only asked of the system, such as the addresses of its interfaces, is left out.
    text = '\n'.join(each for each in calls if re.search(r' (connect|bind|send\w*)\(', each))
    addresses = set(re.findall(r'inet_addr\("([^"]+)"\)', text))
    assert MULTICAST in addresses, 'the trace has what DDS does'
    assert addresses <= {MULTICAST, *own_addresses()}
    local = {'AF_UNIX', 'AF_NETLINK', 'AF_INET'}
    assert set(re.findall(r'sa_family=(AF_[A-Z0-9]+)', text)) <= local
