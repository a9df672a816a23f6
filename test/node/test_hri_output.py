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

"""The output hri: what ROS4HRI expects of a source of faces, by a consumer that follows libhri."""

from dataclasses import replace
import importlib
import os
from pathlib import Path

from hri_listener import HriListener
from hri_listener import TOPICS
import numpy as np
from posed import BOX
from posed import face
from posed import head
from posed import POINTS
from posed import scene
import pytest
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.landmarks import NO_POINTS
from rtcnn_perception.msg import FaceAttributes
from rtcnn_perception.nodes.conversions.faces import attributes_to_msg
from rtcnn_perception.nodes.humans_node import CHECKED_EVERY
from rtcnn_perception.nodes.humans_node import HumansNode
from scripted import image
from scripted import stamp_of
from sensor_msgs.msg import Image

HASHES = {
    'hri_msgs/msg/Expression': '411b88e0604397d44775d8ec6a4bc693',
    'hri_msgs/msg/SoftBiometrics': 'b71b1b988b22c4a7f4f04b5395ae89a3',
    'hri_msgs/msg/FacialLandmarks': 'f1d6b0ba159f4d6be1632e5dfc9cb79c',
    'hri_msgs/msg/NormalizedPointOfInterest2D': 'cc1d2f720c82afeb850ff1dbf66f41ec',
    'hri_msgs/msg/NormalizedRegionOfInterest2D': '2e50c93f1ca166ee77af9a5424dc951a',
    'hri_msgs/msg/IdsList': '7e0812d1ac945c98fd3e393568d581ad',
    'vision_msgs/msg/Detection2DArray': '214274120007f4a683866481336b7031',
    'vision_msgs/msg/Detection2D': '0d12b69df5c593b3455b7346fac82054',
    'vision_msgs/msg/Detection3DArray': '793f5eab9595ac1c0da07873cc859db4',
    'vision_msgs/msg/Detection3D': 'ddd703be132ab0b69d33121f1bb03413',
    'tf2_msgs/msg/TFMessage': 'e369d0f05a23ae52508854b66f6aa043',
}
"""Where the hash of each type begins: of hri_msgs 2.3.2, vision_msgs 4.1.1, tf2_msgs of Jazzy."""


@pytest.fixture
def messages(provided):
    """Return the messages of hri_msgs."""
    provided('hri_msgs', 'tf2_msgs')
    return importlib.import_module('hri_msgs.msg')


@pytest.fixture
def node(bench, messages):  # noqa: ARG001 - they must be there
    made = bench.add(HumansNode, parameters={'outputs': ['hri']}, is_composed=True)
    made.start()
    return made


class Show:
    """Shows frames to a node with a listener, one after another."""

    def __init__(self, bench, node):
        self.bench = bench
        self.node = node
        self.number = 0

    def __call__(self, listener, *faces, **changes):
        """Show one frame, and wait until the listener has its list."""
        self.number += 10
        self.node.submit(scene(self.number, *faces, **changes))
        self.bench.spin_until(
            lambda: listener.lists and stamp_of(listener.lists[-1]) == self.number, 'the list'
        )

    def until(self, listener, condition, *faces, **changes):
        """Show frames until a condition holds."""
        for _ in range(500):
            if condition():
                return
            self(listener, *faces, **changes)
        raise AssertionError('it did not come about in 500 frames')


@pytest.fixture
def show(bench, node):
    return Show(bench, node)


@pytest.fixture
def listen(bench, messages):
    """Make listeners, each of which has found the publisher of ``tracked``."""

    def make(node, *topics):
        made = HriListener(bench.tester, messages, topics or tuple(TOPICS))
        tracked = node._outputs[0]._tracked
        bench.spin_until(lambda: tracked.get_subscription_count() >= 1, 'the subscription')
        return made

    return make


@pytest.mark.parametrize('name', HASHES)
def test_the_packages_of_the_tests_have_the_types_of_the_real_ones(provided, name):
    package, _, short = name.split('/')
    provided(package)
    kind = getattr(importlib.import_module(f'{package}.msg'), short)
    kind.__class__.__import_type_support__()
    prefixes = os.environ['AMENT_PREFIX_PATH'].split(os.pathsep)
    (path, *_) = [
        path
        for path in (Path(each, 'share', package, 'msg', f'{short}.json') for each in prefixes)
        if path.is_file()
    ]
    found = [each for each in path.read_text().split('"') if each.startswith('RIHS01_')]
    assert found[0].startswith(f'RIHS01_{HASHES[name]}')


def test_the_list_comes_with_every_frame_also_when_it_is_empty(listen, node, show):
    listener = listen(node)
    for faces in ((), (face(7),), ()):
        show(listener, *faces)
    assert [list(each.ids) for each in listener.lists] == [[], ['f00007'], []]
    assert {each.header.frame_id for each in listener.lists} == {'optical'}
    assert listener.log == [('found', 'f00007'), ('lost', 'f00007')]


