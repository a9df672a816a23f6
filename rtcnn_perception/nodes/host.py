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

"""Nodes in a process: spinning, signals, errors and exit codes."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
import ctypes
from itertools import pairwise
from pathlib import Path
import re
import sys
import threading
from types import FrameType
from typing import Any

import rclpy
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException
from rclpy.executors import SingleThreadedExecutor
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.logging import get_logger
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import remove_ros_args
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import PerceptionError
from rtcnn_perception.files import check_file
from rtcnn_perception.nodes.base import ManagedNode
from rtcnn_perception.nodes.log_text import message_of
from rtcnn_perception.nodes.parameters.declaration import settings_of
from rtcnn_perception.nodes.parameters.names import as_yaml
from rtcnn_perception.nodes.parameters.names import check_sections
from rtcnn_perception.nodes.parameters.names import misnamed_sections
from rtcnn_perception.nodes.parameters.node import NodeParameters
from rtcnn_perception.one_line import bounded
from rtcnn_perception.paths import is_there
from rtcnn_perception.process import handle_end_signals
from rtcnn_perception.process import restore_signals
from rtcnn_perception.shared_memory import prepare
from rtcnn_perception.watchdog import watched

END_WITHIN = 1.2
"""
Seconds for which the nodes of a process wait for their threads, all together.

