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

"""Join messages of the same image that arrive on two topics."""

from __future__ import annotations

import threading
from typing import Generic
from typing import TypeVar

A = TypeVar('A')
B = TypeVar('B')
T = TypeVar('T')

MAX_BYTES = 512 * 2**20
"""Of the pixels that wait: twenty images of 3840x2160."""


class StampJoin(Generic[A, B]):
    """
    Join frames and their faces, rois or attributes, by exact stamp, in bounded memory.

    Of frames that wait there are at most MAX_BYTES together, but always the newest.

    The order is that of arrival, not that of the stamps: once a pair is joined, all that arrived
    before either half is outdated and dropped. So a clock that jumps back needs no rule of its
    own. Any number of threads may put.

    :raises ValueError: if ``capacity`` is below 1
    """

    def __init__(self, capacity: int = 30) -> None:
        """Hold at most ``capacity`` items that wait on each side."""
        if capacity < 1:
            raise ValueError(f'capacity must be 1 or more, got {capacity}')
        self._lock = threading.Lock()
        self._frames: _Waiting[A] = _Waiting(capacity)
        self._faces: _Waiting[B] = _Waiting(capacity)

    @property
    def frames_dropped(self) -> int:
        """Return the number of frames that were dropped before their faces arrived."""
        return self._frames.dropped

    @property
    def faces_dropped(self) -> int:
        """Return the number of messages of faces that were dropped before their frame arrived."""
        return self._faces.dropped

    def put_frame(self, stamp_ns: int, frame: A, size: int = 0) -> tuple[A, B] | None:
        """Add a frame of ``size`` bytes; return the pair if this completes one."""
        with self._lock:
            faces = self._faces.take(stamp_ns)
            if faces is None:
                self._frames.append(stamp_ns, frame, size)
                return None
            self._frames.clear()
            return frame, faces

    def put_faces(self, stamp_ns: int, faces: B) -> tuple[A, B] | None:
        """Add the faces of a frame; return the pair if this completes one."""
        with self._lock:
            frame = self._frames.take(stamp_ns)
            if frame is None:
                self._faces.append(stamp_ns, faces)
                return None
            self._faces.clear()
            return frame, faces

    def clear(self) -> None:
        """Drop all that waits."""
        with self._lock:
            self._frames.clear()
            self._faces.clear()


class _Waiting(Generic[T]):
    """The items of one side in the order of their arrival, and how many were dropped."""

    def __init__(self, capacity: int) -> None:
        self.dropped = 0
        self._capacity = capacity
        self._items: dict[int, tuple[T, int]] = {}
        self._bytes = 0

    def append(self, stamp_ns: int, item: T, size: int = 0) -> None:
        """Add the newest item; one of the same stamp, or else the oldest, give way."""
        if stamp_ns in self._items:
            self._pop(stamp_ns)
            self.dropped += 1
        self._items[stamp_ns] = item, size
        self._bytes += size
        while len(self._items) > self._capacity or (
            self._bytes > MAX_BYTES and len(self._items) > 1
        ):
            self._drop_oldest()

    def take(self, stamp_ns: int) -> T | None:
        """Remove an item and drop all that arrived before it; None if there is none."""
        if stamp_ns not in self._items:
            return None
        while next(iter(self._items)) != stamp_ns:
            self._drop_oldest()
        return self._pop(stamp_ns)

    def clear(self) -> None:
        self.dropped += len(self._items)
        self._items.clear()
        self._bytes = 0

    def _drop_oldest(self) -> None:
        self._pop(next(iter(self._items)))
        self.dropped += 1

    def _pop(self, stamp_ns: int) -> T:
        item, size = self._items.pop(stamp_ns)
        self._bytes -= size
        return item