def test_a_face_has_all_its_topics(listen, node, show):
    listener = listen(node)
    show.until(listener, lambda: len(listener.faces.get('f00007', ())) == len(TOPICS), face(7))
    found = listener.faces['f00007']
    roi = found['roi']
    assert (roi.xmin, roi.ymin) == pytest.approx((10 / 64, 8 / 48))
    assert (roi.xmax, roi.ymax, roi.c) == pytest.approx((40 / 64, 44 / 48, 0.9))
    landmarks = found['landmarks']
    assert (landmarks.width, landmarks.height) == (64, 48)
    known = {
        index: (point.x * 64, point.y * 48)
        for index, point in enumerate(landmarks.landmarks)
        if point.c
    }
    expected = dict(zip((68, 69, 30, 48, 54), map(tuple, POINTS.tolist()), strict=True))
    assert {key: pytest.approx(value) for key, value in expected.items()} == known
    expression = found['expression']
    assert (expression.expression, expression.confidence) == ('scared', pytest.approx(0.7))
    assert expression.valence == pytest.approx(0.2 * 0.81 - 0.7 * 0.64)
    assert expression.arousal == pytest.approx(0.2 * 0.51 + 0.7 * 0.60)
    person = found['softbiometrics']
    assert (person.gender, person.gender_confidence) == (1, pytest.approx(0.9))
    assert (person.age, person.age_confidence) == (34, pytest.approx(0.5))
    for crop in (found['cropped'], found['aligned']):
        assert (crop.width, crop.height, crop.encoding) == (128, 128, 'bgr8')


def test_crops_have_the_size_of_the_parameters_and_the_pixels_of_the_frame(bench, listen):
    given = {'outputs': ['hri'], 'hri.width': 60, 'hri.height': 40}
    node = bench.add(HumansNode, parameters=given, is_composed=True)
    node.start()
    listener, show = listen(node, 'cropped'), Show(bench, node)
    show.until(listener, lambda: listener.faces.get('f00001'), face(), value=200)
    msg = listener.faces['f00001']['cropped']
    pixels = np.array(msg.data, np.uint8).reshape(40, 60, 3)
    # 30x36 pixels, scaled to 33x40, with black at both sides.
    assert (pixels[:, 14:46] == 200).all()
    assert (pixels[:, :12] == 0).all()
    assert (pixels[:, 48:] == 0).all()


def test_nothing_is_said_of_what_is_not_known(listen, node, show):
    listener = listen(node)
    bare = face(7, points=None)
    bare = replace(bare, attributes={})
    changes = {'landmark_names': NO_POINTS, 'attributes': ()}
    show.until(listener, lambda: len(listener.faces.get('f00007', ())) == 2, bare, **changes)
    assert set(listener.faces['f00007']) == {'roi', 'cropped'}


def test_a_face_gets_the_topics_of_what_is_classified_anew(listen, node, show):
    listener = listen(node, 'roi', 'softbiometrics')
    (emotion, *_) = scene(1).attributes
    show.until(listener, lambda: listener.faces.get('f00007'), face(7), attributes=(emotion,))
    assert 'softbiometrics' not in listener.faces['f00007']
    show.until(listener, lambda: 'softbiometrics' in listener.faces['f00007'], face(7))
    topics = node._outputs[0]._faces[7]
    show(listener, face(7))
    assert node._outputs[0]._faces[7] is topics


def test_an_unlabelled_attribute_has_no_expression_and_an_undefined_gender(listen, node, show):
    listener = listen(node)
    named = face(7)
    attributes = {name: each.without_label() for name, each in named.attributes.items()}
    unlabelled = replace(named, attributes=attributes)
    show.until(listener, lambda: len(listener.faces.get('f00007', ())) == 5, unlabelled)
    found = listener.faces['f00007']
    assert 'expression' not in found
    person = found['softbiometrics']
    assert (person.age, person.age_confidence, person.gender) == (0, 0.0, 0)


def test_a_box_and_landmarks_beyond_the_border_stay_within_the_image(listen, node, show):
    listener = listen(node)
    beyond = face(7, BoundingBox(-20, 10, 30, 60), points=POINTS - (25, 0))
    show.until(listener, lambda: len(listener.faces.get('f00007', ())) == len(TOPICS), beyond)
    roi = listener.faces['f00007']['roi']
    assert (roi.xmin, roi.ymax) == (0.0, 1.0)
    points = listener.faces['f00007']['landmarks'].landmarks
    assert {index for index, point in enumerate(points) if point.c} == {69, 30, 54}
    assert all(0.0 <= each <= 1.0 for point in points for each in (point.x, point.y))


def test_a_late_listener_finds_the_faces_and_topics_end_with_the_last_listener(
    bench, listen, node, show
):
    for number in range(1, 5):
        node.submit(scene(number, face(7)))
        bench.spin_until(lambda: node.is_idle, 'the frame')
    assert bench.tester.count_publishers('/humans/faces/f00007/roi') == 0
    listener = listen(node, 'roi')
    show.until(listener, lambda: listener.faces.get('f00007'), face(7))
    listener.close()
    bench.spin_until(
        lambda: node._outputs[0]._tracked.get_subscription_count() == 0, 'its departure'
    )
    node.submit(scene(5, face(7)))
    bench.spin_until(
        lambda: bench.tester.count_publishers('/humans/faces/f00007/roi') == 0, 'the end'
    )


