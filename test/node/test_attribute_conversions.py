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

"""What the classifier publishes, read back: the same faces, and what is refused."""

from dataclasses import replace
import math

import numpy as np
from posed import face
from posed import head
from posed import INFOS
from posed import scene
import pytest
from rclpy.serialization import serialize_message
from rtcnn_perception.exceptions import PerceptionError
from rtcnn_perception.nodes.conversions.attributes import MAX_BYTES
from rtcnn_perception.nodes.conversions.attributes import MAX_SIDE
from rtcnn_perception.nodes.conversions.attributes import result_from_bytes
from rtcnn_perception.nodes.conversions.faces import attributes_to_msg


def sent(*faces):
    return attributes_to_msg(scene(5, *faces, frames_dropped=3))


def read(msg):
    """Return what is read of a message, and the errors of its faces."""
    errors = []
    return result_from_bytes(serialize_message(msg), 7, errors.append), errors


def test_a_frame_without_a_face_comes_back():
    result, errors = read(sent())
    assert (result.faces, errors) == ((), [])
    frame = result.frame
    assert (frame.size_wh, frame.stamp_ns, frame.frame_id) == ((64, 48), 5 * 10**6, 'optical')
    assert (frame.received_ns, frame.has_image, frame.image.max()) == (7, False, 0)
    assert (result.attributes, result.frames_dropped) == (INFOS, 3)
    assert result.landmark_names[2] == 'nose'


def test_a_face_comes_back_with_all_that_is_known():
    given = face(7, pose=head(looks=True))
    result, errors = read(sent(given))
    (found,) = result.faces
    assert errors == []
    assert (found.track_id, found.box, found.crop) == (7, given.box, given.crop)
    assert found.quality == pytest.approx(0.8)
    assert (found.pose.is_looking, found.pose.position[2]) == (True, 1.0)
    np.testing.assert_array_equal(found.landmarks, given.landmarks)
    assert [*found.attributes] == [each.name for each in INFOS]
    for name, attribute in found.attributes.items():
        expected = given.attributes[name]
        assert attribute.label == expected.label
        assert attribute.confidence == pytest.approx(expected.confidence)
        np.testing.assert_array_equal(attribute.raw_probabilities, expected.raw_probabilities)


@pytest.mark.parametrize('is_unsure', [True, False])
def test_that_an_attribute_is_unsure_comes_back(is_unsure):
    given = face()
    emotion = replace(given.attributes['emotion'], is_unsure=is_unsure)
    result, _ = read(sent(replace(given, attributes={**given.attributes, 'emotion': emotion})))
    assert result.faces[0].attributes['emotion'].is_unsure is is_unsure


def test_a_face_without_a_crop_and_a_label_has_none():
    msg = sent(face())
    msg.faces[0].crop.width = 0
    msg.faces[0].attributes[0].label = ''
    result, _ = read(msg)
    assert (result.faces[0].crop, result.faces[0].attributes['emotion'].label) == (None, '')


def spoil_quality(msg):
    msg.quality = math.nan


def spoil_box(msg):
    msg.box.width = 100


def spoil_attributes(msg):
    del msg.attributes[0]


def spoil_label(msg):
    msg.attributes[0].label = 'secret'


def spoil_probabilities(msg):
    msg.attributes[0].probabilities = [0.5, math.nan, 0.5]


def spoil_sign(msg):
    first, second, *rest = msg.attributes[0].probabilities
    msg.attributes[0].probabilities = [first + 2.0, second - 2.0, *rest]


def spoil_confidence(msg):
    msg.attributes[0].confidence = math.nan


def spoil_id(msg):
    msg.track_id = 0


def spoil_count(msg):
    msg.attributes[0].raw_probabilities = [0.5, 0.5]


def spoil_pose(msg):
    msg.pose.pose.position.x = math.inf


@pytest.mark.parametrize(
    'spoil',
    [
        spoil_quality,
        spoil_box,
        spoil_attributes,
        spoil_label,
        spoil_probabilities,
        spoil_sign,
        spoil_confidence,
        spoil_id,
        spoil_count,
        spoil_pose,
    ],
)
def test_a_face_that_cannot_be_costs_itself_alone(spoil):
    msg = sent(face(1, pose=head()), face(2))
    spoil(msg.faces[0])
    result, errors = read(msg)
    assert [each.track_id for each in result.faces] == [2]
    (error,) = errors
    assert 'secret' not in str(error)


@pytest.mark.parametrize('size', [(0, 48), (64, 0), (MAX_SIDE + 1, 48)])
def test_a_size_that_no_image_has_is_refused(size):
    msg = sent()
    msg.image_width, msg.image_height = size
    with pytest.raises(PerceptionError, match=f'1 to {MAX_SIDE} pixels a side'):
        read(msg)


def test_bytes_that_are_none_or_too_many_are_refused():
    with pytest.raises(PerceptionError, match='damaged attributes of 3 bytes'):
        result_from_bytes(b'abc', 0, print)
    with pytest.raises(PerceptionError, match=f'more than {MAX_BYTES}'):
        result_from_bytes(bytes(MAX_BYTES + 1), 0, print)


def test_256_faces_fit_and_more_are_refused():
    faces = [face(number, pose=head()) for number in range(1, 257)]
    result, errors = read(sent(*faces))
    assert (len(result.faces), errors) == (256, [])
    with pytest.raises(PerceptionError, match='of 257 faces'):
        read(sent(*faces, face(257)))
