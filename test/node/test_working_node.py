"""A node with a thread of its own: what it takes, drops and counts, also at its end."""

import threading

import pytest

pytest.importorskip('rclpy')

from rtcnn_perception.nodes.parameters.tables import NodeParameters
from rtcnn_perception.nodes.working_node import WorkingNode
from scripted import SOON


class Probe(WorkingNode[NodeParameters, int]):
    """A node that writes down how many items were dropped when it came to each; it can be held."""

    def __init__(self, **arguments):
        super().__init__('probe', NodeParameters, **arguments)
        self.begun = threading.Semaphore(0)
        self.gate = threading.Event()
        self.dropped_at = {}

    def _begin(self):
        self._start_work()

    def _work(self, item, /):
        self.begun.release()
        assert self.gate.wait(SOON)
        self.dropped_at[item] = self.dropped


@pytest.fixture
def node(bench):
    return bench.add(Probe)


def test_a_node_that_was_never_active_takes_nothing_and_dropped_nothing(node):
    node.submit(1)
    assert (node.is_idle, node.dropped) == (True, 0)


def test_what_gives_way_is_counted_until_the_node_is_activated_again(bench, node):
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


def test_a_node_at_rest_takes_nothing_and_counts_nothing_as_received(node):
    node.start()
    node.trigger_deactivate()
    for item in range(3):
        node.submit(item)
    assert (node.is_idle, node.dropped_at, node.meter.received.rate(node._now())) == (True, {}, 0)


def test_the_count_of_what_was_dropped_does_not_fall_back_for_the_last_item(bench, node):
    node.start()
    node.submit(1)
    assert node.begun.acquire(timeout=SOON)
    for item in (2, 3):
        node.submit(item)
    ending = threading.Thread(target=node.trigger_deactivate)
    ending.start()
    bench.spin_until(lambda: node.dropped != 1, 'the end, which drops what waits')
    node.gate.set()
    ending.join()
    assert node.dropped_at == {1: 2}