def test_a_face_lost_and_found_is_another_one_and_its_topics_are_gone(bench, listen, node, show):
    listener = listen(node, 'roi')
    show.until(listener, lambda: listener.faces.get('f00001'), face(1))
    show(listener)
    bench.spin_until(
        lambda: bench.tester.count_publishers('/humans/faces/f00001/roi') == 0, 'the end'
    )
    show.until(listener, lambda: listener.faces.get('f00002'), face(2))
    assert listener.log == [('found', 'f00001'), ('lost', 'f00001'), ('found', 'f00002')]


def test_the_list_is_empty_once_no_image_comes(bench, listen):
    node = bench.add(
        HumansNode,
        parameters={'outputs': ['hri'], 'image_timeout': 0.3, 'events.leave_after': 0.0},
        is_composed=True,
    )
    node.start()
    listener = listen(node, 'roi')
    Show(bench, node)(listener, face(7))
    bench.spin_until(lambda: not listener.lists[-1].ids, 'the last list')
    assert listener.log == [('found', 'f00007'), ('lost', 'f00007')]


def test_the_last_list_of_a_node_that_is_deactivated_is_empty(bench, listen, node, show):
    listener = listen(node, 'roi')
    show(listener, face(7))
    node.trigger_deactivate()
    bench.spin_until(lambda: not listener.lists[-1].ids, 'the last list')
    assert listener.log == [('found', 'f00007'), ('lost', 'f00007')]


def test_no_topic_is_left_of_a_node_that_is_cleaned_up(bench, listen, node, show):
    listener = listen(node, 'roi')
    show.until(listener, lambda: listener.faces.get('f00001'), face(1))
    node.trigger_deactivate()
    node.trigger_cleanup()
    count = bench.tester.count_publishers
    topics = ('/humans/faces/tracked', '/humans/faces/f00001/roi')
    bench.spin_until(lambda: not any(map(count, topics)), 'the end of the topics')


def test_frames_of_faces_are_on_tf(bench, listen, node, show):
    kind = importlib.import_module('tf2_msgs.msg').TFMessage
    frames = bench.subscribe(kind, '/tf', 100)
    listener = listen(node, 'roi')
    show.until(listener, lambda: frames, face(7, pose=head()))
    names = [each.child_frame_id for each in frames[0].transforms]
    assert names == ['face_f00007', 'gaze_f00007']


def test_two_cameras_in_two_namespaces_do_not_mix(bench, listen):
    nodes = [
        bench.add(
            HumansNode,
            parameters={'outputs': ['hri', 'events'], 'id_prefix': name},
            is_composed=True,
            namespace=name,
        )
        for name in ('left', 'right')
    ]
    for node in nodes:
        node.start()
    listener = listen(nodes[0], 'roi')
    bench.spin_until(
        lambda: nodes[1]._outputs[0]._tracked.get_subscription_count() == 1, 'the subscription'
    )

    def both(number, *faces):
        for node in nodes:
            node.submit(scene(number, *faces))
            bench.spin_until(lambda: node.is_idle, 'the frame')  # noqa: B023 - waited for here
            bench.spin_for(0.01)

    for number in range(1, 40):
        both(number, face(1))
    bench.spin_until(lambda: all(map(len, listener.faces.values())), 'both regions')
    assert set(listener.faces) == {'left00001', 'right00001'}
    seen = len(listener.log)
    for number in range(40, 80):
        both(number, face(1))
    assert len(listener.log) == seen, 'a face was lost while it was there'
    for number in range(80, 100):
        both(number)
    bench.spin_until(lambda: not listener.faces, 'the end')


def test_alone_it_reads_images_only_while_crops_are_subscribed_to(bench, listen):
    node = bench.add(HumansNode, parameters={'outputs': ['hri'], 'qos': 'reliable'})
    node.start()
    attributes = bench.tester.create_publisher(FaceAttributes, 'faces/attributes', 10)
    images = bench.tester.create_publisher(Image, 'faces/image', 10)
    bench.connect(attributes)
    listener = listen(node, 'roi')

    def send(number):
        images.publish(image(number, 200))
        bench.spin_for(0.02)
        attributes.publish(attributes_to_msg(scene(number, face(1, BOX))))
        bench.spin_until(
            lambda: listener.lists and stamp_of(listener.lists[-1]) == number, 'the list'
        )

    for number in range(1, 40):
        send(number)
    bench.spin_until(lambda: 'roi' in listener.faces['f00001'], 'the region')
    assert images.get_subscription_count() == 0
    crops = []
    subscription = bench.tester.create_subscription(
        Image, '/humans/faces/f00001/cropped', crops.append, 10
    )
    bench.spin_until(
        lambda: send(len(listener.lists) + 100) or crops, 'a crop that was joined by stamp'
    )
    assert max(crops[0].data) == 200
    bench.spin_for(3 * CHECKED_EVERY)
    assert images.get_subscription_count() == 1
    bench.tester.destroy_subscription(subscription)
    bench.spin_until(
        lambda: send(len(listener.lists) + 100) or images.get_subscription_count() == 0,
        'the end of the images',
    )
