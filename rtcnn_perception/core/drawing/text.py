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

"""Text in pictures: its size, its place, and drawing it."""

from __future__ import annotations

from dataclasses import dataclass
from unicodedata import combining
from unicodedata import normalize

import cv2
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.drawing.rect import Rect

FONT = cv2.FONT_HERSHEY_SIMPLEX
CAPITAL_HEIGHT = 21.0
"""Height of a capital letter of FONT in pixels at scale 1."""

BOLD_FROM = 14
"""Height of capitals in pixels from which on strokes are thicker than a pixel."""

LONGEST_NUMBER = 8
"""Characters, as of (12,345)."""


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text; all its ink falls within ``rect``."""

    content: str
    rect: Rect
    baseline: int
    height: int

    @property
    def right(self) -> int:
        """Where the next text may begin."""
        return self.rect.right


def set_text(content: str, left: int, top: int, height: int) -> Text:
    """
    Place a line of text.

    :param content: letters with accents are shown without, what else is beyond ASCII as ``?``,
        as the font lacks it
    :param left: left edge in pixels
    :param top: top edge in pixels
    :param height: of a capital in pixels
    """
    plain = (each for each in normalize('NFKD', content) if not combining(each))
    shown = ''.join(letter if ' ' <= letter <= '~' else '?' for letter in plain)
    thickness = _thickness(height)
    (width, ascent), descent = cv2.getTextSize(shown, FONT, height / CAPITAL_HEIGHT, thickness)
    # Strokes reach half their thickness beyond their middle, and anti-aliasing a pixel more.
    edge = thickness // 2 + 1
    ascent += height // 6 + 1  # brackets and bars rise above the capitals that OpenCV measures
    rect = Rect(left, top, width + 2 * edge, ascent + descent + 2 * edge)
    return Text(shown, rect, baseline=top + edge + ascent, height=height)


def fit_text(content: str, left: int, top: int, height: int, width: int) -> Text:
    """
    Place a line of text that is no wider than ``width`` pixels.

    Where it is, what stands before a short last word, such as a number, is cut; where that does
    not fit beside one letter, it is left out. Other texts are cut at their end.
    """
    content = content.strip()
    before, _, last = content.rpartition(' ')
    shorter = [content]
    if len(last) <= LONGEST_NUMBER and before:
        shorter += [f'{before[:count]}.. {last}' for count in range(len(before) - 1, 0, -1)]
        content = before
    shorter += [content[:count] for count in range(len(content), -1, -1)]
    for each in shorter:
        text = set_text(each, left, top, height)
        if text.right <= left + width:
            break
    return text


def draw_text(canvas: ImageBGR, text: Text, color: tuple[int, int, int]) -> None:
    """Write a text into a picture, in BGR."""
    thickness = _thickness(text.height)
    origin = (text.rect.left + thickness // 2 + 1, text.baseline)
    scale = text.height / CAPITAL_HEIGHT
    cv2.putText(canvas, text.content, origin, FONT, scale, color, thickness, cv2.LINE_AA)


def _thickness(height: int) -> int:
    return 1 if height < BOLD_FROM else max(2, round(height / 9))
