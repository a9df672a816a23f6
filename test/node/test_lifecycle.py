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

import gc
import weakref

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


class Requester:
    """Requests transitions of one node by service."""

    def __init__(self, bench, name='/probe'):
        self._bench = bench
        self._client = bench.tester.create_client(ChangeState, f'{name}/change_state')
        bench.spin_until(self._client.service_is_ready, 'the service')

    def __call__(self, transition):
        future = self._client.call_async(ChangeState.Request(transition=transition))
        self._bench.spin_until(future.done, 'a response')
        return future.result()


def test_a_node_is_configured_and_activated_by_service(bench):
    node = bench.add(ScriptedNode, parameters=BY_HAND)
    request = Requester(bench)
    for transition in (Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE):
        assert request(Transition(id=transition)).success
    assert node.state == 'active'


NUMBERS = [Transition(id=number) for number in range(256)]
LABELS = [
    Transition(label=label)
    for label in (
        *('create', 'configure', 'cleanup', 'activate', 'deactivate', 'shutdown', 'destroy'),
        *('unconfigured_shutdown', 'inactive_shutdown', 'active_shutdown'),
        *('transition_success', 'transition_failure', 'transition_error', 'on_configure_success'),
        *('fly', ' ', 'ACTIVATE', 'activate ', 'ü'),
    )
]
BOTH = [Transition(id=1, label='fly'), Transition(id=3, label='configure')]
TRIGGERS = {
    'unconfigured': [],
    'inactive': ['configure'],
    'active': ['configure', 'activate'],
    'finalized': ['shutdown'],
}
ALLOWED = {
    'unconfigured': {Transition.TRANSITION_CONFIGURE: 'inactive', 5: 'finalized'},
    'inactive': {
        Transition.TRANSITION_ACTIVATE: 'active',
        Transition.TRANSITION_CLEANUP: 'unconfigured',
        6: 'finalized',
    },
    'active': {Transition.TRANSITION_DEACTIVATE: 'inactive', 7: 'finalized'},
    'finalized': {},
}
LABELS_ALLOWED = {
    'unconfigured': {'configure': 'inactive', 'shutdown': 'finalized'},
    'inactive': {'activate': 'active', 'cleanup': 'unconfigured', 'shutdown': 'finalized'},
    'active': {'deactivate': 'inactive', 'shutdown': 'finalized'},
    'finalized': {},
}


@pytest.mark.parametrize('state', list(TRIGGERS))
def test_every_transition_in_every_state_is_answered_and_the_node_goes_on(bench, state):
    def make():
        node = bench.add(ScriptedNode, parameters=BY_HAND)
        for trigger in TRIGGERS[state]:
            getattr(node, f'trigger_{trigger}')()
        assert node.state == state
        logged = []
        node.get_logger().warning = logged.append
        return node, logged, Requester(bench)

    node, logged, request = make()
    made = []
    for transition in (*NUMBERS, *LABELS, *BOTH):
        reached = (
            LABELS_ALLOWED[state].get(transition.label)
            if transition.label
            else ALLOWED[state].get(transition.id)
        )
        assert request(transition).success == (reached is not None), transition
        assert node.state == (reached or state)
        wanted = transition.label or f'id {transition.id}'
        refusal = f'the transition {wanted} was not made: still {state}'
        assert logged == ([refusal] if reached is None else [])
        logged.clear()
        if reached is not None:
            made.append(reached)
            bench.close_node(node)
            node, logged, request = make()
    assert sorted(made) == sorted(
        [
            *ALLOWED[state].values(),
            *LABELS_ALLOWED[state].values(),
            *(['inactive'] if state == 'unconfigured' else []),
        ]
    )
    assert node.errors.total == 0


def test_the_label_of_a_transition_is_logged_as_one_short_line(bench):
    node = bench.add(ScriptedNode, parameters=BY_HAND)
    logged = []
    node.get_logger().warning = logged.append
    Requester(bench)(Transition(label='fly\n' * 2**18))
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


def test_a_refused_configuration_holds_nothing_of_what_was_loaded(bench):
    class Loaded:
        """What a node loads before it is refused."""

    class LoadingNode(ScriptedNode):
        """Loads something, and is refused."""

        def _configure(self):
            loaded = Loaded()
            self.kept = weakref.ref(loaded)
            raise ModelError('no model in /nowhere')

    by_hand = bench.add(LoadingNode, parameters=BY_HAND)
    assert by_hand.trigger_configure() == FAILURE
    starting = bench.add(LoadingNode)
    with pytest.raises(ModelError):
        starting.start()
    gc.collect()
    assert (by_hand.kept(), starting.kept()) == (None, None)


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
