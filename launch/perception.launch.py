"""
Start camera, detector and classifier, in one process or in three.

No default of a parameter stands here: they are in config/perception.yaml, and an argument that is
left empty leaves the parameter to that file.
"""

from __future__ import annotations

from launch import LaunchContext
from launch import LaunchDescription
from launch.action import Action
from launch.actions import DeclareLaunchArgument
from launch.actions import OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch.substitutions import PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare
from rtcnn_perception.commands.ros import make_room_for_images

PACKAGE = 'rtcnn_perception'

# Which parameter an argument sets, where it is not empty.
PARAMETERS = {
    'image_transport': 'image_transport',
    'source': 'source',
    'detector': 'detector.name',
    'detector_model': 'detector.model_path',
}

# Layers below the nodes, whose debug messages would drown those of the nodes.
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
        description='which of the two to take; empty: as the parameter file says',
    ),
    DeclareLaunchArgument(
        'source',
        default_value='',
        description='instead of a topic: builtin, a camera such as /dev/video0, a video, '
        'a GIF, a picture or a folder of pictures; empty: as the parameter file says',
    ),
    DeclareLaunchArgument(
        'detector',
        default_value='',
        description='how faces are found: auto, or the name of a detector; empty: as the '
        'parameter file says',
    ),
    DeclareLaunchArgument(
        'detector_model',
        default_value='',
        description='model.onnx of rtcnn, its card or their folder, or the file of yunet or '
        'haar; empty: as the parameter file says',
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
        description='the least severe messages that are logged',
    ),
]


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments and start the nodes."""
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=start_nodes)])


def start_nodes(context: LaunchContext) -> list[Action]:
    """Make the processes, once the arguments are known."""
    make_room_for_images()  # in Fast DDS, for the processes started here
    given = {
        parameter: ParameterValue(context.launch_configurations[argument], value_type=str)
        for argument, parameter in PARAMETERS.items()
        if context.launch_configurations[argument]
    }
    is_composed = context.launch_configurations['composed'] == 'true'
    executables = (
        ['perception'] if is_composed else ['camera_node', 'detector_node', 'classifier_node']
    )
    image = LaunchConfiguration('image')
    return [
        Node(
            package=PACKAGE,
            executable=executable,
            namespace=LaunchConfiguration('namespace'),
            parameters=[LaunchConfiguration('params_file'), *([given] if given else [])],
            remappings=[
                ('image_raw', image),
                ('image_raw/compressed', [image, '/compressed']),
            ],
            ros_arguments=[
                *('--log-level', LaunchConfiguration('log_level')),
                *(word for each in QUIET for word in ('--log-level', f'{each}:=info')),
            ],
            output='screen',
            emulate_tty=True,
        )
        for executable in executables
    ]
