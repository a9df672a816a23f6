"""The life of a node: brought up by itself or by others, at rest, failed, and gone."""

import threading

import pytest

pytest.importorskip('rclpy')

from diagnostic_msgs.msg import DiagnosticArray
from diagnostic_msgs.msg import DiagnosticStatus
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.lifecycle import TransitionCallbackReturn
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.nodes.base import ManagedNode
from rtcnn_perception.nodes.base import RCLError
from rtcnn_perception.nodes.camera_node import CameraNode
from rtcnn_perception.nodes.classifier_node import ClassifierNode
from rtcnn_perception.nodes.detector_node import DetectorNode
from rtcnn_perception.nodes.parameters.tables import NodeParameters
from scripted import ScriptedClassifier
from scripted import ScriptedDetector

SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE


class Probe(ManagedNode[NodeParameters]):
    """A node that writes down what it is told to do."""

    def __init__(self, **arguments):
        super().__init__('probe', NodeParameters, **arguments)
        self.story = []
        self.failing = {}

    def _tell(self, what):
        self.story.append(what)
        if what in self.failing:
            raise self.failing[what]

    def _load(self):
        self._tell('load')

    def _begin(self):
        self._tell('begin')

    def _end(self):
        self._tell('end')

    def _release(self):
        self._tell('release')


def statuses(bench):
    received = bench.listen(DiagnosticArray, '/diagnostics')
    return lambda: [each for array in received for each in array.status]


def test_a_node_brings_itself_up(bench):
    node = bench.add(Probe)
    assert node.state == 'unconfigured'
    node.start()
    assert (node.state, node.story) == ('active', ['load', 'begin'])


def test_a_node_without_autostart_waits_to_be_told(bench):
    node = bench.add(Probe, parameters={'autostart': False})
    node.start()
    assert (node.state, node.story) == ('unconfigured', [])
    assert node.trigger_configure() == SUCCESS
    assert (node.state, node.story) == ('inactive', ['load'])
    assert node.trigger_activate() == SUCCESS
    assert node.trigger_deactivate() == SUCCESS
    assert node.trigger_cleanup() == SUCCESS
    assert (node.state, node.story) == ('unconfigured', ['load', 'begin', 'end', 'release'])


def test_a_node_is_led_through_its_life_by_service(bench):
    bench.add(Probe, parameters={'autostart': False})
    client = bench.tester.create_client(ChangeState, '/probe/change_state')
    bench.spin_until(client.service_is_ready, 'the service')
    for transition in (Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE):
        request = ChangeState.Request(transition=Transition(id=transition))
        future = client.call_async(request)
        bench.spin_until(future.done, 'an answer')
        assert future.result().success
    assert bench.managed[0].state == 'active'


TRANSITIONS = [
    Transition(id=Transition.TRANSITION_CREATE),
    Transition(id=Transition.TRANSITION_CONFIGURE),
    Transition(id=Transition.TRANSITION_CLEANUP),
    Transition(id=Transition.TRANSITION_ACTIVATE),
    Transition(id=Transition.TRANSITION_DEACTIVATE),
    Transition(id=Transition.TRANSITION_UNCONFIGURED_SHUTDOWN),
    Transition(id=Transition.TRANSITION_INACTIVE_SHUTDOWN),
    Transition(id=Transition.TRANSITION_ACTIVE_SHUTDOWN),
    Transition(id=Transition.TRANSITION_DESTROY),
    Transition(id=Transition.TRANSITION_ON_CONFIGURE_SUCCESS),
    Transition(id=200),
    Transition(label='configure'),
    Transition(label='activate'),
    Transition(label='no such transition'),
]
WAYS = {
    'unconfigured': [],
    'inactive': ['configure'],
    'active': ['configure', 'activate'],
    'finalized': ['shutdown'],
}
ALLOWED = {
    'unconfigured': {Transition.TRANSITION_CONFIGURE, 'configure', 5},
    'inactive': {Transition.TRANSITION_ACTIVATE, 'activate', Transition.TRANSITION_CLEANUP, 6},
    'active': {Transition.TRANSITION_DEACTIVATE, 7},
    'finalized': set(),
}


@pytest.mark.parametrize('state', list(WAYS))
def test_every_transition_in_every_state_is_answered_and_the_node_goes_on(bench, state):
    for number, transition in enumerate(TRANSITIONS):
        node = bench.add(Probe, parameters={'autostart': False}, namespace=f'{state}{number}')
        for way in WAYS[state]:
            getattr(node, f'trigger_{way}')()
        assert node.state == state
        logged = []
        node.get_logger().warning = logged.append
        client = bench.tester.create_client(ChangeState, f'/{state}{number}/probe/change_state')
        bench.spin_until(client.service_is_ready, 'the service')
        future = client.call_async(ChangeState.Request(transition=transition))
        bench.spin_until(future.done, 'an answer')
        is_allowed = (transition.label or transition.id) in ALLOWED[state]
        assert future.result().success == is_allowed, transition
        assert (node.state == state) != is_allowed
        assert bool(logged) != is_allowed
        if not is_allowed:
            wanted = transition.label or f'id {transition.id}'
            assert logged == [f'the transition {wanted} was not made: still {state}']


def test_a_model_that_is_missing_ends_the_start_with_its_own_error(bench):
    node = bench.add(Probe)
    node.failing['load'] = ModelError('no model in /nowhere')
    with pytest.raises(ModelError, match='no model in /nowhere'):
        node.start()
    assert node.state == 'unconfigured'


