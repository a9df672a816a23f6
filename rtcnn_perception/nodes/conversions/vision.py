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

"""Faces as detections of vision_msgs."""

from __future__ import annotations

from collections.abc import Callable
import math
from typing import Final

from geometry_msgs.msg import PoseWithCovariance
from geometry_msgs.msg import Vector3
import numpy as np
from rtcnn_perception.core.pose.head_pose import FACING
from rtcnn_perception.core.pose.head_pose import HeadPose
from rtcnn_perception.core.results import Face
from rtcnn_perception.core.results import FrameResult
from rtcnn_perception.nodes.conversions.images import header_of
from rtcnn_perception.nodes.conversions.spatial import pose_to_msg
from rtcnn_perception.nodes.conversions.spatial import posed_faces
from vision_msgs.msg import Detection2D
from vision_msgs.msg import Detection2DArray
from vision_msgs.msg import Detection3D
from vision_msgs.msg import Detection3DArray
from vision_msgs.msg import ObjectHypothesisWithPose

FACE: Final = 'face'
"""The class of the first hypothesis; those after it are ATTRIBUTE/LABEL."""

HEAD_SIZE = (0.20, 0.16, 0.24)
"""
Metres along the axes of a head: depth, breadth and height, chin to crown.

ANSUR II (2012), mean of women and men: head length 0.193, breadth 0.149, menton to vertex 0.226;
rounded up for hair.
"""

ANY_ANGLE = math.pi**2 / 3
"""Variance of an angle that may be anything, all values from -pi to pi alike."""

HEAD_CENTER = (-0.09, 0.0, 0.0)
"""Metres from the sellion to the middle of the head, along the axes of the head."""


def detections_to_msg(result: FrameResult, id_of: Callable[[int], str]) -> Detection2DArray:
    """Make the detections of a frame, a box in pixels each; what is coasted was not detected."""
    header = header_of(result.frame)
    detections = []
    for face in result.faces:
        box = face.box.clip_to(*result.frame.size_wh)
        if box is None or face.is_coasted:
            continue
        detection = Detection2D(
            header=header, id=id_of(face.track_id), results=_hypotheses(face, face.pose)
        )
        x, y = box.center
        detection.bbox.center.position.x, detection.bbox.center.position.y = x, y
        detection.bbox.size_x, detection.bbox.size_y = float(box.width), float(box.height)
        detections.append(detection)
    return Detection2DArray(header=header, detections=detections)


def detections_3d_to_msg(result: FrameResult, id_of: Callable[[int], str]) -> Detection3DArray:
    """Make the detections of the heads that have a pose, nearest first."""
    header = header_of(result.frame)
    detections = []
    for face, pose in posed_faces(result):
        detection = Detection3D(
            header=header, id=id_of(face.track_id), results=_hypotheses(face, pose)
        )
        x, y, z = HEAD_SIZE
        detection.bbox.center = pose_to_msg(pose)
        detection.bbox.size = Vector3(x=x, y=y, z=z)
        rotation = FACING if pose.rotation is None else pose.rotation
        center = pose.position + rotation @ np.array(HEAD_CENTER)
        place = detection.bbox.center.position
        place.x, place.y, place.z = center.tolist()
        detections.append(detection)
    return Detection3DArray(header=header, detections=detections)


def _hypotheses(face: Face, pose: HeadPose | None) -> list[ObjectHypothesisWithPose]:
    """Return the face class with the score of its detection, and a label for each attribute."""
    classes = [(FACE, face.track.confidence)]
    classes += [
        (f'{name}/{each.label}', each.confidence)
        for name, each in face.attributes.items()
        if each.label
    ]
    hypotheses = []
    for name, score in classes:
        hypothesis = ObjectHypothesisWithPose()
        hypothesis.hypothesis.class_id, hypothesis.hypothesis.score = name, float(score)
        if pose is not None:
            covariance = np.array(pose.covariance, np.float64)
            if pose.rotation is None:  # an orientation is in the message all the same
                covariance[3:, 3:] = np.diag([ANY_ANGLE] * 3)
            hypothesis.pose = PoseWithCovariance(
                pose=pose_to_msg(pose), covariance=covariance.ravel()
            )
        hypotheses.append(hypothesis)
    return hypotheses
