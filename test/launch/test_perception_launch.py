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

"""The launch file, where launch_testing is installed and the package is, by colcon."""

import os
from pathlib import Path
import tempfile
import time
import unittest

from ament_index_python.packages import get_package_prefix
from ament_index_python.packages import PackageNotFoundError
from launch import LaunchDescription
from launch.actions import IncludeLaunchDescription
from launch.actions import SetEnvironmentVariable
from launch.launch_description_sources import PythonLaunchDescriptionSource
import launch_testing
import launch_testing.actions
import launch_testing.asserts
import pytest
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rtcnn_perception.msg import FaceAttributes


def prefix() -> Path:
    """
    Return the prefix into which colcon installed the package.

    :raises PackageNotFoundError: if it did not
    """
    found = Path(get_package_prefix('rtcnn_perception'))
    if not (found / 'lib' / 'rtcnn_perception' / 'perception').is_file():
        raise PackageNotFoundError(f'{found} has no executables: it was installed by pip')
    return found


def is_installed() -> bool:
    """Return whether colcon installed the package, and its setup file was sourced."""
    try:
        prefix()
    except PackageNotFoundError:
        return False
    return True


DOMAIN = 10 + os.getpid() % 90
"""Domains up to 101 keep clear of the ports that Linux gives to any program."""

DEADLINE = 120.0
"""Seconds for what takes a few: only a failure takes longer."""

ENVIRONMENT = {'ROS_DOMAIN_ID': str(DOMAIN), 'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST'}

PARAMETERS = """
/**/faces_classifier:
  ros__parameters:
    attributes: [gender, emotion]
/**/faces_detector:
  ros__parameters:
    detector: {name: haar, width: 320}
"""
"""What the test changes: the order of the attributes, and the detector."""


@pytest.mark.launch_test
@pytest.mark.skipif(not is_installed(), reason='the package is not installed by colcon')
# launch leaves its event loop and terminals to the garbage collector.
@pytest.mark.filterwarnings('ignore::pytest.PytestUnraisableExceptionWarning')
@launch_testing.parametrize('composed', ['true', 'false'])
def generate_test_description(composed):
    """Launch the nodes on the built-in clip, with parameters of its own."""
    parameters = Path(tempfile.mkdtemp()) / 'parameters.yaml'
    parameters.write_text(PARAMETERS, encoding='utf-8')
    launch_file = prefix() / 'share' / 'rtcnn_perception' / 'launch' / 'perception.launch.py'
    launched = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(launch_file)),
        launch_arguments={
            'composed': composed,
            'source': 'builtin',
            'horizontal_fov': '60',
            'namespace': 'robot',
            'params_file': str(parameters),
        }.items(),
    )
    return LaunchDescription(
        [
            *(SetEnvironmentVariable(name, value) for name, value in ENVIRONMENT.items()),
            launched,
            launch_testing.actions.ReadyToTest(),
        ]
    )


class TestWhileRunning(unittest.TestCase):
    """While the nodes run."""

    def test_faces_are_classified_in_the_namespace(self):
        context = Context()
        context.init(None, domain_id=DOMAIN)
        node = Node('tester', context=context)
        executor = SingleThreadedExecutor(context=context)
        executor.add_node(node)
        received = []
        node.create_subscription(FaceAttributes, '/robot/faces/attributes', received.append, 10)
        missing = {'faces_camera', 'faces_detector', 'faces_classifier', 'faces_humans'}
        end = time.monotonic() + DEADLINE
        while (missing or not any(it.faces for it in received)) and time.monotonic() < end:
            executor.spin_once(timeout_sec=0.1)
            missing -= {
                name
                for name, namespace in node.get_node_names_and_namespaces()
                if namespace == '/robot'
            }
        executor.shutdown()
        node.destroy_node()
        context.try_shutdown()
        assert missing == set()
        face = next(msg.faces[0] for msg in received if msg.faces)
        assert [each.name for each in face.attributes] == ['gender', 'emotion']
        assert face.has_pose


@launch_testing.post_shutdown_test()
class TestAfterShutdown(unittest.TestCase):
    """After the nodes were stopped."""

    def test_every_process_ends_with_exit_code_zero(self, proc_info):
        launch_testing.asserts.assertExitCodes(proc_info)
