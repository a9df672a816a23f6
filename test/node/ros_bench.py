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

"""A ROS context of the test's own, with nodes in it that the test spins."""

from collections.abc import Callable
import os
import time

from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter

DOMAIN = 10 + os.getpid() % 90
"""Domains up to 101 keep clear of the ports that Linux gives to any program."""

DEADLINE = 60.0
"""Seconds for what should take a fraction of one: only a failure takes longer."""


class Bench:
    """A context with nodes in it, spun by the test."""

    def __init__(self) -> None:
        self.context = Context()
        self.context.init(None, domain_id=DOMAIN)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.managed = []
        self.tester = self.make_node('tester')

    def make_node(self, name, **arguments):
        """Make a plain node of the test's own."""
        node = Node(name, context=self.context, use_global_arguments=False, **arguments)
        self.executor.add_node(node)
        return node

    def add(self, kind, *, parameters=None, **arguments):
        """Make a managed node with parameters by full name; it is not started."""
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

    def close_node(self, node):
        """Close a managed node before the end of the test."""
        self.managed.remove(node)
        self.executor.remove_node(node)
        node.close()

    def subscribe(self, message_type, topic, qos=10):
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
        """Wait until a publisher of the test's own has so many subscriptions."""
        self.spin_until(lambda: publisher.get_subscription_count() >= count, 'a subscription')

    def wait_until_alone(self):
        """Wait until no node but the test's own is in the graph."""
        self.spin_until(lambda: self.tester.get_node_names() == ['tester'], 'the end of the nodes')

    def close(self):
        for node in self.managed:
            self.executor.remove_node(node)
            node.close()
        for node in self.executor.get_nodes():
            self.executor.remove_node(node)
            node.destroy_node()
        self.executor.shutdown()
        self.context.try_shutdown()
