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

"""Simulated time: whether it comes, and by what steps."""

from __future__ import annotations

from rclpy.clock import JumpThreshold
from rclpy.clock import TimeJump
from rclpy.duration import Duration
from rclpy.node import Node
from rtcnn_perception.core.statistics import LatencyWindow

STEPS_KEPT = 50
"""Steps of which the median counts: a recording that is wound on makes one."""

EACH_STEP = JumpThreshold(
    min_forward=Duration(nanoseconds=1), min_backward=None, on_clock_change=False
)


class SimulatedTime:
    """Watches the clock of a node, which ``use_sim_time`` sets to that of /clock."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._steps = LatencyWindow(STEPS_KEPT)
        self._watch = node.get_clock().create_jump_callback(EACH_STEP, post_callback=self._on_step)

    @property
    def is_used(self) -> bool:
        """Return whether the node is on simulated time."""
        return bool(self._node.get_parameter('use_sim_time').value)

    @property
    def is_missing(self) -> bool:
        """Return whether the node is on simulated time, and none has come yet."""
        return self.is_used and not self._node.get_clock().now().nanoseconds

    @property
    def step(self) -> float:
        """Return the median of the last steps in seconds, NaN before the first one."""
        return self._steps.summary().p50

    def _on_step(self, jump: TimeJump) -> None:
        self._steps.add(jump.delta.nanoseconds * 1e-9)
