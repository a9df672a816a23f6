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

"""Transitions of a node: by itself, by others, refused, and after defects."""

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
import pytest
from rclpy.lifecycle import TransitionCallbackReturn
from rtcnn_perception.exceptions import ModelError
from scripted import ScriptedNode

SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE
BY_HAND = {'autostart': False}


def test_a_node_configures_and_activates_itself(bench):
    node = bench.add(ScriptedNode)
    assert node.state == 'unconfigured'
    node.start()
    assert (node.state, node.steps) == ('active', ['configure', 'activate'])


def test_a_node_without_autostart_waits_for_transitions(bench):
    node = bench.add(ScriptedNode, parameters=BY_HAND)
    node.start()
    assert (node.state, node.steps) == ('unconfigured', [])
    assert node.trigger_configure() == SUCCESS
    assert (node.state, node.steps) == ('inactive', ['configure'])
    assert node.trigger_activate() == SUCCESS
    assert node.trigger_deactivate() == SUCCESS
    assert node.trigger_cleanup() == SUCCESS
    assert node.state == 'unconfigured'
    assert node.steps == ['configure', 'activate', 'deactivate', 'cleanup']


def request(bench, name, transition):
    """Request a transition by service, and return the response."""
    client = bench.tester.create_client(ChangeState, f'{name}/change_state')
    bench.spin_until(client.service_is_ready, 'the service')
    future = client.call_async(ChangeState.Request(transition=transition))
    bench.spin_until(future.done, 'a response')
    return future.result()


def test_a_node_is_configured_and_activated_by_service(bench):
    node = bench.add(ScriptedNode, parameters=BY_HAND)
    for transition in (Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE):
        assert request(bench, '/probe', Transition(id=transition)).success
    assert node.state == 'active'


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
TRIGGERS = {
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


@pytest.mark.parametrize('state', list(TRIGGERS))
def test_every_transition_in_every_state_is_answered_and_the_node_goes_on(bench, state):
    for number, transition in enumerate(TRANSITIONS):
        node = bench.add(ScriptedNode, parameters=BY_HAND, namespace=f'{state}{number}')
        for trigger in TRIGGERS[state]:
            getattr(node, f'trigger_{trigger}')()
        assert node.state == state
        logged = []
        node.get_logger().warning = logged.append
        response = request(bench, f'/{state}{number}/probe', transition)
        is_allowed = (transition.label or transition.id) in ALLOWED[state]
        assert response.success == is_allowed, transition
        assert (node.state == state) != is_allowed
        wanted = transition.label or f'id {transition.id}'
        refusal = f'the transition {wanted} was not made: still {state}'
        assert logged == ([] if is_allowed else [refusal])


def test_the_label_of_a_transition_is_logged_as_one_short_line(bench):
    node = bench.add(ScriptedNode, parameters=BY_HAND)
    logged = []
    node.get_logger().warning = logged.append
    request(bench, '/probe', Transition(label='fly\n' * 2**18))
    assert len(logged) == 1
    assert len(logged[0]) < 1000
    assert logged[0].isprintable()


def test_a_model_that_is_missing_ends_the_start_with_its_own_error(bench):
    node = bench.add(ScriptedNode)
    node.failures['configure'] = ModelError('no model in /nowhere')
    with pytest.raises(ModelError, match='no model in /nowhere'):
        node.start()
    assert node.state == 'unconfigured'


def test_a_model_that_was_missing_can_be_loaded_later(bench):
    node = bench.add(ScriptedNode, parameters=BY_HAND)
    logged = []
    node.get_logger().error = logged.append
    node.failures['configure'] = ModelError('no model in /nowhere')
    assert node.trigger_configure() == FAILURE
    assert (node.state, logged) == ('unconfigured', ['no model in /nowhere'])
    assert node.steps == ['configure', 'cleanup'], 'what was loaded before is released'
    node.failures.clear()
    assert node.trigger_configure() == SUCCESS


def test_a_source_that_fails_at_activation_leaves_the_node_inactive(bench):
    node = bench.add(ScriptedNode, parameters=BY_HAND)
    node.trigger_configure()
    node.failures['activate'] = ModelError('no camera')
    assert node.trigger_activate() == FAILURE
    assert node.state == 'inactive'


def test_a_defect_is_logged_with_its_traceback_and_the_node_can_be_configured_again(bench):
    node = bench.add(ScriptedNode, parameters=BY_HAND)
    logged = []
    node.get_logger().error = logged.append
    node.failures['configure'] = ZeroDivisionError('a defect')
    assert node.trigger_configure() == TransitionCallbackReturn.ERROR
    assert 'Traceback' in logged[0]
    assert 'ZeroDivisionError: a defect' in logged[0]
    assert (node.state, node.steps) == ('unconfigured', ['configure', 'deactivate', 'cleanup'])
    node.failures.clear()
    assert node.trigger_configure() == SUCCESS


def test_a_defect_at_start_is_raised_unchanged(bench):
    node = bench.add(ScriptedNode)
    node.failures['activate'] = ZeroDivisionError('a defect')
    with pytest.raises(ZeroDivisionError):
        node.start()


def test_a_node_that_was_destroyed_is_finalized_and_can_be_destroyed_again(bench):
    node = bench.add(ScriptedNode)
    bench.close_node(node)
    node.destroy_node()
    assert (node.state, node.is_active) == ('finalized', False)
