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
Under a manager with the habits of Nav2's.

It knows the nodes by their names, requests a transition without reading the state before it, waits
for a while, and requests it again; only then it reads the state. With a bond it waits until it has
a sign of life after activation. See nav2_lifecycle_manager of Jazzy.
"""

import sys
from types import SimpleNamespace

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from lifecycle_msgs.srv import GetState
import pytest
from rtcnn_perception.nodes.camera_node import CameraNode
from rtcnn_perception.nodes.classifier_node import ClassifierNode
from rtcnn_perception.nodes.detector_node import DetectorNode
from scripted import ScriptedClassifier
from scripted import ScriptedDetector
from scripted import ScriptedNode
from std_msgs.msg import Header

NODES = ('faces_camera', 'faces_detector', 'faces_classifier')
UP = (Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE)
DOWN = (Transition.TRANSITION_DEACTIVATE, Transition.TRANSITION_CLEANUP)
SHUTDOWN = Transition.TRANSITION_UNCONFIGURED_SHUTDOWN
BY_HAND = {'autostart': False}


class Manager:
    """Brings nodes up and down by their services."""

    def __init__(self, bench, names=NODES):
        self._bench = bench
        self.names = names
        self._clients = {
            name: (
                bench.tester.create_client(ChangeState, f'{name}/change_state'),
                bench.tester.create_client(GetState, f'{name}/get_state'),
            )
            for name in names
        }
        bench.spin_until(
            lambda: all(
                each.service_is_ready() for both in self._clients.values() for each in both
            ),
            'the services',
        )

    def request(self, name, transition, *, is_patient=True):
        """Request a transition; return whether it was made, or None without waiting for it."""
        client, _ = self._clients[name]
        future = client.call_async(ChangeState.Request(transition=Transition(id=transition)))
        if not is_patient:
            client.remove_pending_request(future)
            return None
        self._bench.spin_until(future.done, 'a response')
        return future.result().success

    def states(self):
        """Return the state of each node."""
        found = []
        for _, client in self._clients.values():
            future = client.call_async(GetState.Request())
            self._bench.spin_until(future.done, 'the state')
            found.append(future.result().current_state.label)
        return found

    def all(self, transitions, **how):
        """Request transitions of all nodes, one after the other."""
        return [self.request(name, each, **how) for each in transitions for name in self.names]


@pytest.fixture
def nodes(bench):
    return [
        bench.add(CameraNode, parameters=BY_HAND),
        bench.add(DetectorNode, parameters=BY_HAND, detector=ScriptedDetector()),
        bench.add(ClassifierNode, parameters=BY_HAND, classifier=ScriptedClassifier()),
    ]


def test_a_manager_brings_the_nodes_up_and_down_and_up_again(bench, nodes):
    for node in nodes:
        node.start()
    manager = Manager(bench)
    for _ in range(2):
        assert all(manager.all(UP))
        assert manager.states() == ['active'] * 3
        assert all(manager.all(DOWN))
        assert manager.states() == ['unconfigured'] * 3
    assert all(manager.all([SHUTDOWN]))
    assert manager.states() == ['finalized'] * 3


@pytest.mark.usefixtures('nodes')
def test_what_is_requested_twice_is_made_once_and_refused_once(bench):
    manager = Manager(bench)
    for transition in (*UP, *DOWN):
        for name in NODES:
            answers = [manager.request(name, transition) for _ in range(2)]
            assert answers == [True, False]
    assert manager.states() == ['unconfigured'] * 3


def test_a_manager_that_gives_up_waiting_and_requests_again_finds_the_nodes_active(bench, nodes):
    manager = Manager(bench)
    manager.all([*UP, *UP], is_patient=False)
    bench.spin_until(lambda: manager.states() == ['active'] * 3, 'activation')
    assert [manager.request(name, UP[1]) for name in NODES] == [False] * 3
    manager.all(DOWN[:1], is_patient=False)
    bench.spin_until(lambda: manager.states() == ['inactive'] * 3, 'deactivation')
    assert [node.errors.total for node in nodes] == [0, 0, 0]


@pytest.mark.filterwarnings('ignore:failed to send response:RuntimeWarning')
def test_a_manager_that_ends_before_the_answer_leaves_the_nodes_in_order(bench, nodes):
    leaving = bench.make_node('leaving')
    client = leaving.create_client(ChangeState, f'{NODES[0]}/change_state')
    bench.spin_until(client.service_is_ready, 'the service')
    client.call_async(ChangeState.Request(transition=Transition(id=UP[0])))
    bench.executor.remove_node(leaving)
    leaving.destroy_node()
    bench.spin_until(lambda: nodes[0].state == 'inactive', 'the transition')
    manager = Manager(bench)
    assert manager.request(NODES[0], UP[1])
    assert nodes[0].errors.total == 0


class StandIn:
    """bondpy with another message: it records its calls, and destroys what it made as bondpy."""

    def __init__(self):
        self.made = []

    def Bond(self, node, topic, bond_id):  # noqa: N802 - bondpy's name
        made = SimpleNamespace(node=node, topic=topic, id=bond_id, calls=[])
        made.pub = node.create_publisher(Header, topic, 1)

        def start():
            made.calls.append(('start', made.heartbeat_period, made.heartbeat_timeout))
            made.sub = node.create_subscription(Header, topic, lambda _: None, 1)

        def shutdown():
            made.calls.append(('shutdown', node.state))
            made.sub.destroy()
            made.pub.destroy()

        made.start, made.shutdown = start, shutdown
        self.made.append(made)
        return made


@pytest.fixture
def bondpy(monkeypatch):
    made = StandIn()
    monkeypatch.setitem(sys.modules, 'bondpy', SimpleNamespace(bondpy=made))
    monkeypatch.setitem(sys.modules, 'bondpy.bondpy', made)
    return made


def test_a_node_holds_a_bond_under_its_name_while_it_is_active(bench, bondpy):
    node = bench.add(ScriptedNode, parameters={**BY_HAND, 'bond': True}, namespace='robot')
    manager = Manager(bench, ('robot/probe',))
    for count in (1, 2):
        assert all(manager.all(UP[:1] if count == 1 else ()))
        assert all(manager.all(UP[1:]))
        assert len(bondpy.made) == count
        bond = bondpy.made[-1]
        assert (bond.node, bond.topic, bond.id) == (node, 'bond', 'probe')
        assert bond.calls == [('start', 0.1, 4.0)]
        assert all(manager.all(DOWN[:1]))
        assert [call for call, *_ in bond.calls] == ['start', 'shutdown']


def test_a_node_that_ends_while_it_is_active_breaks_its_bond(bench, bondpy):
    node = bench.add(ScriptedNode, parameters={'bond': True})
    node.start()
    bench.close_node(node)
    assert [call for call, *_ in bondpy.made[0].calls] == ['start', 'shutdown']


def test_no_bond_is_formed_by_default_nor_where_activation_fails(bench, bondpy):
    node = bench.add(ScriptedNode)
    node.start()
    failing = bench.add(ScriptedNode, parameters={**BY_HAND, 'bond': True}, namespace='other')
    failing.failures['activate'] = ZeroDivisionError('a defect')
    failing.trigger_configure()
    failing.trigger_activate()
    assert bondpy.made == []


def test_without_bondpy_a_node_is_active_all_the_same_and_says_what_is_missing_in_a_line(
    bench, monkeypatch
):
    monkeypatch.setitem(sys.modules, 'bondpy', None)
    node = bench.add(ScriptedNode, parameters={'bond': True})
    logged = []
    node.get_logger().warning = logged.append
    node.start()
    assert node.is_active
    (line,) = logged
    assert 'bondpy is not installed' in line
    assert 'bond_timeout of the manager to 0.0' in line
