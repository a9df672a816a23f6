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

"""Classified frames with heads in space, as the nodes before the humans node make them."""

from dataclasses import replace

import numpy as np
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.landmarks import FIVE_POINTS
from rtcnn_perception.core.pose.head_pose import FACING
from rtcnn_perception.core.pose.head_pose import HeadPose
from rtcnn_perception.core.results import Attribute
from rtcnn_perception.core.results import AttributeInfo
from rtcnn_perception.core.results import Face
from rtcnn_perception.core.results import FrameResult
from rtcnn_perception.core.tracking.track import Track
from rtcnn_perception.core.tracking.track import TrackState
from scripted import frame

BOX = BoundingBox(10, 8, 40, 44)
POINTS = np.array([[18, 20], [32, 20], [25, 28], [19, 36], [31, 36]], np.float32)

INFOS = (
    AttributeInfo('emotion', ('happy', 'fear', 'neutral'), 'scripted@01234567'),
    AttributeInfo('gender', ('woman', 'man'), 'scripted@01234567'),
    AttributeInfo('age', ('0-9', '20-39', '60+'), 'scripted@01234567'),
)
PROBABILITIES = {'emotion': (0.2, 0.7, 0.1), 'gender': (0.9, 0.1), 'age': (0.25, 0.5, 0.25)}


def head(position=(0.1, 0.2, 1.0), rotation=FACING, *, looks=False):
    """Return a pose, by default that of a head that faces the camera plane."""
    return HeadPose(np.array(position), rotation, 0.01 * np.eye(6), float(looks), looks)


def face(track_id=1, box=BOX, pose=None, points=POINTS, **probabilities):
    """Return a classified face."""
    given = {**PROBABILITIES, **probabilities}
    attributes = {
        info.name: Attribute.of(info.labels, *[np.array(given[info.name], np.float32)] * 2)
        for info in INFOS
    }
    track = Track(track_id, box, 0.9, points, TrackState.TRACKED, 3)
    return Face(track, box, 0.8, attributes, pose)


def coasted(found):
    """Return a face as it is where the detector does not find it."""
    return replace(found, track=replace(found.track, state=TrackState.COASTED))


def scene(number, *faces, value=0, **changes):
    """Return a frame with these faces, whose stamp is a number of milliseconds."""
    made = FrameResult(frame(number, value), faces, 'finder', FIVE_POINTS, INFOS, 0.001, 0.001)
    return replace(made, **changes)
