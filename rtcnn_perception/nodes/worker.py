"""A thread that works on the newest item."""

from __future__ import annotations

from collections.abc import Callable
import threading
from typing import Generic
from typing import TypeVar

from rtcnn_perception.nodes.latest import LatestSlot

T = TypeVar('T')

STOP_WITHIN = 1.5
"""Seconds for which ``stop`` waits for a thread, unless it is told otherwise."""


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
        """How many items gave way to newer ones, or to the end."""
        return self._slot.dropped

    @property
    def is_idle(self) -> bool:
        """Whether every item that was taken on is handled or dropped."""
        return self._submitted == self._handled + self._slot.dropped

    def submit(self, item: T) -> bool:
        """Offer an item, from one thread at a time; after ``stop`` it is not taken: False."""
        # Counted before it can be worked on: meanwhile nobody is to take the worker for idle.
        self._submitted += 1
        is_taken = self._slot.put(item)
        if not is_taken:
            self._submitted -= 1
        return is_taken

    def halt(self) -> None:
        """Tell the thread to end after the item at hand, and do not wait for it."""
        self._slot.close()

    def stop(self, timeout: float = STOP_WITHIN) -> bool:
        """Finish the item at hand and end the thread; tell whether it ended in time (seconds)."""
        self.halt()
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
