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

"""
Read ``faces/attributes`` in a program of your own: attributes by name.

Besides this module that needs the messages alone, no model and no OpenCV.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rtcnn_perception.msg import Attribute
    from rtcnn_perception.msg import Face
    from rtcnn_perception.msg import FaceAttributes


class NamedFace:
    """
    A face of a message, whose attributes are found by name: ``face['emotion'].label``.

    :ivar msg: the ``rtcnn_perception/msg/Face`` with all other fields
    """

    def __init__(self, msg: Face) -> None:
        self.msg = msg
        self._attributes = {each.name: each for each in msg.attributes}

    def __getitem__(self, name: str) -> Attribute:
        """
        Return an attribute.

        :raises KeyError: if it is not classified; it lists those that are
        """
        if name not in self._attributes:
            known = ', '.join(self._attributes) or 'none'
            raise KeyError(f'{name} is not classified; the attributes are: {known}')
        return self._attributes[name]

    def __contains__(self, name: str) -> bool:
        return name in self._attributes


def faces_of(msg: FaceAttributes) -> list[NamedFace]:
    """Return the faces of a ``FaceAttributes`` message."""
    return [NamedFace(face) for face in msg.faces]
