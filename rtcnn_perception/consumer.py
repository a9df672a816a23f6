"""
Read ``faces/attributes`` in a program of your own: attributes by name.

It needs the messages alone, no model and no OpenCV.
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
