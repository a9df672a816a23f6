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
Lifecycle transitions: what rclpy calls, and what it leaves out.

rclpy calls ``on_configure``, ``on_activate``, ``on_deactivate``, ``on_cleanup``, ``on_shutdown``
and ``on_error``. Each runs the step that a subclass fills in, logs what that raises, and returns
whether the transition is made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lifecycle_msgs.srv import ChangeState
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import LifecycleNode
from rclpy.lifecycle import LifecycleState
from rclpy.lifecycle import TransitionCallbackReturn
from rtcnn_perception.exceptions import PerceptionError
from rtcnn_perception.nodes.lifecycle.requests import guarded
from rtcnn_perception.nodes.lifecycle.requests import refused_parameters
from rtcnn_perception.nodes.log_text import report_of
from rtcnn_perception.one_line import bounded

RCLError = rclpy_implementation.RCLError


class GuardedLifecycleNode(LifecycleNode):
    """
    A lifecycle node whose transitions and requests never raise.

    A subclass fills in ``_configure``, ``_activate``, ``_deactivate`` and ``_cleanup``; a
    PerceptionError refuses the transition, any other error is a defect, after which the node is
    unconfigured again.
    """

    def __init__(self, name: str, **node_kwargs: Any) -> None:
        """
        Make the node and answer its services.

        :raises ConfigurationError: if a parameter of every node, as use_sim_time, is refused
        """
        self._is_destroyed = False
        self._failure: Exception | None = None
        self._is_starting = False
        with refused_parameters():
            super().__init__(name, **node_kwargs)
        self._change_state = self._service_change_state.callback
        self._service_change_state.callback = self._on_change_state
        for service in self.services:
            service.callback = guarded(service.callback, self._report)

    # What a subclass fills in

    def _configure(self) -> None:
        """Load models; raise a PerceptionError where that fails."""

    def _activate(self) -> None:
        """Subscribe and start threads."""

    def _after_activation(self) -> None:
        """Do what needs an activation that succeeded."""

    def _deactivate(self) -> None:
        """Unsubscribe and end threads."""

    def _cleanup(self) -> None:
        """Release what was loaded."""

    def _report(self, error: Exception) -> None:
        """Log what a request to a service raised."""
        self.get_logger().error(report_of(error))

    # Life cycle

    @property
    def state(self) -> str:
        """Label of the present lifecycle state."""
        return 'finalized' if self._is_destroyed else str(self._state_machine.current_state[1])

    @property
    def is_active(self) -> bool:
        """Whether the node is active."""
        return self.state == 'active'

    def start(self) -> None:
        """
        Configure and activate the node.

        :raises PerceptionError: if a model, detector or source cannot be used
        """
        self._is_starting = True
        try:
            for trigger in (self.trigger_configure, self.trigger_activate):
                if trigger() != TransitionCallbackReturn.SUCCESS:
                    raise self._failure or RuntimeError(f'{self.get_name()} did not start')
        finally:
            self._is_starting, self._failure = False, None

    def destroy_node(self) -> None:
        """
        Destroy the node, once; from Kilted on its context does so too when it is shut down.

        rclpy would leave it in the graph until its memory is collected.
        """
        if not self._is_destroyed:
            self._is_destroyed = True
            super().destroy_node()
            self._state_machine.destroy_when_not_in_use()

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:  # noqa: ARG002 - rclpy's signature
        """Load models; where that is refused, release what was loaded before."""
        outcome = self._run(self._configure)
        if outcome == TransitionCallbackReturn.FAILURE:
            self._run(self._cleanup)
        return outcome

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:  # noqa: ARG002 - rclpy's signature
        """Subscribe and start threads."""
        return self._run(self._activate, self._after_activation)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:  # noqa: ARG002 - rclpy's signature
        """Unsubscribe and end threads."""
        return self._run(self._deactivate)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:  # noqa: ARG002 - rclpy's signature
        """Release models."""
        return self._run(self._cleanup)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Deactivate if need be, and release models."""
        steps = [self._deactivate] if state.label == 'active' else []
        return self._run(*steps, self._cleanup)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:  # noqa: ARG002 - rclpy's signature
        """Return to unconfigured after a defect, which was logged, so that it can be retried."""
        return self._run(self._deactivate, self._cleanup)

    def _run(self, *steps: Callable[[], None]) -> TransitionCallbackReturn:
        """Run the steps of a transition; an expected error refuses it, a defect is an error."""
        try:
            for step in steps:
                step()
        except PerceptionError as error:
            self._fail(error)
            return TransitionCallbackReturn.FAILURE
        except Exception as error:  # noqa: BLE001 - rclpy would drop it; it is logged, or raised by start
            self._fail(error)
            return TransitionCallbackReturn.ERROR
        return TransitionCallbackReturn.SUCCESS

    def _fail(self, error: Exception) -> None:
        if self._is_starting:
            self._failure = error  # whose traceback holds what was loaded
        else:
            self.get_logger().error(report_of(error))

    def _on_change_state(
        self, request: ChangeState.Request, response: ChangeState.Response
    ) -> ChangeState.Response:
        """Answer every request; rclpy raises where the present state has no such transition."""
        before = self.state
        try:
            answer: ChangeState.Response = self._change_state(request, response)
        except RCLError:
            answer = response
            answer.success = False
        if not answer.success and self.state == before:
            wanted = bounded(request.transition.label) or f'id {request.transition.id}'
            self.get_logger().warning(f'the transition {wanted} was not made: still {before}')
        return answer
