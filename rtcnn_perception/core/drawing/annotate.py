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

"""Draw faces, track numbers and attributes into a picture."""

from __future__ import annotations

import colorsys
from typing import Final

import cv2
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.drawing.layout import FaceLayout
from rtcnn_perception.core.drawing.layout import FaceLines
from rtcnn_perception.core.drawing.layout import lay_out
from rtcnn_perception.core.drawing.layout import Panel
from rtcnn_perception.core.drawing.rect import Rect
from rtcnn_perception.core.drawing.text import draw_text
from rtcnn_perception.core.results import Face
from rtcnn_perception.core.results import FrameResult

GOLDEN_RATIO = 0.618033988749895
"""Steps of this fraction of the colour circle keep any number of hues apart."""

SATURATION, VALUE, COASTED_VALUE = 0.62, 1.0, 0.55

DARK, LIGHT, MUTED, TRACK = (24, 24, 24), (255, 255, 255), (200, 200, 200), (78, 78, 78)
PANEL_DIMMING = 0.28
"""Share of the picture's brightness that is left under a panel, so that white text is readable."""

NOSE: Final = 'nose'
"""The landmark at which the line of a head's direction begins."""

NOSE_LENGTH: Final = 0.7
"""Length of that line for a head that is seen from the side, in heights of its box."""


def annotate(result: FrameResult, *, bars: bool = True, poses: bool = True) -> ImageBGR:
    """
    Draw the faces of a frame into a copy of its image.

    :param bars: whether to draw a bar for each class of the first attribute that has more than
        two, where there is room
    :param poses: whether to draw how far a head is and where its nose points, where that is known
    :returns: (H, W, 3) uint8, BGR
    """
    canvas: ImageBGR = result.frame.image.copy()
    picture = Rect(0, 0, canvas.shape[1], canvas.shape[0])
    labels = {each.name: each.labels for each in result.attributes}
    bar_attribute = next((name for name, each in labels.items() if len(each) > 2), '')
    shown, lines = [], []
    for face in result.faces:
        box = face.box.clip_to(picture.width, picture.height)
        if box is not None:
            shown.append(face)
            rows: tuple[tuple[str, float], ...] = ()
            if bars and bar_attribute in face.attributes:
                attribute = face.attributes[bar_attribute]
                rows = tuple(
                    zip(labels[bar_attribute], attribute.probabilities.tolist(), strict=True)
                )
            place = Rect.about(box).pushed_into(picture)
            lines.append(FaceLines(place, _captions_of(result, face, with_distance=poses), rows))
    layouts = lay_out(tuple(lines), (picture.width, picture.height))
    colors = [color_of(face.track_id, face.is_coasted) for face in shown]
    for face, layout, color in zip(shown, layouts, colors, strict=True):
        (_draw_dashed_box if face.is_coasted else _draw_box)(canvas, layout, color)
    if poses:
        for face, layout, color in zip(shown, layouts, colors, strict=True):
            _draw_nose(canvas, result, face, layout.line, color)
    for layout, color in zip(layouts, colors, strict=True):
        if layout.panel is not None:
            _draw_panel(canvas, layout.panel, color)
        if layout.caption is not None:
            _fill(canvas, layout.caption.ground, color)
            draw_text(canvas, layout.caption.text, _readable_on(color))
    return canvas


def color_of(track_id: int, is_coasted: bool = False) -> tuple[int, int, int]:
    """Return the colour of a track in BGR: by its number alone, darker while it is coasted."""
    value = COASTED_VALUE if is_coasted else VALUE
    red, green, blue = colorsys.hsv_to_rgb(track_id * GOLDEN_RATIO % 1.0, SATURATION, value)
    return round(blue * 255), round(green * 255), round(red * 255)


def _captions_of(result: FrameResult, face: Face, *, with_distance: bool) -> tuple[str, ...]:
    """Return the captions of a face, the longest first."""
    name = f'#{face.track_id}'
    labels = result.texts(face)
    full = '  '.join((name, *result.texts(face, '.0%')))
    shorter = (' '.join((name, *labels)), ' '.join((name, *labels[:1])))
    captions: tuple[str, ...] = (full, *shorter, name)
    if with_distance and face.pose is not None:
        distance = f'{face.pose.distance:.1f} m'
        captions = (f'{full}  {distance}', *captions[:-1], f'{name} {distance}', name)
    return tuple(dict.fromkeys(captions))


def _draw_nose(
    canvas: ImageBGR, result: FrameResult, face: Face, line: int, color: tuple[int, int, int]
) -> None:
    """Draw where a head points, from its nose: nothing where that is straight at the camera."""
    pose = face.pose
    if pose is None or pose.rotation is None:
        return
    begin = face.box.center
    if face.landmarks is not None and NOSE in result.landmark_names:
        begin = tuple(face.landmarks[result.landmark_names.index(NOSE)].tolist())
    # As if the head were in the middle of the picture: what points at the camera has no length.
    ray = pose.position / pose.distance
    away = pose.rotation[:, 0] - float(pose.rotation[:, 0] @ ray) * ray
    length = NOSE_LENGTH * face.box.height
    end = (begin[0] + length * float(away[0]), begin[1] + length * float(away[1]))
    first, last = (tuple(round(each) for each in point) for point in (begin, end))
    cv2.line(canvas, first, last, DARK, line + 2, cv2.LINE_AA)
    cv2.line(canvas, first, last, color, line, cv2.LINE_AA)
    cv2.circle(canvas, first, line + 1, DARK, cv2.FILLED, cv2.LINE_AA)
    cv2.circle(canvas, first, line, color, cv2.FILLED, cv2.LINE_AA)


def _draw_box(canvas: ImageBGR, layout: FaceLayout, color: tuple[int, int, int]) -> None:
    """Draw a thin box with thick corners, and a dark rim that is visible on any picture."""
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
    """Return dark or light, whichever has more contrast: by the weights of ITU-R BT.601."""
    blue, green, red = color
    return DARK if 0.114 * blue + 0.587 * green + 0.299 * red > 120 else LIGHT
