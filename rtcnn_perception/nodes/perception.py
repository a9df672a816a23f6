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

"""All nodes in one process: a chain in which no image crosses DDS."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
import sys
import time
from typing import Any

from rclpy.context import Context
from rclpy.parameter import Parameter
from rclpy.utilities import get_default_context
from rtcnn_perception.core.results import FrameResult
from rtcnn_perception.core.sources.open import open_source
from rtcnn_perception.core.sources.open import Opener
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.nodes.base import ManagedNode
from rtcnn_perception.nodes.camera_node import CameraNode
from rtcnn_perception.nodes.classifier_node import ClassifierNode
from rtcnn_perception.nodes.detector_node import DetectorNode
from rtcnn_perception.nodes.host import NodeHost
from rtcnn_perception.nodes.host import run_nodes
from rtcnn_perception.nodes.humans_node import HumansNode
from rtcnn_perception.nodes.parameters import TABLES
from rtcnn_perception.nodes.parameters.declaration import build
from rtcnn_perception.nodes.parameters.declaration import settings_of
from rtcnn_perception.nodes.parameters.names import is_known
from rtcnn_perception.nodes.parameters.names import node_name
from rtcnn_perception.nodes.parameters.names import ROS_PREFIXES
from rtcnn_perception.nodes.parameters.names import with_own_names
from rtcnn_perception.nodes.parameters.names import with_own_parameters
from rtcnn_perception.nodes.worker import WorkerNode

Follower = Callable[..., WorkerNode[Any, FrameResult]]
"""Makes a node that takes the results of the one before, such as the class of the node."""

FOLLOWERS: tuple[Follower, ...] = (DetectorNode, ClassifierNode, HumansNode)
"""The nodes after the camera, in the order in which a result passes through them."""

END_CHECKED_EVERY = 0.05
"""Seconds between checks whether the last frame of a source is processed."""


def make_chain(
    *,
    on_result: Callable[[FrameResult], None] | None = None,
    opener: Opener = open_source,
    followers: Sequence[Follower] = FOLLOWERS,
    **node_kwargs: Any,
) -> tuple[CameraNode, tuple[WorkerNode[Any, FrameResult], ...]]:
    """
    Make the nodes as a chain: each passes its results to the next one as objects.

    :param on_result: called with the results of the last node, in its thread
    :param opener: opens the camera's own source
    :param followers: makers of the nodes after the camera
    :returns: the camera, and the nodes after it in order
    :raises ConfigurationError: if a parameter has another type or is out of its bounds
    """
    made: list[WorkerNode[Any, Any]] = []
    output = on_result
    try:
        for kind in reversed(followers):
            node = kind(on_output=output, is_composed=True, **node_kwargs)
            made.insert(0, node)
            output = node.submit
        camera = CameraNode(on_output=output, opener=opener, **node_kwargs)
        made.insert(0, camera)
        _check_names(made)
    except ConfigurationError:
        for each in made:
            each.close()
        raise
    return camera, tuple(made[1:])


class Perception:
    """
    All nodes in one process, for a program that uses their results.

    Use it as a context manager: entering configures and activates the nodes and spins them in a
    thread, leaving deactivates and destroys them::

        with Perception(context=context, parameters={'source': 'builtin'}, on_result=show) as it:
            it.wait(10.0)

    :param context: an initialised rclpy context; the caller shuts it down
    :param parameters: values by full parameter name (``'detector.min_score'``), each given to
        every node that declares it, above those of a parameter file
    :param remappings: topic names, from -> to, such as ``{'image_raw': '/camera/image_raw'}``
    :param namespace: namespace of the nodes
    :param on_result: called with the results of the last node, in its thread, after it published
        them; it should return at once
    :param opener: opens the camera's own source
    :raises ConfigurationError: if a parameter is unknown, of a wrong type or out of its range
    """

    def __init__(
        self,
        *,
        context: Context | None = None,
        parameters: Mapping[str, object] | None = None,
        remappings: Mapping[str, str] | None = None,
        namespace: str = '',
        on_result: Callable[[FrameResult], None] | None = None,
        opener: Opener = open_source,
    ) -> None:
        self._context = get_default_context() if context is None else context
        overrides = _overrides(parameters or {})
        rules = [part for each in (remappings or {}).items() for part in ('-r', ':='.join(each))]
        self.camera, self.followers = make_chain(
            on_result=on_result,
            opener=opener,
            context=self._context,
            cli_args=['--ros-args', *rules] if rules else None,
            namespace=namespace,
            parameter_overrides=overrides,
        )
        self._host = NodeHost(self.nodes, self._context)

    @property
    def nodes(self) -> tuple[ManagedNode[Any], ...]:
        """Return the nodes in order."""
        return (self.camera, *self.followers)

    @property
    def dropped(self) -> int:
        """Return the number of frames that all nodes together dropped since activation."""
        return self.camera.dropped + sum(node.dropped for node in self.followers)

    def __enter__(self) -> Perception:
        """
        Configure and activate the nodes, and spin them in a thread.

        :raises PerceptionError: if a model, detector or source cannot be used
        """
        self._host.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._host.__exit__()

    def wait(self, timeout: float | None = None) -> bool:
        """
        Wait until the source has ended.

        :param timeout: seconds, or None to wait without end; a signal handler of the caller's runs
            meanwhile
        :returns: True once the source has ended and its last frame is published, or the context
            was shut down; False after ``timeout``
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._is_done():
            left = END_CHECKED_EVERY if deadline is None else deadline - time.monotonic()
            if left <= 0.0:
                return False
            if self._host.wait(min(left, END_CHECKED_EVERY)):
                return True
        return True

    def _is_done(self) -> bool:
        # In the order of the chain, so that no frame moves on between two checks.
        return self.camera.has_ended and all(node.is_idle for node in self.followers)


def _check_names(nodes: Iterable[ManagedNode[Any]]) -> None:
    """Refuse nodes of one name, which would answer requests in turns."""
    for name, count in Counter(node.get_fully_qualified_name() for node in nodes).items():
        if count > 1:
            raise ConfigurationError(
                f'{count} nodes of this process are called {name}: remap the name of each, as by '
                f'-r {node_name(TABLES[0])}:__node:=NAME'
            )


def _overrides(parameters: Mapping[str, object]) -> Sequence[Parameter]:
    for name in parameters:
        if not is_known(name, TABLES) and not name.startswith(ROS_PREFIXES):
            known = sorted({known for table in TABLES for known, _ in settings_of(table)})
            raise ConfigurationError(
                f'no node has a parameter {name}; known are {", ".join(known)}'
            )
    for table in TABLES:
        build(table, parameters)  # refuses by name what has a type that no ROS parameter has
    return [Parameter(name, value=_of_ros(value)) for name, value in parameters.items()]


def _of_ros(value: object) -> object:
    """Return a value as rclpy takes it; an empty list has no type there, one empty text does."""
    return (list(value) or ['']) if isinstance(value, list | tuple) else value


def main(args: list[str] | None = None) -> int:
    """Run all nodes in one process until it is stopped."""

    def make_nodes() -> Sequence[ManagedNode[Any]]:
        camera, followers = make_chain()
        return (camera, *followers)

    arguments = with_own_parameters(sys.argv if args is None else args)
    return run_nodes('perception', TABLES, make_nodes, with_own_names(arguments, TABLES))
