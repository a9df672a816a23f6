"""A managed node that works in a thread of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from typing import Generic
from typing import TypeVar

from rtcnn_perception.nodes.base import ManagedNode
from rtcnn_perception.nodes.base import Stoppable
from rtcnn_perception.nodes.parameters.tables import NodeParameters
from rtcnn_perception.nodes.worker import Worker

P = TypeVar('P', bound=NodeParameters)
T = TypeVar('T')


class WorkingNode(ManagedNode[P], Generic[P, T]):
    """
    A managed node that works on one item at a time; one that waits gives way to a newer one.

    A subclass works on an item in ``_work``, which is called in a thread from ``_start_work`` to
    ``_end``.
    """

    def __init__(self, name: str, parameters: type[P], **node_kwargs: Any) -> None:
        """
        Declare the parameters.

        :raises ConfigurationError: if one has another type or is out of its bounds
        """
        # Kept when it ends, until the next begins: its last item still asks what was dropped.
        self._worker: Worker[T] | None = None
        super().__init__(name, parameters, **node_kwargs)

    @property
    def dropped(self) -> int:
        """How many items gave way to newer ones here, since the node was activated."""
        worker = self._worker
        return 0 if worker is None else worker.dropped

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits and nothing is worked on."""
        worker = self._worker
        return worker is None or worker.is_idle

    def submit(self, item: T) -> None:
        """Take an item, from one thread at a time; it is ignored unless the node is active."""
        worker = self._worker
        if worker is not None and worker.submit(item):
            self.meter.received.tick(self._now())

    def _work(self, item: T, /) -> None:
        """Work on an item."""
        raise NotImplementedError

    def _start_work(self) -> None:
        """Start the thread."""
        self._worker = Worker(self.get_name(), self._work, self._report)

    def _end(self) -> None:
        self._turn_away()
        self._stop(*self._threads())

    def _threads(self) -> Iterable[Stoppable | None]:
        return (self._worker,)
