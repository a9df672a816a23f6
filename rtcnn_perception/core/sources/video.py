"""A video file as a source of frames."""

from __future__ import annotations

from collections.abc import Iterator
import math
from pathlib import Path

import cv2
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.decoding.limits import MAX_PICTURE_PIXELS
from rtcnn_perception.core.sources.base import FrameSource
from rtcnn_perception.core.sources.base import frozen
from rtcnn_perception.core.sources.base import sane_fps
from rtcnn_perception.core.sources.base import size_of
from rtcnn_perception.exceptions import SourceError


class VideoSource(FrameSource):
    """A video or an animated GIF, as OpenCV's backends decode it."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._path = path
        capture = self._open()
        is_read, first = capture.read()
        if not is_read:
            capture.release()
            raise SourceError(
                f'{path} cannot be decoded as a video or a picture; check that it is whole, or '
                'convert it, for instance to .mp4 or .png'
            )
        self.fps = sane_fps(capture.get(cv2.CAP_PROP_FPS))
        self.size = size_of(first)
        count = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self.frame_count = round(count) if math.isfinite(count) and count >= 1 else None
        self.has_one_frame = not capture.grab()
        capture.release()

    def __iter__(self) -> Iterator[ImageBGR]:
        """Decode the file from its start; a damaged end is the end."""
        capture = self._open()
        try:
            is_read, frame = capture.read()
            while is_read:
                yield frozen(frame)
                is_read, frame = capture.read()
        finally:
            capture.release()

    def _open(self) -> cv2.VideoCapture:
        capture = cv2.VideoCapture(str(self._path))
        width, height = (
            int(capture.get(side))
            for side in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
        )
        if width * height > MAX_PICTURE_PIXELS:
            capture.release()
            raise SourceError(
                f'{self._path} has frames of {width}x{height} pixels; expected '
                f'{MAX_PICTURE_PIXELS:.0f} pixels at most'
            )
        return capture
