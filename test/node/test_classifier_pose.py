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

"""The poses of heads that the classifier node publishes, and what keeps them away."""

import math

from geometry_msgs.msg import Point32
import numpy as np
from partner import Partner
from partner import rois
from projected_heads import HEADS
from projected_heads import NAMES
from projected_heads import project
from projected_heads import turned
import pytest
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy
from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy
from rtcnn_perception.nodes.classifier_node import ClassifierNode
from rtcnn_perception.nodes.conversions.poses import pose_from_msg
from rtcnn_perception.nodes.pose import inputs
from scripted import header
from scripted import result
from scripted import ScriptedClassifier
from scripted import SIZE_WH
from sensor_msgs.msg import CameraInfo

WIDTH, HEIGHT = SIZE_WH
FOCAL = 60.0
POSITION = (0.02, -0.01, 0.3)
AROUND = (22, 9, 28, 37)
"""The box of a head there: x, y, width and height."""


def camera_info(scale=1.0, **changes):
    """Return the intrinsics of the images of this module's camera, times a scale."""
    width, height = round(WIDTH * scale), round(HEIGHT * scale)
    focal, x, y = FOCAL * scale, width / 2 - 0.5, height / 2 - 0.5
    given = {
        'header': header(1000),
        'width': width,
        'height': height,
        'distortion_model': 'plumb_bob',
        'd': [0.0] * 5,
        'k': [focal, 0.0, x, 0.0, focal, y, 0.0, 0.0, 1.0],
        'p': [2 * focal, 0.0, x, 0.0, 0.0, 2 * focal, y, 0.0, 0.0, 0.0, 1.0, 0.0],
    }
    return CameraInfo(**{**given, **changes})


def seen(number, yaw=20.0):
    """Return rois of an image with a head whose pose is known."""
    points = HEADS['canonical'] * 0.063 @ turned(yaw).T + POSITION
    landmarks = project(points, (FOCAL, FOCAL), (WIDTH / 2, HEIGHT / 2))
    msg = rois(number, AROUND, landmark_names=NAMES)
    msg.faces[0].landmarks = [Point32(x=float(x), y=float(y)) for x, y in landmarks]
    return msg


@pytest.fixture
def classifier(bench):
    """Make an active classifier node around the scripted classifier."""

    def make(**arguments):
        node = bench.add(ClassifierNode, classifier=ScriptedClassifier(), **arguments)
        node.start()
        return node

    return make


class Camera(Partner):
    """Publishes the intrinsics as well."""

    def __init__(self, bench, topic='camera_info'):
        super().__init__(bench)
        self.infos = bench.tester.create_publisher(CameraInfo, topic, 10)

    def send(self, node, msg):
        """Publish intrinsics and wait until the node has them."""
        self.bench.connect(self.infos)
        before = node._pose_inputs._camera._msg
        self.infos.publish(msg)
        self.bench.spin_until(
            lambda: node._pose_inputs._camera._msg is not before, 'the intrinsics'
        )

    def restart(self, publisher):
        """Replace a reliable publisher by one that is not, as another driver has it."""
        kind, topic = publisher.msg_type, publisher.topic_name
        self.bench.tester.destroy_publisher(publisher)
        profile = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)
        return self.bench.tester.create_publisher(kind, topic, profile)

    def face(self, number, **arguments):
        return self.classify_rois(seen(number, **arguments)).faces[0]


@pytest.fixture
def camera(bench):
    return Camera(bench)


def assert_is_head(face, yaw=20.0):
    pose = pose_from_msg(face)
    assert np.linalg.norm(pose.position - POSITION) < 0.02
    assert math.degrees(face.head_yaw) == pytest.approx(yaw, abs=5)
    assert face.has_orientation
    assert 0.5 < face.looking_at_camera < 1.0


@pytest.mark.parametrize('is_latched', [False, True])
def test_intrinsics_come_by_the_profile_of_their_publisher_whatever_that_of_images(
    bench, classifier, is_latched
):
    camera = Camera(bench)
    bench.tester.destroy_publisher(camera.infos)
    profile = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
    if is_latched:
        profile = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    camera.infos = bench.tester.create_publisher(CameraInfo, 'camera_info', profile)
    if is_latched:
        camera.infos.publish(camera_info())
    node = classifier(parameters={'qos': 'sensor_data' if is_latched else 'reliable'})
    camera.connect()
    if not is_latched:
        camera.send(node, camera_info())
    bench.spin_until(lambda: node._pose_inputs._camera._msg is not None, 'the intrinsics')
    assert_is_head(camera.face(1))


