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

"""Depth beside the images: joined by stamp, and what is refused."""

import array
import re

from depth_scenes import put_head
from depth_scenes import wall
import numpy as np
import posed
from posed import coasted
import pytest
from rtcnn_perception.core.pose.intrinsics import Intrinsics
from rtcnn_perception.exceptions import PerceptionError
from rtcnn_perception.nodes.classifier_node import ClassifierNode
from rtcnn_perception.nodes.conversions.poses import pose_from_msg
from rtcnn_perception.nodes.pose import depth_input
from scripted import header
from scripted import ScriptedClassifier
from scripted import SIZE_WH
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image
from test_classifier_pose import Camera
from test_classifier_pose import FOCAL

TOPIC = 'depth_registered/image_rect'
WIDTH, HEIGHT = SIZE_WH
CAMERA = Intrinsics(SIZE_WH, (FOCAL, FOCAL), (WIDTH / 2, HEIGHT / 2))
DISTANCE = 0.33
"""Of the head in depth; by its size it is at 0.3."""


def depth(number, distance=DISTANCE, **changes):
    """Return a depth image of a head before a wall."""
    values = wall(SIZE_WH)
    put_head(values, CAMERA, np.array((0.02, -0.01, distance)))
    data = (values * 1000).astype('<u2').tobytes()
    given = {
        'header': header(number),
        'height': HEIGHT,
        'width': WIDTH,
        'encoding': '16UC1',
        'step': 2 * WIDTH,
        'data': array.array('B', data),
    }
    return Image(**{**given, **changes})


class DepthCamera(Camera):
    """Publishes depth as well."""

    def __init__(self, bench, message_type=Image, topic=TOPIC):
        super().__init__(bench)
        self.depths = bench.tester.create_publisher(message_type, topic, 10)

    def send_depth(self, node, *messages):
        self.bench.connect(self.depths)
        source = node._pose_inputs._depth
        for msg in messages:
            before = source._recent
            self.depths.publish(msg)
            self.bench.spin_until(lambda before=before: source._recent is not before, 'depth')


@pytest.fixture
def classifier(bench):
    def make(**parameters):
        given = {'pose.horizontal_fov': CAMERA.plain_fov, 'pose.depth': True, **parameters}
        node = bench.add(ClassifierNode, classifier=ScriptedClassifier(), parameters=given)
        node.start()
        return node

    return make


@pytest.fixture
def camera(bench):
    return DepthCamera(bench)


def test_a_head_is_as_far_as_its_depth_says(classifier, camera):
    node = classifier()
    camera.connect()
    camera.send_depth(node, depth(1000))
    face = camera.face(1000, yaw=0.0)
    assert pose_from_msg(face).position[2] == pytest.approx(DISTANCE, abs=0.02)
    assert (face.is_plausible, face.implausible_reason) == (True, '')
    assert node._measured()['head pose'].endswith('depth of /depth_registered/image_rect')
    assert node.errors.total == 0


def test_a_face_of_a_size_that_no_head_has_is_implausible_with_the_reason(classifier, camera):
    node = classifier()
    camera.connect()
    camera.send_depth(node, depth(1000, distance=0.9))
    face = camera.face(1000, yaw=0.0)
    assert not face.is_plausible
    assert 'from pupil to pupil' in face.implausible_reason
    assert len(face.attributes) == 2


def test_the_depth_nearest_in_time_is_taken(classifier, camera):
    node = classifier()
    camera.connect()
    camera.send_depth(node, depth(960, 0.5), depth(1010, DISTANCE), depth(1045, 0.6))
    face = camera.face(1000, yaw=0.0)
    assert pose_from_msg(face).position[2] == pytest.approx(DISTANCE, abs=0.02)


def test_of_several_depth_images_with_one_stamp_the_newest_is_taken(classifier, camera):
    node = classifier()
    camera.connect()
    camera.send_depth(node, depth(1000, 0.5), depth(1000, 0.6), depth(1000, DISTANCE))
    face = camera.face(1000, yaw=0.0)
    assert pose_from_msg(face).position[2] == pytest.approx(DISTANCE, abs=0.02)


def test_depth_is_not_decoded_where_no_face_is_found(classifier, camera, monkeypatch):
    node = classifier()
    camera.connect()
    camera.send_depth(node, depth(1000))
    monkeypatch.setattr(node._pose_inputs._depth, '_convert', lambda _: pytest.fail('decoded'))
    errors = []
    for faces in ((), (coasted(posed.face()),)):
        given = posed.scene(1000, *faces)
        assert node._pose_inputs.of(given, node.parameters.pose, errors.append)[1] is None
    assert errors == []


