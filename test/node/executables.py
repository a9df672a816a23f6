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

"""The installed executables as processes of their own."""

import os
from pathlib import Path
import signal
import subprocess
import sys

from ros_bench import DEADLINE
from ros_bench import DOMAIN

END_WITHIN = 30.0
"""
Seconds after a signal in which a process must have ended, or it counts as blocked.

It is to end within 2, but a test does not measure that: on a busy machine a process waits for its
turn, and would fail here for that.
"""


def find_executable(name):
    """Return the path of an executable of the package, None where it is not installed."""
    prefixes = [Path(each) for each in os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep)]
    candidates = [prefix / 'lib' / 'rtcnn_perception' / name for prefix in prefixes]
    candidates.append(Path(sys.executable).parent / name)
    return next((each for each in candidates if each.is_file()), None)


class Executable:
    """A process; its output is kept for the message of a failing test."""

    def __init__(self, path, arguments, log, environment=os.environ, **options):
        self.log = log
        environment = {
            **environment,
            'ROS_DOMAIN_ID': str(DOMAIN),
            'RCUTILS_COLORIZED_OUTPUT': '0',
            'PYTHONFAULTHANDLER': '1',
        }
        with log.open('wb') as stream:
            self._process = subprocess.Popen(
                [str(path), *arguments],
                stdout=stream,
                stderr=subprocess.STDOUT,
                env=environment,
                **options,
            )

    @property
    def output(self):
        """Return what it printed so far."""
        return self.log.read_text(errors='replace')

    @property
    def is_running(self):
        return self._process.poll() is None

    def send(self, number):
        self._process.send_signal(number)

    def write(self, text):
        """Write to its input, where that is a pipe."""
        self._process.stdin.write(text.encode())
        self._process.stdin.flush()

    def end(self, number=signal.SIGINT):
        """Send it a signal and return its exit code."""
        self.send(number)
        return self.wait(END_WITHIN)

    def wait(self, timeout=DEADLINE):
        """Return its exit code; one that does not end shows where its threads are."""
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.send(signal.SIGABRT)
            self._process.wait()
            raise AssertionError(f'did not end in {timeout:g} s:\n{self.output}') from None

    def kill(self):
        """Make sure that it has ended."""
        if self.is_running:
            self.send(signal.SIGCONT)
            self._process.kill()
            self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()


def ros_arguments(parameters, remappings=()):
    """Return a command line that sets parameters and remaps topics."""
    arguments = ['--ros-args']
    for name, value in parameters.items():
        text = str(value).lower() if isinstance(value, bool) else str(value)
        arguments += ['-p', f'{name}:={text}']
    for each in remappings:
        arguments += ['-r', each]
    return arguments
