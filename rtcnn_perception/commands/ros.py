"""ROS for a command: initialised in a context of its own, and shut down again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
import os
from pathlib import Path

import rclpy
from rclpy.context import Context
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from rtcnn_perception.nodes.host import initialising
from rtcnn_perception.nodes.host import keep_freed_memory
from rtcnn_perception.resources import share_directory

PROFILE_VARIABLES = ('FASTDDS_DEFAULT_PROFILES_FILE', 'FASTRTPS_DEFAULT_PROFILES_FILE')
"""Variables that name a profile to Fast DDS 3, which warns of the other, and to Fast DDS 2."""
FIRST_WITH_FAST_DDS_3 = 9
"""Major version of rclpy in Kilted; Jazzy has 7 and Humble 3."""


def use_image_profile() -> None:
    """Set the package's Fast DDS profile for this process and its children, if none is set."""
    if any(os.environ.get(name) for name in PROFILE_VARIABLES):
        return
    has_3 = int(metadata.version('rclpy').partition('.')[0]) >= FIRST_WITH_FAST_DDS_3
    profile = share_directory() / 'config' / 'fastdds.xml'
    os.environ[PROFILE_VARIABLES[0 if has_3 else 1]] = str(profile)


@contextmanager
def initialised_context(parameter_file: Path | None = None) -> Iterator[Context]:
    """
    Initialise ROS with the Fast DDS profile for images, leaving signals to the caller.

    :param parameter_file: a ROS parameter file for the nodes of the context
    :raises ConfigurationError: if the file cannot be parsed, or ROS not initialised
    """
    use_image_profile()
    keep_freed_memory()
    context = Context()
    arguments = ['rtcnn_perception']
    if parameter_file is not None:
        arguments += ['--ros-args', '--params-file', str(parameter_file)]
    with initialising():
        rclpy.init(args=arguments, context=context, signal_handler_options=SignalHandlerOptions.NO)
    try:
        yield context
    finally:
        rclpy.try_shutdown(context=context)


def parameter_in(parameter_file: Path, *, node: str, name: str) -> object:
    """
    Return the value that a parameter file gives to a parameter of a node; None for none.

    :raises ConfigurationError: if the file cannot be parsed
    """
    with initialised_context(parameter_file) as context:
        probe = Node(
            node,
            context=context,
            enable_rosout=False,
            start_parameter_services=False,
            automatically_declare_parameters_from_overrides=True,
        )
        try:
            return probe.get_parameter(name).value if probe.has_parameter(name) else None
        finally:
            probe.destroy_node()