def test_a_model_that_is_missing_can_be_put_there_and_loaded(bench):
    node = bench.add(Probe, parameters={'autostart': False})
    logged = []
    node.get_logger().error = logged.append
    node.failing['load'] = ModelError('no model in /nowhere')
    assert node.trigger_configure() == FAILURE
    assert (node.state, logged) == ('unconfigured', ['no model in /nowhere'])
    node.failing.clear()
    assert node.trigger_configure() == SUCCESS


def test_a_source_that_fails_at_activation_leaves_the_node_at_rest(bench):
    node = bench.add(Probe, parameters={'autostart': False})
    node.trigger_configure()
    node.failing['begin'] = ModelError('no camera')
    assert node.trigger_activate() == FAILURE
    assert node.state == 'inactive'


def test_a_defect_is_logged_with_its_traceback_and_leaves_a_node_that_can_be_configured(bench):
    node = bench.add(Probe, parameters={'autostart': False})
    logged = []
    node.get_logger().error = logged.append
    node.failing['load'] = ZeroDivisionError('a defect')
    assert node.trigger_configure() == TransitionCallbackReturn.ERROR
    assert 'Traceback' in logged[0]
    assert 'ZeroDivisionError: a defect' in logged[0]
    assert (node.state, node.story) == ('unconfigured', ['load', 'end', 'release'])


def test_a_defect_at_start_is_raised_as_it_is(bench):
    node = bench.add(Probe)
    node.failing['begin'] = ZeroDivisionError('a defect')
    with pytest.raises(ZeroDivisionError):
        node.start()


@pytest.mark.parametrize(
    ('triggers', 'story'),
    [
        ((), ['release']),
        (('configure',), ['load', 'release']),
        (('configure', 'activate'), ['load', 'begin', 'end', 'release']),
    ],
)
def test_closing_ends_what_was_begun(bench, triggers, story):
    node = bench.add(Probe)
    for trigger in triggers:
        getattr(node, f'trigger_{trigger}')()
    bench.managed.remove(node)
    bench.executor.remove_node(node)
    node.close()
    assert node.story == story


def test_a_node_closes_also_after_its_context_was_shut_down(bench):
    node = bench.add(Probe)
    node.start()
    bench.context.shutdown()
    node.close()
    bench.managed.remove(node)
    assert node.story == ['load', 'begin', 'end', 'release']


def test_diagnostics_tell_the_state_also_at_rest(bench):
    node = bench.add(Probe, parameters={'autostart': False})
    heard = statuses(bench)
    bench.spin_until(lambda: len(heard()) >= 2, 'diagnostics')
    assert {each.name for each in heard()} == {'probe: faces'}
    assert {(each.level, each.message) for each in heard()} == {
        (DiagnosticStatus.OK, 'unconfigured')
    }
    node.trigger_configure()
    bench.spin_until(lambda: heard()[-1].message == 'inactive', 'the new state')
    node.trigger_activate()
    bench.spin_until(lambda: heard()[-1].message == 'working', 'the new state')


def test_the_last_word_of_a_node_is_that_it_is_gone(bench):
    node = bench.add(Probe)
    heard = statuses(bench)
    node.start()
    bench.spin_until(heard, 'diagnostics')
    bench.managed.remove(node)
    bench.executor.remove_node(node)
    node.close()
    bench.spin_until(lambda: heard()[-1].message == 'finalized', 'the last word')
    assert heard()[-1].level == DiagnosticStatus.OK


def test_a_node_closes_also_where_the_middleware_cannot_wait_for_its_messages(bench, monkeypatch):
    node = bench.add(Probe)

    def refuse(*_):
        raise RCLError('not supported')

    monkeypatch.setattr(node._diagnostics, 'wait_for_all_acked', refuse)
    bench.managed.remove(node)
    bench.executor.remove_node(node)
    node.close()
    bench.spin_until(lambda: bench.tester.get_node_names() == ['tester'], 'its end')


def test_a_latency_above_the_limit_is_a_warning(bench):
    node = bench.add(Probe, parameters={'latency_limit_ms': 50.0})
    heard = statuses(bench)
    node.start()
    node.meter.latency.add(0.075)
    bench.spin_until(lambda: heard() and heard()[-1].level == DiagnosticStatus.WARN, 'a warning')
    assert heard()[-1].message == 'p95 latency 75 ms is above 50 ms'


def test_a_node_in_a_namespace_says_whose_it_is(bench):
    bench.add(Probe, namespace='robot1')
    heard = statuses(bench)
    bench.spin_until(heard, 'diagnostics')
    assert heard()[0].name == 'robot1/probe: faces'


@pytest.mark.parametrize(
    ('thread', 'kind', 'arguments'),
    [
        ('camera', CameraNode, {}),
        ('source', CameraNode, {'parameters': {'source': 'builtin'}}),
        ('detector', DetectorNode, {'detector': ScriptedDetector()}),
        ('classifier', ClassifierNode, {'classifier': ScriptedClassifier()}),
    ],
)
def test_a_node_that_is_told_to_end_ends_its_thread_and_is_closed_later(
    bench, thread, kind, arguments
):
    def is_running():
        return thread in [each.name for each in threading.enumerate()]

    node = bench.add(kind, **arguments)
    node.start()
    assert is_running()
    node.halt(1.0)
    bench.spin_until(lambda: not is_running(), 'the end of the thread')
    assert node.is_active
