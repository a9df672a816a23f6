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

"""Heads in space for others: poses, TF, markers of rviz, and detections of vision_msgs."""

from dataclasses import replace
import importlib
import math

from geometry_msgs.msg import PoseArray
import numpy as np
from posed import BOX
from posed import coasted
from posed import face
from posed import head
from posed import scene
import pytest
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.pose.head_pose import FACING
from rtcnn_perception.core.pose.rotations import rotation_by
from rtcnn_perception.core.pose.rotations import rotation_of
from rtcnn_perception.nodes.conversions.spatial import GAZE
from rtcnn_perception.nodes.conversions.spatial import pose_array_to_msg
from rtcnn_perception.nodes.conversions.spatial import posed_faces
from rtcnn_perception.nodes.conversions.spatial import transforms_of
from rtcnn_perception.nodes.humans_node import HumansNode
from scripted import stamp_of

NEAR, FAR = head((0.1, 0.0, 1.0)), head((0.0, 0.0, 2.0))
TURNED = FACING @ rotation_by(np.array([0, 0, math.radians(30)]))


def start(bench, output, **parameters):
    given = {'outputs': [output], **parameters}
    node = bench.add(HumansNode, parameters=given, is_composed=True)
    node.start()
    return node


def name_of(track_id):
    return f'f{track_id:05d}'


def matrix(quaternion):
    return rotation_of((quaternion.x, quaternion.y, quaternion.z, quaternion.w))


def send(bench, node, given, received):
    """Submit a frame and return the message of its stamp."""
    node.submit(given)
    milliseconds = given.frame.stamp_ns // 10**6
    bench.spin_until(lambda: any(stamp(each) == milliseconds for each in received), 'the message')
    return next(each for each in received if stamp(each) == milliseconds)


def stamp(msg):
    return stamp_of(
        msg if hasattr(msg, 'header') else (getattr(msg, 'transforms', None) or msg.markers)[0]
    )


def test_a_frame_without_a_pose_has_neither_poses_nor_transforms():
    assert list(pose_array_to_msg(scene(5)).poses) == []
    msg = pose_array_to_msg(scene(5, face()))
    assert (list(msg.poses), stamp_of(msg), msg.header.frame_id) == ([], 5, 'optical')
    assert transforms_of(scene(5, face()), name_of) == []


def test_poses_are_sorted_by_distance_and_one_without_orientation_faces_the_camera():
    faces = face(1, pose=FAR), face(2), face(3, pose=head((0.1, 0.0, 1.0), None))
    near, far = pose_array_to_msg(scene(5, *faces)).poses
    assert (near.position.x, near.position.z, far.position.z) == (0.1, 1.0, 2.0)
    np.testing.assert_allclose(matrix(near.orientation), FACING, atol=1e-12)


def test_the_frames_of_a_face_are_those_of_rep_155():
    given = head((0.1, 0.2, 1.5), TURNED)
    in_face, in_gaze = transforms_of(scene(5, face(7, pose=given)), name_of)
    assert (in_face.header.frame_id, in_face.child_frame_id) == ('optical', 'face_f00007')
    assert (in_gaze.header.frame_id, in_gaze.child_frame_id) == ('face_f00007', 'gaze_f00007')
    assert stamp_of(in_face) == stamp_of(in_gaze) == 5
    place = in_face.transform.translation
    assert (place.x, place.y, place.z) == (0.1, 0.2, 1.5)
    in_camera = matrix(in_face.transform.rotation)
    np.testing.assert_allclose(in_camera, TURNED, atol=1e-12)
    # z of the gaze is x of the face, and its y points down as in an optical frame.
    gaze = in_camera @ matrix(in_gaze.transform.rotation)
    np.testing.assert_allclose(gaze[:, 2], TURNED[:, 0], atol=1e-12)
    np.testing.assert_allclose(gaze[:, 1], -TURNED[:, 2], atol=1e-12)
    # Roll, pitch and yaw of REP-155, about the fixed axes.
    fixed = rotation_by(np.array([0, 0, -math.pi / 2])) @ rotation_by(
        np.array([-math.pi / 2, 0, 0])
    )
    np.testing.assert_allclose(rotation_of(GAZE), fixed, atol=1e-12)


