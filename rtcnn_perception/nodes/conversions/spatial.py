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

"""Heads in space as poses and transforms, for those who know nothing of faces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from geometry_msgs.msg import Point
from geometry_msgs.msg import Pose
from geometry_msgs.msg import PoseArray
from geometry_msgs.msg import Quaternion
from geometry_msgs.msg import Transform
from geometry_msgs.msg import TransformStamped
from geometry_msgs.msg import Vector3
import numpy as np
from rtcnn_perception.core.pose.head_pose import FACING
from rtcnn_perception.core.pose.head_pose import HeadPose
from rtcnn_perception.core.pose.rotations import quaternion_of
from rtcnn_perception.core.results import Face
from rtcnn_perception.core.results import FrameResult
from rtcnn_perception.nodes.conversions.images import header_of

GAZE: Final = (-0.5, 0.5, -0.5, 0.5)
"""x, y, z, w of roll, pitch and yaw -pi/2, 0, -pi/2: z along the face's x (REP-155)."""


def posed_faces(result: FrameResult, *, with_coasted: bool = False) -> list[tuple[Face, HeadPose]]:
    """
    Return the faces that have a pose, nearest first.

    :param with_coasted: also those that were not found in this frame, and keep their last pose
    """
    found = [
        (face, face.pose)
        for face in result.faces
        if face.pose is not None and (with_coasted or not face.is_coasted)
    ]
    return sorted(found, key=lambda each: float(np.linalg.norm(each[1].position)))


def pose_to_msg(pose: HeadPose) -> Pose:
    """Make the pose of a head; one of unknown orientation faces the camera plane."""
    x, y, z = pose.position.tolist()
    return Pose(position=Point(x=x, y=y, z=z), orientation=_orientation_to_msg(pose))


def pose_array_to_msg(result: FrameResult) -> PoseArray:
    """Make the poses of the heads of a frame, nearest first."""
    poses = [pose_to_msg(pose) for _, pose in posed_faces(result)]
    return PoseArray(header=header_of(result.frame), poses=poses)


def transforms_of(result: FrameResult, id_of: Callable[[int], str]) -> list[TransformStamped]:
    """
    Return the frames ``face_<id>`` and, where the orientation is known, ``gaze_<id>``.

    There is none where the images name no frame that it could be a child of, or have no stamp:
    listeners keep all transforms of one stamp for good.

    :param id_of: the id of a track
    """
    header = header_of(result.frame)
    transforms: list[TransformStamped] = []
    if not header.frame_id or not result.frame.stamp_ns:
        return transforms
    for face, pose in posed_faces(result):
        name = id_of(face.track_id)
        transform = TransformStamped(header=header, child_frame_id=f'face_{name}')
        x, y, z = pose.position.tolist()
        transform.transform = Transform(
            translation=Vector3(x=x, y=y, z=z), rotation=_orientation_to_msg(pose)
        )
        transforms.append(transform)
        if pose.rotation is not None:
            gaze = TransformStamped(child_frame_id=f'gaze_{name}')
            gaze.header.stamp, gaze.header.frame_id = header.stamp, transform.child_frame_id
            gaze.transform.rotation = _quaternion_to_msg(GAZE)
            transforms.append(gaze)
    return transforms


def _orientation_to_msg(pose: HeadPose) -> Quaternion:
    rotation = FACING if pose.rotation is None else pose.rotation
    return _quaternion_to_msg(quaternion_of(rotation))


def _quaternion_to_msg(quaternion: tuple[float, float, float, float]) -> Quaternion:
    x, y, z, w = quaternion
    return Quaternion(x=x, y=y, z=z, w=w)