def test_without_intrinsics_there_is_no_pose_and_that_is_said_once(
    monkeypatch, classifier, camera
):
    monkeypatch.setattr(inputs, 'PATIENCE', 0.0)
    node = classifier()
    said = []
    monkeypatch.setattr(node._pose_inputs._camera, '_node', Loud(said))
    camera.connect()
    for number in (1000, 1033, 1066):
        face = camera.face(number)
        assert not face.has_pose
        assert len(face.attributes) == 2
    assert len(said) == 1
    assert 'no camera_info on /camera_info' in said[0]
    assert node._measured()['head pose'] == 'no pose: no camera_info on /camera_info'
    assert node.errors.total == 0


def test_intrinsics_may_come_a_little_later_than_images(monkeypatch, classifier, camera):
    monkeypatch.setattr(inputs, 'PATIENCE', 60.0)
    node = classifier()
    said = []
    monkeypatch.setattr(node._pose_inputs._camera, '_node', Loud(said))
    camera.connect()
    assert not camera.face(1000).has_pose
    assert said == []
    camera.send(node, camera_info())
    assert_is_head(camera.face(1033))
    assert len(said) == 1
    assert said[0].startswith('poses of heads by camera_info')


class Loud:
    """Stands for a node whose log a test reads."""

    def __init__(self, said):
        self._said = said

    def get_logger(self):
        return self

    def info(self, text, **_options):
        self._said.append(text)


def test_heads_have_poses_by_the_camera_s_intrinsics(classifier, camera, capfd):
    node = classifier()
    camera.connect()
    for number in range(3):
        camera.send(node, camera_info(d=[0.0, 0.0, 0.0, number * 1e-6, 0.0]))
        assert_is_head(camera.face(1000 + 66 * number))
        assert_is_head(camera.face(1033 + 66 * number))
    assert capfd.readouterr().err.count('poses of heads') == 1, 'a zoom would fill the log'
    assert node._measured()['head pose'] == 'by camera_info, 56 degrees wide'
    assert node.errors.total == 0


def test_intrinsics_of_a_driver_with_another_reliability_are_taken_after_it_restarts(
    classifier, camera
):
    node = classifier()
    camera.send(node, camera_info())
    camera.infos = camera.restart(camera.infos)
    camera.send(node, camera_info())


def test_heads_have_poses_by_a_field_of_view_and_no_subscription(classifier, camera):
    degrees = 2 * np.degrees(np.arctan(WIDTH / 2 / FOCAL))
    node = classifier(parameters={'pose.horizontal_fov': float(degrees)})
    camera.connect()
    assert_is_head(camera.face(1000))
    assert camera.infos.get_subscription_count() == 0
    assert node._measured()['head pose'].startswith('by pose.horizontal_fov of 56')


@pytest.mark.parametrize('scale', [0.5, 2.0, 10.0])
def test_intrinsics_of_the_same_picture_in_another_size_are_scaled(classifier, camera, scale):
    node = classifier()
    camera.connect()
    camera.send(node, camera_info(scale))
    assert_is_head(camera.face(1000))
    assert 'scaled from' in node._measured()['head pose']
    assert node.errors.total == 0


def test_binned_images_and_parts_of_images_have_the_intrinsics_of_what_is_sent(classifier, camera):
    msg = camera_info(2.0, binning_x=2, binning_y=2)
    msg.width, msg.height = msg.width + 40, msg.height + 30
    msg.roi.x_offset, msg.roi.y_offset = 10, 20
    msg.roi.width, msg.roi.height = 2 * WIDTH, 2 * HEIGHT
    msg.k[2] += 10.0
    msg.k[5] += 20.0
    node = classifier()
    camera.connect()
    camera.send(node, msg)
    assert_is_head(camera.face(1000))


def test_rectified_images_have_the_other_matrix(classifier, camera):
    node = classifier(parameters={'pose.rectified': True})
    camera.connect()
    camera.send(node, camera_info(d=[-0.3, 0.1, 0.0, 0.0, 0.0]))
    position = pose_from_msg(camera.face(1000)).position
    assert position[2] == pytest.approx(2 * POSITION[2], rel=0.08)


