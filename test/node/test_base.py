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

"""A managed node: its parameters, diagnostics and errors, and how it is closed."""

import threading

from diagnostic_msgs.msg import DiagnosticArray
from diagnostic_msgs.msg import DiagnosticStatus
import pytest
from rclpy.parameter import Parameter
from rtcnn_perception.nodes.base import LAST_MESSAGES_WITHIN
from rtcnn_perception.nodes.camera_node import CameraNode
from rtcnn_perception.nodes.classifier_node import ClassifierNode
from rtcnn_perception.nodes.detector_node import DetectorNode
from rtcnn_perception.nodes.lifecycle.transitions import RCLError
from scripted import ScriptedClassifier
from scripted import ScriptedDetector
from scripted import ScriptedNode


def statuses(bench):
    received = bench.subscribe(DiagnosticArray, '/diagnostics')
    return lambda: [each for array in received for each in array.status]


@pytest.mark.parametrize(
    ('triggers', 'steps'),
    [
        ((), ['cleanup']),
        (('configure',), ['configure', 'cleanup']),
        (('configure', 'activate'), ['configure', 'activate', 'deactivate', 'cleanup']),
    ],
)
def test_closing_ends_what_was_started(bench, triggers, steps):
    node = bench.add(ScriptedNode)
    for trigger in triggers:
        getattr(node, f'trigger_{trigger}')()
    bench.close_node(node)
    assert node.steps == steps


def test_a_node_closes_also_after_its_context_was_shut_down(bench):
    node = bench.add(ScriptedNode)
    node.start()
    bench.context.shutdown()
    node.close()
    bench.managed.remove(node)
    assert node.steps == ['configure', 'activate', 'deactivate', 'cleanup']


def test_diagnostics_report_the_state_also_while_the_node_is_inactive(bench):
    node = bench.add(ScriptedNode, parameters={'autostart': False})
    received = statuses(bench)
    bench.spin_until(lambda: len(received()) >= 2, 'diagnostics')
    assert {each.name for each in received()} == {'probe: faces'}
    assert {(each.level, each.message) for each in received()} == {
        (DiagnosticStatus.OK, 'unconfigured')
    }
    node.trigger_configure()
    bench.spin_until(lambda: received()[-1].message == 'inactive', 'the new state')
    node.trigger_activate()
    bench.spin_until(lambda: received()[-1].message == 'working', 'the new state')


def test_the_last_diagnostics_of_a_node_say_that_it_is_finalized(bench):
    node = bench.add(ScriptedNode)
    received = statuses(bench)
    node.start()
    bench.spin_until(received, 'diagnostics')
    bench.close_node(node)
    bench.spin_until(lambda: received()[-1].message == 'finalized', 'the last diagnostics')
    assert received()[-1].level == DiagnosticStatus.OK


def test_a_node_waits_for_its_last_diagnostics_after_it_published_them(bench, monkeypatch):
    node = bench.add(ScriptedNode)
    node.start()
    calls, publisher = [], node._diagnostics
    publish, wait = publisher.publish, publisher.wait_for_all_acked
    monkeypatch.setattr(
        publisher, 'publish', lambda msg: calls.append(msg.status[0].message) or publish(msg)
    )
    monkeypatch.setattr(
        publisher,
        'wait_for_all_acked',
        lambda limit: calls.append(limit.nanoseconds * 1e-9) or wait(limit),
    )
    bench.close_node(node)
    state, limit = calls[-2:]
    assert state == 'finalized'
    assert 0.0 <= limit <= LAST_MESSAGES_WITHIN


def test_a_node_closes_also_where_the_middleware_cannot_wait_for_its_messages(bench, monkeypatch):
    node = bench.add(ScriptedNode)

    def refuse(*_):
        raise RCLError('not supported')

    monkeypatch.setattr(node._diagnostics, 'wait_for_all_acked', refuse)
    bench.close_node(node)
    bench.wait_until_alone()


def test_a_latency_above_the_limit_is_a_warning(bench):
    node = bench.add(ScriptedNode, parameters={'latency_limit_ms': 50.0})
    received = statuses(bench)
    node.start()
    node.meter.latency.add(0.075, node._now())
    bench.spin_until(
        lambda: received() and received()[-1].level == DiagnosticStatus.WARN, 'a warning'
    )
    assert received()[-1].message == 'p95 latency 75 ms is above 50 ms'


def test_the_diagnostics_of_a_node_name_its_namespace(bench):
    bench.add(ScriptedNode, namespace='robot1')
    received = statuses(bench)
    bench.spin_until(received, 'diagnostics')
    assert received()[0].name == 'robot1/probe: faces'


def test_errors_are_counted_until_the_context_is_shut_down(bench):
    node = bench.add(ScriptedNode)
    node._report(ValueError('a defect'))
    assert node.errors.total == 1
    bench.context.shutdown()
    node._report(ValueError('a publisher of a context that has ended'))
    assert node.errors.total == 1


def test_a_threshold_changes_while_the_node_runs(bench):
    node = bench.add(DetectorNode)
    assert node.set_parameters([Parameter('detector.min_score', value=0.75)])[0].successful
    assert node.parameters.detector.min_score == 0.75
    assert node.get_parameter('detector.min_score').value == 0.75


@pytest.mark.parametrize(
    ('name', 'value', 'reason'),
    [
        ('detector.min_score', 2.0, 'detector.min_score'),
        ('detector.min_score', 'high', 'type'),
        ('autostart', False, 'read-only'),
    ],
)
def test_a_change_that_cannot_be_made_is_refused_with_the_reason(bench, name, value, reason):
    node = bench.add(DetectorNode)
    before = node.parameters
    result = node.set_parameters([Parameter(name, value=value)])[0]
    assert not result.successful
    assert reason in result.reason
    assert node.parameters == before


def test_parameters_that_ros_itself_has_can_be_set(bench):
    node = bench.add(CameraNode)
    assert node.set_parameters([Parameter('use_sim_time', value=True)])[0].successful


@pytest.mark.parametrize(
    ('thread', 'kind', 'arguments'),
    [
        ('faces_camera', CameraNode, {}),
        ('source', CameraNode, {'parameters': {'source': 'builtin'}}),
        ('faces_detector', DetectorNode, {'detector': ScriptedDetector()}),
        ('faces_classifier', ClassifierNode, {'classifier': ScriptedClassifier()}),
    ],
)
def test_a_node_that_is_halted_ends_its_thread_and_is_closed_later(bench, thread, kind, arguments):
    def is_running():
        return thread in [each.name for each in threading.enumerate()]

    node = bench.add(kind, **arguments)
    node.start()
    assert is_running()
    node.halt(1.0)
    bench.spin_until(lambda: not is_running(), 'the end of the thread')
    assert node.is_active
