"""The managed node that the three nodes are made from."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
import traceback
from typing import Any
from typing import Generic
from typing import Protocol
from typing import TypeVar

from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock
from rclpy.clock import ClockType
from rclpy.duration import Duration
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import LifecycleNode
from rclpy.lifecycle import LifecycleState
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import PerceptionError
from rtcnn_perception.nodes.diagnostics import diagnostics
from rtcnn_perception.nodes.diagnostics import ErrorLog
from rtcnn_perception.nodes.diagnostics import Finding
from rtcnn_perception.nodes.diagnostics import latency_findings
from rtcnn_perception.nodes.diagnostics import OK
from rtcnn_perception.nodes.diagnostics import status
from rtcnn_perception.nodes.image_subscription import ImageSubscription
from rtcnn_perception.nodes.meter import Meter
from rtcnn_perception.nodes.parameters.declaration import build
from rtcnn_perception.nodes.parameters.declaration import declare
from rtcnn_perception.nodes.parameters.declaration import misspelt
from rtcnn_perception.nodes.parameters.declaration import settings_of
from rtcnn_perception.nodes.parameters.declaration import values_of
from rtcnn_perception.nodes.parameters.tables import NodeParameters
from rtcnn_perception.nodes.parameters.tables import TABLES
from rtcnn_perception.nodes.qos import RESULTS
from rtcnn_perception.nodes.worker import STOP_WITHIN
from std_msgs.msg import Header

RCLError = rclpy_implementation.RCLError

P = TypeVar('P', bound=NodeParameters)

DIAGNOSTICS_PERIOD = 1.0
"""Seconds."""

LAST_WORD_WITHIN = 0.2
"""Seconds for which a node that ends waits until its last diagnostics have been received."""

Hook = Callable[[], None]


class Stoppable(Protocol):
    """A thread that can be told to end."""

    def halt(self) -> None:
        """Tell the thread to end, and do not wait for it."""
        ...

    def stop(self, timeout: float) -> bool:
        """End the thread; tell whether it ended in time (seconds)."""
        ...


class ManagedNode(LifecycleNode, Generic[P]):
    """
    A lifecycle node with a table of parameters, diagnostics and counted errors.

    A subclass loads what it needs in ``_load``, listens from ``_begin`` to ``_end``, and lets go
    of what it loaded in ``_release``. All are called by the thread that spins the node, or by
    ``start``.
    """

    def __init__(self, name: str, parameters: type[P], **node_kwargs: Any) -> None:
        """
        Declare the parameters.

        :raises ConfigurationError: if one has another type or is out of its bounds
        """
        self._is_destroyed = False
        super().__init__(name, **node_kwargs)
        self._change_state = self._service_change_state.callback
        self._service_change_state.callback = self._on_change_state
        self._steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._failure: Exception | None = None
        self._is_starting = False
        self._end_by: float | None = None
        self._images: ImageSubscription | None = None
        self.errors = ErrorLog(self.get_logger().error, self._now)
        self.meter = Meter()
        try:
            self.parameters: P = declare(self, parameters)
        except ConfigurationError:
            self.destroy_node()
            raise
        known = {name for table in (parameters, *TABLES) for name, _ in settings_of(table)}
        for sentence in misspelt(self, known):
            self.get_logger().warning(sentence)
        self.add_on_set_parameters_callback(self._on_set_parameters)
        self._diagnostics = self.create_publisher(DiagnosticArray, '/diagnostics', RESULTS)
        self.create_timer(DIAGNOSTICS_PERIOD, self._on_period, clock=self._steady)

    # What a subclass fills in

    def _load(self) -> None:
        """Load models; raise a PerceptionError where that cannot be done."""

    def _begin(self) -> None:
        """Subscribe and start working."""

    def _end(self) -> None:
        """Stop working and unsubscribe."""

    def _release(self) -> None:
        """Let go of what was loaded."""

    def _threads(self) -> Iterable[Stoppable | None]:
        """Return the threads that ``_end`` stops; those that do not run may be among them."""
        return ()

    def _apply(self, parameters: P) -> None:
        """Take over parameters that were changed while the node runs; they are within bounds."""

    def _findings(self) -> Iterator[Finding]:
        """Yield what there is to say of the node while it is active."""
        if self._images is not None:
            yield from self._images.findings()
        yield from self.errors.findings()
        yield from latency_findings(self.meter.latency.summary(), self.parameters.latency_limit_ms)

    def _measured(self) -> dict[str, str]:
        """Return what to show in diagnostics besides rates, latency and errors."""
        return {}

    def _listen(
        self, message_type: type[Any], topic: str, callback: Callable[[Any], None], qos: str
    ) -> None:
        """Subscribe to images, with ``qos`` a key of QOS, until ``_turn_away``."""
        self._images = ImageSubscription(
            self, message_type, topic, callback, qos=qos, clock=self._now
        )

    def _turn_away(self) -> None:
        """Unsubscribe from images, if the node listens to any."""
        if self._images is not None:
            self._images.close()
            self._images = None

    def _stop(self, *threads: Stoppable | None) -> None:
        """End threads that are running; one that a call holds up ends when that returns."""
        for thread in threads:
            if thread is not None and not thread.stop(self._left(STOP_WITHIN)):
                self.get_logger().warning(
                    'a thread is still held up by a call that does not return; it ends after that'
                )

    def _left(self, seconds: float) -> float:
        """Return for how many seconds the node may wait: less where it was told by when to end."""
        return (
            seconds if self._end_by is None else min(seconds, max(self._end_by - self._now(), 0.0))
        )

    def _report(self, error: Exception) -> None:
        """Count what went wrong with one frame; any thread may call it."""
        # Once the context is shut down nothing can be published: that is the end, and no error.
        if self.context.ok():
            self.errors.report(error)

    # Life

    @property
    def state(self) -> str:
        """Label of the present lifecycle state."""
        return 'finalized' if self._is_destroyed else str(self._state_machine.current_state[1])

    @property
    def is_active(self) -> bool:
        """Whether images are worked on."""
        return self.state == 'active'

    def start(self) -> None:
        """
        Configure and activate the node, unless ``autostart`` is false.

        :raises PerceptionError: if a model, detector or source cannot be used
        """
        if not self.parameters.autostart:
            return
        self._is_starting = True
        try:
            for trigger in (self.trigger_configure, self.trigger_activate):
                if trigger() != TransitionCallbackReturn.SUCCESS:
                    raise self._failure or RuntimeError(f'{self.get_name()} did not start')
        finally:
            self._is_starting = False

    def halt(self, within: float) -> None:
        """
        Tell the node's threads to end, and wait for none; ``close`` is to follow.

        :param within: seconds from now for which ``close`` may wait for them
        """
        self._end_by = self._now() + within
        for thread in self._threads():
            if thread is not None:
                thread.halt()

    def close(self) -> None:
        """End work, say so in diagnostics while there is still somebody to say it to, and go."""
        if not self.context.ok():
            # A transition is published, which is not possible any more.
            self._end()
            self._release()
        else:
            if self.state != 'finalized':
                self.trigger_shutdown()
            self._on_period()
            if self._end_by is not None:
                self._end_by += LAST_WORD_WITHIN
            self._await_last_word()
        self.destroy_node()

    def _await_last_word(self) -> None:
        """Wait a little until diagnostics are received: they are lost with their publisher."""
        try:
            self._diagnostics.wait_for_all_acked(Duration(seconds=self._left(LAST_WORD_WITHIN)))
        except RCLError as error:
            self.get_logger().debug(f'this middleware cannot wait for its messages: {error}')

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
        """Load models."""
        return self._do(self._load)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:  # noqa: ARG002 - rclpy's signature
        """Subscribe and start working."""
        self.meter = Meter()
        return self._do(self._begin)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:  # noqa: ARG002 - rclpy's signature
        """Stop working and unsubscribe."""
        return self._do(self._end)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:  # noqa: ARG002 - rclpy's signature
        """Let go of what was loaded."""
        return self._do(self._release)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop working and let go of what was loaded."""
        return self._do(*([self._end] if state.label == 'active' else []), self._release)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:  # noqa: ARG002 - rclpy's signature
        """Return to the start after a defect, which was logged, so that one may configure anew."""
        return self._do(self._end, self._release)

    def _do(self, *hooks: Hook) -> TransitionCallbackReturn:
        try:
            for hook in hooks:
                hook()
        except PerceptionError as error:
            self._fail(error, str(error))
            return TransitionCallbackReturn.FAILURE
        except Exception as error:  # noqa: BLE001 - rclpy would drop it; it is logged, or raised by start
            self._fail(error, ''.join(traceback.format_exception(error)))
            return TransitionCallbackReturn.ERROR
        return TransitionCallbackReturn.SUCCESS

    def _fail(self, error: Exception, text: str) -> None:
        self._failure = error
        if not self._is_starting:
            self.get_logger().error(text)

    # Callbacks

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
            wanted = request.transition.label or f'id {request.transition.id}'
            self.get_logger().warning(f'the transition {wanted} was not made: still {before}')
        return answer

    def _on_set_parameters(self, changes: list[Parameter]) -> SetParametersResult:
        values = dict(values_of(self.parameters))
        values.update({each.name: each.value for each in changes if each.name in values})
        try:
            parameters = build(type(self.parameters), values)
        except ConfigurationError as error:
            return SetParametersResult(successful=False, reason=str(error))
        self.parameters = parameters
        self._apply(parameters)
        return SetParametersResult(successful=True)

    def _on_period(self) -> None:
        if self.is_active and self._images is not None:
            self._images.check()
        findings = [*self._findings()] if self.is_active else [Finding(OK, self.state)]
        values = {'state': self.state, **self._measured()}
        values.update(self.meter.values(self._now()))
        values.update(self.errors.values())
        header = Header(stamp=self.get_clock().now().to_msg())
        name = f'{self.get_fully_qualified_name().lstrip("/")}: faces'
        self._diagnostics.publish(
            diagnostics(header, status(name, findings or [Finding(OK, 'working')], values))
        )

    def _now(self) -> float:
        """Return seconds of a clock that does not jump."""
        return float(self._steady.now().nanoseconds) * 1e-9
