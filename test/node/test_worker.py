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

"""Threads: the slot for the newest item, the worker, and the node that has one."""

from __future__ import annotations

import threading

import pytest
from rtcnn_perception.nodes.parameters.node import NodeParameters
from rtcnn_perception.nodes.worker import LatestSlot
from rtcnn_perception.nodes.worker import Worker
from rtcnn_perception.nodes.worker import WorkerNode
from scripted import SOON


def test_an_empty_slot_returns_nothing_after_the_timeout():
    slot = LatestSlot[int]()
    assert slot.take(timeout=0.0) is None
    assert slot.dropped == 0


def test_an_item_is_taken_once():
    slot = LatestSlot[int]()
    slot.put(0)
    assert slot.take(timeout=0.0) == 0
    assert slot.take(timeout=0.0) is None
    assert slot.dropped == 0


def test_the_newest_item_replaces_older_ones_which_are_counted():
    slot = LatestSlot[int]()
    for item in range(5):
        slot.put(item)
    assert slot.take(timeout=0.0) == 4
    assert slot.dropped == 4


def test_a_taker_that_waits_gets_what_another_thread_puts():
    slot = LatestSlot[str]()
    taken: list[str | None] = []
    taker = threading.Thread(target=lambda: taken.append(slot.take(timeout=SOON)), daemon=True)
    taker.start()
    slot.put('frame')
    taker.join(timeout=SOON)
    assert taken == ['frame']


def test_closing_wakes_every_taker_that_waits_without_limit():
    slot = LatestSlot[int]()
    taken: list[int | None] = []
    takers = [
        threading.Thread(target=lambda: taken.append(slot.take()), daemon=True) for _ in range(3)
    ]
    for taker in takers:
        taker.start()
    slot.close()
    for taker in takers:
        taker.join(timeout=SOON)
    assert taken == [None, None, None]


def test_a_closed_slot_accepts_nothing_and_holds_nothing():
    slot = LatestSlot[int]()
    assert slot.put(1)
    slot.close()
    assert not slot.put(2)
    assert slot.take() is None
    assert slot.dropped == 1, 'what waited is counted, what was refused is not'


def test_every_item_of_many_threads_is_either_taken_or_counted():
    slot = LatestSlot[int]()
    taken: list[int] = []

    def take_all() -> None:
        while (item := slot.take()) is not None:
            taken.append(item)

    def put_all(first: int) -> None:
        for item in range(first, first + 500):
            slot.put(item)

    taker = threading.Thread(target=take_all, daemon=True)
    taker.start()
    putters = [
        threading.Thread(target=put_all, args=(first,), daemon=True) for first in (0, 500, 1000)
    ]
    for putter in putters:
        putter.start()
    for putter in putters:
        putter.join()
    last = slot.take(timeout=0.0)
    slot.close()
    taker.join(timeout=SOON)
    assert len(taken) + (last is not None) + slot.dropped == 1500
    assert len(set(taken)) == len(taken)


class Gate:
    """A handler that waits until it is released, and records its items."""

    def __init__(self):
        self.begun = threading.Semaphore(0)
        self.opened = threading.Semaphore(0)
        self.done = threading.Semaphore(0)
        self.items = []

    def __call__(self, item):
        self.begun.release()
        assert self.opened.acquire(timeout=SOON)
        self.items.append(item)
        self.done.release()

    def release(self, count=1):
        for _ in range(count):
            self.opened.release()


def test_a_worker_without_work_is_idle_and_ends():
    worker = Worker('test', lambda _: None, lambda _: None)
    assert worker.is_idle
    assert worker.stop(SOON)
    assert worker.dropped == 0


def test_while_one_item_is_handled_only_the_newest_waits():
    gate = Gate()
    worker = Worker('test', gate, lambda _: None)
    worker.submit('first')
    assert gate.begun.acquire(timeout=SOON)
    for item in ('second', 'third', 'fourth'):
        worker.submit(item)
    assert not worker.is_idle
    gate.release(2)
    assert gate.done.acquire(timeout=SOON)
    assert gate.done.acquire(timeout=SOON)
    assert worker.stop(SOON)
    assert gate.items == ['first', 'fourth']
    assert worker.dropped == 2
    assert worker.is_idle


