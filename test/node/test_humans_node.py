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

"""The humans node: events and answers, composed and alone, its outputs, and what is refused."""

from dataclasses import replace
import itertools

import numpy as np
import pytest
from rclpy.parameter import Parameter
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.pose.head_pose import FACING
from rtcnn_perception.core.pose.head_pose import HeadPose
from rtcnn_perception.core.results import Attribute
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import PerceptionError
from rtcnn_perception.msg import FaceAttributes
from rtcnn_perception.msg import FaceEvent
from rtcnn_perception.nodes.conversions.faces import attributes_to_msg
from rtcnn_perception.nodes.humans import markers
from rtcnn_perception.nodes.humans.presence import EVENTS
from rtcnn_perception.nodes.humans.registry import OUTPUTS
from rtcnn_perception.nodes.humans_node import HumansNode
from rtcnn_perception.nodes.parameters.humans import HumansParameters
from rtcnn_perception.nodes.parameters.humans import OUTPUT_NAMES
from rtcnn_perception.srv import Who
from scripted import result
from scripted import ScriptedClassifier
from scripted import stamp_of
from visualization_msgs.msg import MarkerArray

BOX = BoundingBox(10, 8, 40, 44)
AT_ONCE = {
    'events.appear_after': 0.0,
    'events.leave_after': 0.0,
    'events.looking_after': 0.0,
    'events.label_views': 1,
}
INFOS = ScriptedClassifier.attributes
GLAD = np.array([0.25, 0.75], np.float32)


def classified(number, *boxes, looks=False, **changes):
    """Return a classified frame, whose faces are a metre away."""
    made = result(number, *boxes, attributes=INFOS, classify_s=0.001, latency_s=0.002, **changes)
    pose = HeadPose(np.array([0.1, 0.2, 1.0]), FACING, np.eye(6), float(looks), looks)
    attributes = {each.name: Attribute.of(each.labels, GLAD, GLAD) for each in INFOS}
    faces = (replace(face, quality=0.8, attributes=attributes, pose=pose) for face in made.faces)
    return replace(made, faces=tuple(faces))


@pytest.fixture
def composed(bench):
    """Return a node of the chain that reports at once, and is started."""
    node = bench.add(HumansNode, parameters=AT_ONCE, is_composed=True)
    node.start()
    return node


def kinds(events):
    return [each.type for each in events]


def ask(bench, seconds=0.0, name='faces/who'):
    """Return the answer of the service."""
    client = bench.tester.create_client(Who, name)
    bench.spin_until(client.service_is_ready, 'the service')
    future = client.call_async(Who.Request(seconds=seconds))
    bench.spin_until(future.done, 'the answer')
    bench.tester.destroy_client(client)
    return future.result()


def test_the_rows_are_those_of_the_parameter():
    assert tuple(OUTPUTS) == OUTPUT_NAMES
    assert HumansParameters().outputs == ('events', 'who')


def test_no_face_is_there_before_the_first_frame(bench, composed):  # noqa: ARG001 - it answers
    answer = ask(bench)
    assert (list(answer.faces), stamp_of(answer)) == ([], 0)


def test_events_tell_who_comes_looks_and_goes(bench, composed):
    events = bench.subscribe(FaceEvent, 'faces/events', EVENTS)
    for number, given in enumerate(
        (
            classified(100),
            classified(200, BOX),
            classified(300, BOX, looks=True),
            classified(400, BOX),
            classified(500),
        )
    ):
        composed.submit(given)
        bench.spin_until(lambda: composed.meter.published.count == number + 1, 'the frame')  # noqa: B023 - waited for here
    bench.spin_until(lambda: len(events) == 6, 'the events')
    assert kinds(events) == [
        FaceEvent.APPEARED,
        FaceEvent.LABEL_CHANGED,
        FaceEvent.LABEL_CHANGED,
        FaceEvent.STARTED_LOOKING,
        FaceEvent.STOPPED_LOOKING,
        FaceEvent.LEFT,
    ]
    assert [stamp_of(each) for each in events] == [200, 200, 200, 300, 400, 500]
    assert {each.header.frame_id for each in events} == {'optical'}
    labels = [(each.attribute, each.label, each.previous_label) for each in events[1:3]]
    assert labels == [('emotion', 'glad', ''), ('gender', 'man', '')]
    left = events[-1]
    assert (left.track_id, left.face.track_id, left.face.box.x_offset) == (1, 1, 10)
    assert (left.attribute, left.face.has_pose) == ('', True)


