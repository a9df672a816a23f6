"""A thread that works on the newest item."""

from __future__ import annotations

from collections.abc import Callable
import threading
from typing import Generic
from typing import TypeVar

from rtcnn_perception.core.latest import LatestSlot

T = TypeVar('T')


class Worker(Generic[T]):
    """
    Handle items one at a time in a thread of its own; one that waits gives way to a newer one.

    It works from the time it is made until ``stop``.
    """

    def __init__(
        self, name: str, handle: Callable[[T], None], report: Callable[[Exception], None]
    ) -> None:
        """
        Start the thread.

        :param name: of the thread, for debuggers and profilers
        :param handle: called with each item
        :param report: called with what ``handle`` raises; the next item is handled all the same
        """
        self._handle = handle
        self._report = report
        self._slot: LatestSlot[T] = LatestSlot()
        self._submitted = 0
        self._handled = 0
        # Not to be waited for at exit: a driver may keep a call for longer than ``stop`` waits.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """How many items gave way to newer ones."""
        return self._slot.dropped

    @property
    def is_idle(self) -> bool:
        """Whether every item that was submitted is handled or dropped."""
        return self._submitted == self._handled + self._slot.dropped

    def submit(self, item: T) -> None:
        """Offer an item, from one thread at a time; it is ignored after ``stop``."""
        self._submitted += 1
        self._slot.put(item)

    def stop(self, timeout: float = 1.5) -> bool:
        """Finish the item at hand and end the thread; tell whether it ended in time (seconds)."""
        self._slot.close()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (item := self._slot.take()) is not None:
            try:
                self._handle(item)
            except Exception as error:  # noqa: BLE001 - reported and counted; it costs one frame, not the node
                self._report(error)
            self._handled += 1
            del item  # an image must not be kept until the next one comes
