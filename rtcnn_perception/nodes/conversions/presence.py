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

"""Changes and people from the core to messages."""

from __future__ import annotations

from collections.abc import Sequence

from builtin_interfaces.msg import Time
from rtcnn_perception.core.frame import Frame
from rtcnn_perception.core.presence.averages import StableAttribute
from rtcnn_perception.core.presence.changes import Change
from rtcnn_perception.core.presence.presence import PresentFace
from rtcnn_perception.core.results import FrameResult
from rtcnn_perception.msg import FaceEvent
from rtcnn_perception.msg import PresentFace as PresentFaceMsg
from rtcnn_perception.msg import StableAttribute as StableAttributeMsg
from rtcnn_perception.nodes.conversions.faces import attribute_infos_to_msg
from rtcnn_perception.nodes.conversions.faces import face_to_msg
from rtcnn_perception.nodes.conversions.faces import floats_of
from rtcnn_perception.nodes.conversions.images import header_of
from rtcnn_perception.nodes.conversions.images import SECOND_NS
from rtcnn_perception.srv import Who


def event_to_msg(change: Change, frame: Frame) -> FaceEvent:
    """Make the message of what changed with a frame; the face may be of one before."""
    header = header_of(frame)
    header.frame_id = change.frame.frame_id
    return FaceEvent(
        header=header,
        type=change.kind.value,
        track_id=change.face.track_id,
        attribute=change.attribute,
        label=change.label,
        previous_label=change.previous_label,
        face=face_to_msg(change.face, change.frame),
    )


def seconds_of(request: Who.Request) -> float:
    """Return the seconds that a request asks for; 0 for the default, also where they are none."""
    return float(request.seconds) if request.seconds > 0.0 else 0.0  # not a number fails, too


def fill_who(
    response: Who.Response, last: FrameResult | None, people: Sequence[PresentFace]
) -> Who.Response:
    """
    Write who is there into a response.

    :param last: the last frame; None before the first one, which leaves the response empty
    """
    if last is None:
        return response
    response.header = header_of(last.frame)
    response.landmark_names = list(last.landmark_names)
    response.attributes = attribute_infos_to_msg(last.attributes)
    response.faces = [_person_to_msg(each) for each in people]
    return response


def _person_to_msg(person: PresentFace) -> PresentFaceMsg:
    return PresentFaceMsg(
        header=header_of(person.frame),
        face=face_to_msg(person.face, person.frame),
        since=_time_of(person.since_ns),
        looking_since=_time_of(person.looking_since_ns),
        attributes=[_stable_to_msg(name, each) for name, each in person.attributes.items()],
    )


def _stable_to_msg(name: str, attribute: StableAttribute) -> StableAttributeMsg:
    return StableAttributeMsg(
        name=name,
        label=attribute.label,
        confidence=attribute.confidence,
        probabilities=floats_of(attribute.probabilities),
        seconds=attribute.seconds,
        views=attribute.views,
    )


def _time_of(stamp_ns: int) -> Time:
    seconds, nanoseconds = divmod(stamp_ns, SECOND_NS)
    return Time(sec=seconds, nanosec=nanoseconds)
