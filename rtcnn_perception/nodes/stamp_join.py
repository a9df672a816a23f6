"""Join messages of the same image that arrive on two topics."""

from __future__ import annotations

import threading
from typing import Generic
from typing import TypeVar

A = TypeVar('A')
B = TypeVar('B')


class StampJoin(Generic[A, B]):
    """
    Join frames and rois by exact stamp, in bounded memory.

    The order is that of arrival, not that of the stamps: once a pair is joined, all that arrived
    before either half is outdated and dropped. So a clock that jumps back needs no rule of its
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
        self._rois: dict[int, B] = {}
        self._frames_dropped = 0
        self._rois_dropped = 0

    @property
    def frames_dropped(self) -> int:
        """Number of frames that were dropped before their rois arrived."""
        with self._lock:
            return self._frames_dropped

    @property
    def rois_dropped(self) -> int:
        """Number of rois that were dropped before their frame arrived."""
        with self._lock:
            return self._rois_dropped

    def put_frame(self, stamp_ns: int, frame: A) -> tuple[A, B] | None:
        """Add a frame; return the pair if this completes one."""
        with self._lock:
            if stamp_ns in self._rois:
                rois, dropped = _take(self._rois, stamp_ns)
                self._rois_dropped += dropped
                self._frames_dropped += len(self._frames)
                self._frames.clear()
                return frame, rois
            self._frames_dropped += _append(self._frames, stamp_ns, frame, self._capacity)
            return None

    def put_rois(self, stamp_ns: int, rois: B) -> tuple[A, B] | None:
        """Add the rois of a frame; return the pair if this completes one."""
        with self._lock:
            if stamp_ns in self._frames:
                frame, dropped = _take(self._frames, stamp_ns)
                self._frames_dropped += dropped
                self._rois_dropped += len(self._rois)
                self._rois.clear()
                return frame, rois
            self._rois_dropped += _append(self._rois, stamp_ns, rois, self._capacity)
            return None


T = TypeVar('T')


def _append(waiting: dict[int, T], stamp_ns: int, item: T, capacity: int) -> int:
    """Add the newest item and return how many were dropped: of the same stamp, or the oldest."""
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
