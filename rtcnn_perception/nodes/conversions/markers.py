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

"""Heads in space as markers for rviz."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from builtin_interfaces.msg import Duration
from geometry_msgs.msg import Point
from rtcnn_perception.core.pose.head_pose import HeadPose
from rtcnn_perception.core.results import Face
from rtcnn_perception.nodes.conversions.spatial import pose_to_msg
from std_msgs.msg import ColorRGBA
from std_msgs.msg import Header
from visualization_msgs.msg import Marker

AXIS_LENGTH, AXIS_WIDTH = 0.1, 0.008
"""Metres."""

GAZE_LENGTH, GAZE_SHAFT, GAZE_HEAD = 0.35, 0.012, 0.03
"""Metres."""

LABEL_ABOVE, LABEL_HEIGHT = 0.18, 0.05
"""Metres above the eyes, and of a capital letter."""

SHOWN_FOR = Duration(sec=1)
"""So long a marker stays where no further message comes."""

INT32: Final = 0x7FFF_FFFF

RED, GREEN, BLUE = (0.9, 0.2, 0.2), (0.2, 0.8, 0.2), (0.2, 0.4, 0.9)
LOOKING, NOT_LOOKING, WHITE = (1.0, 0.8, 0.1), (0.6, 0.6, 0.6), (1.0, 1.0, 1.0)

KINDS = ('axes', 'gaze', 'label')
"""Of markers of a face; each is a namespace after the prefix of ids."""


def face_markers(
    face: Face, pose: HeadPose, header: Header, prefix: str, texts: Sequence[str]
) -> list[Marker]:
    """
    Make the markers of a face: its axes and gaze where the orientation is known, and its label.

    :param prefix: of the ids of faces, which begins the namespaces
    :param texts: id of the face and its labels, for the label in space
    """
    markers = [_label(face, pose, header, prefix, texts)]
    if pose.rotation is not None:
        markers += [_axes(face, pose, header, prefix), _gaze(face, pose, header, prefix)]
    return markers


def gone_markers(track_id: int, header: Header, prefix: str) -> list[Marker]:
    """Make the messages that delete the markers of a face."""
    markers = [_marker(kind, track_id, header, prefix) for kind in KINDS]
    for each in markers:
        each.action = Marker.DELETE
    return markers


def all_gone_marker(header: Header) -> Marker:
    """Make the message that deletes every marker of the topic."""
    return Marker(header=header, action=Marker.DELETEALL)


def _axes(face: Face, pose: HeadPose, header: Header, prefix: str) -> Marker:
    marker = _marker('axes', face.track_id, header, prefix, Marker.LINE_LIST)
    marker.pose = pose_to_msg(pose)
    marker.scale.x = AXIS_WIDTH
    for axis, color in zip('xyz', (RED, GREEN, BLUE), strict=True):
        marker.points += [Point(), Point(**{axis: AXIS_LENGTH})]
        marker.colors += [_color(color)] * 2
    return marker


def _gaze(face: Face, pose: HeadPose, header: Header, prefix: str) -> Marker:
    marker = _marker('gaze', face.track_id, header, prefix, Marker.ARROW)
    marker.pose = pose_to_msg(pose)
    marker.points = [Point(), Point(x=GAZE_LENGTH)]
    marker.scale.x, marker.scale.y = GAZE_SHAFT, GAZE_HEAD
    marker.color = _color(LOOKING if pose.is_looking else NOT_LOOKING)
    return marker


def _label(
    face: Face, pose: HeadPose, header: Header, prefix: str, texts: Sequence[str]
) -> Marker:
    marker = _marker('label', face.track_id, header, prefix, Marker.TEXT_VIEW_FACING)
    x, y, z = pose.position.tolist()
    marker.pose.position = Point(x=x, y=y - LABEL_ABOVE, z=z)  # y points down
    marker.scale.z = LABEL_HEIGHT
    marker.color = _color(WHITE)
    name, *labels = texts
    marker.text = '\n'.join([f'{name} {pose.distance:.2f} m', ' '.join(labels)]).rstrip()
    return marker


def _marker(kind: str, track_id: int, header: Header, prefix: str, shape: int = 0) -> Marker:
    marker = Marker(header=header, ns=f'{prefix}/{kind}', id=track_id & INT32, type=shape)
    marker.lifetime = SHOWN_FOR
    return marker


def _color(rgb: tuple[float, float, float]) -> ColorRGBA:
    red, green, blue = rgb
    return ColorRGBA(r=red, g=green, b=blue, a=1.0)