def test_a_subscriber_that_comes_late_gets_the_last_events(bench, composed):
    for number in range(60):
        composed.submit(classified(number * 10 + 10, *([BOX] if number % 2 else [])))
        bench.spin_until(lambda: composed.is_idle, 'the frame')
    events = bench.subscribe(FaceEvent, 'faces/events', EVENTS)
    bench.spin_until(lambda: len(events) == EVENTS.depth == 50, 'the events')
    bench.spin_for(0.2)
    assert (len(events), stamp_of(events[-1])) == (50, 600)


def test_once_no_image_comes_all_leave_at_once_and_the_next_result_is_published(
    bench, composed, monkeypatch
):
    events = bench.subscribe(FaceEvent, 'faces/events', EVENTS)
    monkeypatch.setattr(composed.meter, 'silent_for', lambda _: 60.0)
    composed._let_faces_leave()
    for number in (1000, 1500):
        composed.submit(classified(number, BOX))
        bench.spin_until(lambda: composed.is_idle, 'the result')
        assert len(composed._outputs[0]._presence) == 1
        composed._let_faces_leave()
        assert len(composed._outputs[0]._presence) == 0
    bench.spin_until(lambda: kinds(events).count(FaceEvent.LEFT) == 2, 'the events')
    assert composed.errors.total == composed.lost == 0


def test_who_is_answered_without_events(bench):
    parameters = {**AT_ONCE, 'outputs': ['who']}
    node = bench.add(HumansNode, parameters=parameters, is_composed=True)
    node.start()
    node.submit(classified(1000, BOX))
    bench.spin_until(lambda: node.is_idle and node.meter.published.count == 1, 'the result')
    assert [each.face.track_id for each in ask(bench).faces] == [1]
    assert bench.tester.count_publishers('faces/events') == node.errors.total == 0


def test_the_answer_holds_who_is_there_and_what_is_known(bench, composed):
    for number in (1000, 1500, 2500):
        composed.submit(classified(number, BOX, looks=number > 1200, landmark_names=('nose',)))
        bench.spin_until(lambda: composed.is_idle, 'the frame')
    answer = ask(bench)
    assert (stamp_of(answer), answer.header.frame_id) == (2500, 'optical')
    assert list(answer.landmark_names) == ['nose']
    assert [each.name for each in answer.attributes] == ['emotion', 'gender']
    (person,) = answer.faces
    assert (person.face.track_id, person.face.pose.pose.position.z) == (1, 1.0)
    assert (person.since.sec, person.since.nanosec) == (1, 0)
    assert (person.looking_since.sec, person.looking_since.nanosec) == (1, 500_000_000)
    emotion = person.attributes[0]
    assert (emotion.name, emotion.label, emotion.views) == ('emotion', 'glad', 3)
    assert (emotion.confidence, emotion.seconds) == (0.75, 1.5)
    assert list(emotion.probabilities) == [0.25, 0.75]


@pytest.mark.parametrize(('seconds', 'views'), [(0.0, 3), (0.6, 1), (-1.0, 3), (float('nan'), 3)])
def test_a_request_says_over_how_long(bench, composed, seconds, views):
    for number in (1000, 1500, 2500):
        composed.submit(classified(number, BOX))
        bench.spin_until(lambda: composed.is_idle, 'the frame')
    assert ask(bench, seconds).faces[0].attributes[0].views == views


def test_results_pass_on_and_at_the_end_all_leave(bench):
    passed = []
    node = bench.add(HumansNode, parameters=AT_ONCE, is_composed=True, on_output=passed.append)
    node.start()
    events = bench.subscribe(FaceEvent, 'faces/events', EVENTS)
    given = classified(100, BOX)
    node.submit(given)
    bench.spin_until(lambda: passed, 'the result')
    assert passed == [given]
    node.trigger_deactivate()
    bench.spin_until(lambda: FaceEvent.LEFT in kinds(events), 'the last event')
    assert list(ask(bench).faces) == []
    node.trigger_activate()
    node.submit(classified(50, BOX))
    bench.spin_until(lambda: kinds(events).count(FaceEvent.APPEARED) == 2, 'its return')


