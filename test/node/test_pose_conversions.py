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

"""Poses of heads to messages and back: conventions, no pose, and what is refused."""

import math

import numpy as np
import pytest
from rclpy.serialization import deserialize_message
from rclpy.serialization import serialize_message
from rtcnn_perception.core.frame import Frame
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.pose.head_pose import FACING
from rtcnn_perception.core.pose.head_pose import HeadPose
from rtcnn_perception.core.pose.rotations import rotation_by
from rtcnn_perception.core.results import Face
from rtcnn_perception.core.tracking.track import Track
from rtcnn_perception.core.tracking.track import TrackState
from rtcnn_perception.exceptions import PerceptionError
from rtcnn_perception.msg import Face as FaceMsg
from rtcnn_perception.nodes.conversions.faces import face_to_msg
from rtcnn_perception.nodes.conversions.poses import pose_from_msg

POSITION = np.array([0.1, -0.2, 1.5])
COVARIANCE = np.diag([1e-4, 2e-4, 1e-2, 3e-3, 4e-3, 5e-3])


def pose(rotation=FACING, **changes):
    return HeadPose(POSITION, rotation, COVARIANCE, **changes)


def sent(head):
    """Return a face's message as it comes over DDS."""
    face = Face(Track(7, BoundingBox(1, 2, 30, 40), 0.9, None, TrackState.TRACKED, 5), pose=head)
    frame = Frame(np.zeros((48, 64, 3), np.uint8), 10**9, 'optical', 10**9)
    return deserialize_message(serialize_message(face_to_msg(face, frame)), FaceMsg)


def test_a_face_without_a_pose_says_so_and_is_plausible():
    msg = sent(None)
    assert (msg.has_pose, msg.has_orientation, msg.is_plausible) == (False, False, True)
    assert (msg.looking_at_camera, msg.is_looking_at_camera) == (0.0, False)
    assert pose_from_msg(msg) is None


def test_a_position_without_a_rotation_has_no_orientation():
    msg = sent(pose(None))
    assert (msg.has_pose, msg.has_orientation) == (True, False)
    assert (msg.pose.pose.orientation.w, msg.head_yaw) == (1.0, 0.0)
    read = pose_from_msg(msg)
    assert read.rotation is None
    np.testing.assert_array_equal(read.position, POSITION)


@pytest.mark.parametrize('vector', [(0, 0, 0), (0.3, 0, 0), (0, -0.4, 0.2), (1.0, 2.0, -1.5)])
def test_a_pose_comes_back_unchanged(vector):
    turned = FACING @ rotation_by(np.array(vector, float))
    head = pose(turned, looking=0.75, is_looking=True)
    read = pose_from_msg(sent(head))
    np.testing.assert_allclose(read.rotation, turned, atol=1e-12)
    np.testing.assert_array_equal(read.position, POSITION)
    np.testing.assert_array_equal(read.covariance, COVARIANCE)
    assert (read.looking, read.is_looking, read.implausible_reason) == (0.75, True, '')
    assert read.angles == pytest.approx(head.angles)


def test_the_angles_of_the_message_are_those_of_the_pose():
    msg = sent(pose(FACING @ rotation_by(np.array([0, 0, 0.5]))))
    assert (msg.head_yaw, msg.head_pitch, msg.head_roll) == pytest.approx((0.5, 0, 0), abs=1e-6)


@pytest.mark.parametrize('reason', ['', 'flat in depth'])
def test_why_it_is_implausible_comes_back(reason):
    msg = sent(pose(implausible_reason=reason))
    assert (msg.is_plausible, msg.implausible_reason) == (not reason, reason)
    assert pose_from_msg(msg).implausible_reason == reason
    msg.is_plausible, msg.implausible_reason = False, ''
    assert pose_from_msg(msg).implausible_reason == 'no reason given'


def test_numbers_that_are_no_pose_are_refused():
    def changed(**changes):
        msg = sent(pose())
        for name, value in changes.items():
            setattr(msg, name, value)
        return msg

    far, covariance, flat = changed(), changed(), changed()
    far.pose.pose.position.z = math.nan
    covariance.pose.covariance[7] = math.inf
    flat.pose.pose.orientation.w = flat.pose.pose.orientation.x = 0.0
    flat.pose.pose.orientation.y = flat.pose.pose.orientation.z = 0.0
    for msg, text in (
        (far, 'finite numbers'),
        (covariance, 'finite numbers'),
        (flat, 'length 1, got 0'),
        (changed(looking_at_camera=1.5), 'looking_at_camera'),
        (changed(looking_at_camera=math.nan), 'looking_at_camera'),
    ):
        with pytest.raises(PerceptionError, match=text):
            pose_from_msg(msg)
