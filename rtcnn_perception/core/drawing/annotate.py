"""Faces and what is seen in them, drawn into the picture."""

from __future__ import annotations

from collections.abc import Mapping
import colorsys

import cv2
import numpy as np
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.drawing.layout import FaceLayout
from rtcnn_perception.core.drawing.layout import FaceLines
from rtcnn_perception.core.drawing.layout import lay_out
from rtcnn_perception.core.drawing.layout import Panel
from rtcnn_perception.core.drawing.rect import Rect
from rtcnn_perception.core.drawing.text import draw_text
from rtcnn_perception.core.pipeline import JudgedFace
from rtcnn_perception.core.pipeline import JudgedFrame
from rtcnn_perception.core.tracking.tracker import TrackState

GOLDEN_RATIO = 0.618033988749895
"""Steps of this fraction of the colour circle keep any number of hues apart."""

SATURATION, VALUE, COASTED_VALUE = 0.62, 1.0, 0.55

DARK, LIGHT, MUTED, TRACK = (24, 24, 24), (255, 255, 255), (200, 200, 200), (78, 78, 78)
PANEL_DIMMING = 0.28
"""What is left of the picture's light under a panel, for white text to be read on it."""


def annotate(
    judged: JudgedFrame, labels: Mapping[str, tuple[str, ...]], *, bars: bool = True
) -> ImageBGR:
    """
    Draw the faces of a frame into a copy of its image.

    :param labels: classes in order, by attribute, as ``AttributeClassifier.labels`` has them
    :param bars: whether to draw a bar for each emotion, where there is room
    :returns: (H, W, 3) uint8, BGR
    """
    canvas: ImageBGR = judged.faces_in_frame.frame.image.copy()
    picture = Rect(0, 0, canvas.shape[1], canvas.shape[0])
    shown, lines = [], []
    for face in judged.faces:
        box = face.track.box.clip_to(picture.width, picture.height)
        if box is not None:
            shown.append(face.track)
            lines.append(_lines_of(face, Rect.about(box).pushed_into(picture), labels, bars))
    layouts = lay_out(tuple(lines), (picture.width, picture.height))
    colors = [color_of(track.track_id, track.state is TrackState.COASTED) for track in shown]
    for track, layout, color in zip(shown, layouts, colors, strict=True):
        is_dashed = track.state is TrackState.COASTED
        (_draw_dashed_box if is_dashed else _draw_box)(canvas, layout, color)
    for layout, color in zip(layouts, colors, strict=True):
        if layout.panel is not None:
            _draw_panel(canvas, layout.panel, color)
        if layout.caption is not None:
            _fill(canvas, layout.caption.ground, color)
            draw_text(canvas, layout.caption.text, _readable_on(color))
    return canvas


def color_of(track_id: int, is_coasted: bool = False) -> tuple[int, int, int]:
    """Return the colour of a track in BGR: the same for ever, dimmer while it is out of sight."""
    value = COASTED_VALUE if is_coasted else VALUE
    red, green, blue = colorsys.hsv_to_rgb(track_id * GOLDEN_RATIO % 1.0, SATURATION, value)
    return round(blue * 255), round(green * 255), round(red * 255)


def _lines_of(
    face: JudgedFace, box: Rect, labels: Mapping[str, tuple[str, ...]], bars: bool
) -> FaceLines:
    name = f'#{face.track.track_id}'
    said, short = [], []
    for attribute in ('gender', 'emotion'):
        probabilities = face.smoothed.get(attribute)
        if probabilities is not None:
            best = int(np.argmax(probabilities))
            short.append(labels[attribute][best])
            said.append(f'{short[-1]} {probabilities[best]:.0%}')
    captions = ('  '.join((name, *said)), ' '.join((name, *short)), ' '.join((name, *short[-1:])))
    emotion = face.smoothed.get('emotion')
    rows: tuple[tuple[str, float], ...] = ()
    if bars and emotion is not None:
        rows = tuple(zip(labels['emotion'], emotion.tolist(), strict=True))
    return FaceLines(box, tuple(dict.fromkeys((*captions, name))), rows)


def _draw_box(canvas: ImageBGR, layout: FaceLayout, color: tuple[int, int, int]) -> None:
    """Draw a thin box with strong corners, and a dark rim that shows on any picture."""
    box, line = layout.box, layout.line
    right, bottom = box.right - 1, box.bottom - 1
    rim = line // 2 + 1
    outer = ((box.left - rim, box.top - rim), (right + rim, bottom + rim))
    cv2.rectangle(canvas, *outer, DARK, 1, cv2.LINE_8)
    cv2.rectangle(canvas, (box.left, box.top), (right, bottom), color, line, cv2.LINE_8)
    length, strong = 1 + min(box.width, box.height) // 5, line + (line + 1) // 2
    for left in (box.left - line, box.right + line - length):
        for top in (box.top - line, box.bottom + line - strong):
            _fill(canvas, Rect(left, top, length, strong), color)
    for left in (box.left - line, box.right + line - strong):
        for top in (box.top - line, box.bottom + line - length):
            _fill(canvas, Rect(left, top, strong, length), color)


def _draw_dashed_box(canvas: ImageBGR, layout: FaceLayout, color: tuple[int, int, int]) -> None:
    box, line = layout.box, layout.line
    dash = max(4, 4 * line)
    right, bottom = box.right - 1, box.bottom - 1
    for x in range(box.left, box.right, 2 * dash):
        for y in (box.top, bottom):
            cv2.line(canvas, (x, y), (min(x + dash, right), y), color, line + 1, cv2.LINE_8)
    for y in range(box.top, box.bottom, 2 * dash):
        for x in (box.left, right):
            cv2.line(canvas, (x, y), (x, min(y + dash, bottom)), color, line + 1, cv2.LINE_8)


def _draw_panel(canvas: ImageBGR, panel: Panel, color: tuple[int, int, int]) -> None:
    ground = panel.ground
    under = canvas[ground.top : ground.bottom, ground.left : ground.right]
    under[...] = cv2.convertScaleAbs(under, alpha=PANEL_DIMMING)
    for bar in panel.bars:
        draw_text(canvas, bar.text, LIGHT if bar.is_top else MUTED)
        _fill(canvas, bar.full, TRACK)
        _fill(canvas, bar.rect, color if bar.is_top else MUTED)


def _fill(canvas: ImageBGR, rect: Rect, color: tuple[int, int, int]) -> None:
    far = (rect.right - 1, rect.bottom - 1)
    cv2.rectangle(canvas, (rect.left, rect.top), far, color, cv2.FILLED, cv2.LINE_8)


def _readable_on(color: tuple[int, int, int]) -> tuple[int, int, int]:
    """Return dark or light, whichever stands out: by the weights of ITU-R BT.601."""
    blue, green, red = color
    return DARK if 0.114 * blue + 0.587 * green + 0.299 * red > 120 else LIGHT
