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

"""What the classifier publishes, from its message back to the core."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from rtcnn_perception.core.frame import Frame
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.results import Attribute
from rtcnn_perception.core.results import AttributeInfo
from rtcnn_perception.core.results import Face
from rtcnn_perception.core.results import FrameResult
from rtcnn_perception.exceptions import PerceptionError
from rtcnn_perception.msg import Attribute as AttributeMsg
from rtcnn_perception.msg import Face as FaceMsg
from rtcnn_perception.msg import FaceAttributes
from rtcnn_perception.nodes.conversions.faces import faces_from_bytes
from rtcnn_perception.nodes.conversions.faces import readable
from rtcnn_perception.nodes.conversions.faces import SECOND_MS
from rtcnn_perception.nodes.conversions.faces import track_from_msg
from rtcnn_perception.nodes.conversions.images import stamp_ns_of
from rtcnn_perception.nodes.conversions.poses import pose_from_msg

MAX_BYTES = 512 * 1024
"""Room for 256 faces of 34 landmarks and three attributes; reading it takes less than 0.5 s."""

MAX_SIDE = 65_535
"""Pixels along a side of an image; JPEG has no more."""

FAR_FROM_ONE = 0.01
"""Of the sum of probabilities; beyond they are none."""

ROUNDING = 1e-5
"""By which smoothed numbers may leave [0, 1]."""


def result_from_bytes(
    data: bytes, received_ns: int, reject: Callable[[PerceptionError], None]
) -> FrameResult:
    """
    Read attributes as they came over DDS; the image is not among them, and a black one stands in.

    :param received_ns: when they came
    :param reject: called for each face that cannot be one of this frame; the others remain
    :raises PerceptionError: if they are damaged or too large, or their stamp or size is none
    """
    msg: FaceAttributes = faces_from_bytes(data, FaceAttributes, 'attributes', MAX_BYTES)
    size_wh = (msg.image_width, msg.image_height)
    if not 1 <= min(size_wh) <= max(size_wh) <= MAX_SIDE:
        raise PerceptionError(
            f'expected attributes of an image of 1 to {MAX_SIDE} pixels a side, got those of '
            f'{size_wh[0]}x{size_wh[1]}'
        )
    frame = Frame.blank(size_wh, stamp_ns_of(msg.header), msg.header.frame_id, received_ns)
    infos = tuple(
        AttributeInfo(each.name, tuple(each.labels), each.model) for each in msg.attributes
    )
    landmarks = len(msg.landmark_names)
    return FrameResult(
        frame=frame,
        faces=readable(
            msg.faces, lambda face: _face_from_msg(face, frame, landmarks, infos), reject
        ),
        detector=msg.detector,
        landmark_names=tuple(msg.landmark_names),
        attributes=infos,
        detect_s=msg.detect_ms / SECOND_MS,
        classify_s=msg.classify_ms / SECOND_MS,
        latency_s=msg.total_ms / SECOND_MS,
        frames_dropped=msg.frames_dropped,
    )


def _face_from_msg(
    msg: FaceMsg, frame: Frame, landmarks: int, infos: tuple[AttributeInfo, ...]
) -> Face:
    if not 0.0 <= msg.quality <= 1.0:
        raise PerceptionError(f'a face needs a quality in [0, 1], got {msg.quality}')
    names = [each.name for each in msg.attributes]
    if names != [each.name for each in infos]:
        raise PerceptionError(
            f'a face needs the {len(infos)} attributes of its message in their order, got '
            f'{len(names)} of other names or in another one'
        )
    crop = msg.crop
    has_crop = crop.width > 0 and crop.height > 0
    return Face(
        track_from_msg(msg, frame, landmarks),
        BoundingBox.from_xywh(crop.x_offset, crop.y_offset, crop.width, crop.height)
        if has_crop
        else None,
        msg.quality,
        {
            each.name: _attribute_from_msg(each, info)
            for each, info in zip(msg.attributes, infos, strict=True)
        },
        pose_from_msg(msg),
    )


def _attribute_from_msg(msg: AttributeMsg, info: AttributeInfo) -> Attribute:
    smoothed, raw = (
        np.asarray(values, np.float32) for values in (msg.probabilities, msg.raw_probabilities)
    )
    # Not a number fails all comparisons.
    for values in (smoothed, raw):
        if len(values) != len(info.labels) or not abs(values.sum() - 1.0) <= FAR_FROM_ONE:
            raise PerceptionError(
                f'an attribute needs {len(info.labels)} probabilities with sum 1, got '
                f'{len(values)} with sum {values.sum()}'
            )
        if not values.min() >= -ROUNDING:
            raise PerceptionError(f'a probability is 0 or more, got {values.min()}')
    if not -ROUNDING <= msg.confidence <= 1.0 + ROUNDING:
        raise PerceptionError(f'an attribute needs a confidence in [0, 1], got {msg.confidence}')
    if msg.label and msg.label not in info.labels:
        raise PerceptionError('an attribute needs one of its labels or none, got another one')
    return Attribute(msg.label, msg.confidence, smoothed, raw, msg.is_unsure)
