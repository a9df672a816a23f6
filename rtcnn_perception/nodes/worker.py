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

"""
Threads: what happens between a callback and the work.

Each node has one thread that spins its callbacks, and one that works. A callback never waits: it
puts its item into a slot of one, where a newer item replaces one that still waits, which is
counted as dropped. The worker takes the newest item, works, and hands the result to the next
node's slot. So each node works on one frame and holds one more, whatever its speed, and detection
of one frame overlaps with classification of the one before.
"""

from __future__ import annotations

from abc import ABC
from abc import abstractmethod
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
import threading
from typing import Any
from typing import Generic
from typing import TypeVar

from rtcnn_perception.core.frame import Frame
from rtcnn_perception.nodes.base import ManagedNode
from rtcnn_perception.nodes.base import P
from rtcnn_perception.nodes.base import Stoppable
from rtcnn_perception.nodes.diagnostics import ERROR
from rtcnn_perception.nodes.diagnostics import Finding
from rtcnn_perception.nodes.subscriptions.losses import lost_text

T = TypeVar('T')


class LatestSlot(Generic[T]):
    """
    Hold the newest item until it is taken; an older one is dropped and counted.

    Any number of threads may put and take. A slot that was closed stays closed.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._item: T | None = None
        self._dropped = 0
        self._is_closed = False

    @property
    def dropped(self) -> int:
        """Return the number of items that were dropped since the slot was made."""
        with self._changed:
            return self._dropped

    def put(self, item: T) -> bool:
        """Put an item, dropping one that still waits; return False if the slot is closed."""
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
        :returns: the newest item, or None after the timeout or when the slot is closed
        """
        with self._changed:
            self._changed.wait_for(lambda: self._item is not None or self._is_closed, timeout)
            item, self._item = self._item, None
            return item

    def close(self) -> None:
        """Drop the item that waits, and wake every taker, for good."""
        with self._changed:
            self._is_closed = True
            self._dropped += self._item is not None
            self._item = None
            self._changed.notify_all()


class Worker(Generic[T]):
    """
    Handle items one at a time in a thread of its own, the newest first.

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
        # A daemon: a driver may block a call for longer than ``stop`` waits.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """Return the number of items that were dropped for newer ones, or at the end."""
        return self._slot.dropped

    @property
    def is_idle(self) -> bool:
        """Whether every submitted item is handled or dropped."""
        return self._submitted == self._handled + self._slot.dropped

    def submit(self, item: T) -> bool:
        """Put an item, from one thread at a time; return False after ``stop``."""
        # Counted before it can be worked on: meanwhile the worker must not seem idle.
        self._submitted += 1
        is_taken = self._slot.put(item)
        if not is_taken:
            self._submitted -= 1
        return is_taken

    def halt(self) -> None:
        """Let the thread end after the item at hand, without waiting for it."""
        self._slot.close()

    def stop(self, timeout: float) -> bool:
        """Finish the item at hand and end; return whether it ended in time (seconds)."""
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


class WorkerNode(ManagedNode[P], ABC, Generic[P, T]):
    """
    A managed node that works on the newest item in a thread of its own while it is active.

    A subclass implements ``_work``, which is called in that thread, and calls ``_start_worker``
    when it is activated.
    """

    def __init__(self, name: str, parameters: type[P], **node_kwargs: Any) -> None:
        """
        Declare the parameters.

        :raises ConfigurationError: if one has another type or is out of its bounds
        """
        # Kept after deactivation until the next activation: its last item still reads ``dropped``.
        self._worker: Worker[T] | None = None
        super().__init__(name, parameters, **node_kwargs)

    @property
    def dropped(self) -> int:
        """Return the number of items that were dropped here since the node was activated."""
        worker = self._worker
        return 0 if worker is None else worker.dropped

    @property
    def is_idle(self) -> bool:
        """Whether no item waits or is worked on."""
        worker = self._worker
        return worker is None or worker.is_idle

    def submit(self, item: T) -> None:
        """Put an item, from one thread at a time; it is ignored unless the node is active."""
        worker = self._worker
        if worker is not None and worker.submit(item):
            self.meter.count_received(self._now())

    @abstractmethod
    def _work(self, item: T, /) -> None:
        """Work on an item, in the thread of the worker."""

    def _latency(self, frame: Frame) -> float:
        """Return the seconds from the stamp of a frame until now; NaN without a stamp."""
        return frame.seconds_since_stamp(self.get_clock().now().nanoseconds)

    def _count_published(self, work_s: float, latency_s: float) -> None:
        """Count a result that took ``work_s`` seconds of work, by ``_latency`` of its frame."""
        self.meter.count_published(self._now(), work_s, latency_s)

    def _start_worker(self) -> None:
        self._worker = Worker(self.get_name(), self._work, self._report)

    def _threads(self) -> Iterable[Stoppable | None]:
        return (self._worker,)

    def _findings(self) -> Iterator[Finding]:
        """Yield first that nothing comes in, or nothing goes out, and why."""
        now, limit = self._now(), self.parameters.image_timeout
        silent = self.meter.silent_for(now) if self._is_fed else 0.0
        unanswered = self.meter.unanswered_for(now)
        of_images = [] if self._images is None else [*self._images.findings(self._expected_rate)]
        if silent > limit:
            yield Finding(ERROR, f'no {self._takes} for {silent:.0f} s: {self._why_silent()}')
        else:
            yield from of_images
        if silent <= limit < unanswered:
            fail = any(self.errors.findings())
            why = 'each one fails' if fail else 'the work on one does not end'
            yield Finding(
                ERROR,
                f'{self._come_in} come in, but nothing goes out for {unanswered:.0f} s: {why}',
            )
        yield from super()._findings()

    @property
    def _expected_rate(self) -> float | None:
        """Return the rate of images in Hz; 0 for the best there was, None for no matter."""
        return None

    @property
    def _is_fed(self) -> bool:
        """Return whether anything is to come in while the node is active."""
        return True

    @property
    def _takes(self) -> str:
        """Return what comes in, for messages."""
        return 'image'

    @property
    def _come_in(self) -> str:
        """Return what comes in, in the plural."""
        return 'images'

    def _why_silent(self) -> str:
        """Return why nothing comes in, as the end of a sentence."""
        if self._images is None:
            return 'the node before this one passes none on'
        return self._images.why_silent()

    def _measured(self) -> dict[str, str]:
        """Return what became of the frames: all that were published to this node, with errors."""
        return {
            'frames published': str(self.meter.published.count),
            'frames dropped': str(self.dropped),
            'frames lost': lost_text(self.lost),
        }
