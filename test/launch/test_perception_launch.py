"""The launch file, where launch_testing is installed and the package is, by colcon."""

import os
from pathlib import Path
import tempfile
import time
import unittest

import pytest

REASON = 'launch files need ROS 2 from its own packages, which has launch_testing'
pytest.importorskip('launch_testing', reason=REASON)
pytest.importorskip('launch_ros', reason=REASON)

from ament_index_python.packages import get_package_share_directory
from ament_index_python.packages import PackageNotFoundError
from launch import LaunchDescription
from launch.actions import IncludeLaunchDescription
from launch.actions import SetEnvironmentVariable
from launch.launch_description_sources import PythonLaunchDescriptionSource
import launch_testing
import launch_testing.actions
import launch_testing.asserts
import launch_testing.markers
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rtcnn_perception.msg import FaceAttributes
from tiny_model import EMOTIONS
from tiny_model import GENDERS
from tiny_model import write_tiny_model

try:
    SHARE = Path(get_package_share_directory('rtcnn_perception'))
except PackageNotFoundError:
    pytest.skip('the package is not installed by colcon', allow_module_level=True)
if not any(
    Path(prefix, 'lib', 'rtcnn_perception', 'perception').is_file()
    for prefix in os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep)
):
    pytest.skip('the package is not installed by colcon', allow_module_level=True)

DOMAIN = 10 + os.getpid() % 90
"""Domains up to 101 keep clear of the ports that Linux gives to any program."""

DEADLINE = 120.0
"""Seconds for what takes a few: only a failure takes longer."""

ENVIRONMENT = {'ROS_DOMAIN_ID': str(DOMAIN), 'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST'}

PARAMETERS = """
/**/faces_classifier:
  ros__parameters:
    attributes: [gender, emotion]
    emotion: {{model_path: '{models}/emotion'}}
    gender: {{model_path: '{models}/gender'}}
/**/faces_detector:
  ros__parameters:
    detector: {{name: haar, width: 320}}
"""
"""What the test changes: networks of a few weights, and a detector that needs no model file."""


@pytest.mark.launch_test
# launch leaves its event loop and terminals to the garbage collector.
@pytest.mark.filterwarnings('ignore::pytest.PytestUnraisableExceptionWarning')
@launch_testing.parametrize('composed', ['true', 'false'])
def generate_test_description(composed):
    """Launch the nodes on the built-in clip, with networks of a few weights."""
    models = Path(tempfile.mkdtemp())
    write_tiny_model(models / 'emotion', {'emotion': EMOTIONS}, seed=1)
    write_tiny_model(models / 'gender', {'gender': GENDERS}, seed=2)
    parameters = models / 'parameters.yaml'
    parameters.write_text(PARAMETERS.format(models=models), encoding='utf-8')
    launched = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(SHARE / 'launch' / 'perception.launch.py')),
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
    def test_every_process_ends_with_exit_code_zero(self, proc_info):
        launch_testing.asserts.assertExitCodes(proc_info)
