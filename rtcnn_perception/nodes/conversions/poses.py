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

"""Poses of heads between messages and the core."""

from __future__ import annotations

import math
from typing import Any

from geometry_msgs.msg import Point
from geometry_msgs.msg import Pose
from geometry_msgs.msg import PoseWithCovariance
from geometry_msgs.msg import Quaternion
import numpy as np
from rtcnn_perception.core.pose.head_pose import HeadPose
from rtcnn_perception.core.pose.rotations import quaternion_of
from rtcnn_perception.core.pose.rotations import rotation_of
from rtcnn_perception.exceptions import PerceptionError
from rtcnn_perception.msg import Face as FaceMsg

LEAST_NORM, MOST_NORM = 0.9, 1.1
"""Of a quaternion; one beyond was not meant as a rotation."""


def pose_fields(pose: HeadPose | None) -> dict[str, Any]:
    """Return the fields of a face's message that hold its pose; none without one."""
    if pose is None:
        return {}
    x, y, z = pose.position.tolist()
    message = Pose(position=Point(x=x, y=y, z=z))
    fields: dict[str, Any] = {
        'has_pose': True,
        'is_plausible': not pose.implausible_reason,
        'implausible_reason': pose.implausible_reason,
    }
    angles = pose.angles
    if pose.rotation is not None and angles is not None:
        qx, qy, qz, qw = quaternion_of(pose.rotation)
        message.orientation = Quaternion(x=qx, y=qy, z=qz, w=qw)
        yaw, pitch, roll = map(math.radians, angles)
        fields |= {
            'has_orientation': True,
            'head_yaw': yaw,
            'head_pitch': pitch,
            'head_roll': roll,
            'looking_at_camera': float(pose.looking),
            'is_looking_at_camera': bool(pose.is_looking),
        }
    covariance = np.ascontiguousarray(pose.covariance, np.float64).ravel()
    fields['pose'] = PoseWithCovariance(pose=message, covariance=covariance)
    return fields


def pose_from_msg(msg: FaceMsg) -> HeadPose | None:
    """
    Read the pose of a face, None where it has none.

    :raises PerceptionError: if a number is not finite, the orientation no rotation, or the score
        of looking out of range
    """
    if not msg.has_pose:
        return None
    place, turn = msg.pose.pose.position, msg.pose.pose.orientation
    position = np.array([place.x, place.y, place.z])
    covariance = np.array(msg.pose.covariance, np.float64).reshape(6, 6)
    if not (np.isfinite(position).all() and np.isfinite(covariance).all()):
        raise PerceptionError('the pose of a face needs finite numbers, got NaN or infinity')
    rotation, looking = None, 0.0
    if msg.has_orientation:
        quaternion = (turn.x, turn.y, turn.z, turn.w)
        norm, looking = float(np.linalg.norm(quaternion)), float(msg.looking_at_camera)
        if not LEAST_NORM <= norm <= MOST_NORM:
            raise PerceptionError(
                f'the orientation of a face needs a quaternion of length 1, got {norm:.3f}'
            )
        if not 0.0 <= looking <= 1.0:
            raise PerceptionError(f'looking_at_camera must be in [0, 1], got {looking}')
        rotation = rotation_of(quaternion)
    return HeadPose(
        position=position,
        rotation=rotation,
        covariance=covariance,
        looking=looking,
        is_looking=rotation is not None and bool(msg.is_looking_at_camera),
        implausible_reason=_reason_of(msg),
    )


def _reason_of(msg: FaceMsg) -> str:
    """Return why a face is implausible; what is marked so without a reason gets one."""
    if msg.is_plausible:
        return ''
    return str(msg.implausible_reason) or 'no reason given'