def test_images_that_name_no_frame_have_nothing_that_a_face_could_be_a_child_of():
    shown = scene(5, face(pose=head()))
    nameless = replace(shown, frame=replace(shown.frame, frame_id=''))
    assert transforms_of(nameless, name_of) == []


def test_images_without_a_stamp_have_no_transforms_which_listeners_would_keep_for_good():
    assert transforms_of(scene(0, face(pose=head())), name_of) == []


def test_what_cannot_say_that_a_face_is_lost_leaves_it_out():
    shown = scene(5, coasted(face(2, pose=NEAR)), face(1, pose=NEAR))
    assert len(pose_array_to_msg(shown).poses) == 1
    assert {each.child_frame_id for each in transforms_of(shown, name_of)} == {
        'face_f00001',
        'gaze_f00001',
    }
    assert len(posed_faces(shown, with_coasted=True)) == 2


def test_without_an_orientation_there_is_no_gaze():
    (only,) = transforms_of(scene(5, face(pose=head(rotation=None))), name_of)
    assert only.child_frame_id == 'face_f00001'


def test_the_output_poses_publishes_the_array_and_tf(bench, provided):
    provided('tf2_msgs')
    messages = importlib.import_module('tf2_msgs.msg')
    node = start(bench, 'poses', id_prefix='left')
    node.submit(scene(1, face(pose=NEAR)))
    bench.spin_until(lambda: node.is_idle, 'the frame before')
    poses = bench.subscribe(PoseArray, 'faces/poses')
    frames = bench.subscribe(messages.TFMessage, '/tf', 100)
    bench.spin_until(lambda: bench.tester.count_subscribers('/tf') == 1, 'discovery')
    bench.spin_until(lambda: _matched(node) == 2, 'the subscriptions')
    assert len(send(bench, node, scene(10, face(pose=NEAR)), poses).poses) == 1
    assert len(send(bench, node, scene(20), poses).poses) == 0
    sent = send(bench, node, scene(30, face(pose=NEAR), face(2)), frames).transforms
    assert [each.child_frame_id for each in sent] == ['face_left00001', 'gaze_left00001']
    assert [stamp(each) for each in frames] == [10, 30]


def _matched(node):
    """Return how many publishers of a node's outputs have a subscription."""
    publishers = [each for output in node._outputs for each in output._publishers]
    return sum(each.get_subscription_count() > 0 for each in publishers)


def test_markers_are_axes_gaze_and_label_and_those_of_a_lost_face_are_deleted(bench, provided):
    provided('visualization_msgs')
    messages = importlib.import_module('visualization_msgs.msg')
    beside = head((0.6, 0.0, 0.8))
    node = start(bench, 'markers')
    node.submit(scene(1, face(pose=beside)))
    bench.spin_until(lambda: node.is_idle, 'the frame before')
    received = bench.subscribe(messages.MarkerArray, 'faces/markers')
    bench.spin_until(lambda: _matched(node) == 1, 'the subscription')
    first = send(bench, node, scene(10, face(7, pose=beside), face(8)), received).markers
    marker = messages.Marker
    assert [each.action for each in first] == [marker.DELETEALL, *[marker.ADD] * 3]
    by_name = {each.ns: each for each in first[1:]}
    assert set(by_name) == {'f/label', 'f/axes', 'f/gaze'}
    assert {(each.id, each.header.frame_id) for each in first[1:]} == {(7, 'optical')}
    label = by_name['f/label']
    assert (label.type, label.text) == (
        marker.TEXT_VIEW_FACING,
        'f00007 1.00 m\nfear woman 20-39',
    )
    assert label.pose.position.y < beside.position[1]
    axes, gaze = by_name['f/axes'], by_name['f/gaze']
    assert (axes.type, len(axes.points), len(axes.colors)) == (marker.LINE_LIST, 6, 6)
    assert (gaze.type, gaze.points[1].x > 0.0) == (marker.ARROW, True)
    assert all(each.lifetime.sec >= 1 for each in first[1:])
    second = send(bench, node, scene(20, face(8, pose=head(rotation=None))), received).markers
    assert [(each.ns, each.id, each.action) for each in second] == [
        ('f/label', 8, marker.ADD),
        *((f'f/{kind}', 7, marker.DELETE) for kind in ('axes', 'gaze', 'label')),
    ]


