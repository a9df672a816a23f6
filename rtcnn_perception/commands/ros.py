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

"""ROS for a command: initialised in a context of its own, and shut down again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rcl_interfaces.msg import ParameterDescriptor
import rclpy
from rclpy.context import Context
from rclpy.logging import get_logger
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from rtcnn_perception.nodes.host import initialising
from rtcnn_perception.nodes.host import keep_freed_memory
from rtcnn_perception.nodes.lifecycle.requests import refused_parameters
from rtcnn_perception.nodes.parameters import TABLES
from rtcnn_perception.nodes.parameters.names import check_sections
from rtcnn_perception.nodes.parameters.names import misnamed_sections
from rtcnn_perception.nodes.parameters.names import node_name
from rtcnn_perception.one_line import bounded
from rtcnn_perception.shared_memory import prepare


@contextmanager
def initialised_context(
    parameter_file: Path | None = None, *, has_images: bool = False
) -> Iterator[Context]:
    """
    Initialise ROS, leaving signals to the caller.

    :param parameter_file: a ROS parameter file for the nodes of the context
    :param has_images: whether images are published to other processes
    :raises ConfigurationError: if the file cannot be parsed, or ROS not initialised
    """
    if parameter_file is not None:
        check_sections(parameter_file)
        names = {table: node_name(table) for table in TABLES}
        for sentence in misnamed_sections(parameter_file, names):
            get_logger('rtcnn_perception').warning(bounded(sentence))
    with _context(parameter_file, has_images=has_images) as context:
        yield context


@contextmanager
def _context(parameter_file: Path | None, *, has_images: bool) -> Iterator[Context]:
    warning = prepare(has_images=has_images)
    if warning:
        get_logger('rtcnn_perception').warning(warning)
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

    :raises ConfigurationError: if the file cannot be parsed, or rclpy refuses the parameter
    """
    with _context(parameter_file, has_images=False) as context, refused_parameters():
        probe = Node(
            node,
            context=context,
            enable_rosout=False,
            start_parameter_services=False,
        )
        try:
            dynamic = ParameterDescriptor(dynamic_typing=True)
            value: object = probe.declare_parameter(name, descriptor=dynamic).value
            return value
        finally:
            probe.destroy_node()
