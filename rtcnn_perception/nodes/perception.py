"""Camera, detector and classifier in one process: no image between them crosses DDS."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rclpy.context import Context
    from rtcnn_perception.core.pipeline import JudgedFrame


class Perception:
    """
    The three nodes, wired so that a frame goes from one to the next as an array.

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
    ) -> None:
        raise NotImplementedError

    # .camera, .detector, .classifier: the nodes; each has .statistics

    def __enter__(self) -> Perception:
        """
        Configure and activate the nodes, and let them spin in a thread of their own.

        :raises PerceptionError: if a model, detector or source cannot be used
        """
        raise NotImplementedError

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Deactivate and destroy the nodes and join every thread."""
        raise NotImplementedError

    def wait(self, timeout: float | None = None) -> bool:
        """
        Wait until there is nothing more to come.

        :param timeout: seconds, or None to wait without end; a signal handler of the caller's runs
            meanwhile
        :returns: True once the source has ended and its last frame is published, or the context
            was shut down; False after ``timeout``
        :raises Exception: what a callback of a node raised, as it was
        """
        raise NotImplementedError