def test_once_no_image_comes_all_leave_and_nobody_is_there(bench):
    parameters = {**AT_ONCE, 'image_timeout': 0.3}
    node = bench.add(HumansNode, parameters=parameters, is_composed=True)
    node.start()
    events = bench.subscribe(FaceEvent, 'faces/events', EVENTS)
    node.submit(classified(200, BOX, looks=True))
    bench.spin_until(lambda: FaceEvent.LEFT in kinds(events), 'the last event')
    assert FaceEvent.APPEARED in kinds(events)
    assert kinds(events)[-2:] == [FaceEvent.STOPPED_LOOKING, FaceEvent.LEFT]
    assert stamp_of(events[-1]) == 200
    assert list(ask(bench).faces) == []
    bench.spin_for(1.2)  # of two more checks
    assert kinds(events).count(FaceEvent.LEFT) == 1
    node.submit(classified(300, BOX))
    bench.spin_until(lambda: kinds(events).count(FaceEvent.APPEARED) == 2, 'its return')


def test_without_an_output_results_pass_in_the_thread_they_come_in_and_nothing_is_published(bench):
    passed = []
    node = bench.add(
        HumansNode, parameters={'outputs': ['']}, is_composed=True, on_output=passed.append
    )
    node.start()
    given = classified(100, BOX)
    node.submit(given)
    assert passed == [given]
    names = {name for name, _ in bench.tester.get_topic_names_and_types()}
    assert [name for name in names if name.startswith('/faces/')] == []
    services = {name for name, _ in bench.tester.get_service_names_and_types()}
    assert '/faces/who' not in services


@pytest.mark.parametrize('error', [PerceptionError('too many faces'), RuntimeError('no topic')])
def test_an_output_that_fails_is_reported_and_costs_the_others_nothing(bench, monkeypatch, error):
    def fail(_result):
        raise error

    node = bench.add(HumansNode, parameters={'outputs': ['events', 'markers']}, is_composed=True)
    node.start()
    monkeypatch.setattr(node._outputs[0], 'publish', fail)
    markers = bench.subscribe(MarkerArray, 'faces/markers')
    numbers = itertools.count(100)
    bench.spin_until(lambda: node.submit(classified(next(numbers), BOX)) or markers, 'markers')
    assert str(error) in node.errors.values()['last error']


@pytest.mark.parametrize('is_composed', [True, False])
def test_without_an_output_it_is_no_fault_that_nothing_comes(bench, monkeypatch, is_composed):
    node = bench.add(HumansNode, parameters={'outputs': ['']}, is_composed=is_composed)
    node.start()
    monkeypatch.setattr(node.meter, 'silent_for', lambda _now: 60.0)
    assert [*node._findings()] == []


def test_alone_it_names_the_topic_that_is_silent(bench, monkeypatch):
    node = bench.add(HumansNode)
    node.start()
    monkeypatch.setattr(node.meter, 'silent_for', lambda _now: 60.0)
    (finding,) = node._findings()
    assert finding.message == 'no attributes for 60 s: no publisher of /faces/attributes'


def test_outputs_go_with_the_configuration_and_come_back(bench, composed):
    composed.trigger_deactivate()
    composed.trigger_cleanup()
    bench.spin_until(lambda: not bench.tester.count_publishers('/faces/events'), 'the end')
    bench.spin_until(lambda: not bench.tester.count_services('/faces/who'), 'the end')
    composed.trigger_configure()
    composed.trigger_activate()
    bench.spin_until(lambda: bench.tester.count_publishers('/faces/events') == 1, 'its return')
    assert list(ask(bench).faces) == []


def test_last_messages_are_waited_for_before_their_publishers_go(composed, monkeypatch):
    calls = []
    (events,) = [each for each in composed._outputs if each.publishers]
    close, last = events.close, [*events.publishers]
    monkeypatch.setattr(composed, '_wait_until_received', lambda those: calls.append([*those]))
    monkeypatch.setattr(events, 'close', lambda: calls.append('close') or close())
    composed.trigger_shutdown()
    assert calls == [last, 'close']


