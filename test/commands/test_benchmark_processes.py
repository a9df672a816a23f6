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
from pathlib import Path
import signal
import subprocess
import sys
import time

import pytest
from rtcnn_perception.commands.benchmark import node_runs
from rtcnn_perception.commands.benchmark import processes
from rtcnn_perception.commands.benchmark.watcher import Watcher
from rtcnn_perception.commands.ros import initialised_context
from rtcnn_perception.exceptions import PerceptionError
from rtcnn_perception.nodes.parameters import TABLES

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures('own_ros')]


@pytest.fixture
def context(own_ros):  # noqa: ARG001 - it sets the domain
    with initialised_context() as made:
        yield made


def test_a_process_that_fails_is_reported_with_the_end_of_its_log(context):
    setup = node_runs.composed({'detector.name': 'eyes'})
    with pytest.raises(PerceptionError, match=r'perception ended with exit code 1: .*eyes'):
        node_runs.measure_latency(context, setup, seconds=1.0)


def test_a_process_that_does_not_end_is_killed(context, monkeypatch, tmp_path):
    monkeypatch.setattr(processes, 'END_S', 0.2)
    ready = tmp_path / 'ready'
    endless = ['sh', '-c', f'trap "" INT; touch {ready}; while true; do sleep 0.1; done']
    monkeypatch.setattr(processes.Program, 'command', lambda _: endless)
    program = processes.Program('endless')
    with processes.Processes(program) as running, Watcher(context, running.check) as watcher:
        watcher.wait(ready.exists, 30.0, 'it did not start')
        process = running._processes[0]
    assert process.returncode == -9


def processes_of(session):
    """Return the processes of a session that still run."""
    found = []
    for path in Path('/proc').glob('[0-9]*/stat'):
        try:
            state, _, _, number = path.read_text().rpartition(') ')[2].split()[:4]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(number) == session and state != 'Z':
            found.append(int(path.parent.name))
    return found


def wait_for(found, what):
    limit = time.monotonic() + 60.0
    while not found():
        assert time.monotonic() < limit, what
        time.sleep(0.05)
    return found()


@pytest.mark.parametrize(
    ('number', 'code'), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGKILL, -9)]
)
def test_the_nodes_of_a_benchmark_end_with_it_however_it_ends(tmp_path, number, code):
    command = [sys.executable, '-m', 'rtcnn_perception.cli', 'bench', '--quick']
    words = ['--parts', 'idle', '--output', str(tmp_path), '--detectors', 'haar']
    with subprocess.Popen([*command, *words], stderr=subprocess.PIPE, text=True) as bench:
        children = Path(f'/proc/{bench.pid}/task/{bench.pid}/children')
        try:
            wait_for(
                lambda: len(children.read_text().split()) == len(TABLES), 'the nodes did not start'
            )
            nodes = [int(each) for each in children.read_text().split()]
            wait_for(
                lambda: all(b'end_with' in read(each) for each in nodes), 'they are not nodes'
            )
            bench.send_signal(number)
            _, printed = bench.communicate(timeout=60.0)
        finally:
            bench.kill()
    assert bench.returncode == code
    assert 'Traceback' not in printed
    try:
        wait_for(lambda: not any(map(processes_of, nodes)), 'a node still runs')
    finally:
        for each in nodes:
            if processes_of(each):
                os.killpg(each, signal.SIGKILL)


def read(pid):
    try:
        return Path(f'/proc/{pid}/cmdline').read_bytes()
    except FileNotFoundError:  # it ended meanwhile
        return b''
