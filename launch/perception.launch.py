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

"""
Start camera, detector and classifier, in one process or in three.

Defaults of parameters are in config/perception.yaml; an empty argument leaves the parameter to
that file.
"""

from __future__ import annotations

from launch import LaunchContext
from launch import LaunchDescription
from launch.action import Action
from launch.actions import DeclareLaunchArgument
from launch.actions import LogInfo
from launch.actions import OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch.substitutions import PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare
from rtcnn_perception.shared_memory import prepare

PACKAGE = 'rtcnn_perception'

# The parameter that an argument sets, if it is not empty.
PARAMETERS = {
    'image_transport': 'image_transport',
    'source': 'source',
    'detector': 'detector.name',
    'detector_model': 'detector.model_path',
}

# Layers below the nodes, whose debug messages would hide those of the nodes.
QUIET = ('rcl', 'rmw_fastrtps_cpp')

ARGUMENTS = [
    DeclareLaunchArgument(
        'image',
        default_value='image_raw',
        description='topic of the camera; its compressed images are below it, in /compressed',
    ),
    DeclareLaunchArgument(
        'image_transport',
        default_value='',
        choices=['', 'raw', 'compressed'],
        description='transport of the images; empty: as in the parameter file',
    ),
    DeclareLaunchArgument(
        'source',
        default_value='',
        description='instead of a topic: builtin, a camera such as /dev/video0, a video, '
        'a GIF, a picture or a folder of pictures; empty: as in the parameter file',
    ),
    DeclareLaunchArgument(
        'detector',
        default_value='',
        description='auto, or the name of a detector; empty: as in the parameter file',
    ),
    DeclareLaunchArgument(
        'detector_model',
        default_value='',
        description='path of the model of the detector; empty: as in the parameter file',
    ),
    DeclareLaunchArgument(
        'params_file',
        default_value=PathJoinSubstitution(
            [FindPackageShare(PACKAGE), 'config', 'perception.yaml']
        ),
        description='parameters of the nodes',
    ),
    DeclareLaunchArgument(
        'composed',
        default_value='true',
        choices=['true', 'false'],
        description='true: one process, in which no image crosses DDS; false: three',
    ),
    DeclareLaunchArgument(
        'namespace', default_value='', description='namespace of the nodes and topics'
    ),
    DeclareLaunchArgument(
        'log_level',
        default_value='info',
        choices=['debug', 'info', 'warn', 'error', 'fatal'],
        description='lowest severity of messages that are logged',
    ),
]


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments and start the nodes."""
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=start_nodes)])


def start_nodes(context: LaunchContext) -> list[Action]:
    """Make the processes, when the arguments are known."""
    given = {
        parameter: ParameterValue(context.launch_configurations[argument], value_type=str)
        for argument, parameter in PARAMETERS.items()
        if context.launch_configurations[argument]
    }
    is_composed = context.launch_configurations['composed'] == 'true'
    executables = (
        ['perception'] if is_composed else ['camera_node', 'detector_node', 'classifier_node']
    )
    # Composed, with a source of its own, no image crosses processes but an annotated one.
    warning = prepare(has_images=not (is_composed and context.launch_configurations['source']))
    image = LaunchConfiguration('image')
    nodes: list[Action] = [
        Node(
            package=PACKAGE,
            executable=executable,
            namespace=LaunchConfiguration('namespace'),
            parameters=[LaunchConfiguration('params_file'), *([given] if given else [])],
            remappings=[('image_raw', image)],
            ros_arguments=[
                *('--log-level', LaunchConfiguration('log_level')),
                *(word for each in QUIET for word in ('--log-level', f'{each}:=info')),
            ],
            output='screen',
            emulate_tty=True,
        )
        for executable in executables
    ]
    return [LogInfo(msg=warning), *nodes] if warning else nodes
