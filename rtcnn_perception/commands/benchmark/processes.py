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

"""Executables of the package as processes of a benchmark."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
import json
import os
from pathlib import Path
import signal
import subprocess
import sys
import tempfile

from rtcnn_perception.commands.benchmark.machine import cpu_seconds
from rtcnn_perception.commands.benchmark.machine import resident_mb
from rtcnn_perception.exceptions import PerceptionError

CODE = """
from rtcnn_perception.process import end_with
end_with({parent})
from rtcnn_perception.nodes.entry import run
run({module!r})
"""
"""What a process does: it ends with this one, also where this one is killed."""
END_S = 5.0
"""Time for a process to end before it is killed; the package promises 2 s."""


@dataclass(frozen=True)
class Program:
    """A module of nodes with a ``main``, with ROS parameters and remappings."""

    module: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    remappings: Mapping[str, str] = field(default_factory=dict)

    def command(self) -> list[str]:
        """Return the command line."""
        code = CODE.format(parent=os.getpid(), module=self.module)
        options = []
        for name, value in self.parameters.items():
            # JSON is YAML, which ROS parses.
            options += ['-p', f'{name}:={json.dumps(value)}']
        for name, other in self.remappings.items():
            options += ['-r', f'{name}:={other}']
        return [sys.executable, '-c', code, '--ros-args', *options]


class Processes:
    """
    Programs that run at the same time.

    Use it as a context manager: entering starts them, leaving ends them.
    """

    def __init__(self, *programs: Program) -> None:
        self._programs = programs
        self._processes: list[subprocess.Popen[bytes]] = []
        self._log: Path | None = None

    def __enter__(self) -> Processes:
        handle, name = tempfile.mkstemp(prefix='rtcnn_perception_bench_', suffix='.log')
        self._log = Path(name)
        for program in self._programs:
            # A group of its own: Ctrl-C comes from here, and what a program starts ends with it.
            process = subprocess.Popen(
                program.command(), stdout=handle, stderr=handle, start_new_session=True
            )
            self._processes.append(process)
        os.close(handle)
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.send_signal(signal.SIGINT)
        for process in self._processes:
            _end(process)
        if self._log is not None:
            self._log.unlink()

    def check(self) -> None:
        """
        Make sure that all processes run.

        :raises PerceptionError: if one has ended, with the last lines of its log
        """
        for program, process in zip(self._programs, self._processes, strict=True):
            if process.poll() is not None:
                text = '' if self._log is None else self._log.read_text(errors='replace')
                last = ' / '.join(text.strip().splitlines()[-3:])
                raise PerceptionError(
                    f'{program.module} ended with exit code {process.returncode}: {last}'
                )

    def resident_mb(self) -> list[float]:
        """Return the resident memory of each process in MB."""
        return [resident_mb(process.pid) for process in self._processes]

    def cpu_seconds(self) -> list[float]:
        """Return the processor time that each has taken, in seconds of one core."""
        return [cpu_seconds(process.pid) for process in self._processes]


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
