"""Camera, detector and classifier in one process: no image between them crosses DDS."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
import time
from types import TracebackType
from typing import Any

from rclpy.context import Context
from rclpy.parameter import Parameter
from rclpy.utilities import get_default_context
from rtcnn_perception.core.pipeline import JudgedFrame
from rtcnn_perception.core.sources.open import open_source
from rtcnn_perception.core.sources.open import Opener
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.nodes.base import ManagedNode
from rtcnn_perception.nodes.camera_node import CameraNode
from rtcnn_perception.nodes.classifier_node import ClassifierNode
from rtcnn_perception.nodes.detector_node import DetectorNode
from rtcnn_perception.nodes.host import NodeHost
from rtcnn_perception.nodes.host import run_nodes
from rtcnn_perception.nodes.parameters.declaration import build
from rtcnn_perception.nodes.parameters.declaration import settings_of
from rtcnn_perception.nodes.parameters.tables import TABLES

END_CHECKED_EVERY = 0.05
"""Seconds between looks whether the last frame of a source is through."""


def make_nodes(
    *,
    on_judged: Callable[[JudgedFrame, float], None] | None = None,
    opener: Opener = open_source,
    **node_kwargs: Any,
) -> tuple[CameraNode, DetectorNode, ClassifierNode]:
    """Make the three nodes, wired so that a frame goes from one to the next as an array."""
    made: list[ManagedNode[Any]] = []
    try:
        classifier = ClassifierNode(is_listening=False, on_judged=on_judged, **node_kwargs)
        made.append(classifier)
        # The camera is made last, for it hands on to the detector; it is asked only later.
        detector = DetectorNode(
            is_listening=False,
            hand_on=classifier.submit,
            dropped_before=lambda: camera.dropped,
            **node_kwargs,
        )
        made.append(detector)
        camera = CameraNode(hand_on=detector.submit, opener=opener, **node_kwargs)
    except ConfigurationError:
        for node in made:
            node.close()
        raise
    return camera, detector, classifier


class Perception:
    """
    The three nodes in one process, for a program that watches them.

    Use it as a context manager: entering configures and activates the nodes and lets them spin in
    a thread, leaving deactivates and destroys them::

        with Perception(context=context, parameters={'source': 'builtin'}, on_judged=show) as it:
            it.wait(10.0)

    :param context: an initialised rclpy context; the caller shuts it down
    :param parameters: values by full parameter name (``'detector.min_score'``), each given to
        every node that declares it, above what a parameter file says
    :param remappings: topic names, from -> to, such as ``{'image_raw': '/camera/image_raw'}``
    :param namespace: namespace of the three nodes
    :param on_judged: called in the classifier's thread after a frame was published, with what was
        judged and the seconds from the frame's stamp to the publication (NaN where the stamp is
        0); it should return at once
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
        on_judged: Callable[[JudgedFrame, float], None] | None = None,
        opener: Opener = open_source,
    ) -> None:
        self._context = get_default_context() if context is None else context
        overrides = _overrides(parameters or {})
        rules = [part for each in (remappings or {}).items() for part in ('-r', ':='.join(each))]
        self.camera, self.detector, self.classifier = make_nodes(
            on_judged=on_judged,
            opener=opener,
            context=self._context,
            cli_args=['--ros-args', *rules] if rules else None,
            namespace=namespace,
            parameter_overrides=overrides,
        )
        self._host = NodeHost((self.camera, self.detector, self.classifier), self._context)

    def __enter__(self) -> Perception:
        """
        Configure and activate the nodes, and let them spin in a thread of their own.

        :raises PerceptionError: if a model, detector or source cannot be used
        """
        self._host.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Deactivate and destroy the nodes and join every thread."""
        self._host.__exit__(kind, error, traceback)

    def wait(self, timeout: float | None = None) -> bool:
        """
        Wait until there is nothing more to come.

        :param timeout: seconds, or None to wait without end; a signal handler of the caller's runs
            meanwhile
        :returns: True once the source has ended and its last frame is published, or the context
            was shut down; False after ``timeout``
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._is_through():
            left = END_CHECKED_EVERY if deadline is None else deadline - time.monotonic()
            if left <= 0.0:
                return False
            if self._host.wait(min(left, END_CHECKED_EVERY)):
                return True
        return True

    def _is_through(self) -> bool:
        # In the order of the frames' way, so that none slips through between two looks.
        return self.camera.has_ended and self.detector.is_idle and self.classifier.is_idle


def _overrides(parameters: Mapping[str, object]) -> Sequence[Parameter]:
    known = {name for table in TABLES for name, _ in settings_of(table)}
    for name in parameters:
        if name not in known:
            raise ConfigurationError(
                f'no node has a parameter {name}; known are {", ".join(sorted(known))}'
            )
    for table in TABLES:
        build(table, parameters)  # refuses by name what has a type that ROS knows no parameter of
    return [Parameter(name, value=value) for name, value in parameters.items()]


def main(args: list[str] | None = None) -> int:
    """Run camera, detector and classifier in one process until it is told to stop."""
    return run_nodes('perception', TABLES, make_nodes, args)