def test_where_an_output_cannot_be_made_those_before_it_are_closed(bench, monkeypatch):
    def fail(*_):
        raise RuntimeError('no markers')

    node = bench.add(HumansNode, parameters={'outputs': ['who', 'events', 'markers']})
    monkeypatch.setattr(markers, 'make', fail)
    with pytest.raises(RuntimeError, match='no markers'):
        node.start()
    bench.spin_until(lambda: not bench.tester.count_publishers('/faces/events'), 'the end')
    bench.spin_until(lambda: not bench.tester.count_services('/faces/who'), 'the end')


@pytest.mark.parametrize('name', [name for name, row in OUTPUTS.items() if row.packages])
def test_an_output_whose_package_is_absent_is_refused_with_what_to_install(
    bench, monkeypatch, name
):
    monkeypatch.setenv('ROS_DISTRO', 'jazzy')
    monkeypatch.setattr('importlib.util.find_spec', lambda _: None)
    node = bench.add(HumansNode, parameters={'outputs': [name]}, is_composed=True)
    package = OUTPUTS[name].packages[0]
    expected = f'{name} needs {package}.*apt install ros-jazzy-{package.replace("_", "-")}'
    with pytest.raises(ConfigurationError, match=expected):
        node.start()


@pytest.mark.parametrize(
    ('parameters', 'message'),
    [
        ({'outputs': ['radio']}, 'outputs must be some of events, who, .* got .radio.'),
        ({'id_prefix': '1'}, 'id_prefix must be a letter'),
        ({'id_prefix': 'a/b'}, 'id_prefix must be a letter'),
        ({'id_prefix': 33 * 'a'}, 'id_prefix must be a letter'),
    ],
)
def test_parameters_that_cannot_be_are_refused(bench, parameters, message):
    with pytest.raises(ConfigurationError, match=message):
        bench.add(HumansNode, parameters=parameters)


def test_times_of_events_may_change_while_the_node_runs(bench, composed):
    events = bench.subscribe(FaceEvent, 'faces/events', EVENTS)
    composed.set_parameters([Parameter('events.appear_after', value=1.0)])
    for number in (100, 600, 1200):
        composed.submit(classified(number, BOX))
        bench.spin_until(lambda: composed.is_idle, 'the frame')
    bench.spin_until(lambda: events, 'the event')
    assert (events[0].type, stamp_of(events[0])) == (FaceEvent.APPEARED, 1200)


def test_alone_it_reads_the_attributes(bench):
    node = bench.add(HumansNode, parameters=AT_ONCE)
    node.start()
    publisher = bench.tester.create_publisher(FaceAttributes, 'faces/attributes', 10)
    bench.connect(publisher)
    events = bench.subscribe(FaceEvent, 'faces/events', EVENTS)
    for number, looks in ((100, False), (200, True)):
        publisher.publish(attributes_to_msg(classified(number, BOX, looks=looks)))
        bench.spin_until(lambda: node.meter.published.count == number // 100, 'it')  # noqa: B023 - waited for here
    bench.spin_until(lambda: len(events) == 4, 'the events')
    assert (events[-1].type, stamp_of(events[-1])) == (FaceEvent.STARTED_LOOKING, 200)
    (person,) = ask(bench).faces
    assert [each.label for each in person.attributes] == ['glad', 'man']
    assert bench.tester.count_subscribers('/faces/image') == 0


def test_alone_what_cannot_be_read_costs_one_frame(bench):
    node = bench.add(HumansNode, parameters=AT_ONCE)
    node.start()
    publisher = bench.tester.create_publisher(FaceAttributes, 'faces/attributes', 10)
    bench.connect(publisher)
    bad = attributes_to_msg(classified(100, BOX))
    bad.image_width = 0
    publisher.publish(bad)
    bench.spin_until(lambda: node.errors.total == 1, 'the error')
    publisher.publish(attributes_to_msg(classified(200, BOX)))
    bench.spin_until(lambda: node.meter.published.count == 1, 'the next one')
