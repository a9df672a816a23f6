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

"""Rectangles of whole pixels, to draw with."""

from __future__ import annotations

from typing import NamedTuple

from rtcnn_perception.core.geometry.boxes import BoundingBox


class Rect(NamedTuple):
    """Left and top edge and size in pixels; half-open."""

    left: int
    top: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """First column to the right of it."""
        return self.left + self.width

    @property
    def bottom(self) -> int:
        """First row below it."""
        return self.top + self.height

    @property
    def area(self) -> int:
        """Return the number of pixels."""
        return self.width * self.height

    @classmethod
    def about(cls, box: BoundingBox) -> Rect:
        """Return a box rounded to whole pixels, at least one wide and high."""
        left, top, right, bottom = box.whole_pixels()
        return cls(left, top, right - left, bottom - top)

    def overlaps(self, other: Rect) -> bool:
        """Return whether a pixel lies in both."""
        left, top, width, height = self
        other_left, other_top, other_width, other_height = other
        return (
            left < other_left + other_width
            and other_left < left + width
            and top < other_top + other_height
            and other_top < top + height
        )

    def holds(self, other: Rect) -> bool:
        """Return whether the other lies within this one."""
        return (
            self.left <= other.left
            and self.top <= other.top
            and other.right <= self.right
            and other.bottom <= self.bottom
        )

    def moved_to(self, left: int, top: int) -> Rect:
        """Return a rectangle of this size elsewhere."""
        return Rect(left, top, self.width, self.height)

    def pushed_into(self, other: Rect) -> Rect:
        """Return this moved into the other as far as it goes in, from the bottom right."""
        left = max(min(self.left, other.right - self.width), other.left)
        top = max(min(self.top, other.bottom - self.height), other.top)
        return self.moved_to(left, top)
