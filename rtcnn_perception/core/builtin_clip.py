"""
A clip for a machine without a camera, made when needed from one portrait.

The camera pans and zooms over the portrait while the light changes; a second person, who is the
first one mirrored and recoloured, comes in from the right and leaves again. Frame ``i`` is the
same on every run.
"""

from __future__ import annotations

from importlib import resources
import math

import cv2
import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.exceptions import SourceError

PORTRAIT = 'astronaut.jpg'
FPS = 30.0
SIZE = (640, 480)
"""Width and height of a frame in pixels."""
PERIOD_FRAMES = 300
"""After ten seconds the clip repeats, without a jump."""

HEAD_XYWH = (128, 6, 196, 200)
"""The head in the portrait with some background about it, in its pixels."""
VISITOR_SCALE = 1.15
"""Size of the second head in a frame, relative to the portrait's pixels."""
VISITOR_FRAMES = (60, 210)
"""The frames between which the second person is at least partly in the picture."""


class BuiltinClip:
    """
    The clip as a function of the frame's number.

    :param portrait: (512, 512, 3) uint8 BGR; None takes the one in the package
    :raises SourceError: if the package's portrait is missing or damaged
    """

    fps = FPS
    size = SIZE

    def __init__(self, portrait: ImageBGR | None = None) -> None:
        self._portrait = load_portrait() if portrait is None else portrait
        self._visitor, self._visitor_alpha = _make_visitor(self._portrait)

    def frame(self, index: int) -> ImageBGR:
        """Return frame ``index``, counted from 0; after the last one the clip starts again."""
        phase = 2 * math.pi * (index % PERIOD_FRAMES) / PERIOD_FRAMES
        frame = self._view(phase)
        self._let_visitor_in(frame, index % PERIOD_FRAMES)
        gain = 1.0 + 0.22 * math.sin(2 * phase)
        return np.asarray(cv2.convertScaleAbs(frame, alpha=gain), dtype=np.uint8)

    def _view(self, phase: float) -> ImageBGR:
        """Look at the portrait with a camera that pans and zooms."""
        zoom = 1.55 + 0.25 * math.sin(phase - math.pi / 2)
        center_x = 250.0 + 45.0 * math.sin(phase)
        center_y = 165.0 + 12.0 * math.sin(2 * phase)
        turn = math.radians(3.0 * math.sin(phase + 1.0))
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

    def _let_visitor_in(self, frame: ImageBGR, index: int) -> None:
        """Blend the second head into a frame of our own making, where it is in the picture."""
        first, last = VISITOR_FRAMES
        if not first <= index <= last:
            return
        height, width = self._visitor.shape[:2]
        way_in = math.sin(math.pi * (index - first) / (last - first)) ** 0.6
        left = round(SIZE[0] - way_in * (width + 10))
        top = round(70 + 14 * math.sin(index / 14.0))
        shown = min(width, SIZE[0] - left)
        if shown <= 0:
            return
        area = frame[top : top + height, left : left + shown]
        alpha = self._visitor_alpha[:, :shown]
        area[:] = area + (self._visitor[:, :shown] - area) * alpha + 0.5


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


def _make_visitor(portrait: ImageBGR) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """
    Make another head of the portrait's.

    :returns: (H, W, 3) float32 BGR and its opacity (H, W, 1) float32 in [0, 1]
    """
    x, y, width, height = HEAD_XYWH
    head = cv2.flip(portrait[y : y + height, x : x + width], 1)
    tones = cv2.cvtColor(head, cv2.COLOR_BGR2HSV)
    tones[..., 0] = (tones[..., 0].astype(np.int16) - 4) % 180
    recoloured = cv2.cvtColor(tones, cv2.COLOR_HSV2BGR)
    size = (round(width * VISITOR_SCALE), round(height * VISITOR_SCALE))
    visitor = cv2.resize(recoloured, size, interpolation=cv2.INTER_LINEAR)
    rows, columns = np.mgrid[-1 : 1 : size[1] * 1j, -1 : 1 : size[0] * 1j]
    radius = np.sqrt(columns**2 + rows**2)
    alpha = np.clip((1.0 - radius) / 0.25, 0.0, 1.0)[..., None]
    return visitor.astype(np.float32), alpha.astype(np.float32)
