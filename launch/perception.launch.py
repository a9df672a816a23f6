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
Start camera, detector, classifier and humans, in one process or in four.

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
from launch.actions import PopLaunchConfigurations
from launch.actions import PushLaunchConfigurations
from launch.substitutions import LaunchConfiguration
from launch.substitutions import PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.nodes.parameters import TABLES
from rtcnn_perception.nodes.parameters.names import node_name
from rtcnn_perception.nodes.parameters.names import role_of
from rtcnn_perception.paths import is_file
from rtcnn_perception.paths import with_home
from rtcnn_perception.shared_memory import transport_variables

PACKAGE = 'rtcnn_perception'

# The parameter that an argument sets, if it is not empty, and its type.
PARAMETERS: dict[str, tuple[str, type]] = {
    'autostart': ('autostart', bool),
    'use_sim_time': ('use_sim_time', bool),
    'image_transport': ('image_transport', str),
    'source': ('source', str),
    'detector': ('detector.name', str),
    'detector_model': ('detector.model_path', str),
    'horizontal_fov': ('pose.horizontal_fov', float),
}

# By executable, in the order in which frames pass: what the node does, and its default name.
NODES = {f'{role_of(table)}_node': (role_of(table), node_name(table)) for table in TABLES}

# The topic of the nodes that an argument replaces, if it is not empty.
TOPICS = {
    'image': 'image_raw',
    'camera_info': 'camera_info',
    'depth': 'depth_registered/image_rect',
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
        'camera_info',
        default_value='',
        description="topic of the camera's intrinsics, for the poses of heads; empty: beside its "
        'images, /camera/camera_info for /camera/image_raw',
    ),
    DeclareLaunchArgument(
        'depth',
        default_value='',
        description='topic of depth images that are registered to the camera, which turns '
        'pose.depth on; empty: as in the parameter file',
    ),
    DeclareLaunchArgument(
        'horizontal_fov',
        default_value='',
        description='horizontal field of view in degrees, for a camera without intrinsics; empty: '
        'as in the parameter file',
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
        description='true: one process, in which no image crosses DDS; false: four',
    ),
    DeclareLaunchArgument(
        'namespace', default_value='', description='namespace of the nodes and topics'
    ),
    *(
        DeclareLaunchArgument(
            f'{role}_name', default_value=name, description=f'name of the {role} node'
        )
        for role, name in NODES.values()
    ),
    DeclareLaunchArgument(
        'autostart',
        default_value='',
        choices=['', 'true', 'false'],
        description='false: the nodes wait for a lifecycle manager, or for `ros2 lifecycle set`; '
        'empty: as in the parameter file',
    ),
    DeclareLaunchArgument(
        'use_sim_time',
        default_value='',
        choices=['', 'true', 'false'],
        description='true: time comes from /clock; empty: as in the parameter file',
    ),
    DeclareLaunchArgument(
        'respawn',
        default_value='false',
        choices=['true', 'false'],
        description='true: a process that ends is started again',
    ),
    DeclareLaunchArgument(
        'respawn_delay', default_value='2.0', description='seconds until it is started again'
    ),
    DeclareLaunchArgument(
        'enclave',
        default_value='',
        description='SROS2 enclave of the process; of separate processes the path to which the '
        'name of each node is joined, such as /robot for /robot/faces_camera',
    ),
    DeclareLaunchArgument(
        'rviz',
        default_value='false',
        choices=['true', 'false'],
        description='true: show images and markers in rviz2, which is a package of its own',
    ),
    DeclareLaunchArgument(
        'fixed_frame',
        default_value='',
        description="fixed frame of rviz2; empty: the camera's own, as in rviz/perception.rviz",
    ),
    DeclareLaunchArgument(
        'log_level',
        default_value='info',
        choices=['debug', 'info', 'warn', 'error', 'fatal'],
        description='lowest severity of messages that are logged',
    ),
]


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments and start the nodes; what includes the file keeps its own."""
    return LaunchDescription(
        [
            PushLaunchConfigurations(),
            *ARGUMENTS,
            OpaqueFunction(function=start_nodes),
            PopLaunchConfigurations(),
        ]
    )


def start_nodes(context: LaunchContext) -> list[Action]:
    """Make the processes, when the arguments are known."""
    arguments = dict(context.launch_configurations)
    given: dict[str, ParameterValue | bool] = {
        parameter: ParameterValue(LaunchConfiguration(argument), value_type=value_type)
        for argument, (parameter, value_type) in PARAMETERS.items()
        if arguments[argument]
    }
    if arguments['depth']:
        given['pose.depth'] = True
    topics = [
        (topic, arguments[argument]) for argument, topic in TOPICS.items() if arguments[argument]
    ]
    is_composed = arguments['composed'] == 'true'
    executables = ['perception'] if is_composed else list(NODES)
    # Composed, no image is published to other processes but an annotated one.
    variables, warning = transport_variables(has_images=not is_composed, given=context.environment)
    quiet = QUIET if arguments['log_level'] == 'debug' else ()
    renamed = [f'{name}:__node:={arguments[f"{role}_name"]}' for role, name in NODES.values()]
    nodes: list[Action] = [
        Node(
            package=PACKAGE,
            executable=executable,
            namespace=arguments['namespace'],
            parameters=[parameter_file(arguments['params_file']), *([given] if given else [])],
            remappings=topics,
            ros_arguments=[
                *(word for rule in renamed for word in ('-r', rule)),
                *enclave_of(executable, arguments),
                *('--log-level', arguments['log_level']),
                *(word for each in quiet for word in ('--log-level', f'{each}:=info')),
            ],
            # For these processes alone: others that are launched later keep their transports.
            additional_env=variables,
            output='screen',
            emulate_tty=True,
            respawn=arguments['respawn'] == 'true',
            respawn_delay=number_of('respawn_delay', arguments),
        )
        for executable in executables
    ]
    if arguments['rviz'] == 'true':
        nodes.insert(0, view(arguments))  # where rviz2 is missing, nothing is started
    return [LogInfo(msg=warning), *nodes] if warning else nodes


def parameter_file(path: str) -> str:
    """
    Return the path of the parameter file, ``~`` replaced; launch_ros would pass over a wrong one.

    :raises ConfigurationError: if there is no such file
    """
    file = with_home(path)
    if not is_file(file):
        raise ConfigurationError(f"params_file: expected a parameter file, got '{path}'")
    return str(file)


def number_of(argument: str, arguments: dict[str, str]) -> float:
    """
    Return the number that an argument has.

    :raises ConfigurationError: if it is none
    """
    try:
        return float(arguments[argument])
    except ValueError:
        raise ConfigurationError(
            f"{argument}: expected a number, got '{arguments[argument]}'"
        ) from None


def enclave_of(executable: str, arguments: dict[str, str]) -> list[str]:
    """Return the ROS arguments that give a process its enclave; none where none is given."""
    enclave = arguments['enclave']
    if executable in NODES and enclave:
        role, _ = NODES[executable]
        enclave = f'{enclave.rstrip("/")}/{arguments[f"{role}_name"]}'
    return ['--enclave', enclave] if enclave else []


def view(arguments: dict[str, str]) -> Node:
    """Return rviz2 in the namespace of the nodes: the topics of its configuration are relative."""
    configuration = PathJoinSubstitution([FindPackageShare(PACKAGE), 'rviz', 'perception.rviz'])
    frame = ['-f', arguments['fixed_frame']] if arguments['fixed_frame'] else []
    return Node(
        package='rviz2',
        executable='rviz2',
        namespace=arguments['namespace'],
        arguments=['-d', configuration, *frame],
        parameters=[{'use_sim_time': arguments['use_sim_time'] == 'true'}],
    )
