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

"""Faces between messages and the core."""

from __future__ import annotations

import array
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence
import math
from typing import Any
from typing import Protocol
from typing import TypeVar

from geometry_msgs.msg import Point32
import numpy as np
from rclpy.serialization import deserialize_message
from rtcnn_perception.core.arrays import Landmarks
from rtcnn_perception.core.arrays import Probabilities
from rtcnn_perception.core.frame import Frame
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.results import Attribute
from rtcnn_perception.core.results import AttributeInfo
from rtcnn_perception.core.results import Face
from rtcnn_perception.core.results import FrameResult
from rtcnn_perception.core.tracking.track import Track
from rtcnn_perception.core.tracking.track import TrackState
from rtcnn_perception.core.tracking.tracker import MOST_TRACKS
from rtcnn_perception.exceptions import PerceptionError
from rtcnn_perception.msg import Attribute as AttributeMsg
from rtcnn_perception.msg import AttributeInfo as AttributeInfoMsg
from rtcnn_perception.msg import Face as FaceMsg
from rtcnn_perception.msg import FaceAttributes
from rtcnn_perception.msg import FaceRois
from rtcnn_perception.nodes.conversions.images import header_of
from rtcnn_perception.nodes.conversions.poses import pose_fields
from sensor_msgs.msg import RegionOfInterest

UINT32 = 0xFFFF_FFFF
SECOND_MS = 1e3

MAX_FACES = MOST_TRACKS
"""Faces that rois may hold; the detector node sends 64 by default, and never more than this."""

MOST_OUTSIDE = 8
"""Sides of an image, the longer one, that a box may reach beyond its origin."""

MAX_ROIS_BYTES = 256 * 1024
"""
Room for 256 faces of 34 landmarks each, for 64 of 160, or for 20 of 478.

Bytes are counted before they become objects: that takes 7 s for 100,000 faces, and less
than 0.2 s for whatever fits here.
"""


def rois_to_msg(result: FrameResult) -> FaceRois:
    """Make the message of the faces of a frame before classification."""
    width, height = result.frame.size_wh
    return FaceRois(
        header=header_of(result.frame),
        image_width=width,
        image_height=height,
        detector=result.detector,
        landmark_names=list(result.landmark_names),
        faces=[face_to_msg(face, result.frame) for face in result.faces],
        detect_ms=result.detect_s * SECOND_MS,
    )


def rois_from_bytes(data: bytes) -> FaceRois:
    """
    Read rois as they came over DDS, in bounded time.

    :raises PerceptionError: if they are damaged or too large, or their time is none
    """
    msg: FaceRois = faces_from_bytes(data, FaceRois, 'rois', MAX_ROIS_BYTES)
    if not 0.0 <= msg.detect_ms < math.inf:
        raise PerceptionError(f'rois need a detect_ms of 0 or above, got {msg.detect_ms}')
    return msg


class WithFaces(Protocol):
    """A message that has faces."""

    faces: Sequence[Any]


M = TypeVar('M', bound=WithFaces)


def faces_from_bytes(data: bytes, kind: type[M], name: str, most_bytes: int) -> M:
    """
    Read a message that has faces.

    :param kind: the type of the message
    :param name: what errors call it
    :raises PerceptionError: if it is damaged, or has more bytes or faces than it may
    """
    if len(data) > most_bytes:
        raise PerceptionError(f'{name} of {len(data)} bytes, more than {most_bytes}')
    try:
        msg: M = deserialize_message(data, kind)
    except RuntimeError as error:  # rclpy's own for bytes that are no such message
        raise PerceptionError(f'damaged {name} of {len(data)} bytes: {error}') from error
    if len(msg.faces) > MAX_FACES:
        raise PerceptionError(f'{name} of {len(msg.faces)} faces, more than {MAX_FACES}')
    return msg


def result_from_rois(
    msg: FaceRois, frame: Frame, reject: Callable[[PerceptionError], None]
) -> FrameResult:
    """
    Read the faces of a frame.

    :param reject: called for each face that cannot be one of this frame; the others remain
    :raises PerceptionError: if the rois are those of an image of another size
    """
    if (msg.image_width, msg.image_height) != frame.size_wh:
        raise PerceptionError(
            f'expected rois of an image of {frame.size_wh[0]}x{frame.size_wh[1]}, got those of '
            f'one of {msg.image_width}x{msg.image_height}; are both of the same camera?'
        )
    landmarks = len(msg.landmark_names)
    return FrameResult(
        frame=frame,
        faces=readable(
            msg.faces, lambda face: Face(track_from_msg(face, frame, landmarks)), reject
        ),
        detector=msg.detector,
        landmark_names=tuple(msg.landmark_names),
        detect_s=msg.detect_ms / SECOND_MS,
    )


def readable(
    faces: Sequence[FaceMsg],
    read: Callable[[FaceMsg], Face],
    reject: Callable[[PerceptionError], None],
) -> tuple[Face, ...]:
    """
    Read faces one by one: a bad one must not cost the others.

    :param read: raises a PerceptionError where one cannot be a face of its frame
    :param reject: called with each such error
    """
    found = []
    for face in faces:
        try:
            found.append(read(face))
        except PerceptionError as error:  # noqa: PERF203 - each one is tried
            reject(error)
    return tuple(found)


