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

"""Nodes in processes of their own, and beside them a node that feeds and observes them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
import signal
import subprocess
import threading
import time
from typing import Any
from typing import TypeVar

from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.msg import Parameter as ParameterMsg
from rcl_interfaces.srv import SetParameters
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile
from rtcnn_perception.commands.benchmark.machine import resident_mb
from rtcnn_perception.commands.benchmark.processes import Program
from rtcnn_perception.msg import FaceAttributes
from rtcnn_perception.shared_memory import FOLDER

T = TypeVar('T')

NODES = ('camera', 'detector', 'classifier')
"""What the nodes do; their names begin with PREFIX."""
PREFIX = 'faces_'
PATIENCE_S = 120.0
"""For what should take a second: on a machine that is busy with other things it takes longer."""
STEP_S = 0.01
BLOCK_BYTES = 512

TRANSITIONS: Mapping[str, int] = {
    'configure': Transition.TRANSITION_CONFIGURE,
    'activate': Transition.TRANSITION_ACTIVATE,
    'deactivate': Transition.TRANSITION_DEACTIVATE,
    'cleanup': Transition.TRANSITION_CLEANUP,
}


class SoakError(Exception):
    """Something that must not happen has happened."""


@dataclass(frozen=True)
class Resources:
    """
    What some processes hold together.

    ``shared_memory_mb`` is what they have mapped, and what those that were killed have left.
    """

    resident_mb: float
    shared_memory_mb: float
    descriptors: int
    threads: int


class Rig:
    """
    Programs of nodes, and a node that sends images to them and counts their answers.

    Use it as a context manager. ``answers`` counts each stamp in ns; ``status`` has the last
    diagnostics of each node as texts by name, and under ``at`` when they were received.
    """

    def __init__(self, context: Context, programs: Mapping[str, Program], log: Path) -> None:
        self._programs = programs
        self._log = log
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._left: set[Path] = set()
        self.answers: Counter[int] = Counter()
        self.status: dict[str, dict[str, str]] = {}
        self.node = Node('soak', context=context)
        results = QoSProfile(depth=1000)
        self.node.create_subscription(
            FaceAttributes, '/faces/attributes', self._on_attributes, results
        )
        self.node.create_subscription(DiagnosticArray, '/diagnostics', self._on_status, results)
        self._executor = SingleThreadedExecutor(context=context)
        self._executor.add_node(self.node)
        self._is_stopping = False
        self._thread = threading.Thread(target=self._spin, name='soak', daemon=True)

    def __enter__(self) -> Rig:
        self._thread.start()
        for name in self._programs:
            self.start(name)
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes.values():
            process.send_signal(signal.SIGINT)
        for process in self._processes.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE_S)
            process.kill()
            process.wait()
        self._is_stopping = True
        self._thread.join()
        self._executor.remove_node(self.node)
        self.node.destroy_node()
        self._executor.shutdown()

    def start(self, name: str) -> None:
        """Start one of the programs."""
        with self._log.open('ab') as log:
            self._processes[name] = subprocess.Popen(
                self._programs[name].command(), stdout=log, stderr=log, start_new_session=True
            )

    def kill(self, name: str) -> None:
        """End a program by SIGKILL."""
        self._left |= _segments(self._processes[name].pid)
        self._processes[name].kill()
        self._processes[name].wait()

    def check(self) -> None:
        """
        Make sure that all programs run.

        :raises SoakError: if one has ended
        """
        for name, process in self._processes.items():
            if process.poll() is not None:
                raise SoakError(f'{name} ended with exit code {process.returncode}')

    def resources(self) -> Resources:
        """Return what the programs hold at present."""
        segments = self._left.union(*(_segments(each.pid) for each in self._processes.values()))
        folders = [Path(f'/proc/{each.pid}') for each in self._processes.values()]
        return Resources(
            resident_mb=round(sum(resident_mb(int(each.name)) for each in folders), 1),
            shared_memory_mb=round(_megabytes(segments), 2),
            descriptors=sum(len([*(each / 'fd').iterdir()]) for each in folders),
            threads=sum(len([*(each / 'task').iterdir()]) for each in folders),
        )

    def wait(self, is_done: Callable[[], object], what: str, timeout: float = PATIENCE_S) -> None:
        """
        Wait until a condition holds.

        :raises SoakError: if that takes too long, or a program has ended
        """
        end = time.monotonic() + timeout
        while not is_done():
            self.check()
            if time.monotonic() > end:
                raise SoakError(f'{what}: not within {timeout:g} s')
            time.sleep(STEP_S)

    def fresh_status(self) -> dict[str, dict[str, str]]:
        """Return diagnostics of each node that were received from now on."""
        now = time.monotonic()

        def has_come() -> bool:
            return all(float(self.status.get(each, {}).get('at', 0)) > now for each in NODES)

        self.wait(has_come, 'diagnostics of all nodes')
        return {each: dict(self.status[each]) for each in NODES}

    def change_state(self, node: str, transition: str) -> bool:
        """Ask a node for a transition; return whether it was made."""
        request = ChangeState.Request(transition=Transition(id=TRANSITIONS[transition]))
        return bool(self._call(ChangeState, f'/{PREFIX}{node}/change_state', request).success)

    def set_parameter(self, node: str, name: str, value: object) -> bool:
        """Set a parameter of a node; return whether it was accepted."""
        msg: ParameterMsg = Parameter(name, value=value).to_parameter_msg()
        request = SetParameters.Request(parameters=[msg])
        answer = self._call(SetParameters, f'/{PREFIX}{node}/set_parameters', request)
        return bool(answer.results[0].successful)

    def do(self, action: Callable[[], T]) -> T:
        """Do something to the node in the thread that waits for it: rclpy allows no other."""
        task = self._executor.create_task(action)
        self.wait(task.done, 'the thread of the executor')
        result: T = task.result()
        return result

    def _call(self, kind: type[Any], name: str, request: object) -> Any:  # noqa: ANN401 - rclpy's answers have no common type
        with self._client(kind, name) as client:
            self.wait(client.service_is_ready, f'{name} is there')
            future = client.call_async(request)
            self.wait(future.done, f'{name} answers')
            return future.result()

    @contextmanager
    def _client(self, kind: type[Any], name: str) -> Iterator[Any]:
        client = self.do(lambda: self.node.create_client(kind, name))
        try:
            yield client
        finally:
            self.do(lambda: self.node.destroy_client(client))

    def _spin(self) -> None:
        with suppress(ExternalShutdownException):
            while not self._is_stopping:
                self._executor.spin_once(timeout_sec=0.1)

    def _on_attributes(self, msg: FaceAttributes) -> None:
        stamp = msg.header.stamp
        self.answers[stamp.sec * 10**9 + stamp.nanosec] += 1

    def _on_status(self, msg: DiagnosticArray) -> None:
        for each in msg.status:
            name = each.name.partition(':')[0].removeprefix(PREFIX)
            values = {value.key: value.value for value in each.values}
            level = int.from_bytes(each.level, 'little')
            values |= {'at': str(time.monotonic()), 'level': str(level), 'says': each.message}
            self.status[name] = values


def _segments(pid: int) -> set[Path]:
    """Return the files of shared memory that a process has mapped."""
    lines = Path(f'/proc/{pid}/maps').read_text().splitlines()
    return {Path(line.split()[-1]) for line in lines if f' {FOLDER}/' in line}


def _megabytes(segments: set[Path]) -> float:
    """Return what files take, without those that are gone."""
    taken = 0
    for each in segments:
        with suppress(FileNotFoundError):
            taken += each.stat().st_blocks * BLOCK_BYTES
    return taken / 1e6
