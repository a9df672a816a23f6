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

"""How many messages were published and never came, by the gaps between their numbers."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from rclpy.subscription import Subscription
from rclpy.topic_endpoint_info import TopicEndpointInfo

HAS_MESSAGE_INFO = hasattr(Subscription, 'CallbackType')
"""Whether rclpy passes the number of a message to a callback; that of Humble does not."""


def lost_text(lost: int | None) -> str:
    """Return the number of lost messages for diagnostics; None where it is not known."""
    return 'unknown' if lost is None else str(lost)


class LossCounter:
    """
    Counts the messages between the first and the last received that never came.

    The event for lost messages leaves out what a queue that is full replaces, which is the most of
    it. While there are several publishers, whose numbers cannot be separated, none are counted.

    :param publishers: returns those that are there
    """

    def __init__(self, publishers: Callable[[], Sequence[TopicEndpointInfo]]) -> None:
        self._publishers = publishers
        self._known: frozenset[bytes] | None = None
        self._last: int | None = None
        self._lost = 0
        self._is_numbered = HAS_MESSAGE_INFO

    @property
    def lost(self) -> int | None:
        """Return the number; None where rclpy or the middleware does not number messages."""
        return self._lost if self._is_numbered else None

    def note_publishers(self, publishers: Sequence[TopicEndpointInfo]) -> bool:
        """Take the present publishers; return whether they are others than before."""
        present = frozenset(bytes(each.endpoint_gid) for each in publishers)
        if present == self._known:
            return False
        self._known, self._last = present, None
        return True

    def count(self, info: Mapping[str, Any]) -> bool:
        """
        Count what is missing before a message; a publisher that restarted begins at 1 again.

        :param info: what rclpy passes to a callback beside the message
        :returns: whether the publishers are others than before: then nothing is missing
        """
        number = info['publication_sequence_number']
        if number is None:
            self._is_numbered = False
            return False
        last, is_other = self._last, False
        if self._known is None or (last is not None and number > last + 1):
            is_other = self.note_publishers(self._publishers())
            if not is_other and last is not None and len(self._known or ()) == 1:
                self._lost += number - last - 1
        self._last = number
        return is_other
