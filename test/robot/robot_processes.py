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

"""Processes of a robot, each with an environment: drivers, the nodes, and one that listens."""

import json
import os
from pathlib import Path
import subprocess
import sys
import time

from executables import Executable
from executables import find_executable
from executables import ros_arguments
from ros_bench import DEADLINE
from rtcnn_perception.shared_memory import CHOICES_OF_THE_USER
from rtcnn_perception.shared_memory import transport_variables

HERE = Path(__file__).parent
SEPARATE = ('camera_node', 'detector_node', 'classifier_node')


def environment(**of_the_user):
    """Return the environment of a user who has set that about DDS, and nothing else."""
    chosen = (*CHOICES_OF_THE_USER, 'RMW_IMPLEMENTATION')
    left = {name: value for name, value in os.environ.items() if name not in chosen}
    return {**left, 'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST', **of_the_user}


class Robot:
    """
    Processes that end with the test.

    :param folder: for their output
    :param of_the_user: variables that the user has set for all of them
    """

    def __init__(self, folder, **of_the_user):
        self.folder = folder
        self.environment = environment(**of_the_user)
        self.of_the_nodes = {}
        self.processes = {}

    def run(self, name, path, arguments, **added):
        """Start a process under a name, with more variables than the user has set."""
        self.processes[name] = Executable(
            path,
            arguments,
            self.folder / f'{name}{len(self.processes)}.log',
            {**self.environment, **added},
            stdin=subprocess.PIPE,
        )
        return self.processes[name]

    def drive(self, *arguments, **added):
        """Start a driver; see robot_driver.py."""
        script = str(HERE / 'robot_driver.py')
        return self.run('driver', sys.executable, [script, *map(str, arguments)], **added)

    def launch(self, composed, parameters, before=()):
        """
        Start the nodes, in one process or in three, in the environment of the launch file.

        :param before: a command that runs each of them
        """
        given = {**self.environment, **self.of_the_nodes}
        variables, _ = transport_variables(has_images=not composed, given=given)
        for name in ('perception',) if composed else SEPARATE:
            path, *arguments = [*before, find_executable(name), *ros_arguments(parameters)]
            self.run(name, path, arguments, **self.of_the_nodes, **variables)

    def listen(self):
        script = str(HERE / 'robot_listener.py')
        self.run('listener', sys.executable, [script])

    def heard(self, key):
        """Return what was heard that has a key, the oldest first."""
        # The last line may be written at this moment.
        lines = self.processes['listener'].output.splitlines()[:-1]
        parsed = [json.loads(line) for line in lines if line.startswith('{')]
        return [each for each in parsed if key in each]

    def status(self, node):
        """Return the last status of a node; of none before there is one."""
        found = [each for each in self.heard('status') if node in each['status']]
        return found[-1] if found else {'level': None, 'message': '', 'values': {}}

    def wait_for(self, condition, what):
        """Wait until it holds, while all processes run; what they printed says why it fails."""
        end = time.monotonic() + DEADLINE
        while not condition():
            ended = [name for name, each in self.processes.items() if not each.is_running]
            if ended or time.monotonic() > end:
                outputs = [f'{name}: {it.output[-3000:]}' for name, it in self.processes.items()]
                raise AssertionError('\n'.join([f'no {what}; ended: {ended}', *outputs]))
            time.sleep(0.1)

    def kill(self, name):
        """Kill a process as the system does, without a word of its own."""
        self.processes.pop(name).kill()

    def close(self):
        for each in self.processes.values():
            each.kill()
