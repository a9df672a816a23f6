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

"""The managed node that all nodes are made from: parameters, diagnostics, subscriptions, end."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
import socket
from typing import Any
from typing import Generic
from typing import Protocol
from typing import TypeVar

from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock
from rclpy.clock import ClockType
from rclpy.duration import Duration
from rclpy.parameter import Parameter
from rclpy.publisher import Publisher
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import PerceptionError
from rtcnn_perception.nodes.diagnostics import ERROR
from rtcnn_perception.nodes.diagnostics import ErrorLog
from rtcnn_perception.nodes.diagnostics import Finding
from rtcnn_perception.nodes.diagnostics import latency_findings
from rtcnn_perception.nodes.diagnostics import Meter
from rtcnn_perception.nodes.diagnostics import OK
from rtcnn_perception.nodes.diagnostics import status
from rtcnn_perception.nodes.lifecycle.bond import Bond
from rtcnn_perception.nodes.lifecycle.bond import break_bond
from rtcnn_perception.nodes.lifecycle.bond import form_bond
from rtcnn_perception.nodes.lifecycle.transitions import GuardedLifecycleNode
from rtcnn_perception.nodes.lifecycle.transitions import RCLError
from rtcnn_perception.nodes.parameters import TABLES
from rtcnn_perception.nodes.parameters.changes import changed
from rtcnn_perception.nodes.parameters.declaration import declare
from rtcnn_perception.nodes.parameters.names import unknown_parameter
from rtcnn_perception.nodes.parameters.names import unknown_parameters
from rtcnn_perception.nodes.parameters.node import NodeParameters
from rtcnn_perception.nodes.qos import RESULTS
from rtcnn_perception.nodes.subscriptions.images import ImageSubscription
from rtcnn_perception.nodes.subscriptions.simulated_time import SimulatedTime
from rtcnn_perception.nodes.subscriptions.topic import Topic
from rtcnn_perception.one_line import bounded
from std_msgs.msg import Header

P = TypeVar('P', bound=NodeParameters)

DIAGNOSTICS_PERIOD = 1.0
"""Seconds."""

STOP_WITHIN = 1.5
"""Seconds for which a node waits for each of its threads to end, unless a shorter time is set."""

LAST_MESSAGES_WITHIN = 0.2
"""Seconds for which a node waits until its last diagnostics, or other messages, are received."""


class Stoppable(Protocol):
    """A thread that can be ended."""

    def halt(self) -> None:
        """Let the thread end, without waiting for it."""
        ...

    def stop(self, timeout: float) -> bool:
        """End the thread; return whether it ended in time (seconds)."""
        ...


class ManagedNode(GuardedLifecycleNode, Generic[P]):
    """
    A lifecycle node with a table of parameters, diagnostics and counted errors.

    A subclass loads models in ``_configure``, subscribes and starts its threads in ``_activate``,
    and releases what it loaded in ``_cleanup``; deactivation is the same for all. The first two
    call those of this class: ``_configure`` at its end, ``_activate`` at its beginning.
    """

    def __init__(self, name: str, parameters: type[P], **node_kwargs: Any) -> None:
        """
        Declare the parameters.

        :raises ConfigurationError: if one has another type or is out of its bounds
        """
        super().__init__(name, **node_kwargs)
        self._steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._stop_by: float | None = None
        self._bond: Bond | None = None
        self._images: ImageSubscription | None = None
        self._lost: int | None = 0
        self._subscriptions_while_active: list[Any] = []
        self._simulated_time = SimulatedTime(self)
        self.errors = ErrorLog(self.get_logger().error, self._now)
        self.meter = Meter()
        try:
            self.parameters: P = declare(self, parameters)
        except ConfigurationError:
            self.destroy_node()
            raise
        for sentence in unknown_parameters(self, (parameters, *TABLES)):
            self.get_logger().warning(bounded(sentence))
        self.add_on_set_parameters_callback(self._on_set_parameters)
        self._diagnostics = self.create_publisher(DiagnosticArray, '/diagnostics', RESULTS)
        self.create_timer(DIAGNOSTICS_PERIOD, self._on_diagnostics_timer, clock=self._steady)

    @property
    def lost(self) -> int | None:
        """
        Return the number of images since activation that were published and never came.

        None where they cannot be counted.
        """
        present = 0 if self._images is None else self._images.lost
        return None if self._lost is None or present is None else self._lost + present

    # What a subclass fills in

    def _threads(self) -> Iterable[Stoppable | None]:
        """Return the threads to end at deactivation; None stands for one that does not run."""
        return ()

    def _check_parameters(self, parameters: P) -> None:
        """Raise a ConfigurationError for values that what is loaded does not allow."""

    def _apply(self, parameters: P) -> None:
        """Apply changed parameters while the node runs; they are checked."""

    def _findings(self) -> Iterator[Finding]:
        """Yield the findings for diagnostics while the node is active."""
        yield from self.errors.findings()
        if self._simulated_time.is_missing:
            yield Finding(
                ERROR, 'use_sim_time is set and no time comes: publish /clock, or unset it'
            )
        else:
            yield from latency_findings(
                self.meter.latency.summary(self._now()),
                self.parameters.latency_limit_ms,
                self._simulated_time.step if self._simulated_time.is_used else None,
            )

    def _measured(self) -> dict[str, str]:
        """Return values for diagnostics besides rates, latency and errors."""
        return {}

    def _hardware(self) -> str:
        """Return what the node runs on or reads, for diagnostics: its machine."""
        return socket.gethostname()

    # What a subclass uses

    def _subscribe_to_images(
        self, message_type: type[Any], topic: str, callback: Callable[[Any], None], qos: str
    ) -> None:
        """Subscribe to images until deactivation, with ``qos`` a key of QOS."""
        self._images = ImageSubscription(
            self, message_type, topic, callback, qos=qos, clock=self._now
        )

    def _unsubscribe_from_images(self) -> None:
        if self._images is not None:
            self._images.close()
            self._lost, self._images = self.lost, None

    def _subscribe(
        self, message_type: type[Any], topic: str, callback: Callable[[bytes], None]
    ) -> Topic:
        """Subscribe to results until deactivation, as bytes: of these a stranger may send many."""
        watched = Topic(self, message_type, topic, self._now)
        noted = watched.noted(callback)
        subscription = self.create_subscription(message_type, topic, noted, RESULTS, raw=True)
        self._subscriptions_while_active.append(subscription)
        return watched

    def _report(self, error: Exception) -> None:
        """Count an error with one frame; any thread may call it."""
        # Once the context is shut down nothing can be published: that is the end, and no error.
        if self.context.ok():
            self.errors.report(error)

    # Beginning and end

    def start(self) -> None:
        """
        Configure and activate the node, unless ``autostart`` is false.

        :raises PerceptionError: if a model, detector or source cannot be used
        """
        if self.parameters.autostart:
            super().start()

    def halt(self, within: float) -> None:
        """
        Let the node's threads end, without waiting for them; ``close`` is to follow.

        :param within: seconds from now for which ``close`` may wait for them
        """
        self._stop_by = self._now() + within
        for thread in self._threads():
            if thread is not None:
                thread.halt()

    def close(self) -> None:
        """Shut the node down, publish its last diagnostics, and destroy it."""
        if not self.context.ok():
            # A transition is published, which is not possible any more.
            self._deactivate()
            self._cleanup()
        else:
            if self.state != 'finalized':
                self.trigger_shutdown()
            self._on_diagnostics_timer()
            if self._stop_by is not None:
                self._stop_by += LAST_MESSAGES_WITHIN
            self._wait_until_received((self._diagnostics,))
        self.destroy_node()

    def _configure(self) -> None:
        self._check_parameters(self.parameters)

    def _activate(self) -> None:
        if not all(thread is None or thread.stop(0.0) for thread in self._threads()):
            raise PerceptionError(
                'a thread of before deactivation is still blocked by a call that does not return: '
                'activate the node once that has ended'
            )
        self.meter = Meter(self._now())
        self._lost = 0

    def _after_activation(self) -> None:
        if self.parameters.bond:
            self._bond = form_bond(self)

    def _deactivate(self) -> None:
        if self._bond is not None:
            break_bond(self, self._bond)
            self._bond = None
        self._unsubscribe_from_images()
        while self._subscriptions_while_active:
            self.destroy_subscription(self._subscriptions_while_active.pop())
        for thread in self._threads():
            if thread is not None and not thread.stop(self._time_left(STOP_WITHIN)):
                self.get_logger().warning(
                    'a thread is blocked by a call that does not return; it ends after that'
                )

    def _time_left(self, seconds: float) -> float:
        """Return for how many seconds the node may wait: less where ``halt`` set a limit."""
        if self._stop_by is None:
            return seconds
        return min(seconds, max(self._stop_by - self._now(), 0.0))

    def _wait_until_received(self, publishers: Iterable[Publisher]) -> None:
        """Wait a little until the last messages are received: they are lost with publishers."""
        end = self._now() + self._time_left(LAST_MESSAGES_WITHIN)
        try:
            for publisher in publishers:
                publisher.wait_for_all_acked(Duration(seconds=max(end - self._now(), 0.0)))
        except RCLError as error:
            self.get_logger().debug(f'this middleware cannot wait for its messages: {error}')

    # Callbacks

    def set_parameters_atomically(self, parameter_list: list[Parameter]) -> SetParametersResult:
        """Set parameters, all or none; rclpy refuses an unknown one without its name."""
        for each in parameter_list:
            if not self.has_parameter(each.name):
                reason = bounded(unknown_parameter(each.name, (type(self.parameters),)))
                return SetParametersResult(successful=False, reason=reason)
        return super().set_parameters_atomically(parameter_list)

    def _on_set_parameters(self, changes: list[Parameter]) -> SetParametersResult:
        try:
            parameters = changed(self, self.parameters, changes, self.state)
            self._check_parameters(parameters)
        except ConfigurationError as error:
            return SetParametersResult(successful=False, reason=bounded(str(error)))
        self.parameters = parameters
        self._apply(parameters)
        return SetParametersResult(successful=True)

    def _on_diagnostics_timer(self) -> None:
        findings = [*self._findings()] if self.is_active else [Finding(OK, self.state)]
        values = {'state': self.state, **self._measured()}
        values.update(self.meter.values(self._now()))
        values.update(self.errors.values())
        header = Header(stamp=self.get_clock().now().to_msg())
        name = f'{self.get_fully_qualified_name().lstrip("/")}: faces'
        found = status(name, findings or [Finding(OK, 'working')], values, self._hardware())
        self._diagnostics.publish(DiagnosticArray(header=header, status=[found]))

    def _now(self) -> float:
        """Return seconds of a clock that does not jump."""
        return float(self._steady.now().nanoseconds) * 1e-9
