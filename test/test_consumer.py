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

"""Reading messages in a program of one's own: attributes by name."""

from types import SimpleNamespace

import pytest
from rtcnn_perception.consumer import faces_of


def message(*faces):
    attributes = [
        [SimpleNamespace(name=name, label=label) for name, label in face.items()] for face in faces
    ]
    return SimpleNamespace(
        faces=[
            SimpleNamespace(track_id=number, attributes=each)
            for number, each in enumerate(attributes, start=1)
        ]
    )


def test_a_message_without_faces_has_none():
    assert faces_of(message()) == []


def test_attributes_are_found_by_name_and_other_fields_in_the_message():
    first, second = faces_of(message({'emotion': 'happy', 'hat': 'bare'}, {'hat': 'hat'}))
    assert (first['emotion'].label, first['hat'].label) == ('happy', 'bare')
    assert second['hat'].label == 'hat'
    assert [face.msg.track_id for face in (first, second)] == [1, 2]
    assert 'emotion' in first
    assert 'emotion' not in second


def test_an_attribute_that_is_not_classified_is_refused_with_those_that_are():
    (face, bare) = faces_of(message({'emotion': 'happy', 'gender': 'woman'}, {}))
    with pytest.raises(KeyError, match=r'age is not classified; .*: emotion, gender'):
        face['age']
    with pytest.raises(KeyError, match='the attributes are: none'):
        bare['age']