def test_an_error_is_reported_and_the_next_item_is_handled():
    errors, handled, reported = [], threading.Event(), threading.Event()

    def handle(item):
        if item == 'bad':
            raise ValueError(item)
        handled.set()

    def report(error):
        errors.append(error)
        reported.set()

    worker = Worker('test', handle, report)
    worker.submit('bad')
    assert reported.wait(SOON)
    worker.submit('good')
    assert handled.wait(SOON)
    assert worker.stop(SOON)
    assert [str(error) for error in errors] == ['bad']


def test_a_stopped_worker_accepts_nothing():
    gate = Gate()
    worker = Worker('test', gate, lambda _: None)
    assert worker.stop(SOON)
    assert not worker.submit('late')
    assert gate.items == []
    assert (worker.is_idle, worker.dropped) == (True, 0)


def test_what_waits_at_the_end_is_dropped_and_the_worker_is_idle():
    gate = Gate()
    worker = Worker('test', gate, lambda _: None)
    worker.submit('first')
    assert gate.begun.acquire(timeout=SOON)
    worker.submit('second')
    worker.halt()
    worker.submit('late')
    assert not worker.is_idle
    gate.release()
    assert worker.stop(SOON)
    assert (gate.items, worker.dropped, worker.is_idle) == (['first'], 1, True)


def test_a_worker_that_hangs_is_left_behind():
    gate = Gate()
    worker = Worker('test', gate, lambda _: None)
    worker.submit('slow')
    assert gate.begun.acquire(timeout=SOON)
    assert not worker.stop(timeout=0.01)
    gate.release()
    assert worker.stop(SOON)


class GatedNode(WorkerNode[NodeParameters, int]):
    """A node that records the count of drops at each item; a gate can block it."""

    def __init__(self, **arguments):
        super().__init__('probe', NodeParameters, **arguments)
        self.begun = threading.Semaphore(0)
        self.gate = threading.Event()
        self.dropped_at = {}

    def _activate(self):
        super()._activate()
        self._start_worker()

    def _work(self, item, /):
        self.begun.release()
        assert self.gate.wait(SOON)
        self.dropped_at[item] = self.dropped


@pytest.fixture
def node(bench):
    return bench.add(GatedNode)


def test_a_node_that_was_never_active_accepts_nothing_and_dropped_nothing(node):
    node.submit(1)
    assert (node.is_idle, node.dropped) == (True, 0)


def test_drops_are_counted_until_the_node_is_activated_again(bench, node):
    node.start()
    node.submit(1)
    assert node.begun.acquire(timeout=SOON)
    for item in (2, 3, 4):
        node.submit(item)
    assert not node.is_idle
    node.gate.set()
    bench.spin_until(lambda: node.is_idle, 'the end of the work')
    node.trigger_deactivate()
    assert (node.dropped, node.dropped_at) == (2, {1: 2, 4: 2})
    node.trigger_activate()
    assert node.dropped == 0


def test_an_inactive_node_accepts_nothing_and_counts_nothing_as_received(node):
    node.start()
    node.trigger_deactivate()
    for item in range(3):
        node.submit(item)
    assert (node.is_idle, node.dropped_at, node.meter.received.rate(node._now())) == (True, {}, 0)


def test_the_count_of_drops_does_not_fall_back_for_the_last_item(bench, node):
    node.start()
    node.submit(1)
    assert node.begun.acquire(timeout=SOON)
    for item in (2, 3):
        node.submit(item)
    deactivation = threading.Thread(target=node.trigger_deactivate)
    deactivation.start()
    bench.spin_until(lambda: node.dropped != 1, 'the end, which drops what waits')
    node.gate.set()
    deactivation.join()
    bench.spin_until(lambda: node.dropped_at, 'the end of the work')
    assert node.dropped_at == {1: 2}
