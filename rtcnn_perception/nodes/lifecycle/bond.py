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
The bond with a lifecycle manager, such as Nav2's, which notices by it that a process has ended.

The package bondpy is optional. Topic, id and times are those of Nav2's own nodes.
"""

from __future__ import annotations

from contextlib import suppress
import importlib
from typing import Protocol

from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.subscription import Subscription

RCLError = rclpy_implementation.RCLError

TOPIC = 'bond'
PERIOD = 0.1
"""Seconds between two signs of life."""
TIMEOUT = 4.0
"""Seconds without a sign after which the other side counts as dead."""

MISSING = (
    'bond is true and bondpy is not installed, so that a manager that waits for a bond gives up: '
    'install ros-$ROS_DISTRO-bondpy, or set bond_timeout of the manager to 0.0'
)


class Bond(Protocol):
    """What bondpy gives; the times are in seconds, and set before the start."""

    heartbeat_period: float
    heartbeat_timeout: float
    pub: Publisher
    sub: Subscription

    def start(self) -> None:
        """Begin to give signs of life, and to wait for those of the other side."""
        ...

    def shutdown(self) -> None:
        """Break the bond, so that the other side knows."""
        ...


def form_bond(node: Node) -> Bond | None:
    """
    Begin to give signs of life under the name of a node; warn, and return None, without bondpy.

    They are published by a thread of bondpy's own, also while the node is busy.
    """
    try:
        # Not declared in package.xml: few robots need it, and those with Nav2 have it.
        bondpy = importlib.import_module('bondpy.bondpy')
    except ModuleNotFoundError as error:
        node.get_logger().warning(f'{MISSING} ({error})')
        return None
    bond: Bond = bondpy.Bond(node, TOPIC, node.get_name())
    bond.heartbeat_period = PERIOD
    bond.heartbeat_timeout = TIMEOUT
    bond.start()
    return bond


def break_bond(node: Node, bond: Bond) -> None:
    """Break a bond; where ROS was shut down before, the other side notices by its own clock."""
    with suppress(RCLError):
        bond.shutdown()
    # bondpy destroys them behind the node's back, whose executor then fails at every wait.
    node.destroy_subscription(bond.sub)
    node.destroy_publisher(bond.pub)