@pytest.mark.parametrize(
    ('changes', 'text'),
    [
        ({'k': [0.0] * 9}, 'expected a calibrated camera'),
        ({'k': [float('nan')] * 9}, 'finite'),
        ({'k': [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]}, 'of no camera'),
        ({'width': 0, 'height': 0}, 'needs a size'),
        ({'height': HEIGHT // 2}, 'expected intrinsics of an image of'),
        ({'d': [0.1, 0.2]}, 'coefficients, got 2'),
        ({'d': [0.1] * 5000}, 'more than 14'),
        ({'d': [0.1] * 4, 'distortion_model': 'mei'}, "model 'mei'"),
        ({'header': header(1000, 'infra_frame')}, "got 'infra_frame'"),
    ],
)
def test_intrinsics_that_are_not_the_camera_s_are_named_and_counted_and_attributes_go_on(
    classifier, camera, changes, text
):
    node = classifier()
    camera.connect()
    camera.send(node, camera_info(**changes))
    for count, number in enumerate((1000, 1033), 1):
        face = camera.face(number)
        assert not face.has_pose
        assert len(face.attributes) == 2
        assert node.errors.total == count
    assert text in node.errors.values()['last error']
    assert text in node._measured()['head pose']
    # Those of the camera end it.
    camera.send(node, camera_info())
    assert_is_head(camera.face(1066))
    assert node.errors.total == 2


def test_intrinsics_without_a_frame_are_taken(classifier, camera):
    node = classifier()
    camera.connect()
    camera.send(node, camera_info(header=header(1000, '')))
    assert_is_head(camera.face(1000))


def test_intrinsics_are_subscribed_to_only_while_the_node_is_active(bench, classifier, camera):
    node = classifier()
    bench.connect(camera.infos)
    node.trigger_deactivate()
    bench.spin_until(lambda: not camera.infos.get_subscription_count(), 'the end')
    assert node._measured()['head pose'] == 'off'


def test_poses_that_are_turned_off_cost_no_subscription(classifier, camera):
    node = classifier(parameters={'pose.enabled': False})
    camera.connect()
    assert not camera.face(1000).has_pose
    assert camera.infos.get_subscription_count() == 0
    assert node._measured()['head pose'] == 'off'


@pytest.mark.parametrize(
    ('rules', 'topic'),
    [
        ((), '/robot/camera_info'),
        (('image_raw:=/front/image_raw',), '/front/camera_info'),
        (('image_raw:=color/image',), '/robot/color/camera_info'),
        (('image_raw:=/front/image_raw', 'camera_info:=/calibrated'), '/calibrated'),
    ],
)
def test_remapping_the_images_moves_the_intrinsics(bench, classifier, rules, topic):
    arguments = [part for rule in rules for part in ('-r', rule)]
    node = classifier(
        is_composed=True,
        namespace='robot',
        cli_args=['--ros-args', *arguments] if arguments else None,
    )
    infos = bench.tester.create_publisher(CameraInfo, topic, 10)
    bench.connect(infos)
    assert node._pose_inputs._camera._subscription.topic == topic


def test_a_pose_is_passed_on_with_the_result(bench, classifier):
    passed = []
    classifier(
        is_composed=True, on_output=passed.append, parameters={'pose.horizontal_fov': 56.0}
    ).submit(result(1000))
    bench.spin_until(lambda: passed, 'the result')
    assert passed[0].faces == ()


def test_the_angles_of_looking_change_while_the_node_runs(classifier):
    node = classifier()
    (outcome,) = node.set_parameters([Parameter('pose.looking_begin', value=25.0)])
    assert outcome.successful
    assert node._pose.config.looking.begin == 25.0
    (outcome,) = node.set_parameters([Parameter('pose.looking_end', value=10.0)])
    assert not outcome.successful
    assert 'pose.looking_end' in outcome.reason


def test_a_defect_of_the_poses_is_counted_and_attributes_go_on(monkeypatch, classifier, camera):
    def fail(*_arguments):
        raise ValueError('a defect')

    node = classifier(parameters={'pose.horizontal_fov': 56.0})
    monkeypatch.setattr(node._pose, 'process', fail)
    camera.connect()
    face = camera.face(1000)
    assert not face.has_pose
    assert len(face.attributes) == 2
    assert node.errors.values()['last error'] == 'ValueError: a defect'
