"""
Where everything stands in an annotated picture.

Nothing is drawn here. Each text, bar and panel gets a place inside the picture, where it hides no
face and no other text; where there is none, a shorter text or nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rtcnn_perception.core.lettering import set_text
from rtcnn_perception.core.lettering import Text
from rtcnn_perception.core.rect import Rect

LONGEST_LABEL = 14
"""Letters of a label that a panel shows; what comes beyond is cut."""

BAR_LENGTH = 4.5
"""Length of a bar at probability 1, in heights of its text."""

PANEL_IN_FACE = 6.0
"""How many times the area of its panel a face must have for the panel to lie upon it."""

PANEL_BESIDE_FACE = 3.0
"""How many times the area of its face a panel may take."""


@dataclass(frozen=True, slots=True)
class FaceLines:
    """What is to be said of a face: one of the captions, the longest that fits, and bars."""

    box: Rect
    captions: tuple[str, ...]
    bars: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Caption:
    """A text on its ground."""

    ground: Rect
    text: Text


@dataclass(frozen=True, slots=True)
class Bar:
    """A label, the bar beside it, and how long that would be at probability 1."""

    text: Text
    rect: Rect
    full: Rect
    is_top: bool


@dataclass(frozen=True, slots=True)
class Panel:
    """Bars on their ground."""

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
    Find places in a picture: for captions first, then for panels, large faces before small ones.

    :param faces: N faces, their boxes inside the picture
    :param size_wh: of the picture in pixels
    :returns: N layouts, everything in them inside the picture
    """
    picture = Rect(0, 0, *size_wh)
    order = sorted(range(len(faces)), key=lambda index: -faces[index].box.area)
    taken = [face.box for face in faces]
    captions: dict[int, Caption | None] = {}
    panels: dict[int, Panel | None] = {}
    for index in order:
        captions[index] = _place_caption(faces[index], picture, taken)
        if (caption := captions[index]) is not None:
            taken.append(caption.ground)
    for index in order:
        panels[index] = _place_panel(faces[index], picture, taken)
        if (panel := panels[index]) is not None:
            taken.append(panel.ground)
    return tuple(
        FaceLayout(face.box, _line(face.box, size_wh), captions[index], panels[index])
        for index, face in enumerate(faces)
    )


def text_height(box: Rect, size_wh: tuple[int, int]) -> int:
    """
    Return the height of capitals in pixels: by the face, within what suits the picture.

    A picture is looked at as large as the screen, whatever its pixels: hence limits as parts of
    its longer side. Below 7 pixels this font cannot be read.
    """
    longer = max(size_wh)
    least, most = max(7.0, longer * 0.0095), max(8.0, longer * 0.0145)
    return round(min(max(box.width * 0.12, least), most))


def _line(box: Rect, size_wh: tuple[int, int]) -> int:
    return max(1, round(text_height(box, size_wh) / 6))


def _place_caption(face: FaceLines, picture: Rect, taken: list[Rect]) -> Caption | None:
    box = face.box
    height = text_height(box, (picture.width, picture.height))
    inside = None
    for content in face.captions:
        caption = _caption_at(content, box.left, box.top, height)
        ground = caption.ground
        above, below = box.top - ground.height, box.bottom
        for top in (above, below):
            for left in (box.left, box.right - ground.width):
                place = _if_free(ground, left, top, picture, taken)
                if place is not None:
                    return _caption_at(content, place.left, place.top, height)
        if inside is None and _fits_in(ground, box):
            others = [each for each in taken if each is not box]
            place = _if_free(ground, box.left, box.top, picture, others)
            inside = place and _caption_at(content, place.left, place.top, height)
    return inside


def _caption_at(content: str, left: int, top: int, height: int) -> Caption:
    pad = max(1, height // 4)
    text = set_text(content, left + pad, top + pad // 2, height)
    ground = Rect(left, top, text.rect.width + 2 * pad, text.rect.height + 2 * (pad // 2))
    return Caption(ground, text)


def _fits_in(ground: Rect, box: Rect) -> bool:
    return ground.width <= box.width and 2 * ground.height <= box.height


def _place_panel(face: FaceLines, picture: Rect, taken: list[Rect]) -> Panel | None:
    if not face.bars:
        return None
    height = round(text_height(face.box, (picture.width, picture.height)) * 0.9)
    ground = _panel_at(face.bars, 0, 0, height).ground
    others = [each for each in taken if each is not face.box]
    for left, top, blockers in _panel_places(face.box, ground, taken, others, height):
        place = _if_free(ground, left, top, picture, blockers)
        if place is not None:
            return _panel_at(face.bars, place.left, place.top, height)
    return None


def _panel_places(
    box: Rect, ground: Rect, taken: list[Rect], others: list[Rect], gap: int
) -> Iterator[tuple[int, int, list[Rect]]]:
    """Give corners to try, best first, and what must not be hidden there."""
    if ground.area <= PANEL_BESIDE_FACE * box.area:
        gap = max(2, gap // 2)
        for top in (box.top, box.bottom - ground.height):
            yield box.right + gap, top, taken
            yield box.left - gap - ground.width, top, taken
        for left in (box.left, box.right - ground.width):
            yield left, box.bottom + gap, taken
            yield left, box.top - gap - ground.height, taken
    if ground.area * PANEL_IN_FACE <= box.area:
        yield box.right - ground.width, box.bottom - ground.height, others
        yield box.left, box.bottom - ground.height, others


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


def _if_free(
    ground: Rect, left: int, top: int, picture: Rect, blockers: list[Rect]
) -> Rect | None:
    """Return the place pushed into the picture, or None where it hides something."""
    place = Rect(left, top, ground.width, ground.height).pushed_into(picture)
    if not picture.holds(place) or any(place.overlaps(each) for each in blockers):
        return None
    return place
