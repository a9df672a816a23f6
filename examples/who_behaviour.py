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
A behaviour for py_trees: it succeeds while a person looks at the robot, and says who they are.

It asks faces/who at each tick, without waiting: it is running until the first answer, and where
none comes for a second. py_trees is in apt as ros-<distribution>-py-trees.
"""

from contextlib import suppress
from typing import Any

import py_trees
import rclpy
from rclpy.duration import Duration
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.task import Future
from rtcnn_perception.srv import Who

PATIENCE = Duration(seconds=1)
"""For an answer; where the nodes end, none comes."""


class SomebodyLooks(py_trees.behaviour.Behaviour):
    """Succeeds while somebody looks at the robot."""

    def __init__(self, node: Node, name: str = 'looked at') -> None:
        super().__init__(name)
        self._client = node.create_client(Who, 'faces/who')
        self._clock = node.get_clock()
        self._answer: Future | None = None
        self._asked = self._clock.now()
        self._looking: list[Any] | None = None
        self.board = self.attach_blackboard_client(name)
        self.board.register_key('looking', access=py_trees.common.Access.WRITE)

    def update(self) -> py_trees.common.Status:
        self._ask()
        if self._looking is None:
            return py_trees.common.Status.RUNNING
        self.board.looking = self._looking
        return py_trees.common.Status.SUCCESS if self._looking else py_trees.common.Status.FAILURE

    def _ask(self) -> None:
        if self._answer is not None and self._answer.done():
            faces = self._answer.result().faces
            self._looking = [each for each in faces if each.face.is_looking_at_camera]
            self._answer = None
        elif self._clock.now() - self._asked > PATIENCE:
            if self._answer is not None:
                self._client.remove_pending_request(self._answer)
            self._looking = self._answer = None
        if self._answer is None and self._client.service_is_ready():
            self._answer = self._client.call_async(Who.Request())
            self._asked = self._clock.now()


if __name__ == '__main__':
    rclpy.init()
    node = rclpy.create_node('engagement')
    tree = py_trees.trees.BehaviourTree(SomebodyLooks(node))
    node.create_timer(0.2, tree.tick)
    tree.add_post_tick_handler(lambda it: node.get_logger().info(it.root.status.name))
    with suppress(KeyboardInterrupt, ExternalShutdownException):
        rclpy.spin(node)
