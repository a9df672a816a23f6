"""Bring together what belongs to the same image but arrives on two ways."""

from __future__ import annotations

import threading
from typing import Generic
from typing import TypeVar

A = TypeVar('A')
B = TypeVar('B')


class StampJoin(Generic[A, B]):
    """
    Join frames and what was found in them by exact stamp, in bounded memory.

    Order is that of arrival, not that of the stamps: once a pair is joined, all that arrived
    before either half is out of date and dropped. So a clock that jumps back needs no rule of its
    own. Any number of threads may put.

    :raises ValueError: if ``capacity`` is below 1
    """

    def __init__(self, capacity: int = 30) -> None:
        """Hold at most ``capacity`` items that wait on each side."""
        if capacity < 1:
            raise ValueError(f'capacity must be 1 or more, got {capacity}')
        self._capacity = capacity
        self._lock = threading.Lock()
        self._frames: dict[int, A] = {}
        self._found: dict[int, B] = {}
        self._frames_dropped = 0
        self._found_dropped = 0

    @property
    def frames_dropped(self) -> int:
        """How many frames gave way before anything was found in them."""
        with self._lock:
            return self._frames_dropped

    @property
    def found_dropped(self) -> int:
        """How many findings gave way before their frame came."""
        with self._lock:
            return self._found_dropped

    def put_frame(self, stamp_ns: int, frame: A) -> tuple[A, B] | None:
        """Add a frame; return the pair if this completes one."""
        with self._lock:
            if stamp_ns in self._found:
                found, dropped = _take(self._found, stamp_ns)
                self._found_dropped += dropped
                self._frames_dropped += len(self._frames)
                self._frames.clear()
                return frame, found
            self._frames_dropped += _append(self._frames, stamp_ns, frame, self._capacity)
            return None

    def put_found(self, stamp_ns: int, found: B) -> tuple[A, B] | None:
        """Add what was found in a frame; return the pair if this completes one."""
        with self._lock:
            if stamp_ns in self._frames:
                frame, dropped = _take(self._frames, stamp_ns)
                self._frames_dropped += dropped
                self._found_dropped += len(self._found)
                self._found.clear()
                return frame, found
            self._found_dropped += _append(self._found, stamp_ns, found, self._capacity)
            return None


T = TypeVar('T')


def _append(waiting: dict[int, T], stamp_ns: int, item: T, capacity: int) -> int:
    """Add the newest item and return how many gave way: of the same stamp, or the oldest."""
    dropped = int(waiting.pop(stamp_ns, None) is not None)
    waiting[stamp_ns] = item
    if len(waiting) > capacity:
        del waiting[next(iter(waiting))]
        dropped += 1
    return dropped


def _take(waiting: dict[int, T], stamp_ns: int) -> tuple[T, int]:
    """Remove an item and all that arrived before it; return it and how many those were."""
    older = list(waiting)[: list(waiting).index(stamp_ns)]
    for each in older:
        del waiting[each]
    return waiting.pop(stamp_ns), len(older)
