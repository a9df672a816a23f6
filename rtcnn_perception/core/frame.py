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

"""An image of the camera with its header."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.images import check_bgr

NANOSECOND: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Frame:
    """
    An image of the camera, held as a read-only view.

    ``stamp_ns`` is the time of exposure, 0 where the camera gives none, and ``received_ns`` when
    the image arrived, both in nanoseconds of one clock. ``has_image`` is whether the image is the
    camera's: where it is not at hand, a black one of its size stands in.

    :raises ImageFormatError: if the image is not (H, W, 3) uint8 with at least one pixel
    """

    image: ImageBGR
    stamp_ns: int
    frame_id: str
    received_ns: int
    has_image: bool = True

    def __post_init__(self) -> None:
        """Check the image and keep others from writing to it."""
        check_bgr(self.image)
        view = self.image.view()
        view.flags.writeable = False
        object.__setattr__(self, 'image', view)

    @classmethod
    def blank(
        cls, size_wh: tuple[int, int], stamp_ns: int, frame_id: str, received_ns: int
    ) -> Frame:
        """Make the frame of an image that is not at hand: a black one, which takes no memory."""
        width, height = size_wh
        image = np.broadcast_to(np.zeros((1, 1, 3), np.uint8), (height, width, 3))
        return cls(image, stamp_ns, frame_id, received_ns, has_image=False)

    def without_image(self) -> Frame:
        """Return the same with a black image, which takes no memory."""
        return Frame.blank(self.size_wh, self.stamp_ns, self.frame_id, self.received_ns)

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.image.shape[1], self.image.shape[0]

    @property
    def time(self) -> float:
        """Seconds for motion and smoothing: the stamp, or else the arrival."""
        return (self.stamp_ns or self.received_ns) * NANOSECOND

    def seconds_since_stamp(self, now_ns: int) -> float:
        """
        Return the seconds from the stamp to ``now_ns``.

        NaN where the stamp is 0, or ``now_ns``: simulated time is 0 before its first message.
        """
        if self.stamp_ns == 0 or now_ns == 0:
            return float('nan')
        return (now_ns - self.stamp_ns) * NANOSECOND