def test_detections_have_the_face_first_and_then_the_label_of_each_attribute(bench, provided):
    provided('vision_msgs')
    messages = importlib.import_module('vision_msgs.msg')
    node = start(bench, 'vision')
    flat = bench.subscribe(messages.Detection2DArray, 'faces/detections')
    spatial = bench.subscribe(messages.Detection3DArray, 'faces/detections_3d')
    bench.spin_until(lambda: _matched(node) == 2, 'the subscriptions')
    assert list(send(bench, node, scene(5), flat).detections) == []
    beyond = replace(face(9), track=replace(face(9).track, box=BoundingBox(-20, 10, 20, 30)))
    lost = coasted(face(4, pose=NEAR))
    given = scene(10, face(1, pose=FAR), beyond, face(3, pose=NEAR), lost)
    one, two, three = send(bench, node, given, flat).detections
    assert [each.id for each in (one, two, three)] == ['f00001', 'f00009', 'f00003']
    classes = [(each.hypothesis.class_id, each.hypothesis.score) for each in one.results]
    assert classes == [
        ('face', pytest.approx(0.9)),
        ('emotion/fear', pytest.approx(0.7)),
        ('gender/woman', pytest.approx(0.9)),
        ('age/20-39', pytest.approx(0.5)),
    ]
    center = one.bbox.center.position
    assert (center.x, center.y, one.bbox.size_x, one.bbox.size_y) == (25, 26, 30, 36)
    assert one.results[0].pose.pose.position.z == 2.0
    assert two.results[0].pose.pose.position.z == 0.0
    assert (two.bbox.center.position.x, two.bbox.size_x) == (10, 20)
    near, far = send(bench, node, scene(20, *given.faces), spatial).detections
    assert [each.id for each in (near, far)] == ['f00003', 'f00001']
    # The middle of the head lies behind the face.
    assert (near.bbox.center.position.x, near.bbox.center.position.z) == (0.1, 1.09)
    assert near.bbox.size.z > near.bbox.size.x > near.bbox.size.y
    assert near.results[0].pose.covariance[0] == 0.01
    assert stamp_of(near) == 20


def test_a_detection_without_orientation_says_that_it_may_be_any(provided):
    provided('vision_msgs')
    vision = importlib.import_module('rtcnn_perception.nodes.conversions.vision')
    turned, unturned = face(1, pose=head()), face(2, pose=head(rotation=None))
    known, unknown = (
        np.array(each.results[0].pose.covariance).reshape(6, 6)
        for each in vision.detections_to_msg(scene(5, turned, unturned), name_of).detections
    )
    np.testing.assert_array_equal(unknown[:3, :3], known[:3, :3])
    np.testing.assert_allclose(unknown[3:, 3:], np.eye(3) * math.pi**2 / 3)
    assert known[5, 5] < 1


def test_an_output_without_a_subscriber_converts_nothing(bench, provided, monkeypatch):
    provided('tf2_msgs', 'vision_msgs', 'visualization_msgs')
    node = bench.add(
        HumansNode, parameters={'outputs': ['poses', 'vision', 'markers']}, is_composed=True
    )
    node.start()

    def fail(*_):
        raise AssertionError('there is no subscriber')

    for module, name in (
        ('poses', 'pose_array_to_msg'),
        ('transforms', 'transforms_of'),
        ('vision', 'detections_to_msg'),
        ('vision', 'detections_3d_to_msg'),
        ('markers', 'face_markers'),
    ):
        monkeypatch.setattr(f'rtcnn_perception.nodes.humans.{module}.{name}', fail)
    node.submit(scene(10, face(pose=NEAR, box=BOX)))
    bench.spin_until(lambda: node.is_idle, 'the frame')
    assert (node.errors.total, node.meter.published.count) == (0, 1)
