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

# The parameter that an argument sets, if it is not empty, and its type.
PARAMETERS = {
    'image_transport': ('image_transport', str),
    'source': ('source', str),
    'detector': ('detector.name', str),
    'detector_model': ('detector.model_path', str),
    'horizontal_fov': ('pose.horizontal_fov', float),
}

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
    arguments = context.launch_configurations
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
    executables = (
        ['perception'] if is_composed else ['camera_node', 'detector_node', 'classifier_node']
    )
    # Composed, with a source of its own, no image crosses processes but an annotated one.
    warning = prepare(has_images=not (is_composed and arguments['source']))
    nodes: list[Action] = [
        Node(
            package=PACKAGE,
            executable=executable,
            namespace=LaunchConfiguration('namespace'),
            parameters=[LaunchConfiguration('params_file'), *([given] if given else [])],
            remappings=topics,
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
