"""A ROS of its own for every test: its context, a domain nobody else is in, and a deadline."""

from __future__ import annotations

from collections.abc import Callable
import os
from pathlib import Path
import sys
import time

import pytest

# The models of a few weights that the tests of the core use.
sys.path.append(str(Path(__file__).parents[1] / 'core'))
# The way of Iron and later, and the way of Humble, to stay on this machine.
os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
os.environ.pop('ROS_LOCALHOST_ONLY', None)
# Domains up to 101 keep clear of the ports that Linux gives to anybody.
DOMAIN = 10 + os.getpid() % 90

DEADLINE = 20.0
"""Seconds for what should take a fraction of one: only a failure takes longer."""


class Bench:
    """A context with nodes in it, spun by the test."""

    def __init__(self) -> None:
        from rclpy.context import Context
        from rclpy.executors import SingleThreadedExecutor

        self.context = Context()
        self.context.init(None, domain_id=DOMAIN)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.managed = []
        self.tester = self.make_node('tester')

    def make_node(self, name, **arguments):
        """Make a plain node of the test's own."""
        from rclpy.node import Node

        node = Node(name, context=self.context, use_global_arguments=False, **arguments)
        self.executor.add_node(node)
        return node

    def add(self, kind, *, parameters=None, **arguments):
        """Make a managed node with parameters by full name; it is not started."""
        from rclpy.parameter import Parameter

        overrides = [Parameter(name, value=value) for name, value in (parameters or {}).items()]
        node = kind(
            context=self.context,
            use_global_arguments=False,
            parameter_overrides=overrides,
            **arguments,
        )
        self.managed.append(node)
        self.executor.add_node(node)
        return node

    def listen(self, message_type, topic, qos=10):
        """Return a list that grows with the messages of a topic."""
        received = []
        self.tester.create_subscription(message_type, topic, received.append, qos)
        return received

    def spin_until(self, condition: Callable[[], object], what: str = 'it', timeout=DEADLINE):
        """Let the nodes work until a condition holds; fail after the deadline."""
        end = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < end, f'{what} did not come about in {timeout:g} s'
            self.executor.spin_once(timeout_sec=0.02)

    def spin_for(self, seconds: float):
        """Let the nodes work for a while, where nothing is to happen."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.executor.spin_once(timeout_sec=0.02)

    def connect(self, publisher, count=1):
        """Wait until a publisher of the test's own is heard."""
        self.spin_until(lambda: publisher.get_subscription_count() >= count, 'a subscription')

    def close(self):
        for node in self.managed:
            self.executor.remove_node(node)
            node.close()
        for node in self.executor.get_nodes():
            self.executor.remove_node(node)
            node.destroy_node()
        self.executor.shutdown()
        self.context.try_shutdown()


@pytest.fixture
def bench():
    """Return a ROS of the test's own."""
    pytest.importorskip('rclpy')
    made = Bench()
    yield made
    made.close()
