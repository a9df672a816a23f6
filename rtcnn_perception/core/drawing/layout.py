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
The layout of an annotated picture: places for captions, bars and panels.

Nothing is drawn here. Each text, bar and panel gets a place inside the picture, where it covers no
face and no other text; where there is none, a shorter text or nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rtcnn_perception.core.drawing.rect import Rect
from rtcnn_perception.core.drawing.text import set_text
from rtcnn_perception.core.drawing.text import Text

LONGEST_LABEL = 14
"""Letters of a label that a panel shows; the rest is cut off."""

BAR_LENGTH = 6.0
"""Length of a bar at probability 1, in heights of its text."""

PANEL_IN_FACE = 6.0
"""How many times the area of its panel a face must have for the panel to lie upon it."""

PANEL_BESIDE_FACE = 3.0
"""How many times the area of its face a panel may take, however many faces there are."""

PANELS_IN_PICTURE = 0.12
"""Which part of the picture panels may take where they are larger than that."""


@dataclass(frozen=True, slots=True)
class FaceLines:
    """The texts of a face: the longest caption that fits, and bars."""

    box: Rect
    captions: tuple[str, ...]
    bars: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Caption:
    """A text on its background."""

    ground: Rect
    text: Text


@dataclass(frozen=True, slots=True)
class Bar:
    """A label, the bar beside it, and its length at probability 1."""

    text: Text
    rect: Rect
    full: Rect
    is_top: bool


@dataclass(frozen=True, slots=True)
class Panel:
    """Bars on their background."""

    ground: Rect
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class FaceLayout:
    """What is drawn for a face; ``line`` is the thickness of its box in pixels."""

    box: Rect
    line: int
    caption: Caption | None
    panel: Panel | None


def lay_out(faces: tuple[FaceLines, ...], size_wh: tuple[int, int]) -> tuple[FaceLayout, ...]:
    """
    Find places in a picture, for large faces before small ones.

    Every face gets its shortest caption before any gets a longer one, and panels come last.

    :param faces: N faces, their boxes inside the picture
    :param size_wh: of the picture in pixels
    :returns: N layouts, everything in them inside the picture
    """
    page = _Page(Rect(0, 0, *size_wh), [face.box for face in faces])
    order = sorted(range(len(faces)), key=lambda index: -faces[index].box.area)
    captions: list[Caption | None] = [None] * len(faces)
    panels: list[Panel | None] = [None] * len(faces)
    for is_shortest in (True, False):
        for index in order:
            face, caption = faces[index], captions[index]
            if caption is not None:
                page.taken.remove(caption.ground)
            choice = face.captions[-1:] if is_shortest else face.captions
            captions[index] = caption = _place_caption(face.box, choice, page)
            if caption is not None:
                page.taken.append(caption.ground)
    room = PANELS_IN_PICTURE * page.picture.area / max(1, len(faces))
    for index in order:
        panels[index] = panel = _place_panel(faces[index], captions[index], page, room)
        if panel is not None:
            page.taken.append(panel.ground)
    return tuple(
        FaceLayout(face.box, max(1, round(text_height(face.box, size_wh) / 6)), caption, panel)
        for face, caption, panel in zip(faces, captions, panels, strict=True)
    )


@dataclass(frozen=True, slots=True)
class _Page:
    """A picture, and what may not be covered in it."""

    picture: Rect
    taken: list[Rect]

    def find(self, ground: Rect, but: Rect | None = None) -> Rect | None:
        """Return the place pushed into the picture, or None where it covers something."""
        place = ground.pushed_into(self.picture)
        if not self.picture.holds(place):
            return None
        if any(place.overlaps(each) for each in self.taken if each is not but):
            return None
        return place

    def text_height(self, box: Rect) -> int:
        return text_height(box, (self.picture.width, self.picture.height))


def text_height(box: Rect, size_wh: tuple[int, int]) -> int:
    """
    Return the height of capitals in pixels: by the face, within what suits the picture.

    A picture is shown as large as the screen, whatever its pixels: hence limits as parts of its
    longer side. Below 7 pixels this font is not readable.
    """
    longer = max(size_wh)
    least, most = max(7.0, longer * 0.0095), max(8.0, longer * 0.0145)
    return round(min(max(box.width * 0.12, least), most))


def _place_caption(box: Rect, contents: tuple[str, ...], page: _Page) -> Caption | None:
    height = page.text_height(box)
    inside = None
    for content in contents:
        ground = _caption_at(content, box.left, box.top, height).ground
        for top in (box.top - ground.height, box.bottom):
            for left in (box.left, box.right - ground.width):
                place = page.find(ground.moved_to(left, top))
                if place is not None:
                    return _caption_at(content, place.left, place.top, height)
        if inside is None and ground.width <= box.width and 2 * ground.height <= box.height:
            place = page.find(ground, but=box)
            inside = place and _caption_at(content, place.left, place.top, height)
    return inside


def _caption_at(content: str, left: int, top: int, height: int) -> Caption:
    pad = max(1, height // 4)
    text = set_text(content, left + pad, top + pad // 2, height)
    ground = Rect(left, top, text.rect.width + 2 * pad, text.rect.height + 2 * (pad // 2))
    return Caption(ground, text)


def _place_panel(
    face: FaceLines, caption: Caption | None, page: _Page, room: float
) -> Panel | None:
    if not face.bars:
        return None
    box, height = face.box, round(page.text_height(face.box) * 0.9)
    ground = _panel_at(face.bars, 0, 0, height).ground
    places: list[tuple[int, int, Rect | None]] = []
    if ground.area <= max(PANEL_BESIDE_FACE * box.area, room):
        near = [box] if caption is None else [box, caption.ground]
        places += [(*corner, None) for corner in _beside(near, ground, height // 2)]
    if ground.area * PANEL_IN_FACE <= box.area:
        top = box.bottom - ground.height
        places += [(left, top, box) for left in (box.right - ground.width, box.left)]
    for left, top, but in places:
        place = page.find(ground.moved_to(left, top), but)
        if place is not None:
            return _panel_at(face.bars, place.left, place.top, height)
    return None


def _beside(near: list[Rect], ground: Rect, gap: int) -> Iterator[tuple[int, int]]:
    """Yield corners of a background next to a box, and its caption where that is in the way."""
    box = near[0]
    for top in (box.top, box.bottom - ground.height):
        yield box.right + gap, top
        yield box.left - gap - ground.width, top
    bottom = max(each.bottom for each in near)
    top = min(each.top for each in near)
    for left in (box.left, box.right - ground.width):
        yield left, bottom + gap
        yield left, top - gap - ground.height


def _panel_at(bars: tuple[tuple[str, float], ...], left: int, top: int, height: int) -> Panel:
    pad = max(2, height // 3)
    length = round(height * BAR_LENGTH)
    texts = []
    below = top + pad
    for label, _ in bars:
        text = set_text(label[:LONGEST_LABEL], left + pad, below, height)
        texts.append(text)
        below = text.rect.bottom
    bar_left = max(text.right for text in texts) + pad
    best = max(probability for _, probability in bars)
    placed = []
    for text, (_, probability) in zip(texts, bars, strict=True):
        thickness = max(2, round(height * 0.7))
        full = Rect(bar_left, text.baseline - (height + thickness) // 2, length, thickness)
        rect = Rect(full.left, full.top, max(1, round(length * probability)), thickness)
        placed.append(Bar(text, rect, full, is_top=probability == best))
    ground = Rect(left, top, bar_left + length + pad - left, below + pad // 2 - top)
    return Panel(ground, tuple(placed))
