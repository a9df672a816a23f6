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
A clip for a machine without a camera, made when needed from one portrait.

The camera pans and zooms over the portrait while the light changes; a second person, who is the
first one mirrored and recoloured, comes in from the right and leaves again. Frame ``i`` is the
same on every run.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
import itertools
import math

import cv2
import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.sources.base import FrameSource
from rtcnn_perception.core.sources.base import frozen
from rtcnn_perception.exceptions import SourceError

PORTRAIT = 'astronaut.jpg'
FPS = 30.0
SIZE = (640, 480)
"""Width and height of a frame in pixels."""
PERIOD_FRAMES = 300
"""After ten seconds the clip repeats, without a jump."""

EDGE_PX = 8.0
"""What the camera's view keeps to the portrait's edges, in the portrait's pixels."""
# fmt: off
PERSON_OUTLINE = (
    (155, 100), (153, 85), (160, 65), (175, 48), (190, 40), (205, 22), (235, 15), (262, 18),
    (285, 38), (300, 75), (300, 105), (287, 127), (276, 135), (264, 160), (262, 175), (285, 195),
    (303, 225), (306, 240), (340, 265), (355, 295), (361, 344), (330, 355), (300, 385), (284, 430),
    (278, 470), (282, 511), (30, 511), (20, 410), (27, 342), (40, 293), (67, 244), (108, 212),
    (114, 195), (124, 167), (150, 152), (183, 148), (186, 132), (172, 122), (160, 112),
)
# fmt: on
"""Outline of the person in the portrait without the helmet, in its pixels, drawn by hand."""
VISITOR_SCALE = 1.0
"""Size of the second person in a frame, relative to the portrait's pixels."""
VISITOR_FRAMES = (60, 230)
"""The frames in which the second person is at least partly in the picture."""


class BuiltinClip(FrameSource):
    """
    The clip as an endless source, and as a function of the frame's number.

    :param portrait: (512, 512, 3) uint8 BGR; None takes the one in the package
    :raises SourceError: if the package's portrait is missing or damaged
    """

    name = 'builtin'
    fps = FPS
    size = SIZE

    def __init__(self, portrait: ImageBGR | None = None) -> None:
        self._portrait = load_portrait() if portrait is None else portrait
        self._visitor, self._opacity = _make_visitor(self._portrait)

    def __iter__(self) -> Iterator[ImageBGR]:
        return (frozen(self.frame(index)) for index in itertools.count())

    def frame(self, index: int) -> ImageBGR:
        """Return frame ``index``, counted from 0; after the last one the clip starts again."""
        phase = 2 * math.pi * (index % PERIOD_FRAMES) / PERIOD_FRAMES
        frame = self._view(phase)
        self._blend_visitor(frame, index % PERIOD_FRAMES)
        gain = 1.0 + 0.22 * math.sin(2 * phase)
        return np.asarray(cv2.convertScaleAbs(frame, alpha=gain), dtype=np.uint8)

    def _view(self, phase: float) -> ImageBGR:
        """Return the portrait as a camera shows it that pans and zooms."""
        zoom = 1.55 + 0.25 * math.sin(phase - math.pi / 2)
        # The camera's view stays inside the portrait, but for a corner where it rotates.
        room = max(self._portrait.shape[1] / 2 - SIZE[0] / 2 / zoom - EDGE_PX, 0.0)
        center_x = self._portrait.shape[1] / 2 + room * math.sin(phase)
        center_y = SIZE[1] / 2 / zoom + 2 * EDGE_PX + EDGE_PX * math.sin(2 * phase)
        turn = math.radians(2.0 * math.sin(phase + 1.0))
        cosine, sine = zoom * math.cos(turn), zoom * math.sin(turn)
        matrix = np.array(
            [
                [cosine, -sine, SIZE[0] / 2 - cosine * center_x + sine * center_y],
                [sine, cosine, SIZE[1] / 2 - sine * center_x - cosine * center_y],
            ]
        )
        view = cv2.warpAffine(
            self._portrait, matrix, SIZE, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
        )
        return np.asarray(view, dtype=np.uint8)

    def _blend_visitor(self, frame: ImageBGR, index: int) -> None:
        """Blend the second person into a frame, while they are in the picture."""
        first, last = VISITOR_FRAMES
        if not first <= index <= last:
            return
        way_in = math.sin(math.pi * (index - first) / (last - first))
        left = round(SIZE[0] - way_in * (self._visitor.shape[1] - 40))
        top = round(72 + 10 * math.sin(index / 14.0))
        area = frame[top:, left : left + self._visitor.shape[1]]
        if area.size == 0:
            return
        height, width = area.shape[:2]
        opacity = self._opacity[:height, :width]
        visitor = self._visitor[:height, :width]
        area[:] = cv2.blendLinear(visitor, area, opacity, 1.0 - opacity)


def load_portrait() -> ImageBGR:
    """
    Decode the portrait that comes with the package.

    :raises SourceError: if it is missing or damaged
    """
    path = resources.files('rtcnn_perception').joinpath('assets').joinpath(PORTRAIT)
    data = path.read_bytes() if path.is_file() else b''
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    if image is None:
        raise SourceError(f'the portrait {path} is missing or damaged; install the package again')
    return np.asarray(image, dtype=np.uint8)


def _make_visitor(portrait: ImageBGR) -> tuple[ImageBGR, NDArray[np.float32]]:
    """
    Make another person of the portrait's: mirrored, darker of hair and skin, in a blue suit.

    :returns: the person with some background, and the opacity (H, W) float32 in [0, 1]
    """
    mask = np.zeros(portrait.shape[:2], np.uint8)
    outline = np.array(PERSON_OUTLINE, np.int32)
    cv2.fillPoly(mask, [outline], 255)
    opacity = cv2.GaussianBlur(mask, (0, 0), 2.5).astype(np.float32) / 255
    tones = cv2.cvtColor(portrait, cv2.COLOR_BGR2HSV)
    rows = np.arange(len(portrait))[:, None]
    is_suit = (tones[..., 1] > 100) & ((tones[..., 0] < 16) | (tones[..., 0] > 170)) & (rows > 190)
    tones[..., 0] = np.where(is_suit, 108, (tones[..., 0].astype(np.int16) - 5) % 180)
    tones[..., 2] = np.where(is_suit, tones[..., 2] * 0.7, tones[..., 2] * 0.85)
    recoloured = cv2.cvtColor(tones, cv2.COLOR_HSV2BGR)
    columns = slice(outline[:, 0].min() - 8, outline[:, 0].max() + 8)
    size = (0, 0)
    visitor, visitor_opacity = (
        cv2.resize(cv2.flip(layer[:, columns], 1), size, fx=VISITOR_SCALE, fy=VISITOR_SCALE)
        for layer in (recoloured, opacity)
    )
    return np.asarray(visitor, np.uint8), np.asarray(visitor_opacity, np.float32)
