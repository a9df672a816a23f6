"""
Under a manager with the habits of Nav2's.

It knows the nodes by their names, requests a transition without reading the state before it, waits
for a while, and requests it again; only then it reads the state. See nav2_lifecycle_manager of
Jazzy.
"""

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from lifecycle_msgs.srv import GetState
import pytest
from rtcnn_perception.nodes.camera_node import CameraNode
from rtcnn_perception.nodes.classifier_node import ClassifierNode
from rtcnn_perception.nodes.detector_node import DetectorNode
from scripted import ScriptedClassifier
from scripted import ScriptedDetector

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
