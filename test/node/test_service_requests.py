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

"""Requests to the services of a node: each is answered, also where it is nonsense."""

from lifecycle_msgs.srv import GetAvailableStates
from lifecycle_msgs.srv import GetAvailableTransitions
from lifecycle_msgs.srv import GetState
import pytest
from rcl_interfaces.msg import Parameter as ParameterMsg
from rcl_interfaces.msg import ParameterType
from rcl_interfaces.msg import ParameterValue
from rcl_interfaces.srv import DescribeParameters
from rcl_interfaces.srv import GetParameters
from rcl_interfaces.srv import GetParameterTypes
from rcl_interfaces.srv import ListParameters
from rcl_interfaces.srv import SetParameters
from rcl_interfaces.srv import SetParametersAtomically
from rtcnn_perception.nodes.classifier_node import ClassifierNode
from rtcnn_perception.nodes.detector_node import DetectorNode
from scripted import ScriptedClassifier
from scripted import ScriptedDetector
from scripted import ScriptedNode

NONSENSE = ['', '/', '..', 'a.b.c.', 'latency_limit_ms ', 'x' * 2**16, 'ü\n\0']
TYPES = range(0, 256)
TRIGGERS = {
    'unconfigured': [],
    'inactive': ['configure'],
    'active': ['configure', 'activate'],
    'finalized': ['shutdown'],
}


class Caller:
    """Calls the services of one node, which the test spins."""

    def __init__(self, bench, node):
        self._bench = bench
        self._name = node.get_fully_qualified_name()
        self._clients = {}

    def __call__(self, kind, name, **fields):
        """Return the response; the deadline of the bench fails a request without one."""
        if name not in self._clients:
            client = self._bench.tester.create_client(kind, f'{self._name}/{name}')
            self._bench.spin_until(client.service_is_ready, 'the service')
            self._clients[name] = client
        future = self._clients[name].call_async(kind.Request(**fields))
        self._bench.spin_until(future.done, f'a response of {name}')
        return future.result()


def parameter(name, **value):
    return ParameterMsg(name=name, value=ParameterValue(**value))


def text(name, value):
    return parameter(name, type=ParameterType.PARAMETER_STRING, string_value=value)


@pytest.mark.parametrize('state', list(TRIGGERS))
def test_questions_are_answered_in_every_state(bench, state):
    node = bench.add(ScriptedNode, parameters={'autostart': False})
    for trigger in TRIGGERS[state]:
        getattr(node, f'trigger_{trigger}')()
    call = Caller(bench, node)
    assert call(GetState, 'get_state').current_state.label == state
    assert len(call(GetAvailableStates, 'get_available_states').available_states) > 4
    available = call(GetAvailableTransitions, 'get_available_transitions').available_transitions
    assert all(each.start_state.label == state for each in available)
    assert (available == []) == (state == 'finalized')
    graph = call(GetAvailableTransitions, 'get_transition_graph').available_transitions
    assert len(graph) > len(available)
    for names in ([], NONSENSE, ['latency_limit_ms', *NONSENSE]):
        assert call(DescribeParameters, 'describe_parameters', names=names) is not None
        assert call(GetParameters, 'get_parameters', names=names) is not None
        assert call(GetParameterTypes, 'get_parameter_types', names=names) is not None
        for depth in (0, 1, 2**64 - 1):
            call(ListParameters, 'list_parameters', prefixes=names, depth=depth)
    assert node.errors.total == 0


def test_a_parameter_of_any_type_is_answered_and_what_it_does_not_have_is_refused(bench):
    node = bench.add(ScriptedNode)
    call = Caller(bench, node)
    for type_ in TYPES:
        given = parameter('latency_limit_ms', type=type_, double_value=type_ + 1.0)
        is_right = type_ == ParameterType.PARAMETER_DOUBLE
        (result,) = call(SetParameters, 'set_parameters', parameters=[given]).results
        assert result.successful == is_right, type_
        assert bool(result.reason) == (not is_right)
        atomically = call(SetParametersAtomically, 'set_parameters_atomically', parameters=[given])
        assert atomically.result.successful == is_right, type_
    assert node.parameters.latency_limit_ms == ParameterType.PARAMETER_DOUBLE + 1.0


def test_what_is_refused_among_others_has_a_reason_and_the_others_are_set(bench):
    node = bench.add(DetectorNode, detector=ScriptedDetector())
    call = Caller(bench, node)
    given = [
        parameter('tracker.max_tracks', type=ParameterType.PARAMETER_INTEGER, integer_value=9),
        parameter('tracker.max_coast', type=200),
        *(text(name, 'red') for name in NONSENSE),
        text('detector.names', 'haar'),
        parameter('detector.every_n', type=ParameterType.PARAMETER_INTEGER, integer_value=2),
    ]
    results = call(SetParameters, 'set_parameters', parameters=given).results
    assert [each.successful for each in results] == [True, *[False] * (len(given) - 2), True]
    assert 'max_coast must have a type of rcl_interfaces/ParameterType' in results[1].reason
    assert results[-2].reason == 'there is no parameter detector.names; is detector.name meant?'
    assert all(0 < len(each.reason) < 1000 for each in results[1:-1])
    assert (node.parameters.tracker.max_tracks, node.parameters.detector.every_n) == (9, 2)
    answer = call(SetParametersAtomically, 'set_parameters_atomically', parameters=given)
    assert not answer.result.successful
    assert 'max_coast' in answer.result.reason


def test_a_request_that_ends_in_a_defect_is_refused_counted_and_the_next_one_answered(
    bench, monkeypatch
):
    node = bench.add(ClassifierNode, classifier=ScriptedClassifier())
    node.start()
    call = Caller(bench, node)
    given = [parameter('smoothing.time_constant', type=3, double_value=1.0)]
    with monkeypatch.context() as patched:
        patched.setattr(node, '_apply', lambda _: 1 / 0)
        (result,) = call(SetParameters, 'set_parameters', parameters=given).results
        assert (result.successful, result.reason) == (
            False,
            'ZeroDivisionError: division by zero',
        )
        answer = call(SetParametersAtomically, 'set_parameters_atomically', parameters=given)
        assert not answer.result.successful
    assert node.errors.total == 2
    assert call(SetParameters, 'set_parameters', parameters=given).results[0].successful