A process is to end within 2 s after a signal (``rtcnn_perception.process.LATEST_END``); a driver
may block a thread for longer than that.
"""

PAUSE_AFTER_DEFECT = 0.01
"""Seconds; where waiting for callbacks itself fails, the thread must not spin."""

# Numbers of malloc.h of the GNU C library.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3

KEPT_BYTES = 256 * 1024 * 1024
"""Freed memory beyond this goes back to the system."""
MAPPED_FROM_BYTES = 32 * 1024 * 1024
"""Blocks from this size on are mapped one by one; the greatest value that is allowed."""

EXIT_ERROR = 1
EXIT_USAGE = 2


class NodeHost:
    """
    Spin nodes in a thread, from entering the context to leaving it.

    The caller's thread stays free for signals: Python handles a signal between two of its own
    instructions, and never while it waits for messages.

    :param nodes: the first is started last, so that those after it are ready for its frames
    :param context: the nodes' own, initialised
    :param finished: set when the nodes stopped spinning; setting it lets ``wait`` return
    """

    def __init__(
        self,
        nodes: Sequence[ManagedNode[Any]],
        context: Context,
        finished: threading.Event | None = None,
    ) -> None:
        self._nodes = tuple(nodes)
        self._executor = SingleThreadedExecutor(context=context)
        self._finished = threading.Event() if finished is None else finished
        self._is_stopping = False
        # A daemon: a callback may open a camera or load a model for longer than this waits.
        self._thread = threading.Thread(target=self._spin, name='executor', daemon=True)

    def __enter__(self) -> NodeHost:
        """
        Start the nodes and the thread.

        :raises PerceptionError: if a node cannot start; the nodes are closed again
        """
        try:
            for node in reversed(self._nodes):
                node.start()
                self._executor.add_node(node)
        except BaseException:
            self._halt()
            self._close()
            raise
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_stopping = True
        self._halt()
        # A task wakes the executor in every distribution; the end of its context wakes it, too.
        if self._executor.context.ok():
            self._executor.create_task(lambda: None)
        self._thread.join(END_WITHIN)
        if self._thread.is_alive():
            for node in self._nodes:
                node.get_logger().warning(
                    'a callback is blocked by a call that does not return; the node stays as it is'
                )
            return
        self._close()

    def wait(self, timeout: float | None = None) -> bool:
        """
        Wait until the nodes are to stop.

        :param timeout: seconds, or None to wait without end
        :returns: whether they are to stop; False after ``timeout``
        """
        return self._finished.wait(timeout)

    def _spin(self) -> None:
        try:
            # A context that is shut down ends the nodes, too.
            while not self._is_stopping and self._executor.context.ok():
                self._spin_once()
        finally:
            self._finished.set()

    def _spin_once(self) -> None:
        """Wait for one callback and run it; what it raises is reported, and ends nothing."""
        try:
            self._executor.spin_once()
        except ExternalShutdownException:
            pass
        except Exception as error:  # noqa: BLE001 - reported with its traceback; a callback must not end the process
            # Where the context ended under a callback, what it could not do is no defect.
            # rclpy does not say whose callback it was.
            if self._executor.context.ok():
                self._nodes[0].errors.report(error)
                self._finished.wait(PAUSE_AFTER_DEFECT)

    def _halt(self) -> None:
        """Halt every node before any is waited for: their threads end side by side."""
        for node in self._nodes:
            node.halt(END_WITHIN)

    def _close(self) -> None:
        for node in self._nodes:
            self._executor.remove_node(node)
            node.close()
        self._executor.shutdown()


def keep_freed_memory() -> bool:
    """
    Let this process keep the memory of freed images for the next ones.

    By default the C library returns each block of an image's size to the system and requests a
    new one, which the system clears page by page: measured on 640x480, 1.3 ms an image received
    and 0.9 ms an image published, out of 1.8 and 1.0 ms.

    :returns: whether this C library can do it; the GNU one can
    """
    mallopt = getattr(ctypes.CDLL(None), 'mallopt', None)
    if mallopt is None:
        return False
    return bool(
        mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES) and mallopt(_M_MMAP_THRESHOLD, MAPPED_FROM_BYTES)
    )


@contextmanager
def initialising() -> Iterator[None]:
    """
    Report in one line what rcl refuses: an argument, a file or the environment.

    :raises ConfigurationError: instead of rcl's own errors
    """
    try:
        yield
    except rclpy_implementation.UnknownROSArgsError as error:
        raise ConfigurationError(f'ROS does not know the arguments {error}') from error
    except RuntimeError as error:
        if isinstance(error, (NotImplementedError, RecursionError)):  # Python's own: defects
            raise
        # Without places in the source of rcl, such as ./src/rcl/arguments.c:415.
        reason = re.sub(r', at \S+:\d+', '', str(error))
        is_log = re.search(r'log directory|\.log for writing', reason) is not None
        advice = '; ROS_LOG_DIR names another folder' if is_log else ''
        raise ConfigurationError(f'ROS cannot be initialised: {reason}{advice}') from error


@watched()
def run_nodes(
    name: str,
    parameters: Sequence[type[NodeParameters]],
    make_nodes: Callable[[], Sequence[ManagedNode[Any]]],
    args: Sequence[str] | None = None,
) -> int:
    """
    Run nodes as a process, until SIGINT, SIGTERM or SIGHUP.

    :param name: of the program, for messages
    :param parameters: the tables that ``--help`` shows
    :param make_nodes: makes the nodes, in the default context
    :param args: the command line; None for the process's own
    :returns: 0, or after a line that says what cannot be used 1, 2 for the command line or a file
    """
    arguments = list(sys.argv if args is None else args)
    try:
        with initialising():
            _check_parameter_files(arguments)
            _argument_parser(name, parameters).parse_args(remove_ros_args(arguments)[1:])
            warning = prepare(has_images=False)
            rclpy.init(args=arguments, signal_handler_options=SignalHandlerOptions.NO)
    except ConfigurationError as error:
        get_logger(name).fatal(message_of(error))
        return EXIT_USAGE
    keep_freed_memory()
    if warning:
        get_logger(name).warning(warning)
    try:
        with _signals_set() as finished:
            nodes = make_nodes()
            _warn_of_misnamed_sections(arguments, nodes)
            with NodeHost(nodes, rclpy.get_default_context(), finished) as host:
                host.wait()
    except PerceptionError as error:
        get_logger(name).fatal(message_of(error))
        return EXIT_ERROR
    finally:
        rclpy.try_shutdown()
    return 0


def _check_parameter_files(arguments: Sequence[str]) -> None:
    """Refuse what is no file of parameters; rcl reports what is absent or no YAML."""
    for option, name in pairwise(arguments):
        if option == '--params-file' and is_there(Path(name)):
            try:
                check_file(Path(name))
            except OSError as error:
                raise ConfigurationError(f'--params-file {name}: {error.strerror}') from error
            check_sections(Path(name))


def _warn_of_misnamed_sections(
    arguments: Sequence[str], nodes: Sequence[ManagedNode[Any]]
) -> None:
    names = {type(node.parameters): node.get_name() for node in nodes}
    for option, file in pairwise(arguments):
        if option == '--params-file':
            for sentence in misnamed_sections(Path(file), names):
                get_logger(nodes[0].get_name()).warning(bounded(sentence))


@contextmanager
def _signals_set() -> Iterator[threading.Event]:
    """Yield an event that the signals to end set, however often they come."""
    stop_requested = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - Python's signature
        stop_requested.set()

    before = handle_end_signals(on_signal)
    try:
        yield stop_requested
    finally:
        restore_signals(before)


def _argument_parser(
    name: str, parameters: Sequence[type[NodeParameters]]
) -> argparse.ArgumentParser:
    tables = {key: table for each in parameters for key, table in settings_of(each)}
    lines = [
        f'  {key} ({as_yaml(table.default)}): {table.full_description}'
        for key, table in tables.items()
    ]
    return argparse.ArgumentParser(
        prog=name,
        allow_abbrev=False,
        description='Runs until SIGINT, SIGTERM or SIGHUP. Parameters, with their defaults:',
        epilog='\n'.join([*lines, '', 'Set one by --ros-args -p NAME:=VALUE, or by a file.']),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage='%(prog)s [--help] [--ros-args ...]',
    )