def attributes_to_msg(result: FrameResult) -> FaceAttributes:
    """Make the message of the faces of a frame and their attributes."""
    frame = result.frame
    width, height = frame.size_wh
    return FaceAttributes(
        header=header_of(frame),
        image_width=width,
        image_height=height,
        attributes=attribute_infos_to_msg(result.attributes),
        detector=result.detector,
        landmark_names=list(result.landmark_names),
        faces=[face_to_msg(face, frame) for face in result.faces],
        input_age_ms=frame.seconds_since_stamp(frame.received_ns) * SECOND_MS,
        detect_ms=result.detect_s * SECOND_MS,
        classify_ms=result.classify_s * SECOND_MS,
        total_ms=result.latency_s * SECOND_MS,
        frames_dropped=result.frames_dropped & UINT32,
    )


def face_to_msg(face: Face, frame: Frame) -> FaceMsg:
    """Make the message of one face of a frame."""
    track = face.track
    landmarks = () if track.landmarks is None else track.landmarks.tolist()
    return FaceMsg(
        track_id=track.track_id,
        state=track.state.value,
        age=track.age,
        box=_box_to_msg(track.box, frame),
        whole_box=np.array(track.box.as_tuple(), np.float32),
        confidence=float(track.confidence),
        landmarks=[Point32(x=float(x), y=float(y), z=0.0) for x, y in landmarks],
        crop=RegionOfInterest() if face.crop is None else _box_to_msg(face.crop, frame),
        quality=float(face.quality),
        attributes=[_attribute_to_msg(name, each) for name, each in face.attributes.items()],
        **pose_fields(face.pose),
    )


def _attribute_to_msg(name: str, attribute: Attribute) -> AttributeMsg:
    return AttributeMsg(
        name=name,
        label=attribute.label,
        is_unsure=attribute.is_unsure,
        confidence=attribute.confidence,
        probabilities=floats_of(attribute.probabilities),
        raw_probabilities=floats_of(attribute.raw_probabilities),
    )


def attribute_infos_to_msg(attributes: Iterable[AttributeInfo]) -> list[AttributeInfoMsg]:
    """Make the messages of what is classified."""
    return [
        AttributeInfoMsg(name=each.name, labels=list(each.labels), model=each.model)
        for each in attributes
    ]


def floats_of(values: Probabilities) -> array.array[float]:
    """Return probabilities as the setters of messages take them, without a check of each."""
    return array.array('f', np.ascontiguousarray(values, dtype=np.float32).tobytes())


def _box_to_msg(box: BoundingBox, frame: Frame) -> RegionOfInterest:
    width, height = frame.size_wh
    # A box narrower than a pixel still covers one.
    x0, y0 = min(max(round(box.x0), 0), width - 1), min(max(round(box.y0), 0), height - 1)
    x1, y1 = max(min(round(box.x1), width), x0 + 1), max(min(round(box.y1), height), y0 + 1)
    return RegionOfInterest(
        x_offset=x0, y_offset=y0, width=x1 - x0, height=y1 - y0, do_rectify=False
    )


def track_from_msg(msg: FaceMsg, frame: Frame, landmarks: int) -> Track:
    """
    Read the track of a face.

    :param landmarks: the number of landmarks that a face of this message may have
    :raises PerceptionError: if it cannot be one of this frame
    """
    box, (width, height) = msg.box, frame.size_wh
    right, bottom = box.x_offset + box.width, box.y_offset + box.height
    if box.width < 1 or box.height < 1 or right > width or bottom > height:
        raise PerceptionError(
            f'a roi of {box.width}x{box.height} at {box.x_offset}, {box.y_offset} '
            f'does not lie within an image of {width}x{height}'
        )
    whole = _whole_box(msg, frame)
    if not 0.0 <= msg.confidence <= 1.0 or len(msg.landmarks) not in (0, landmarks):
        raise PerceptionError(
            f'a roi needs a confidence in [0, 1] and no or {landmarks} landmarks, '
            f'got {msg.confidence} and {len(msg.landmarks)}'
        )
    if msg.track_id == 0:
        raise PerceptionError('a roi needs a track id from 1 on, got 0')
    if msg.state not in {state.value for state in TrackState}:
        raise PerceptionError(f'a roi has an unknown track state {msg.state}')
    return Track(
        track_id=msg.track_id,
        box=whole,
        confidence=msg.confidence,
        landmarks=_landmarks_from_msg(msg.landmarks),
        state=TrackState(msg.state),
        age=msg.age,
    )


def _whole_box(msg: FaceMsg, frame: Frame) -> BoundingBox:
    box, whole = msg.box, [float(edge) for edge in msg.whole_box]
    if not any(whole):
        return BoundingBox.from_xywh(box.x_offset, box.y_offset, box.width, box.height)
    x0, y0, x1, y1 = whole
    longer_side = max(frame.size_wh)
    if all(abs(edge) <= MOST_OUTSIDE * longer_side for edge in whole) and x0 < x1 and y0 < y1:
        found = BoundingBox(x0, y0, x1, y1)
        inside = _edges(_box_to_msg(found, frame))
        if all(abs(a - b) <= 1 for a, b in zip(inside, _edges(box), strict=True)):
            return found
    raise PerceptionError(
        f'expected a whole_box of which the box {_edges(box)} is the part inside the image, '
        f'got {whole}'
    )


def _edges(box: RegionOfInterest) -> tuple[int, int, int, int]:
    return box.x_offset, box.y_offset, box.x_offset + box.width, box.y_offset + box.height


def _landmarks_from_msg(points: Sequence[Any]) -> Landmarks | None:
    if not points:
        return None
    coordinates = [(point.x, point.y) for point in points]
    if not all(math.isfinite(value) for pair in coordinates for value in pair):
        raise PerceptionError('a roi needs finite landmarks, got NaN or infinity')
    return np.array(coordinates, dtype=np.float32)
