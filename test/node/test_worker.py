"""The thread that works on the newest item."""

import threading

from rtcnn_perception.nodes.worker import Worker

SOON = 10.0


class Gate:
    """A handler that waits to be let on, and remembers what it was given."""

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

    def let(self, count=1):
        for _ in range(count):
            self.opened.release()


def test_a_worker_without_work_is_idle_and_ends():
    worker = Worker('test', lambda _: None, lambda _: None)
    assert worker.is_idle
    assert worker.stop()
    assert worker.dropped == 0


def test_while_one_item_is_worked_on_only_the_newest_waits():
    gate = Gate()
    worker = Worker('test', gate, lambda _: None)
    worker.submit('first')
    assert gate.begun.acquire(timeout=SOON)
    for item in ('second', 'third', 'fourth'):
        worker.submit(item)
    assert not worker.is_idle
    gate.let(2)
    assert gate.done.acquire(timeout=SOON)
    assert gate.done.acquire(timeout=SOON)
    assert worker.stop()
    assert gate.items == ['first', 'fourth']
    assert worker.dropped == 2
    assert worker.is_idle


def test_what_fails_is_reported_and_the_next_item_is_handled():
    errors, handled = [], threading.Event()

    def handle(item):
        if item == 'bad':
            raise ValueError(item)
        handled.set()

    reported = threading.Event()

    def report(error):
        errors.append(error)
        reported.set()

    worker = Worker('test', handle, report)
    worker.submit('bad')
    assert reported.wait(SOON)
    worker.submit('good')
    assert handled.wait(SOON)
    assert worker.stop()
    assert [str(error) for error in errors] == ['bad']


def test_a_stopped_worker_takes_no_more():
    gate = Gate()
    worker = Worker('test', gate, lambda _: None)
    assert worker.stop()
    worker.submit('late')
    assert gate.items == []
    assert (worker.is_idle, worker.dropped) == (True, 0)


def test_what_waits_at_the_end_is_dropped_and_the_worker_idle():
    gate = Gate()
    worker = Worker('test', gate, lambda _: None)
    worker.submit('first')
    assert gate.begun.acquire(timeout=SOON)
    worker.submit('second')
    worker.halt()
    worker.submit('late')
    assert not worker.is_idle
    gate.let()
    assert worker.stop(SOON)
    assert (gate.items, worker.dropped, worker.is_idle) == (['first'], 1, True)


def test_a_worker_that_hangs_is_left_behind():
    gate = Gate()
    worker = Worker('test', gate, lambda _: None)
    worker.submit('slow')
    assert gate.begun.acquire(timeout=SOON)
    assert not worker.stop(timeout=0.01)
    gate.let()
    assert worker.stop()
