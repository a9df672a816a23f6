"""A place for one item between two threads, where the newest wins."""

from __future__ import annotations

import threading
from typing import Generic
from typing import TypeVar

T = TypeVar('T')


class LatestSlot(Generic[T]):
    """
    Hold the newest item until it is taken; an older one gives way and is counted.

    Any number of threads may put and take. A slot that was closed stays closed.
    """

    def __init__(self) -> None:
        """Start empty and open."""
        self._changed = threading.Condition()
        self._item: T | None = None
        self._dropped = 0
        self._is_closed = False

    @property
    def dropped(self) -> int:
        """How many items gave way to newer ones or to the end, since the slot was made."""
        with self._changed:
            return self._dropped

    def put(self, item: T) -> bool:
        """Offer an item; one that still waits gives way. A closed slot takes none: False."""
        with self._changed:
            if self._is_closed:
                return False
            if self._item is not None:
                self._dropped += 1
            self._item = item
            self._changed.notify()
            return True

    def take(self, timeout: float | None = None) -> T | None:
        """
        Wait for an item and take it.

        :param timeout: longest wait in seconds; None for no limit
        :returns: the newest item, or None when the time is up or the slot is closed
        """
        with self._changed:
            self._changed.wait_for(lambda: self._item is not None or self._is_closed, timeout)
            item, self._item = self._item, None
            return item

    def close(self) -> None:
        """Discard what waits, count it, and wake every taker, for good."""
        with self._changed:
            self._is_closed = True
            self._dropped += self._item is not None
            self._item = None
            self._changed.notify_all()
