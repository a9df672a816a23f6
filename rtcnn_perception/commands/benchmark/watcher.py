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

"""Receive the results of the nodes from another process, and manage the nodes."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
import threading
import time

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rtcnn_perception.commands.benchmark.measures import Received
from rtcnn_perception.exceptions import PerceptionError
from rtcnn_perception.msg import FaceAttributes

ATTRIBUTES = '/faces/attributes'
STEP_S = 0.05
PATIENCE_S = 30.0
"""Longest time for nodes to start on a busy machine."""


class Watcher:
    """
    Receives ``/faces/attributes`` and manages the nodes that lead to it.

    Use it as a context manager. ``check`` is called while it waits, and may raise. A thread of its
    own appends to ``received``.
    """

    def __init__(self, context: Context, check: Callable[[], None]) -> None:
        self._context = context
        self._check = check
        self.received: list[Received] = []
        self._node = Node('bench', context=context)
        self._node.create_subscription(FaceAttributes, ATTRIBUTES, self._on_attributes, 100)
        self._executor = SingleThreadedExecutor(context=context)
        self._executor.add_node(self._node)
        self._is_stopping = False
        self._thread = threading.Thread(target=self._spin, name='watcher')

    def __enter__(self) -> Watcher:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_stopping = True
        self._thread.join()
        self._executor.remove_node(self._node)
        self._node.destroy_node()
        self._executor.shutdown()

    def wait_for_graph(self, subscribers: Mapping[str, int]) -> None:
        """
        Wait until the pipeline is connected: its topics have publishers and subscribers.

        :param subscribers: number of subscriptions to wait for, by topic
        :raises PerceptionError: if that takes too long
        """

        def is_connected() -> bool:
            return self._node.count_publishers(ATTRIBUTES) > 0 and all(
                self._node.count_subscribers(topic) >= count
                for topic, count in subscribers.items()
            )

        self.wait(is_connected, PATIENCE_S, f'the nodes did not connect: {dict(subscribers)}')

    def bring_up(self, node: str, *, is_active: bool = True) -> None:
        """
        Configure a node by its name, and activate it unless ``is_active`` is false.

        :raises PerceptionError: if it does not answer or refuses
        """
        client = self._node.create_client(ChangeState, f'/{node}/change_state')
        transitions = [Transition.TRANSITION_CONFIGURE]
        if is_active:
            transitions.append(Transition.TRANSITION_ACTIVATE)
        self.wait(client.service_is_ready, PATIENCE_S, f'the node {node} did not appear')
        for transition in transitions:
            request = ChangeState.Request(transition=Transition(id=transition))
            future = client.call_async(request)
            self.wait(future.done, PATIENCE_S, f'the node {node} does not answer')
            if not future.result().success:
                raise PerceptionError(f'the node {node} refuses transition {transition}')
        self._node.destroy_client(client)

    def wait(self, is_done: Callable[[], bool], timeout: float, message: str) -> None:
        """
        Wait until a condition holds.

        :param timeout: seconds
        :raises PerceptionError: with ``message`` if it takes longer
        """
        deadline = time.monotonic() + timeout
        while not is_done():
            self._check()
            if time.monotonic() > deadline:
                raise PerceptionError(message)
            time.sleep(STEP_S)

    def wait_until_quiet(self, silence: float, timeout: float) -> None:
        """Wait until nothing was received for ``silence`` seconds, at most ``timeout``."""
        deadline = time.monotonic() + timeout
        count, since = -1, time.monotonic()
        while time.monotonic() < deadline:
            self._check()
            now_count = len(self.received)
            if now_count != count:
                count, since = now_count, time.monotonic()
            elif count > 0 and time.monotonic() - since > silence:
                return
            time.sleep(STEP_S)

    def _spin(self) -> None:
        try:
            while not self._is_stopping:
                self._executor.spin_once(timeout_sec=0.1)
        except ExternalShutdownException:
            pass  # the context was shut down: nothing more will be received

    def _on_attributes(self, msg: FaceAttributes) -> None:
        received_at = time.time()
        faces = sorted(msg.faces, key=lambda face: -face.box.width * face.box.height)
        stamp = msg.header.stamp
        received = Received(
            stamp=stamp.sec + 1e-9 * stamp.nanosec,
            received_at=received_at,
            faces=tuple((face.track_id, face.state) for face in faces),
            detect_s=1e-3 * msg.detect_ms,
            classify_s=1e-3 * msg.classify_ms,
            frames_dropped=msg.frames_dropped,
        )
        self.received.append(received)