def test_where_depth_comes_no_more_the_reason_is_that_and_not_its_stamp(
    classifier, camera, monkeypatch
):
    node = classifier()
    camera.connect()
    camera.send_depth(node, depth(1000))
    monkeypatch.setattr(depth_input, 'SILENCE_S', 0.0)
    assert camera.face(5000).has_pose
    last = node.errors.values()['last error']
    assert re.match(
        r'no depth image for \d+ s: the publisher of /depth_registered/\S+ sends', last
    )


def test_depth_of_a_driver_with_another_reliability_is_taken_after_it_restarts(classifier, camera):
    node = classifier()
    camera.send_depth(node, depth(1000))
    camera.depths = camera.restart(camera.depths)
    camera.send_depth(node, depth(1033))


def test_only_the_last_depth_images_are_kept(classifier, camera):
    node = classifier()
    camera.connect()
    camera.send_depth(node, *(depth(1000 + number) for number in range(12)))
    assert [stamp // 10**6 for stamp, _ in node._pose_inputs._depth._recent] == [
        1007,
        1008,
        1009,
        1010,
        1011,
    ]


@pytest.mark.parametrize(
    ('msg', 'text'),
    [
        (None, 'no depth image on /depth_registered/image_rect'),
        (depth(1200), 'the nearest is 0.200 s newer'),
        (depth(1000, header=header(1000, 'depth_frame')), "got 'depth_frame'"),
        (depth(1000, height=HEIGHT // 2, data=bytes(WIDTH * HEIGHT)), 'got 64x24'),
        (depth(1000, encoding='bgr8'), "got encoding 'bgr8'"),
        (depth(1000, data=bytes(9)), 'got 9'),
    ],
)
def test_depth_that_is_not_the_image_s_is_named_and_counted_and_poses_go_on(
    classifier, camera, msg, text
):
    node = classifier()
    camera.connect()
    if msg is not None:
        camera.send_depth(node, msg)
    face = camera.face(1000)
    assert face.has_pose
    assert face.is_plausible
    assert len(face.attributes) == 2
    assert node.errors.total == 1
    assert text in node.errors.values()['last error']


def test_depth_whose_stamp_is_none_is_named_as_that_until_there_is_another(classifier, camera):
    node = classifier()
    camera.connect()
    bad = depth(1000)
    bad.header.stamp.nanosec = 2_000_000_000
    camera.send_depth(node, depth(1000))
    camera.depths.publish(bad)
    source = node._pose_inputs._depth
    camera.bench.spin_until(lambda: source._refused, 'the bad stamp')
    errors = []
    for _ in range(2):
        with pytest.raises(PerceptionError) as caught:
            source.depth_of(None, 0.1)
        errors.append(caught.value)
    # An error that is raised twice would keep the frames of both alive.
    assert errors[0] is not errors[1]
    assert camera.face(1000).has_pose
    said = node.errors.values()['last error']
    assert 'depth of /depth_registered/image_rect: ' in said
    assert 'nanosec' in said
    camera.send_depth(node, depth(1033))
    camera.face(1033, yaw=0.0)
    assert node.errors.total == 1


def test_lost_depth_images_are_counted_and_a_warning(bench, classifier, camera):
    node = classifier()
    bench.connect(camera.depths)
    bench.spin_until(node._pose_inputs._depth._subscription._topic.publishers, 'the driver')
    assert node._measured()['depth images lost'] == '0'
    assert [*node._findings()] == []
    subscription = node._pose_inputs._depth._subscription
    for second in range(9):
        subscription._clock = lambda second=second: float(second)
        number = 1 + 10 * second
        subscription._on_message(depth(number), {'publication_sequence_number': number})
        found = [*node._pose_inputs.findings()]
    assert node._measured()['depth images lost'] == '72'
    (finding,) = found
    assert 'come from /depth_registered/image_rect, the others are lost: ' in finding.message


def test_compressed_depth_is_below_its_topic(bench, classifier):
    node = classifier(**{'pose.depth_transport': 'compressedDepth'})
    camera = DepthCamera(bench, CompressedImage, f'{TOPIC}/compressedDepth')
    camera.connect()
    msg = CompressedImage(header=header(1000), format='16UC1; compressedDepth rvl')
    camera.send_depth(node, msg)
    assert camera.face(1000).has_pose
    assert 'set its format to png' in node.errors.values()['last error']


def test_without_the_parameter_there_is_no_subscription(classifier, camera):
    classifier(**{'pose.depth': False})
    camera.connect()
    assert camera.face(1000).has_pose
    assert camera.depths.get_subscription_count() == 0


def test_depth_is_subscribed_to_only_while_the_node_is_active(bench, classifier, camera):
    node = classifier()
    bench.connect(camera.depths)
    node.trigger_deactivate()
    bench.spin_until(lambda: not camera.depths.get_subscription_count(), 'the end')
